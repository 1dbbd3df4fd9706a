"""Lines of a file as columns of numbers, and joined with our attempts, a million at a time.

Amounts are 64-bit integers in minor units throughout. A line takes 37 bytes here.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

_COMMA: Final = ord(",")
_NEWLINE: Final = ord("\n")
_ZERO: Final = ord("0")
_FIELDS: Final = 9
_ID_LENGTH: Final = 32
_NO_FEE: Final = -1
_IS_IN: Final = 1
_IS_MOVED: Final = 2
_CURRENCY_SHIFT: Final = 2
#: Beside these two in what the database sends of an attempt: it must be in its day's file.
_IS_EXPECTED: Final = 4
#: What each digit of `2026-11-23T12:00:00` counts in a day as 20261123, and in seconds of a day.
_DAY_WEIGHTS: Final = (10_000_000, 1_000_000, 100_000, 10_000, 0, 1_000, 100, 0, 10, 1)
_TIME_WEIGHTS: Final = (*(0,) * 11, 36_000, 3_600, 0, 600, 60, 0, 10, 1)
_SHANGHAI_SECONDS: Final = 8 * 3_600
_UTC_LENGTH: Final = len("2026-11-23T12:00:00Z")
_DAY_SECONDS: Final = 86_400
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
#: Sums of more than nine digits of many amounts do not fit 64 bits: halves are summed apart.
_HALF: Final = 1_000_000_000
_HEX: Final = np.full(256, 255, np.uint8)
_HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Columns:
    """Lines, or attempts of ours: ids as two halves, amounts and fees (-1 for none) in minor units.

    `codes` holds direction, whether it succeeded, and currency.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    amounts: Integers
    fees: Integers
    codes: NDArray[np.int32]
    #: Seconds since 1970 at which a line was booked; of ours, 0.
    booked: Integers
    #: Whether there is an id; of ours, whether it must be in its day's file.
    marked: Flags

    def __len__(self) -> int:
        return len(self.amounts)

    def take(self, rows: Integers) -> "Columns":
        """Return some of the rows."""
        return Columns(*(getattr(self, name)[rows] for name in self.__slots__))

    def sum_up(self) -> dict[str, tuple[int, int, int]]:
        """Return by currency what came in, went out and was charged."""
        is_in = (self.codes & _IS_IN) != 0
        fees = np.maximum(self.fees, 0)
        currencies, sums = self.codes >> _CURRENCY_SHIFT, {}
        for code in np.unique(currencies).tolist():
            own = currencies == code
            sums[_name_currency(code)] = (
                _add_up(self.amounts[own & is_in]),
                _add_up(self.amounts[own & ~is_in]),
                _add_up(fees[own]),
            )
        return sums

    def sum_charged(self, without: list[int]) -> dict[str, int]:
        """Return by currency the fees of what was carried, lines of some numbers left out."""
        is_charged = (self.codes & _IS_MOVED != 0) & (self.fees > 0)
        is_charged[np.array(without, np.int64) - 1] = False
        sums = self.take(np.flatnonzero(is_charged)).sum_up()
        return {currency: fees for currency, (_, _, fees) in sums.items()}


def join(parts: list[Columns]) -> Columns:
    """Return the rows of all parts."""
    if not parts:
        parts = [_EMPTY]
    return Columns(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Columns.__slots__)
    )


def encode_code(*, is_in: bool, is_moved: bool, currency: str) -> int:
    """Return direction, success and currency as one number."""
    first, second, third = currency.encode()
    code = first << 16 | second << 8 | third
    return code << _CURRENCY_SHIFT | is_moved * _IS_MOVED | is_in * _IS_IN


def parse(lines: bytes) -> Columns:
    """Return lines whose shape is right, each with its line end, as columns.

    Raises ValueError if one is of a day that the calendar does not have.
    """
    text = np.frombuffer(lines.translate(None, b"."), np.uint8)
    ends = np.flatnonzero((text == _COMMA) | (text == _NEWLINE)).reshape(-1, _FIELDS)
    begins = ends + 1
    named = ends[:, 1] - begins[:, 0] == _ID_LENGTH
    halves = np.zeros((len(ends), 2), np.uint64)
    halves[named] = _read_ids(text, begins[named, 0])
    direction, currency, state, at = (begins[:, field] for field in (2, 4, 6, 7))
    codes = np.zeros(len(ends), np.int32)
    for position in range(3):
        codes = codes << 8 | text[currency + position]
    codes = codes << _CURRENCY_SHIFT | np.where(text[state] == ord("s"), _IS_MOVED, 0)
    codes |= np.where(text[direction] == ord("i"), _IS_IN, 0)
    has_fee = ends[:, 6] > begins[:, 5]
    fees = np.where(has_fee, _read_numbers(text, begins[:, 5], ends[:, 6]), _NO_FEE)
    return Columns(
        high=halves[:, 0],
        low=halves[:, 1],
        amounts=_read_numbers(text, begins[:, 3], ends[:, 4]),
        fees=fees,
        codes=codes.astype(np.int32),
        booked=_read_times(text, at, ends[:, 8]),
        marked=named,
    )


