"""Proofs as documents: true ones hold for anybody, and nothing that was touched does."""

import copy
import json
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.checkpoints import open_checkpoint, sign_checkpoint
from huitong.kernel.errors import InvalidField, NotFound, Refusal
from huitong.kernel.ids import TRANSFER, show_id, uuid7
from huitong.kernel.merkle import hash_leaf, hash_node
from huitong.kernel.money import Money
from huitong.kernel.notes import get_public_key
from huitong.ledger.transparency import (
    Checkpoint,
    LogInconsistent,
    ProofNotValid,
    ProvenCheckpoint,
    ProvenGrowth,
    ProvenTransfer,
    TransferNotPublished,
    check_proof,
)
from huitong.ledger.transparency.documents import read_transfer, show_transfer, write_inclusion
from huitong.ledger.transparency.leaves import encode_transfer
from huitong.ledger.types import TransferKind
from huitong.ledger.views import RecordedTransfer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = "huitong/ledger/test"
PUBLIC_KEY = get_public_key(NAME, KEY)
TRANSFER_ROW = RecordedTransfer(
    id=uuid7(),
    sequence=65_537,
    recorded_at=datetime(2026, 3, 2, 4, 5, 6, 7, tzinfo=UTC),
    debit_account_id=100_000_000_190,
    credit_account_id=100_000_000_287,
    amount=Money(1_050, "CNY"),
    effective_on=date(2026, 3, 2),
    code=201,
    kind=TransferKind.POST_PENDING,
    entry_id=uuid7(),
    pending_id=uuid7(),
    corrects_id=None,
)
SIBLING = hash_leaf(b"another")
LEAF_HASH = hash_leaf(encode_transfer(TRANSFER_ROW))
SIGNED = Checkpoint(NAME, 2, hash_node(SIBLING, LEAF_HASH))
DOCUMENT = write_inclusion(TRANSFER_ROW, 1, [SIBLING], sign_checkpoint(SIGNED, KEY))


def check(document: object):
    return check_proof(json.dumps(document, ensure_ascii=False).encode(), PUBLIC_KEY)


def test_shows_a_transfer_as_people_read_it():
    shown = show_transfer(TRANSFER_ROW)
    assert shown["recorded_at"] == "2026-03-02T04:05:06.000007Z"
    assert shown["amount"] == {"amount": "10.50", "currency": "CNY"}
    assert (shown["kind"], shown["code"], shown["corrects"]) == ("post_pending", 201, None)
    assert read_transfer(json.loads(json.dumps(shown))) == TRANSFER_ROW


def test_checks_a_document_with_nothing_but_the_key():
    assert check(DOCUMENT) == ProvenTransfer(TRANSFER_ROW, 1, SIGNED)


def list_paths(value, path=()):
    if isinstance(value, dict):
        for name, member in value.items():
            yield from list_paths(member, (*path, name))
    elif isinstance(value, list):
        for position, member in enumerate(value):
            yield from list_paths(member, (*path, position))
    else:
        yield path


def get_at(value, path):
    for step in path:
        value = value[step]
    return value


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.lists(st.integers(), max_size=2),
)


@given(st.sampled_from(sorted(list_paths(DOCUMENT), key=str)), SCALARS)
def test_refuses_a_document_in_which_anything_was_changed(path, value):
    document = copy.deepcopy(DOCUMENT)
    old = get_at(document, path)
    if json.dumps(value) == json.dumps(old):
        return
    get_at(document, path[:-1])[path[-1]] = value
    with pytest.raises(Refusal) as caught:
        check(document)
    assert caught.value.code in {"proof_not_valid", "note_not_valid"}


@given(st.data())
def test_refuses_a_file_in_which_any_character_of_a_value_was_changed(data):
    path = data.draw(st.sampled_from([p for p in list_paths(DOCUMENT) if p != ("format",)]))
    document = copy.deepcopy(DOCUMENT)
    old = get_at(document, path)
    if not isinstance(old, str):
        return
    position = data.draw(st.integers(0, len(old) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda each: each != old[position]))
    get_at(document, path[:-1])[path[-1]] = old[:position] + character + old[position + 1 :]
    with pytest.raises(Refusal):
        check(document)


