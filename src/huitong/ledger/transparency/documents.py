"""Proofs as small JSON documents, and how anybody checks one with the public key alone.

    {"format": "huitong-log-inclusion/1", "transfer": {…}, "leaf_index": 5,
     "hashes": ["…"], "checkpoint": "huitong/ledger/…\\n8\\n…"}
    {"format": "huitong-log-consistency/1", "from": "…", "to": "…", "hashes": ["…"]}

What a document shows is what it proves: the leaf is not in it but made from the fields of the
transfer that a person reads. Pure: no database, no platform.
"""

import json
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from huitong.kernel import limits
from huitong.kernel.checkpoints import Checkpoint, open_checkpoint
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import ENTRY, TRANSFER, read_id, show_id
from huitong.kernel.merkle import (
    ProofNotValid,
    check_consistency,
    check_inclusion,
    hash_leaf,
)
from huitong.kernel.money import Money
from huitong.kernel.notes import PublicKey, decode_base64, encode_base64
from huitong.ledger.numbers import read_account, show_account
from huitong.ledger.transparency.leaves import encode_transfer
from huitong.ledger.types import TransferKind
from huitong.ledger.views import RecordedTransfer

INCLUSION: Final = "huitong-log-inclusion/1"
CONSISTENCY: Final = "huitong-log-consistency/1"
_INCLUSION_MEMBERS: Final = {"format", "transfer", "leaf_index", "hashes", "checkpoint"}
_CONSISTENCY_MEMBERS: Final = {"format", "from", "to", "hashes"}

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class ProvenTransfer:
    """That this transfer, exactly as shown, is leaf `leaf_index` of the log."""

    transfer: RecordedTransfer
    leaf_index: int
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class ProvenGrowth:
    """That the log of the new checkpoint is that of the old one, with nothing but additions."""

    old: Checkpoint
    new: Checkpoint


@dataclass(frozen=True, slots=True)
class ProvenCheckpoint:
    """That a checkpoint was signed by the log."""

    checkpoint: Checkpoint


Proven = ProvenTransfer | ProvenGrowth | ProvenCheckpoint


def write_inclusion(
    transfer: RecordedTransfer, leaf_index: int, hashes: Sequence[bytes], note: str
) -> Document:
    """Return the document that proves a transfer under a checkpoint's note."""
    return {
        "format": INCLUSION,
        "transfer": show_transfer(transfer),
        "leaf_index": leaf_index,
        "hashes": [encode_base64(each) for each in hashes],
        "checkpoint": note,
    }


def write_consistency(old_note: str, new_note: str, hashes: Sequence[bytes]) -> Document:
    """Return the document that proves growth from one checkpoint's note to another's."""
    return {
        "format": CONSISTENCY,
        "from": old_note,
        "to": new_note,
        "hashes": [encode_base64(each) for each in hashes],
    }


