"""A changed, deleted or slipped-in audit record is found, also when a superuser did it."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from huitong.kernel import audit, audit_chain
from huitong.kernel.audit_chain import AuditReport, AuditRow, Trust, encode_row
from huitong.kernel.checkpoints import Published
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork, find_sql_state
from huitong.kernel.merkle import CompactRange, hash_leaf
from huitong.kernel.notes import PublicKey

_CLERK = Caller(actor="staff:li", request_id="req_1")
_NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


class Trail:
    """An audit trail, its sealer, its signer and its checker."""

    def __init__(self, database: Database, owner_url: str) -> None:
        self.database = database
        self.owner_url = owner_url

    async def record(self, count: int = 1) -> list[uuid.UUID]:
        async def command(uow: UnitOfWork) -> list[uuid.UUID]:
            return [
                await audit.record(uow, action="test.do", subject=f"acct_{n}", details={"n": n})
                for n in range(count)
            ]

        return await self.database.run(command, _CLERK)

    async def seal(self, limit: int = 1_000) -> int:
        return await self.database.run(lambda uow: audit_chain.seal_records(uow, limit=limit))

    async def publish(
        self,
        key: Ed25519PrivateKey = _KEY,
        *,
        is_new: bool = False,
        kept: str | None = None,
    ) -> Published:
        published = await self.database.run(
            lambda uow: audit_chain.publish_audit_checkpoint(
                uow, key=key, now=_NOW, kept=kept, is_new_key_wanted=is_new
            )
        )
        assert published is not None
        return published

    async def public_key(self, key: Ed25519PrivateKey = _KEY) -> PublicKey:
        return await self.database.run(lambda uow: audit_chain.get_audit_key(uow, key))

    async def verify(self, *notes: str) -> AuditReport:
        trust = Trust(keys=(await self.public_key(),), notes=notes)
        return await audit_chain.verify_audit(self.database, trust)

    async def tamper(self, *statements: str) -> None:
        """Do as a superuser who takes the triggers away and puts them back."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute("SET session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture
def trail(database: Database, owner_url: str) -> Trail:
    return Trail(database, owner_url)


async def test_an_honest_trail_is_clean_sealed_or_not(trail: Trail) -> None:
    assert (await trail.verify()).is_clean
    await trail.record(5)
    assert await trail.seal(limit=3) == 3
    first = await trail.publish()
    assert await trail.seal(limit=3) == 2
    assert await trail.seal() == 0
    second = await trail.publish()
    await trail.record(2)

    report = await trail.verify(first.note, second.note)

    assert report.is_clean
    assert (report.sealed, report.waiting, report.checkpoints) == (5, 2, 2)
    assert (first.size, second.size) == (3, 5)


