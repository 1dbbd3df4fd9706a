"""What the vault seals opens for its subject and field only, until the data is destroyed."""

import asyncio
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from huitong.kernel import audit, limits
from huitong.kernel.cryptography import KeyRing, SealBroken, load_key_ring
from huitong.kernel.database.unit_of_work import Database, find_sql_state
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import (
    DataDestroyed,
    SealsExhausted,
    SubjectUnknown,
    Vault,
    WrongSecrets,
)

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
NAME, MOBILE = "customers.people.name", "customers.people.mobile"
FIELDS = {NAME: "张小三", MOBILE: "13800001234"}


async def seal(
    database: Database, vault: Vault, subject_id: uuid.UUID, fields: dict[str, str] | None = None
) -> dict[str, bytes]:
    async with database.unit_of_work() as uow:
        return await vault.seal(uow, subject_id, FIELDS if fields is None else fields)


async def destroy(database: Database, vault: Vault, subject_id: uuid.UUID) -> bool:
    async with database.unit_of_work() as uow:
        return await vault.destroy(uow, subject_id, now=NOW)


async def test_opens_what_it_sealed(database: Database, vault: Vault) -> None:
    subject_id = uuid7()
    sealed = await seal(database, vault, subject_id)
    again = await seal(database, vault, subject_id)

    async with database.reading() as uow:
        assert await vault.open(uow, subject_id, sealed) == FIELDS
        assert await vault.open(uow, subject_id, again) == FIELDS

    assert sealed.keys() == FIELDS.keys()
    assert sealed[NAME] != again[NAME]
    assert not any(b"13800001234" in value for value in sealed.values())