@given(st.binary(max_size=200))
def test_refuses_bytes_of_any_kind(content):
    with pytest.raises(Refusal):
        check_proof(content, PUBLIC_KEY)


MALFORMED = [
    b"{",
    b"{}",
    b"[]",
    b'{"format": "huitong-log-inclusion/1"}',
    b'{"format": "huitong-log-consistency/1", "from": 1, "to": 2, "hashes": []}',
    b'{"format": "huitong-log-inclusion/2"}',
    b'{"format": "x", "format": "x"}',
    b'{"a": ' + b"[" * 20_000,
    b'{"a": ' + b"9" * 20_000 + b"}",
    b" " * 65_537,
    json.dumps({**DOCUMENT, "more": 1}).encode(),
    json.dumps({**DOCUMENT, "hashes": {}}).encode(),
    json.dumps({**DOCUMENT, "hashes": [None]}).encode(),
    json.dumps({**DOCUMENT, "hashes": DOCUMENT["hashes"] * 2}).encode(),
    json.dumps({**DOCUMENT, "transfer": {**DOCUMENT["transfer"], "more": 1}}).encode(),
    json.dumps({**DOCUMENT, "transfer": {**DOCUMENT["transfer"], "sequence": 2**63}}).encode(),
    json.dumps({**DOCUMENT, "transfer": {**DOCUMENT["transfer"], "code": 201.0}}).encode(),
    json.dumps({**DOCUMENT, "transfer": {**DOCUMENT["transfer"], "code": "201"}}).encode(),
    json.dumps({**DOCUMENT, "transfer": []}).encode(),
]


@pytest.mark.parametrize("content", MALFORMED, ids=range(len(MALFORMED)))
def test_refuses_a_malformed_document(content):
    with pytest.raises(Refusal) as caught:
        check_proof(content, PUBLIC_KEY)
    assert caught.value.code in {"proof_not_valid", "note_not_valid"}


async def test_proves_every_transfer_in_every_checkpoint(books, log, make_journal):
    ids = await make_journal(258)
    first = await log.seal_and_publish()
    ids += await make_journal(3)
    second = await log.seal_and_publish()
    key = await log.public_key()

    for index in (0, 1, 127, 255, 256, 257, 258, 260):
        proven = check_proof(json.dumps(await log.prove(ids[index])).encode(), key)
        assert (proven.leaf_index, proven.checkpoint.size) == (index, 261)
        assert proven.transfer.id == ids[index]
        assert proven.transfer.amount.minor == (index + 1 if index < 258 else index - 257)
        assert proven.checkpoint == open_checkpoint(second.note, key)
    earlier = check_proof(json.dumps(await log.prove(ids[257], size=258)).encode(), key)
    assert earlier.checkpoint == open_checkpoint(first.note, key)


async def test_proves_that_the_log_only_grew(books, log, make_journal):
    published = []
    for count in (1, 6, 256, 3):
        await make_journal(count)
        published.append(await log.seal_and_publish())
    key = await log.public_key()

    for number, old in enumerate(published):
        for new in published[number:]:
            document = await log.prove_growth(old.size, new.size)
            assert check_proof(json.dumps(document).encode(), key) == ProvenGrowth(
                open_checkpoint(old.note, key), open_checkpoint(new.note, key)
            )
            if old is not new:
                swapped = {**document, "from": document["to"], "to": document["from"]}
                with pytest.raises(ProofNotValid):
                    check_proof(json.dumps(swapped).encode(), key)
    assert check_proof(published[0].note.encode(), key) == ProvenCheckpoint(
        Checkpoint(key.name, 1, published[0].root)
    )
    with pytest.raises(InvalidField):
        await log.prove_growth(7, 1)
    with pytest.raises(NotFound):
        await log.prove_growth(1, 8)


async def test_says_when_a_transfer_is_not_there_yet(books, log, make_journal):
    (first,) = await make_journal(1)
    with pytest.raises(TransferNotPublished, match="not in a checkpoint yet"):
        await log.prove(first)
    await log.seal()
    with pytest.raises(TransferNotPublished):
        await log.prove(first)
    await log.publish()
    assert (await log.prove(first))["leaf_index"] == 0
    (second,) = await make_journal(1)
    await log.seal_and_publish()
    with pytest.raises(TransferNotPublished, match="checkpoint of size 1"):
        await log.prove(second, size=1)
    with pytest.raises(NotFound):
        await log.prove(uuid7())
    with pytest.raises(NotFound):
        await log.prove(first, size=7)