async def test_seals_nothing_of_a_transaction_that_was_rolled_back(trail: Trail) -> None:
    async def command(uow: UnitOfWork) -> None:
        await audit.record(uow, action="test.do", subject="acct_1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await trail.database.run(command, _CLERK)

    assert await trail.seal() == 0
    report = await trail.verify()
    assert (report.is_clean, report.sealed, report.waiting) == (True, 0, 0)


async def test_seals_a_record_that_commits_long_after_younger_ones(trail: Trail) -> None:
    async with trail.database.unit_of_work(_CLERK) as uow:
        late = await audit.record(uow, action="test.do", subject="acct_late")
        await trail.record(3)
        assert await trail.seal() == 3
    assert await trail.seal() == 1

    async with trail.database.unit_of_work() as uow:
        rows = await uow.execute("SELECT audit_id FROM kernel.audit_leaves WHERE position = 3")
    assert [row[0] for row in rows] == [late]
    assert (await trail.verify()).is_clean


async def test_seals_every_record_once_with_many_sealers_beside_writers(trail: Trail) -> None:
    done = asyncio.Event()

    async def seal() -> int:
        sealed = 0
        while not done.is_set():
            sealed += await trail.seal(limit=7)
        return sealed

    sealing = [asyncio.create_task(seal()) for _ in range(3)]
    await asyncio.gather(*(trail.record(count) for count in (1, 30, 2, 12, 5, 50)))
    done.set()
    sealed = sum(await asyncio.gather(*sealing))
    while count := await trail.seal(limit=100):
        sealed += count

    assert sealed == 100
    report = await trail.verify()
    assert (report.is_clean, report.sealed, report.waiting) == (True, 100, 0)


async def test_goes_on_after_a_crash_as_if_nothing_had_been(trail: Trail) -> None:
    await trail.record(3)

    async def seal_and_crash(uow: UnitOfWork) -> None:
        assert await audit_chain.seal_records(uow) == 3
        raise RuntimeError("the power went out before the commit")

    with pytest.raises(RuntimeError):
        await trail.database.run(seal_and_crash)

    assert await trail.seal() == 3
    assert (await trail.verify()).is_clean


CHANGES = {
    "actor": "UPDATE kernel.audit SET actor = 'staff:wang' WHERE id = '{id}'",
    "action": "UPDATE kernel.audit SET action = 'test.dont' WHERE id = '{id}'",
    "subject": "UPDATE kernel.audit SET subject = 'acct_9' WHERE id = '{id}'",
    "request": "UPDATE kernel.audit SET request_id = NULL WHERE id = '{id}'",
    "details": "UPDATE kernel.audit SET details = '{{\"n\": 8}}' WHERE id = '{id}'",
    "time": "UPDATE kernel.audit SET recorded_at = recorded_at + interval '1 microsecond' "
    "WHERE id = '{id}'",
    "hash": "UPDATE kernel.audit_leaves SET leaf_hash = sha256('x') WHERE audit_id = '{id}'",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
async def test_names_the_record_that_was_changed(trail: Trail, statement: str) -> None:
    ids = await trail.record(4)
    await trail.seal()

    await trail.tamper(statement.format(id=ids[2]))

    report = await trail.verify()
    assert not report.is_clean
    assert f"record {ids[2]} at place 2" in [each.subject for each in report.differences]


async def test_names_the_record_that_was_deleted(trail: Trail) -> None:
    ids = await trail.record(3)
    await trail.seal()

    await trail.tamper(f"DELETE FROM kernel.audit WHERE id = '{ids[1]}'")

    (difference,) = (await trail.verify()).differences
    assert difference == (f"record {ids[1]} at place 1", "a record", "none: it was deleted")


async def test_names_a_record_that_was_deleted_before_it_was_sealed(trail: Trail) -> None:
    ids = await trail.record(2)
    await trail.tamper(f"DELETE FROM kernel.audit WHERE id = '{ids[0]}'")
    assert await trail.seal() == 1

    (difference,) = (await trail.verify()).differences
    assert difference == (f"record {ids[0]}", "a record that waits to be sealed", "none")


async def test_names_a_record_that_was_slipped_in(trail: Trail) -> None:
    await trail.record(2)
    await trail.seal()
    forged = uuid.uuid4()

    await trail.tamper(
        "INSERT INTO kernel.audit (id, actor, action, subject) "
        f"VALUES ('{forged}', 'staff:li', 'test.do', 'acct_1')"
    )

    (difference,) = (await trail.verify()).differences
    assert difference[0] == f"record {forged}"
    assert difference[2] == "one that was slipped in"


async def test_finds_a_record_whose_hash_was_changed_with_it(trail: Trail) -> None:
    await trail.record(3)
    await trail.seal()
    await trail.publish()
    await trail.record(4)
    await trail.seal()
    await trail.publish()
    await trail.record(1)
    await trail.seal()

    await _rewrite(trail, position=4)

    (difference,) = (await trail.verify()).differences
    assert difference[0] == "places 3 to 6"
    assert difference[1] == "the hashes that the checkpoint of size 7 was signed over"


async def test_finds_a_forged_checkpoint(trail: Trail) -> None:
    await trail.record(3)
    await trail.seal()
    await trail.publish()
    await _rewrite(trail, position=1)
    await trail.tamper("DELETE FROM kernel.audit_checkpoints")
    await trail.publish(_OTHER_KEY)

    (difference,) = (await trail.verify()).differences
    assert difference[:2] == ("checkpoint of size 3", "a note of a trusted key")


async def test_finds_a_trail_that_was_cut_off_by_the_note_that_was_kept(trail: Trail) -> None:
    ids = await trail.record(2)
    await trail.seal()
    await trail.publish()
    tree = await _read_tree(trail)
    kept_ids = await trail.record(1)
    await trail.seal()
    kept = await trail.publish()
    roots = b"".join(tree.roots).hex()

    await trail.tamper(
        f"DELETE FROM kernel.audit WHERE id = '{kept_ids[0]}'",
        f"DELETE FROM kernel.audit_leaves WHERE audit_id = '{kept_ids[0]}'",
        "DELETE FROM kernel.audit_checkpoints WHERE size > 2",
        f"UPDATE kernel.audit_head SET size = 2, roots = decode('{roots}', 'hex')",
    )

    assert len(ids) == 2
    assert (await trail.verify()).is_clean
    (difference,) = (await trail.verify(kept.note)).differences
    assert difference == ("kept checkpoint", "a trail of at least 3 records", "2")


async def test_finds_records_that_changed_places(trail: Trail) -> None:
    await trail.record(3)
    await trail.seal()
    await trail.publish()
    await trail.tamper(
        "UPDATE kernel.audit_leaves SET position = 9 WHERE position = 0",
        "UPDATE kernel.audit_leaves SET position = 0 WHERE position = 1",
        "UPDATE kernel.audit_leaves SET position = 1 WHERE position = 9",
    )
    subjects = [each.subject for each in (await trail.verify()).differences]
    assert subjects == ["places 0 to 2", "head"]


async def test_finds_a_leaf_that_was_taken_out(trail: Trail) -> None:
    ids = await trail.record(3)
    await trail.seal()
    await trail.tamper("DELETE FROM kernel.audit_leaves WHERE position = 1")
    subjects = [each.subject for each in (await trail.verify()).differences]
    assert subjects == [f"record {ids[2]} at place 2", "head", f"record {ids[1]}"]


async def test_refuses_to_sign_with_another_key_unless_it_is_meant(trail: Trail) -> None:
    await trail.record()
    await trail.seal()
    await trail.publish()
    await trail.record()
    await trail.seal()
    with pytest.raises(audit_chain.AuditKeyDiffers):
        await trail.publish(_OTHER_KEY)
    assert (await trail.publish(_OTHER_KEY, is_new=True)).size == 2

    both = Trust(keys=(await trail.public_key(), await trail.public_key(_OTHER_KEY)))
    assert (await audit_chain.verify_audit(trail.database, both)).is_clean


async def test_signs_again_only_what_has_grown_from_what_was_signed(trail: Trail) -> None:
    kept = None
    for count in (1, 6, 1, 9, 3):
        await trail.record(count)
        await trail.seal()
        published = await trail.publish(kept=kept)
        assert await trail.publish(kept=published.note) == published
        kept = published.note
    assert published.size == 20
    assert published.root == (await _read_tree(trail)).root()
    assert (await trail.verify(kept)).is_clean


@pytest.mark.parametrize("is_kept", [True, False])
async def test_does_not_sign_a_trail_that_was_rewritten(trail: Trail, is_kept: bool) -> None:
    await trail.record(5)
    await trail.seal()
    note = (await trail.publish()).note
    kept = note if is_kept else None
    await _rewrite(trail, position=1)
    if is_kept:
        await trail.tamper("DELETE FROM kernel.audit_checkpoints")
    await trail.record(2)
    await trail.seal()

    with pytest.raises(audit_chain.AuditTrailChanged, match="does not continue the 5 records"):
        await trail.publish(kept=kept)


async def test_does_not_sign_a_trail_that_was_cut_off(trail: Trail) -> None:
    await trail.record(2)
    await trail.seal()
    roots = b"".join((await _read_tree(trail)).roots).hex()
    await trail.record(3)
    await trail.seal()
    kept = (await trail.publish()).note
    await trail.tamper(
        "DELETE FROM kernel.audit_checkpoints",
        "DELETE FROM kernel.audit_leaves WHERE position >= 2",
        f"UPDATE kernel.audit_head SET size = 2, roots = decode('{roots}', 'hex')",
    )
    with pytest.raises(audit_chain.AuditTrailChanged, match="5 records were signed, and 2 are"):
        await trail.publish(kept=kept)


@pytest.mark.parametrize("note", ["note", "replace(note, E'\\n2\\n', E'\\n9\\n')", "'x'"])
async def test_does_not_take_a_forged_checkpoint_for_its_own(trail: Trail, note: str) -> None:
    await trail.record(2)
    await trail.seal()
    kept = (await trail.publish()).note
    await trail.tamper(
        f"INSERT INTO kernel.audit_checkpoints SELECT 9, root, {note}, public_key, signed_at "
        "FROM kernel.audit_checkpoints"
    )
    for known in (None, kept):
        with pytest.raises(audit_chain.AuditTrailChanged):
            await trail.publish(kept=known)


async def test_does_not_sign_what_contradicts_the_head(trail: Trail) -> None:
    await trail.record(2)
    await trail.seal()
    await trail.publish()
    await trail.tamper("UPDATE kernel.audit_head SET size = 3, roots = roots || roots")
    with pytest.raises(audit_chain.AuditTrailChanged, match="does not continue"):
        await trail.publish()


FORBIDDEN = [
    "UPDATE kernel.audit_leaves SET leaf_hash = sha256('')",
    "DELETE FROM kernel.audit_leaves",
    "TRUNCATE kernel.audit_leaves",
    "UPDATE kernel.audit_head SET size = 0, roots = ''",
    "UPDATE kernel.audit_head SET origin = 'other'",
    "DELETE FROM kernel.audit_head",
    "TRUNCATE kernel.audit_head",
    "UPDATE kernel.audit_checkpoints SET root = sha256('')",
    "DELETE FROM kernel.audit_checkpoints",
    "TRUNCATE kernel.audit_checkpoints",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_to_rewrite_the_chain(trail: Trail, statement: str) -> None:
    await trail.record(2)
    await trail.seal()
    await trail.publish()

    owner = await asyncpg.connect(trail.owner_url)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused_to_owner:
            await owner.execute(statement)
    finally:
        await owner.close()
    with pytest.raises(DBAPIError) as refused:
        async with trail.database.unit_of_work() as uow:
            await uow.execute(statement)

    assert refused_to_owner.value.sqlstate == "HT002"
    assert find_sql_state(refused.value) in {"42501", "HT002"}
    assert (await trail.verify()).is_clean


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO kernel.audit_unsealed VALUES (gen_random_uuid())",
        "UPDATE kernel.audit_unsealed SET audit_id = gen_random_uuid()",
    ],
)
async def test_only_the_trigger_puts_records_into_the_queue(trail: Trail, statement: str) -> None:
    await trail.record()
    with pytest.raises(DBAPIError) as refused:
        async with trail.database.unit_of_work() as uow:
            await uow.execute(statement)
    assert find_sql_state(refused.value) == "42501"


async def test_a_record_that_the_application_takes_off_the_queue_is_missed(trail: Trail) -> None:
    (taken,) = await trail.record()
    async with trail.database.unit_of_work() as uow:
        await uow.execute("DELETE FROM kernel.audit_unsealed")
    (difference,) = (await trail.verify()).differences
    assert difference[0] == f"record {taken}"


TEXTS = st.text(max_size=8)
ROWS = st.builds(
    AuditRow,
    id=st.uuids(),
    recorded_at=st.datetimes(timezones=st.just(UTC)),
    actor=TEXTS,
    action=TEXTS,
    subject=TEXTS,
    request_id=st.none() | TEXTS,
    details=TEXTS,
)


@given(ROWS, ROWS)
def test_two_records_never_have_the_same_leaf(one: AuditRow, other: AuditRow) -> None:
    assert (encode_row(one) == encode_row(other)) == (one == other)


def test_a_leaf_has_the_bytes_that_are_written_down() -> None:
    row = AuditRow(
        uuid.UUID(int=7), datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=258),
        "é", "b", "", None, "{}",
    )  # fmt: skip
    assert encode_row(row) == bytes.fromhex(
        "01" + 15 * "00" + "07" + "0000000000000102"
        "00000002c3a9" "0000000162" "00000000" "ffffffff" "000000027b7d"
    )  # fmt: skip