def _read_ids(text: Bytes, begins: Integers) -> NDArray[np.uint64]:
    digits = _HEX[sliding_window_view(text, _ID_LENGTH)[begins]]
    packed = digits[:, ::2] << 4 | digits[:, 1::2]
    return packed.view(">u8").astype(np.uint64)


def _read_numbers(text: Bytes, begins: Integers, ends: Integers) -> Integers:
    lengths = ends - begins
    values = np.zeros(len(ends), np.int64)
    for place in range(int(lengths.max(initial=0))):
        digits = text[ends - 1 - place] - _ZERO
        digits[lengths <= place] = 0
        values += digits.astype(np.int64) * 10**place
    return values


def _read_times(text: Bytes, begins: Integers, ends: Integers) -> Integers:
    digits = sliding_window_view(text, len(_TIME_WEIGHTS))[begins] - _ZERO
    days = np.zeros(len(ends), np.int32)
    seconds = np.zeros(len(ends), np.int64)
    for position, weight in enumerate(_DAY_WEIGHTS):
        days += digits[:, position] * np.int32(weight)
    for position, weight in enumerate(_TIME_WEIGHTS):
        if weight:
            seconds += digits[:, position] * np.int64(weight)
    known, places = np.unique(days, return_inverse=True)
    ordinals = [
        date(day // 10_000, day // 100 % 100, day % 100).toordinal() for day in known.tolist()
    ]
    seconds += (np.array(ordinals, np.int64) - _EPOCH_DAY)[places] * _DAY_SECONDS
    return seconds - np.where(ends - begins > _UTC_LENGTH, _SHANGHAI_SECONDS, 0)


def _add_up(values: Integers) -> int:
    high, low = np.divmod(values, _HALF)
    return int(high.sum()) * _HALF + int(low.sum())


def _name_currency(code: int) -> str:
    return bytes((code >> 16 & 255, code >> 8 & 255, code & 255)).decode()


@dataclass(frozen=True, slots=True)
class Compared:
    """What is left when everything that agrees is taken away.

    `unlike` and `repeated` are the numbers of lines, in order; `absent` the ids of attempts, as
    their 16 bytes, that must be in the file and are not.
    """

    unlike: list[int]
    repeated: list[int]
    absent: list[bytes]


def compare(lines: Columns, ours: Columns, begin: datetime, end: datetime, most: int) -> Compared:
    """Return the lines of a file that do not agree at once with the attempts of a day.

    A line agrees if an attempt of its id is among ours, alike in direction, outcome, currency,
    amount and, where both state it and it is owed, fee, and if it was booked from `begin` to
    before `end`. At most `most` of each are returned. `ours` has an id once.
    """
    first, second, absent = _pair(lines, ours)
    fees = lines.fees[second], ours.fees[first]
    is_alike = (
        (lines.codes[second] == ours.codes[first])
        & (lines.amounts[second] == ours.amounts[first])
        & (
            (fees[0] == fees[1])
            | (fees[0] == _NO_FEE)
            | (fees[1] == _NO_FEE)
            | (lines.codes[second] & _IS_MOVED == 0)
        )
    )
    agrees = np.zeros(len(lines), np.bool_)
    agrees[second[is_alike]] = True
    agrees &= (lines.booked >= int(begin.timestamp())) & (lines.booked < int(end.timestamp()))
    absent = absent[ours.marked[absent]][:most]
    return Compared(
        unlike=(np.flatnonzero(~agrees)[:most] + 1).tolist(),
        repeated=(np.sort(_find_repeated(lines))[:most] + 1).tolist(),
        absent=[
            high.to_bytes(8, "big") + low.to_bytes(8, "big")
            for high, low in zip(ours.high[absent].tolist(), ours.low[absent].tolist(), strict=True)
        ],
    )


def _pair(lines: Columns, ours: Columns) -> tuple[Integers, Integers, Integers]:
    """Return rows of ours and of the lines that have the same id, and those of ours with no line.

    All ids are sorted together, ours before the lines of the same id.
    """
    named = np.flatnonzero(lines.marked)
    order, starts = _sort(
        np.concatenate([ours.high, lines.high[named]]), np.concatenate([ours.low, lines.low[named]])
    )
    heads = np.repeat(order[starts], np.diff(starts, append=len(order)))
    is_paired = (heads < len(ours)) & (order >= len(ours))
    counts = np.diff(starts, append=len(order))
    alone = order[starts[counts == 1]]
    return (
        heads[is_paired],
        named[order[is_paired] - len(ours)],
        alone[alone < len(ours)],
    )


def _find_repeated(lines: Columns) -> Integers:
    """Return the rows whose id an earlier line has."""
    named = np.flatnonzero(lines.marked)
    order, starts = _sort(lines.high[named], lines.low[named])
    is_first = np.zeros(len(order), np.bool_)
    is_first[starts] = True
    rows: Integers = named[order[~is_first]]
    return rows


def _sort(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> tuple[Integers, Integers]:
    """Return the order of ids, equal ones as they come, and where in it each id begins."""
    order: Integers = np.lexsort((low, high))
    high, low = high[order], low[order]
    is_start = np.ones(len(order), np.bool_)
    is_start[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return order, np.flatnonzero(is_start)


#: A row of ours in PostgreSQL's binary COPY: a count of fields, each with its length before it.
_ROW: Final = np.dtype(
    [
        ("count", ">i2"),
        ("id_length", ">i4"), ("high", ">u8"), ("low", ">u8"),
        ("amount_length", ">i4"), ("amount", ">i8"),
        ("fee_length", ">i4"), ("fee", ">i8"),
        ("flags_length", ">i4"), ("flags", ">i4"),
        ("currency_length", ">i4"), ("currency", "u1", (3,)),
    ]
)  # fmt: skip
_SHAPE: Final = {
    "count": 5, "id_length": 16, "amount_length": 8, "fee_length": 8, "flags_length": 4,
    "currency_length": 3,
}  # fmt: skip
_HEADER_BYTES: Final = 19
_TRAILER: Final = b"\xff\xff"
_RECEIVED_BYTES: Final = 4 * 1_048_576


class Receiver:
    """Takes what COPY sends of our attempts, and keeps it as columns.

    The columns are id, amount, fee (-1 for none), flags and currency, none of them null.
    """

    def __init__(self) -> None:
        self._waiting, self._parts, self._is_begun = bytearray(), list[Columns](), False

    async def receive(self, data: bytes) -> None:
        """Take the next bytes."""
        self._waiting += data
        if len(self._waiting) >= _RECEIVED_BYTES:
            self._read()

    def finish(self) -> Columns:
        """Return everything that came; raises ValueError if its end is missing."""
        self._read()
        if not self._is_begun or self._waiting != _TRAILER:
            raise ValueError("COPY ended in the middle of a row")
        return join(self._parts)

    def _read(self) -> None:
        if not self._is_begun and len(self._waiting) >= _HEADER_BYTES:
            del self._waiting[:_HEADER_BYTES]
            self._is_begun = True
        count = len(self._waiting) // _ROW.itemsize if self._is_begun else 0
        size = count * _ROW.itemsize
        if count:
            self._parts.append(_read_rows(np.frombuffer(bytes(self._waiting[:size]), _ROW)))
            del self._waiting[:size]


def _read_rows(rows: NDArray[Any]) -> Columns:
    if any((rows[name] != value).any() for name, value in _SHAPE.items()):
        raise ValueError("a row of COPY is not of the expected shape")
    codes = np.zeros(len(rows), np.int32)
    for position in range(3):
        codes = codes << 8 | rows["currency"][:, position]
    flags = rows["flags"].astype(np.int32)
    return Columns(
        high=rows["high"].astype(np.uint64),
        low=rows["low"].astype(np.uint64),
        amounts=rows["amount"].astype(np.int64),
        fees=rows["fee"].astype(np.int64),
        codes=(codes << _CURRENCY_SHIFT | flags & (_IS_IN | _IS_MOVED)).astype(np.int32),
        booked=np.zeros(len(rows), np.int64),
        marked=(flags & _IS_EXPECTED) != 0,
    )


_EMPTY: Final = _read_rows(np.empty(0, _ROW))