def check_proof(content: bytes, public_key: PublicKey) -> Proven:
    """Return what a file proves: a document of either format, or a checkpoint's note by itself.

    Raises ProofNotValid, or NoteNotValid when the signature is at fault.
    """
    if len(content) > limits.LOG_PROOF_BYTES_MAX:
        raise ProofNotValid(f"A proof has at most {limits.LOG_PROOF_BYTES_MAX} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProofNotValid("A proof is text in UTF-8") from error
    if not text.lstrip().startswith("{"):
        return ProvenCheckpoint(open_checkpoint(text, public_key))
    document = _parse(text)
    match document.get("format"):
        case "huitong-log-inclusion/1":
            return _check_inclusion(document, public_key)
        case "huitong-log-consistency/1":
            return _check_consistency(document, public_key)
    raise ProofNotValid(f"format must be {INCLUSION} or {CONSISTENCY}", field="format")


def show_transfer(transfer: RecordedTransfer) -> Document:
    """Return a journal row with every field that its leaf has, as people and programs read it."""
    return {
        "id": show_id(TRANSFER, transfer.id),
        "sequence": transfer.sequence,
        "recorded_at": _show_instant(transfer.recorded_at),
        "debit_account": show_account(transfer.debit_account_id),
        "credit_account": show_account(transfer.credit_account_id),
        "amount": transfer.amount.to_json(),
        "effective_on": transfer.effective_on.isoformat(),
        "code": transfer.code,
        "kind": transfer.kind.name.lower(),
        "entry": _show_optional(ENTRY, transfer.entry_id),
        "pending": _show_optional(TRANSFER, transfer.pending_id),
        "corrects": _show_optional(TRANSFER, transfer.corrects_id),
    }


def read_transfer(value: object) -> RecordedTransfer:
    """Return the journal row that `show_transfer` showed; raises ProofNotValid for all else."""
    try:
        # Whatever is missing or of a wrong type ends in one of these, and what is merely written
        # in another way is found below: there is one way to write a transfer.
        transfer = _read_fields(value)
    except (Refusal, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProofNotValid(f"transfer is malformed: {error}", field="transfer") from error
    if not _is_same(show_transfer(transfer), value):
        raise ProofNotValid("transfer has members that are not written as ours", field="transfer")
    return transfer


def _read_fields(value: Any) -> RecordedTransfer:
    return RecordedTransfer(
        id=read_id(TRANSFER, value["id"], field="id"),
        sequence=value["sequence"],
        recorded_at=datetime.fromisoformat(value["recorded_at"]).astimezone(UTC),
        debit_account_id=read_account(value["debit_account"], field="debit_account"),
        credit_account_id=read_account(value["credit_account"], field="credit_account"),
        amount=Money.from_json(value["amount"]),
        effective_on=date.fromisoformat(value["effective_on"]),
        code=value["code"],
        kind=TransferKind[value["kind"].upper()],
        entry_id=_read_optional(ENTRY, value["entry"], "entry"),
        pending_id=_read_optional(TRANSFER, value["pending"], "pending"),
        corrects_id=_read_optional(TRANSFER, value["corrects"], "corrects"),
    )


def _is_same(shown: Document, value: object) -> bool:
    # As texts: to Python 1, 1.0 and True are equal, to a reader they are not.
    return json.dumps(shown, sort_keys=True) == json.dumps(value, sort_keys=True)


def _check_inclusion(document: Document, public_key: PublicKey) -> ProvenTransfer:
    _check_members(document, _INCLUSION_MEMBERS)
    checkpoint = open_checkpoint(_text(document, "checkpoint"), public_key)
    transfer = read_transfer(document["transfer"])
    try:
        leaf = encode_transfer(transfer)
    except struct.error as error:
        raise ProofNotValid("transfer has a number out of range", field="transfer") from error
    index = document["leaf_index"]
    if type(index) is not int:
        raise ProofNotValid("leaf_index must be a whole number", field="leaf_index")
    proof = _hashes(document)
    check_inclusion(hash_leaf(leaf), index, checkpoint.size, proof, checkpoint.root)
    return ProvenTransfer(transfer, index, checkpoint)


def _check_consistency(document: Document, public_key: PublicKey) -> ProvenGrowth:
    _check_members(document, _CONSISTENCY_MEMBERS)
    old = open_checkpoint(_text(document, "from"), public_key)
    new = open_checkpoint(_text(document, "to"), public_key)
    check_consistency(old.size, old.root, new.size, new.root, _hashes(document))
    return ProvenGrowth(old, new)


def _parse(text: str) -> Document:
    try:
        document = json.loads(text, object_pairs_hook=_take_once)
    except (ValueError, RecursionError) as error:
        raise ProofNotValid(f"The proof is not JSON: {error}") from error
    assert isinstance(document, dict), "what begins with a brace is an object"
    return document


def _take_once(pairs: list[tuple[str, object]]) -> Document:
    taken = dict(pairs)
    if len(taken) != len(pairs):
        raise ValueError("a member is there twice")
    return taken


def _check_members(document: Document, members: set[str]) -> None:
    if document.keys() != members:
        raise ProofNotValid(f"The members must be {', '.join(sorted(members))}, and no others")


def _text(document: Document, name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise ProofNotValid(f"{name} must be a text", field=name)
    return value


def _hashes(document: Document) -> list[bytes]:
    values = document["hashes"]
    if not isinstance(values, list):
        raise ProofNotValid("hashes must be a list", field="hashes")
    decoded = [decode_base64(each) for each in values]
    hashes = [each for each in decoded if each is not None]
    if len(hashes) != len(decoded):
        raise ProofNotValid("hashes must be in base64", field="hashes")
    return hashes


def _show_instant(instant: datetime) -> str:
    shown = instant.astimezone(UTC).isoformat(timespec="microseconds")
    return shown.removesuffix("+00:00") + "Z"


def _show_optional(prefix: str, identifier: uuid.UUID | None) -> str | None:
    return None if identifier is None else show_id(prefix, identifier)


def _read_optional(prefix: str, text: object, field: str) -> uuid.UUID | None:
    return None if text is None else read_id(prefix, text, field=field)
