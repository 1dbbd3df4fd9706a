"""The bytes that stand for a journal row in the transparency log, and nothing but that row.

Version 1 has 116 bytes, numbers big-endian and signed:

| from | bytes | what |
| --- | --- | --- |
| 0 | 1 | version: 1 |
| 1 | 16 | transfer's id |
| 17 | 8 | sequence |
| 25 | 8 | recorded at, in microseconds since 2000-01-01T00:00:00Z |
| 33 | 8 | number of the debited account |
| 41 | 8 | number of the credited account |
| 49 | 8 | amount in minor units |
| 57 | 4 | effective day, in days since 2000-01-01 |
| 61 | 3 | currency, ASCII |
| 64 | 2 | code |
| 66 | 2 | kind: 0 posted, 1 pending, 2 post of a pending one, 3 void, 4 expiry |
| 68 | 16 | entry's id, zeros if none |
| 84 | 16 | id of the pending transfer, zeros if none |
| 100 | 16 | id of the corrected transfer, zeros if none |

Every field has its fixed place, so two rows never have the same bytes. Times count from 2000 as
PostgreSQL's own do: `store.LEAF` makes the same bytes in the database, where it costs least. A
later version begins with another number and leaves the leaves before it as they are.
"""

import struct
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Final

from huitong.ledger.views import RecordedTransfer

VERSION: Final = 1
_LAYOUT: Final = struct.Struct(">B16sqqqqqi3shh16s16s16s")
LEAF_BYTES: Final = _LAYOUT.size
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NO_REFERENCE: Final = bytes(16)
_ID_START: Final = 1
_SEQUENCE: Final = struct.Struct(">q")
_SEQUENCE_START: Final = 17


def encode_transfer(transfer: RecordedTransfer) -> bytes:
    """Return the leaf of a journal row."""
    return _LAYOUT.pack(
        VERSION,
        transfer.id.bytes,
        transfer.sequence,
        (transfer.recorded_at - _EPOCH) // _MICROSECOND,
        transfer.debit_account_id,
        transfer.credit_account_id,
        transfer.amount.minor,
        _days(transfer.effective_on),
        transfer.amount.currency.encode("ascii"),
        transfer.code,
        transfer.kind,
        _reference(transfer.entry_id),
        _reference(transfer.pending_id),
        _reference(transfer.corrects_id),
    )


def read_leaf_id(leaf: bytes) -> uuid.UUID:
    """Return the id of the transfer that a leaf stands for."""
    return uuid.UUID(bytes=leaf[_ID_START : _ID_START + 16])


def read_leaf_sequence(leaf: bytes) -> int:
    """Return the sequence of the transfer that a leaf stands for."""
    (sequence,) = _SEQUENCE.unpack_from(leaf, _SEQUENCE_START)
    assert isinstance(sequence, int)
    return sequence


def _days(day: date) -> int:
    return day.toordinal() - _EPOCH.toordinal()


def _reference(identifier: uuid.UUID | None) -> bytes:
    return _NO_REFERENCE if identifier is None else identifier.bytes