def test_keeps_the_newest_note_in_the_home(tmp_path: Path) -> None:
    path = tmp_path / audit_chain.CHECKPOINT_FILE
    assert audit_chain.read_kept_checkpoint(path) is None
    for note in ("one\n", "two\n", "two\n"):
        audit_chain.keep_checkpoint(
            tmp_path,
            Published(size=1, root=bytes(32), note=note, public_key="k", signed_at=_NOW),
        )
        assert audit_chain.read_kept_checkpoint(path) == note
    assert list(tmp_path.iterdir()) == [path]


@given(st.integers(0, 300))
def test_a_tree_goes_on_from_its_roots(size: int) -> None:
    hashes = [hash_leaf(bytes([n % 256, n // 256])) for n in range(size + 5)]
    whole, first = CompactRange(), CompactRange()
    whole.extend(hashes)
    first.extend(hashes[:size])
    rest = CompactRange(first.size, first.roots)
    rest.extend(hashes[size:])
    assert (rest.size, rest.root()) == (whole.size, whole.root())


@pytest.mark.parametrize(("size", "roots"), [(1, 0), (0, 1), (3, 1), (-1, 0)])
def test_a_tree_refuses_roots_that_do_not_fit(size: int, roots: int) -> None:
    with pytest.raises(ValueError, match="perfect subtrees"):
        CompactRange(size, [bytes(32)] * roots)


async def _read_tree(trail: Trail) -> CompactRange:
    async with trail.database.unit_of_work() as uow:
        rows = await uow.execute("SELECT leaf_hash FROM kernel.audit_leaves ORDER BY position")
    tree = CompactRange()
    tree.extend(row[0] for row in rows)
    return tree


async def _rewrite(trail: Trail, *, position: int) -> None:
    """Change a record and everything that follows from it, as far as no key is needed."""
    await trail.tamper(
        "UPDATE kernel.audit SET actor = 'staff:wang' FROM kernel.audit_leaves l "
        f"WHERE l.audit_id = audit.id AND l.position = {position}"
    )
    async with trail.database.unit_of_work() as uow:
        (row,) = await uow.execute(
            "SELECT a.id, recorded_at, actor, action, subject, request_id, details::text "
            "FROM kernel.audit a JOIN kernel.audit_leaves l ON l.audit_id = a.id "
            f"WHERE position = {position}"
        )
    forged = hash_leaf(encode_row(AuditRow(*row))).hex()
    await trail.tamper(
        f"UPDATE kernel.audit_leaves SET leaf_hash = decode('{forged}', 'hex') "
        f"WHERE position = {position}"
    )
    tree = await _read_tree(trail)
    roots = b"".join(tree.roots).hex()
    await trail.tamper(f"UPDATE kernel.audit_head SET roots = decode('{roots}', 'hex')")
