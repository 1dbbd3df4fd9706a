"""Channel files as CSV: checked whole and in bounded memory before a line of them is stored.

The lines of a sound file match one regular expression each, so that a file of a million lines is
checked in chunks; only a chunk that does not match is looked at field by field.
"""

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import BinaryIO, Final, Protocol

import numpy as np

from huitong.kernel.currencies import CURRENCIES
from huitong.kernel.money import Money
from huitong.payments.reconciliation import columns, limits
from huitong.payments.reconciliation.errors import (
    ChannelFileTooLarge,
    ChannelFileTotalsDiffer,
    ChannelFileUnreadable,
)
from huitong.payments.reconciliation.types import FileLine, Problem, Side
from huitong.payments.types import ChannelDirection

TITLES: Final = (
    b"channel,attempt_id,channel_reference,direction,amount,currency,fee,state,booked_at"
)
_FIELDS: Final = tuple(TITLES.decode().split(","))
_WORD: Final = "huitong-channel-file"
_VERSION: Final = "1"
_ATTEMPT: Final = r"(?:[0-9a-f]{32})?"
_REFERENCE: Final = r"[A-Za-z0-9][A-Za-z0-9_/-]{0,63}"
_DAY: Final = r"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:Z|\+08:00)"
_CHANNEL: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SUM: Final = re.compile(r"([A-Z]{3}):([0-9.]{1,24}):([0-9.]{1,24}):([0-9.]{1,24})")
_NOT_ZERO: Final = r"(?!0[.0]*(?:,|$))"
_WORDS: Final = ("channel", "attempt_id", "channel_reference")
_BOM: Final = b"\xef\xbb\xbf"
_HEAD_PARTS: Final = 5
_DIGITS_MAX: Final = 15
_MINOR_DIGITS_MAX: Final = 18
_NEWLINE: Final = ord("\n")
_ZERO: Final = (0, 0, 0)

#: Sums of a file in minor units: of a currency what came in, went out, and was charged.
Totals = dict[str, tuple[int, int, int]]
_NO_SUMS: Final[Totals] = {}


@dataclass(frozen=True, slots=True)
class Head:
    """The first row of a file: whose it is, of which day, and its control totals."""

    channel: str
    day: date
    line_count: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file whose lines are sound and are what its head says; `size` in bytes."""

    head: Head
    digest: bytes
    size: int


def check_file(source: BinaryIO) -> CheckedFile:
    """Read a whole file and return its head and SHA-256.

    Raises ChannelFileUnreadable with every bad line (up to PROBLEMS_MAX), ChannelFileTooLarge,
    ChannelFileTotalsDiffer.
    """
    counted = _Counted(source)
    blocks = _read_blocks(counted)
    head = _read_head(next(blocks, b""))
    count, sums, problems = 0, _NO_SUMS, list[Problem]()
    pattern = _line_pattern(head.channel)
    for lines in blocks:
        found = _sum_up(lines) if pattern.fullmatch(lines) is not None else None
        if found is None:
            rows = lines.split(b"\n")[:-1]
            if max(map(len, rows)) > limits.LINE_BYTES_MAX:
                raise _line_too_long()
            problems += _find_problems(rows, count, head.channel)
        else:
            sums = _add(sums, found)
        count += lines.count(b"\n")
        if count > limits.FILE_LINES_MAX:
            raise ChannelFileTooLarge(
                f"a file has at most {limits.FILE_LINES_MAX} lines", field="file"
            )
        if len(problems) >= limits.PROBLEMS_MAX:
            break
    if problems:
        raise _refuse_lines(problems[: limits.PROBLEMS_MAX])
    _check_totals(head, count, sums)
    return CheckedFile(head, counted.digest.digest(), counted.size)


def _sum_up(lines: bytes) -> Totals | None:
    """Return the sums of lines of the right shape; None if one is of a day that does not exist."""
    try:
        return columns.parse(lines).sum_up()
    except ValueError:
        return None


def _add(one: Totals, other: Totals) -> Totals:
    sums = dict(one)
    for code, (into, out, fees) in other.items():
        before = one.get(code, _ZERO)
        sums[code] = before[0] + into, before[1] + out, before[2] + fees
    return sums


class _Counted:
    """Reads a file from its start, and knows how much it has read and the SHA-256 of that."""

    def __init__(self, source: BinaryIO) -> None:
        self.source, self.digest, self.size = source, hashlib.sha256(), 0
        source.seek(0)

    def read(self, size: int) -> bytes:
        piece = self.source.read(size)
        self.digest.update(piece)
        self.size += len(piece)
        if self.size > limits.FILE_BYTES_MAX:
            raise ChannelFileTooLarge(
                f"a file has at most {limits.FILE_BYTES_MAX} bytes", field="file"
            )
        return piece


def read_ranges(source: BinaryIO, *, after: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield the lines of a checked file in ranges: the first one's number, their count, and they.

    Each line has its line end. Ranges of which all lines are among the first `after` are passed
    over.
    """
    source.seek(0)
    blocks = _read_blocks(source)
    next(blocks, None)
    first, count, parts = 1, 0, list[bytes]()
    for block in blocks:
        begin = 0
        while (end := _find_line(block, begin, limits.RANGE_LINES - count)) is not None:
            parts.append(block[begin:end])
            begin = end
            if first + limits.RANGE_LINES - 1 > after:
                yield first, limits.RANGE_LINES, b"".join(parts)
            first, count, parts = first + limits.RANGE_LINES, 0, []
        parts.append(block[begin:])
        count += parts[-1].count(b"\n")
    if count and first + count - 1 > after:
        yield first, count, b"".join(parts)