async def test_another_process_opens_what_this_one_sealed(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    subject_id = uuid7()
    sealed = await seal(database, vault, subject_id)

    async with database.reading() as uow:
        other = Vault(load_key_ring(tmp_path))
        assert await other.open(uow, subject_id, sealed) == FIELDS


async def test_values_of_both_ciphers_open_side_by_side(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    subject_id = uuid7()
    aes = await seal(database, vault, subject_id)
    sm4 = await seal(database, Vault(ring, cipher="sm4-gcm"), subject_id)

    async with database.reading() as uow:
        mixed = {NAME: aes[NAME], MOBILE: sm4[MOBILE]}
        assert await vault.open(uow, subject_id, mixed) == FIELDS

    assert (aes[NAME][1], sm4[NAME][1]) == (1, 2)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    records=st.dictionaries(
        st.uuids(version=4),
        st.dictionaries(
            st.sampled_from([NAME, MOBILE, "identity.logins.name"]),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
            min_size=1,
        ),
        max_size=8,
    )
)
def test_any_records_come_back_as_they_were(
    owner_url: str, ring: KeyRing, records: dict[uuid.UUID, dict[str, str]]
) -> None:
    async def run() -> None:
        vault = Vault(ring)
        async with Database(owner_url, role="huitong_app", size=1) as database:
            async with database.unit_of_work() as uow:
                sealed = await vault.seal_many(uow, records)
            async with database.unit_of_work() as uow:
                assert await vault.open_many(uow, sealed) == records
                fresh = Vault(ring)
                assert await fresh.open_many(uow, sealed) == records

    asyncio.run(run())


async def test_refuses_values_that_were_moved(database: Database, vault: Vault) -> None:
    one, other = uuid7(), uuid7()
    sealed = await seal(database, vault, one)
    of_other = await seal(database, vault, other)

    async with database.reading() as uow:
        with pytest.raises(SealBroken, match=r"customers\.people\.mobile"):
            await vault.open(uow, one, {NAME: sealed[NAME], MOBILE: sealed[NAME]})
        with pytest.raises(SealBroken, match="sealed with key"):
            await vault.open(uow, one, of_other)
        with pytest.raises(SealBroken):
            await vault.open(uow, other, sealed)


async def test_a_wrapped_key_that_was_moved_opens_for_nobody_else(
    database: Database, vault: Vault, owner_url: str, ring: KeyRing
) -> None:
    one, other = uuid7(), uuid7()
    sealed = await seal(database, vault, one)
    await seal(database, vault, other)
    async with database.unit_of_work() as uow:
        await uow.execute(
            "UPDATE privacy.subject_keys SET wrapped = (SELECT wrapped FROM privacy.subject_keys "
            "WHERE subject_id = :one) WHERE subject_id = :other",
            one=one,
            other=other,
        )

    async with database.reading() as uow:
        with pytest.raises(SealBroken, match=f"data key of sub_{other.hex} does not open"):
            await Vault(ring).open(uow, other, sealed)


async def test_destroyed_data_opens_never_again(database: Database, vault: Vault) -> None:
    subject_id = uuid7()
    sealed = await seal(database, vault, subject_id)

    assert await destroy(database, vault, subject_id) is True
    assert await destroy(database, vault, subject_id) is False

    async with database.unit_of_work() as uow:
        with pytest.raises(DataDestroyed) as refused:
            await vault.open(uow, subject_id, sealed)
        with pytest.raises(DataDestroyed):
            await vault.seal(uow, subject_id, FIELDS)
        assert await vault.open_many(uow, {subject_id: sealed}) == {subject_id: None}
        row = await uow.fetch_one("SELECT wrapped, destroyed_at FROM privacy.subject_keys")
        (trail,) = await audit.list_records(uow)

    assert refused.value.context == {"subject": f"sub_{subject_id.hex}"}
    assert row is not None
    assert tuple(row) == (None, NOW)
    assert (trail.action, trail.details) == ("privacy.destroy_data", {})


async def test_a_process_that_remembers_the_key_sees_that_another_destroyed_it(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    subject_id = uuid7()
    sealed = await seal(database, vault, subject_id)
    async with database.reading() as uow:
        await vault.open(uow, subject_id, sealed)

    await destroy(database, Vault(ring), subject_id)

    async with database.unit_of_work() as uow:
        with pytest.raises(DataDestroyed):
            await vault.open(uow, subject_id, sealed)
        with pytest.raises(DataDestroyed):
            await vault.seal(uow, subject_id, FIELDS)


async def test_nothing_is_sealed_for_somebody_who_was_destroyed_before_the_first_seal(
    database: Database, vault: Vault
) -> None:
    subject_id = uuid7()

    assert await destroy(database, vault, subject_id) is False

    with pytest.raises(DataDestroyed):
        await seal(database, vault, subject_id)


async def test_one_destroyed_subject_does_not_hide_the_others(
    database: Database, vault: Vault
) -> None:
    gone, kept = uuid7(), uuid7()
    async with database.unit_of_work() as uow:
        sealed = await vault.seal_many(uow, {gone: FIELDS, kept: FIELDS})
    await destroy(database, vault, gone)

    async with database.reading() as uow:
        assert await vault.open_many(uow, sealed) == {gone: None, kept: FIELDS}


async def test_a_rolled_back_destruction_leaves_the_data(database: Database, vault: Vault) -> None:
    subject_id = uuid7()
    sealed = await seal(database, vault, subject_id)

    async with database.unit_of_work() as uow:
        await vault.destroy(uow, subject_id, now=NOW)
        await uow.connection.rollback()

    async with database.reading() as uow:
        assert await vault.open(uow, subject_id, sealed) == FIELDS


async def test_a_key_of_a_rolled_back_transaction_is_never_used(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    subject_id = uuid7()
    async with database.unit_of_work() as uow:
        await vault.seal(uow, subject_id, FIELDS)
        await uow.connection.rollback()

    sealed = await seal(database, Vault(ring), subject_id)
    later = await seal(database, vault, subject_id)

    async with database.reading() as uow:
        assert await vault.open(uow, subject_id, sealed) == FIELDS
        assert await Vault(ring).open(uow, subject_id, later) == FIELDS


async def test_destruction_waits_for_a_seal_that_came_first(
    database: Database, vault: Vault
) -> None:
    subject_id = uuid7()
    await seal(database, vault, subject_id)

    async with database.unit_of_work() as uow:
        sealed = await vault.seal(uow, subject_id, FIELDS)
        destroying = asyncio.create_task(destroy(database, vault, subject_id))
        await asyncio.sleep(0.1)
        assert not destroying.done()
    assert await destroying is True

    async with database.reading() as uow:
        with pytest.raises(DataDestroyed):
            await vault.open(uow, subject_id, sealed)


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_seal_that_comes_during_a_destruction_is_refused(
    database: Database, vault: Vault, is_new: bool
) -> None:
    subject_id = uuid7()
    if not is_new:
        await seal(database, vault, subject_id)

    async with database.unit_of_work() as uow:
        await vault.destroy(uow, subject_id, now=NOW)
        sealing = asyncio.create_task(seal(database, vault, subject_id))
        await asyncio.sleep(0.1)
        assert not sealing.done()

    with pytest.raises(DataDestroyed):
        await sealing


async def test_seals_and_a_destruction_at_once_leave_nothing_that_opens(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    subjects = [uuid7() for _ in range(4)]
    vaults = [vault, Vault(ring)]

    async def seal_or_none(index: int) -> dict[str, bytes] | None:
        try:
            return await seal(database, vaults[index % 2], subjects[index % 4])
        except DataDestroyed:
            return None

    sealed, _ = await asyncio.gather(
        asyncio.gather(*(seal_or_none(index) for index in range(24))),
        asyncio.gather(*(destroy(database, vault, each) for each in subjects)),
    )

    async with database.reading() as uow:
        for index, fields in enumerate(sealed):
            if fields is not None:
                with pytest.raises(DataDestroyed):
                    await vaults[index % 2].open(uow, subjects[index % 4], fields)
        assert (
            await uow.fetch_value(
                "SELECT count(*) FROM privacy.subject_keys WHERE wrapped IS NOT NULL"
            )
            == 0
        )


async def test_first_seals_at_once_agree_on_one_key(
    database: Database, vault: Vault, ring: KeyRing
) -> None:
    subject_id = uuid7()

    sealed = await asyncio.gather(
        *(seal(database, Vault(ring) if n % 2 else vault, subject_id) for n in range(8))
    )

    async with database.reading() as uow:
        for fields in sealed:
            assert await vault.open(uow, subject_id, fields) == FIELDS
        assert await uow.fetch_value("SELECT seals FROM privacy.subject_keys") == 16


async def test_batches_that_share_subjects_in_other_orders_do_not_wait_in_a_circle(
    database: Database, vault: Vault
) -> None:
    subjects = [uuid7() for _ in range(20)]

    async def seal_all(ordered: list[uuid.UUID]) -> None:
        async with database.unit_of_work() as uow:
            await vault.seal_many(uow, dict.fromkeys(ordered, FIELDS))

    for _ in range(3):
        await asyncio.gather(*(seal_all(subjects if n % 2 else subjects[::-1]) for n in range(6)))

    async with database.reading() as uow:
        counts = await uow.execute("SELECT DISTINCT seals FROM privacy.subject_keys")
    assert [row.seals for row in counts] == [36]


async def test_refuses_to_seal_more_than_is_safe(
    database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEALS_PER_KEY_MAX", 5)
    subject_id = uuid7()
    await seal(database, vault, subject_id)
    await seal(database, vault, subject_id)

    with pytest.raises(SealsExhausted):
        await seal(database, vault, subject_id)
    await seal(database, vault, subject_id, {NAME: "张三"})

    async with database.reading() as uow:
        assert await uow.fetch_value("SELECT seals FROM privacy.subject_keys") == 5


async def test_refuses_to_open_for_a_subject_without_data(database: Database, vault: Vault) -> None:
    async with database.reading() as uow:
        with pytest.raises(SubjectUnknown):
            await vault.open(uow, uuid7(), {NAME: b""})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "fields"),
        ({"name": "张三"}, "fields"),
        ({"Customers.people.name": "张三"}, "fields"),
        ({NAME: "a" * (limits.SEALED_TEXT_BYTES_MAX + 1)}, NAME),
        ({MOBILE: "1", NAME: "secret\ud800"}, NAME),
        ({f"a.b.c{number}": "x" for number in range(65)}, "fields"),
    ],
)
async def test_refuses_what_cannot_be_sealed_and_names_the_field(
    database: Database, vault: Vault, fields: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        await seal(database, vault, uuid7(), fields)

    assert refused.value.field == field
    assert "secret" not in str(refused.value)
    async with database.reading() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM privacy.subject_keys") == 0


async def test_refuses_too_many_subjects_at_once(database: Database, vault: Vault) -> None:
    many = {uuid.UUID(int=number): FIELDS for number in range(limits.SUBJECTS_AT_ONCE_MAX + 1)}
    async with database.unit_of_work() as uow:
        with pytest.raises(InvalidField, match="at most 1000"):
            await vault.seal_many(uow, many)
        with pytest.raises(InvalidField, match="at most 1000"):
            await vault.open_many(uow, {each: {NAME: b""} for each in many})


async def test_a_process_with_other_keys_seals_nothing(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    await seal(database, vault, uuid7())
    stranger = Vault(load_key_ring(tmp_path / "lost"))

    with pytest.raises(WrongSecrets, match="master_key_1"):
        await seal(database, stranger, uuid7())

    async with database.reading() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM privacy.subject_keys") == 1


async def test_says_at_start_that_its_secrets_are_others(
    database: Database, vault: Vault, tmp_path: Path
) -> None:
    stranger = Vault(load_key_ring(tmp_path / "lost"))
    async with database.reading() as uow:
        await stranger.check(uow)
    await seal(database, vault, uuid7())

    async with database.reading() as uow:
        await vault.check(uow)
        with pytest.raises(WrongSecrets, match="index_secret"):
            await stranger.check(uow)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM privacy.subject_keys",
        "TRUNCATE privacy.subject_keys CASCADE",
        "UPDATE privacy.subject_keys SET created_at = now()",
        "UPDATE privacy.secrets_in_use SET fingerprint = '12345678'",
        "DELETE FROM privacy.secrets_in_use",
    ],
)
async def test_the_application_may_not(database: Database, vault: Vault, statement: str) -> None:
    await seal(database, vault, uuid7())

    with pytest.raises(DBAPIError) as refused:
        async with database.unit_of_work() as uow:
            await uow.execute(statement)
    assert find_sql_state(refused.value) == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM privacy.subject_keys",
        "TRUNCATE privacy.subject_keys CASCADE",
        "UPDATE privacy.subject_keys SET destroyed_at = NULL, master_key = 1, wrapped = '\\x00'",
        "UPDATE privacy.secrets_in_use SET fingerprint = '12345678'",
    ],
)
async def test_even_the_owner_may_not(
    database: Database, vault: Vault, owner_url: str, statement: str
) -> None:
    subject_id = uuid7()
    await seal(database, vault, subject_id)
    await destroy(database, vault, subject_id)

    async with Database(owner_url) as owner:
        with pytest.raises(DBAPIError) as refused:
            async with owner.unit_of_work() as uow:
                await uow.execute(statement)
    assert find_sql_state(refused.value) == "HT002"
