"""Plain posted transfers of one currency as columns: the shape in which large batches move.

Ten thousand transfers as ten columns cost the database and this process a fraction of ten
thousand objects, and the net of each account is one sum.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits
from huitong.ledger.rules import ID_AGE_MAX, ID_AHEAD_MAX
from huitong.ledger.types import Entry, Request, Transfer, TransferKind

Integers = NDArray[np.int64]

_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_COPY_TRAILER: Final = b"\xff\xff"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATABASE_EPOCH_DAY: Final = date(2000, 1, 1).toordinal()
_UUID_BYTES: Final = 16
_VERSION_7: Final = 7
_VERSION_BYTE: Final = 6
_VARIANT_RFC: Final = 0b10
_VARIANT_BYTE: Final = 8
_JUST_BELOW_MS: Final = timedelta(microseconds=999)
_COPY_FIELDS: Final = (
    ("id", "V16"),
    ("sequence", ">i8"),
    ("recorded_at", ">i8"),
    ("debit_account_id", ">i8"),
    ("credit_account_id", ">i8"),
    ("amount", ">i8"),
    ("effective_on", ">i4"),
    ("currency", "S3"),
    ("code", ">i2"),
    ("kind", ">i2"),
)
#: A row's sequence is the number of its batch, shifted by this many bits, plus its position,
#: which begins with 1. A batch of more rows than positions goes on with the next number.
POSITION_BITS: Final = 16
POSITIONS: Final = 2**POSITION_BITS - 1
#: The columns that `encode_copy` fills, in its order.
COPY_COLUMNS: Final = tuple(name for name, _ in _COPY_FIELDS)
# PostgreSQL's binary COPY: a count of fields for each row, a length before each field.
_COPY_ROW: Final = np.dtype(
    [("count", ">i2")]
    + [part for name, kind in _COPY_FIELDS for part in ((f"{name}_length", ">i4"), (name, kind))]
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Plain posted transfers, each an entry of its own, of one currency, code and business day.

    `ids` are the sixteen bytes of each UUIDv7, one after the other; the arrays have one element
    for each transfer, amounts in minor units.
    """

    ids: bytes
    debit_account_ids: Integers
    credit_account_ids: Integers
    amounts: Integers
    currency: str
    code: int
    effective_on: date

    def __len__(self) -> int:
        return len(self.amounts)

    @classmethod
    def of(cls, transfers: Sequence[Transfer]) -> "Columns":
        """Make columns of transfers that have currency, code and business day in common."""
        first = transfers[0]
        return cls(
            ids=b"".join([transfer.id.bytes for transfer in transfers]),
            debit_account_ids=np.array([t.debit_account_id for t in transfers], np.int64),
            credit_account_ids=np.array([t.credit_account_id for t in transfers], np.int64),
            amounts=np.array([t.amount for t in transfers], np.int64),
            currency=first.currency,
            code=first.code,
            effective_on=first.effective_on,
        )

    def is_sound(self, now: datetime) -> bool:
        """Whether nothing about the transfers themselves could be refused.

        Amounts positive and not so large that sums could leave 63 bits, two accounts each,
        identifiers all different, of version 7 and made near `now`.
        """
        count = len(self)
        if count == 0 or len(self.ids) != count * _UUID_BYTES:
            return False
        if int(self.amounts.min()) <= 0 or int(self.amounts.max()) > 2**62 // count:
            return False
        if bool((self.debit_account_ids == self.credit_account_ids).any()):
            return False
        identifiers = np.frombuffer(self.ids, np.uint8).reshape(count, _UUID_BYTES)
        if bool((identifiers[:, _VERSION_BYTE] >> 4 != _VERSION_7).any()):
            return False
        if bool((identifiers[:, _VARIANT_BYTE] >> 6 != _VARIANT_RFC).any()):
            return False
        # The first 64 bits hold the time; the two bytes after it are shifted out.
        made_ms = (self._heads() >> np.uint64(16)).astype(np.int64)
        # Rounded up: what was made a fraction of a millisecond too early is too early.
        if int(made_ms.min()) < _to_ms(now - ID_AGE_MAX + _JUST_BELOW_MS):
            return False
        if int(made_ms.max()) > _to_ms(now + ID_AHEAD_MAX):
            return False
        return len(set(np.frombuffer(self.ids, "V16").tolist())) == count

    def bounds(self) -> tuple[uuid.UUID, uuid.UUID]:
        """Return two identifiers between which all of `ids` lie."""
        heads = self._heads()
        low, high = int(heads.min()), int(heads.max())
        return uuid.UUID(int=low << 64), uuid.UUID(int=high << 64 | 2**64 - 1)

    def has_any(self, identifiers: Iterable[uuid.UUID]) -> bool:
        """Whether any of `identifiers` is among `ids`."""
        wanted = {identifier.bytes for identifier in identifiers}
        return bool(wanted) and not wanted.isdisjoint(np.frombuffer(self.ids, "V16").tolist())

    def _heads(self) -> NDArray[np.uint64]:
        return np.frombuffer(self.ids, ">u8")[::2].astype(np.uint64)

    def net(self) -> tuple[Integers, Integers, Integers]:
        """Return the accounts in order of number, and each one's sums of debits and credits."""
        count = len(self)
        both = np.concatenate([self.debit_account_ids, self.credit_account_ids])
        accounts, places = np.unique(both, return_inverse=True)
        debits = np.zeros(len(accounts), np.int64)
        credits_ = np.zeros(len(accounts), np.int64)
        # Exact in integers; bincount with weights would add in floating point.
        np.add.at(debits, places[:count], self.amounts)
        np.add.at(credits_, places[count:], self.amounts)
        return accounts, debits, credits_

    def split(self) -> "list[Columns]":
        """Return the same transfers in parts that fit the positions of one number each."""
        return [
            replace(
                self,
                ids=self.ids[start * _UUID_BYTES : (start + POSITIONS) * _UUID_BYTES],
                debit_account_ids=self.debit_account_ids[start : start + POSITIONS],
                credit_account_ids=self.credit_account_ids[start : start + POSITIONS],
                amounts=self.amounts[start : start + POSITIONS],
            )
            for start in range(0, len(self), POSITIONS)
        ]

    @property
    def numbers(self) -> int:
        """How many numbers of batches the rows take up."""
        return -(-len(self) // POSITIONS)

    def encode_copy(self, sequence: int, recorded_at: datetime) -> bytes:
        """Return the rows in PostgreSQL's binary COPY format, for `COPY_COLUMNS`.

        `sequence` is the first number of the batch, shifted by POSITION_BITS.
        """
        rows = np.empty(len(self), _COPY_ROW)
        rows["count"] = len(_COPY_FIELDS)
        for name, kind in _COPY_FIELDS:
            rows[f"{name}_length"] = np.dtype(kind).itemsize
        rows["id"] = np.frombuffer(self.ids, "V16")
        count, positions = np.divmod(np.arange(len(self)), POSITIONS)
        rows["sequence"] = sequence + (count << POSITION_BITS) + positions + 1
        rows["recorded_at"] = _to_database_us(recorded_at)
        rows["debit_account_id"] = self.debit_account_ids
        rows["credit_account_id"] = self.credit_account_ids
        rows["amount"] = self.amounts
        rows["effective_on"] = self.effective_on.toordinal() - _DATABASE_EPOCH_DAY
        rows["currency"] = self.currency.encode()
        rows["code"] = self.code
        rows["kind"] = int(TransferKind.POSTED)
        return b"".join((_COPY_HEADER, rows.tobytes(), _COPY_TRAILER))

    def to_requests(self) -> list[Request]:
        """Return the same transfers as requests, for deciding one by one."""
        return [
            Request(
                Entry(
                    (
                        Transfer(
                            id=uuid.UUID(bytes=self.ids[at * _UUID_BYTES : (at + 1) * _UUID_BYTES]),
                            debit_account_id=debit,
                            credit_account_id=credit,
                            amount=amount,
                            currency=self.currency,
                            code=self.code,
                            effective_on=self.effective_on,
                        ),
                    )
                )
            )
            for at, (debit, credit, amount) in enumerate(
                zip(
                    self.debit_account_ids.tolist(),
                    self.credit_account_ids.tolist(),
                    self.amounts.tolist(),
                    strict=True,
                )
            )
        ]


def are_plain(transfers: Sequence[Transfer]) -> bool:
    """Whether all are posted at once, in one currency, with amounts that fit."""
    first = transfers[0]
    return all(
        transfer.kind is TransferKind.POSTED
        and transfer.currency == first.currency
        and transfer.amount is not None
        and 0 < transfer.amount <= limits.MINOR_UNITS_MAX // limits.BATCH_TRANSFERS_MAX
        and transfer.debit_account_id != transfer.credit_account_id
        for transfer in transfers
    )


def _to_ms(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def _to_database_us(instant: datetime) -> int:
    epoch = datetime(2000, 1, 1, tzinfo=instant.tzinfo)
    return (instant - epoch) // timedelta(microseconds=1)