def _find_line(block: bytes, begin: int, count: int) -> int | None:
    """Return the end of the `count`th line from `begin` on, or None if there are fewer."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8, offset=begin) == _NEWLINE)
    return None if len(ends) < count else begin + int(ends[count - 1]) + 1


def read_line(number: int, line: bytes) -> FileLine:
    """Return a sound line.

    Points are in amounts only, and these have the decimals of their currency: without the points
    they are minor units.
    """
    fields = line.decode("ascii").split(",")
    _, attempt, reference, direction, amount, currency, fee, state, at = fields
    return FileLine(
        number=number,
        attempt_id=uuid.UUID(attempt) if attempt else None,
        reference=reference,
        side=Side(
            amount=int(amount.replace(".", "")),
            currency=currency,
            direction=ChannelDirection(direction),
            is_moved=state == "succeeded",
            state=state,
            at=datetime.fromisoformat(at).astimezone(UTC),
            fee=int(fee.replace(".", "")) if fee else None,
        ),
    )


def write_head(head: Head) -> bytes:
    """Return the first two rows of a file."""
    sums = [
        ":".join((code, *(Money(each, code).format() for each in sums)))
        for code, sums in sorted(head.totals.items())
    ]
    first = [_WORD, _VERSION, head.channel, head.day.isoformat(), str(head.line_count), *sums]
    return ",".join(first).encode() + b"\n" + TITLES + b"\n"


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _read_blocks(source: _Reader) -> Iterator[bytes]:
    """Yield first the two rows of the head, then the other lines in blocks, each with a line end.

    A line that has no end yet and is too long is refused before the next piece is read.
    """
    rest, is_begun = b"", False
    while True:
        piece = source.read(limits.READ_BYTES)
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if not piece:
            whole, newline, rest = rest, b"\n" if rest else b"", b""
        if len(rest) > limits.LINE_BYTES_MAX:
            raise _line_too_long()
        lines = (whole + newline).replace(b"\r\n", b"\n")
        if lines and not is_begun:
            first, second, lines = ([*lines.split(b"\n", 2), b"", b""])[:3]
            yield b"\n".join((first.removeprefix(_BOM), second))
            is_begun = True
        if lines:
            yield lines
        if not piece:
            return


def _line_too_long() -> ChannelFileTooLarge:
    return ChannelFileTooLarge(f"a line has at most {limits.LINE_BYTES_MAX} bytes", field="file")


def _read_head(rows: bytes) -> Head:
    try:
        first, titles = rows.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise _bad_head("the file is not in ASCII") from None
    except ValueError:
        raise _bad_head("the file has no head") from None
    parts = first.split(",")
    if len(parts) < _HEAD_PARTS or parts[:2] != [_WORD, _VERSION]:
        raise _bad_head(f"the first row does not begin with {_WORD},{_VERSION}")
    if titles.encode() != TITLES:
        raise _bad_head("the second row is not the titles of the columns")
    channel, day, count = parts[2:5]
    if _CHANNEL.fullmatch(channel) is None:
        raise _bad_head("the channel's name is malformed")
    if re.fullmatch(r"0|[1-9][0-9]{0,6}", count) is None:
        raise _bad_head("the number of lines is malformed")
    if not _is_day(day):
        raise _bad_head("the day is malformed")
    totals: Totals = {}
    for part in parts[5:]:
        code, sums = _read_sums(part)
        if code in totals:
            raise _bad_head(f"there are two sums of {code}")
        totals[code] = sums
    return Head(channel, date.fromisoformat(day), int(count), totals)


def _read_sums(text: str) -> tuple[str, tuple[int, int, int]]:
    match = _SUM.fullmatch(text)
    if match is None or match[1] not in CURRENCIES:
        raise _bad_head("a sum is not currency:in:out:fees")
    exponent = CURRENCIES[match[1]].exponent
    shape = re.compile(_amount_shape(exponent, digits=18))
    if not all(shape.fullmatch(match[at]) for at in (2, 3, 4)):
        raise _bad_head(f"the sums of {match[1]} have not {exponent} decimals")
    into, out, fees = (int(match[at].replace(".", "")) for at in (2, 3, 4))
    return match[1], (into, out, fees)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return re.fullmatch(_DAY, text) is not None


def _bad_head(detail: str) -> ChannelFileUnreadable:
    return ChannelFileUnreadable(detail, field="head")


def _amount_shape(exponent: int, *, digits: int | None = None) -> str:
    if digits is None:
        # In minor units an amount has no more digits than fit 64 bits.
        digits = min(_DIGITS_MAX, _MINOR_DIGITS_MAX - exponent)
    whole = rf"(?:0|[1-9][0-9]{{0,{digits - 1}}})"
    return whole if exponent == 0 else rf"{whole}\.[0-9]{{{exponent}}}"


@cache
def _line_pattern(channel: str) -> re.Pattern[bytes]:
    """Return what all lines of a sound file match together."""
    by_exponent: dict[int, list[str]] = {}
    for currency in CURRENCIES.values():
        by_exponent.setdefault(currency.exponent, []).append(currency.code)
    amounts = "|".join(
        f"{_NOT_ZERO}{_amount_shape(exponent)},(?:{'|'.join(sorted(codes))}),"
        f"(?:{_amount_shape(exponent)})?"
        for exponent, codes in sorted(by_exponent.items(), key=lambda each: -len(each[1]))
    )
    line = (
        rf"{re.escape(channel)},{_ATTEMPT},{_REFERENCE},(?:in|out),(?:{amounts}),"
        rf"(?:succeeded|failed),{_DAY}T{_TIME}\n"
    )
    return re.compile(f"(?:{line})*+".encode())


def _check_totals(head: Head, count: int, totals: Totals) -> None:
    if count != head.line_count:
        raise ChannelFileTotalsDiffer(
            f"the head says {head.line_count} lines, there are {count}", field="head"
        )
    for code in sorted(head.totals.keys() | totals.keys()):
        said, found = head.totals.get(code), totals.get(code, (0, 0, 0))
        if said is None or said != found:
            raise ChannelFileTotalsDiffer(
                f"the head's sums of {code} are not those of its lines",
                field="head",
                context={"currency": code, "found": [str(Money(each, code)) for each in found]},
            )


def _refuse_lines(problems: list[Problem]) -> ChannelFileUnreadable:
    first = problems[0]
    return ChannelFileUnreadable(
        f"line {first.number}: {first.field} {first.code}; {len(problems)} bad lines or more",
        field=first.field,
        context={
            "lines": [
                {"line": each.number, "field": each.field, "code": each.code} for each in problems
            ]
        },
    )


def _find_problems(lines: list[bytes], before: int, channel: str) -> list[Problem]:
    found = []
    for number, line in enumerate(lines, before + 1):
        fault = find_fault(line, channel)
        if fault is not None:
            found.append(Problem(number=number, field=fault[0], code=fault[1]))
            if len(found) == limits.PROBLEMS_MAX:
                break
    return found


def find_fault(line: bytes, channel: str) -> tuple[str, str] | None:
    """Return the field that is at fault in a line and a word for what is wrong; None if sound."""
    try:
        fields = line.decode("ascii").split(",")
    except UnicodeDecodeError:
        return "line", "not_ascii"
    if len(fields) != len(_FIELDS):
        return "line", "wrong_number_of_fields"
    values = dict(zip(_FIELDS, fields, strict=True))
    if values["currency"] not in CURRENCIES:
        return "currency", "unknown"
    amount = _amount_shape(CURRENCIES[values["currency"]].exponent)
    shapes = {
        "channel": re.escape(channel),
        "attempt_id": _ATTEMPT,
        "channel_reference": _REFERENCE,
        "direction": "in|out",
        "amount": _NOT_ZERO + amount,
        # A channel that states no fee leaves it empty; it is not compared then.
        "fee": f"(?:{amount})?",
        "state": "succeeded|failed",
        "booked_at": f"{_DAY}T{_TIME}",
    }
    for name, shape in shapes.items():
        if re.fullmatch(shape, values[name]) is None:
            is_formula = name in _WORDS and values[name][:1] in ("=", "+", "-", "@")
            return name, "looks_like_a_formula" if is_formula else "malformed"
    return None if _is_day(values["booked_at"][:10]) else ("booked_at", "no_such_day")