async def test_proves_nothing_of_a_row_that_was_tampered_with(books, log, make_journal):
    first, second, third = await make_journal(3)
    await log.seal_and_publish()
    await books.tamper("UPDATE ledger.transfers SET amount = 9 WHERE id = $1", first)
    await books.tamper("DELETE FROM ledger.transfers WHERE id = $1", second)

    with pytest.raises(LogInconsistent, match="not what was sealed"):
        await log.prove(first)
    # Its neighbour is gone, yet it has its place.
    assert (await log.prove(third))["leaf_index"] == 2


async def test_finds_nothing_in_a_sound_log(books, log, make_journal):
    assert await log.differences() == []
    await make_journal(300)
    await log.seal_and_publish()
    await make_journal(3)
    assert await log.differences() == []
    await log.seal()
    assert await log.differences() == []


AN_ID = "(SELECT id FROM ledger.transfers ORDER BY sequence OFFSET 270 LIMIT 1)"
A_ROW_MORE = f"""
    INSERT INTO ledger.transfers
    SELECT overlay(id::text PLACING '000000' FROM 31)::uuid, sequence, recorded_at,
           debit_account_id, credit_account_id, amount, effective_on, currency, code, kind
      FROM ledger.transfers WHERE id = {AN_ID}
"""
ANOTHER_HASH = """
    UPDATE ledger.log_tiles SET hashes = overlay(hashes PLACING sha256('') FROM 33 FOR 32)
     WHERE level = 0 AND number = 0
"""
TAMPERINGS = [
    (f"UPDATE ledger.transfers SET amount = 1 WHERE id = {AN_ID}", {"leaf 270", "row"}),
    (f"UPDATE ledger.transfers SET recorded_at = now() WHERE id = {AN_ID}", {"leaf 270", "row"}),
    (f"UPDATE ledger.transfers SET corrects_id = id WHERE id = {AN_ID}", {"leaf 270", "row"}),
    (f"DELETE FROM ledger.transfers WHERE id = {AN_ID}", {"leaf 270"}),
    (A_ROW_MORE, {"row"}),
    (ANOTHER_HASH, {"leaf 1", "row", "tile 0 of level 1", "checkpoint of size 300"}),
    (
        "UPDATE ledger.log_tiles SET hashes = sha256('') WHERE level = 1",
        {"tile 0 of level 1"},
    ),
    ("DELETE FROM ledger.log_tiles WHERE level = 1", {"level 1", "tile 0 of level 1"}),
    ("UPDATE ledger.log_head SET size = 299", {"tile 1 of level 0"}),
    ("UPDATE ledger.log_head SET origin = 'other/log'", {"checkpoint of size 300"}),
    ("UPDATE ledger.log_checkpoints SET root = sha256('')", {"checkpoint of size 300"}),
    ("UPDATE ledger.log_checkpoints SET size = 301", {"checkpoint of size 301"}),
    ("UPDATE ledger.log_checkpoints SET size = 299", {"checkpoint of size 299"}),
    ("UPDATE ledger.log_checkpoints SET note = note || ' '", {"checkpoint of size 300"}),
    ("UPDATE ledger.log_checkpoints SET public_key = 'none'", {"checkpoint of size 300"}),
]


@pytest.mark.parametrize(
    ("statement", "subjects"), TAMPERINGS, ids=[str(number) for number in range(len(TAMPERINGS))]
)
async def test_finds_what_was_tampered_with(books, log, make_journal, statement, subjects):
    ids = await make_journal(300)
    await log.seal_and_publish()
    rows = {show_id(TRANSFER, each) for each in ids}
    await books.tamper(statement)

    differences = await log.differences()

    found = {
        "row" if each.subject in rows or each.subject.startswith("tr_") else each.subject
        for each in differences
    }
    assert found == subjects
    assert all(each.expected != each.found for each in differences)
