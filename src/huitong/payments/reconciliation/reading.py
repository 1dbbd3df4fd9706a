"""Channel files as CSV: checked whole and in bounded memory before a line of them is stored.

The lines of a sound file match one regular expression each, so that a file of a million lines is
checked in chunks; only a chunk that does not match is looked at field by field.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import BinaryIO, Final, Protocol

from huitong.kernel.currencies import CURRENCIES
from huitong.kernel.money import Money
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.errors import (
    ChannelFileTooLarge,
    ChannelFileTotalsDiffer,
    ChannelFileUnreadable,
)
from huitong.payments.reconciliation.types import Problem

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

#: Sums of a file in minor units: of a currency what came in, went out, and was charged.
Totals = dict[str, tuple[int, int, int]]


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
    head = _read_head(next(blocks, []))
    sums, problems = _Sums(), list[Problem]()
    pattern = _line_pattern(head.channel)
    for lines in blocks:
        is_sound = pattern.fullmatch(b"\n".join([*lines, b""])) is not None
        if not (is_sound and sums.add(lines)):
            problems += _find_problems(lines, sums.count, head.channel)
        sums.count += len(lines)
        if sums.count > limits.FILE_LINES_MAX:
            raise ChannelFileTooLarge(
                f"a file has at most {limits.FILE_LINES_MAX} lines", field="file"
            )
        if len(problems) >= limits.PROBLEMS_MAX:
            break
    if problems:
        raise _refuse_lines(problems[: limits.PROBLEMS_MAX])
    _check_totals(head, sums.count, sums.totals())
    return CheckedFile(head, counted.digest.digest(), counted.size)


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


class _Sums:
    """Adds up lines whose shape is right."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: dict[bytes, list[int]] = {}
        self._days: set[bytes] = set()

    def add(self, lines: list[bytes]) -> bool:
        """Return False if a line is of a day that the calendar does not have."""
        sums = self._sums
        for line in lines:
            fields = line.translate(None, b".").split(b",")
            _, _, _, direction, amount, currency, fee, _, at = fields
            known = sums.get(currency)
            if known is None:
                known = sums[currency] = [0, 0, 0]
            known[0 if direction == b"in" else 1] += int(amount)
            known[2] += int(fee or 0)
            day = at[:10]
            if day not in self._days:
                if not _is_day(day.decode()):
                    return False
                self._days.add(day)
        return True

    def totals(self) -> Totals:
        return {code.decode(): (a, b, c) for code, (a, b, c) in self._sums.items()}


def read_ranges(source: BinaryIO, *, after: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a checked file in ranges, each with the number of its first line.

    Ranges of which all lines are among the first `after` are passed over.
    """
    source.seek(0)
    blocks = _read_blocks(source)
    next(blocks, None)
    first, waiting = 1, list[bytes]()
    for lines in blocks:
        waiting += lines
        while len(waiting) >= limits.RANGE_LINES:
            some, waiting = waiting[: limits.RANGE_LINES], waiting[limits.RANGE_LINES :]
            if first + len(some) - 1 > after:
                yield first, some
            first += len(some)
    if waiting and first + len(waiting) - 1 > after:
        yield first, waiting


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


def _read_blocks(source: _Reader) -> Iterator[list[bytes]]:
    """Yield first the two rows of the head, then the other lines in blocks, without line ends."""
    rest, is_begun = b"", False
    while True:
        piece = source.read(limits.READ_BYTES)
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if not piece:
            whole, rest = rest, b""
        if len(rest) > limits.LINE_BYTES_MAX:
            raise _line_too_long()
        lines = (whole + newline).replace(b"\r\n", b"\n").split(b"\n")
        if not lines[-1]:
            lines.pop()
        if lines and not is_begun:
            lines[0] = lines[0].removeprefix(_BOM)
            yield lines[:2]
            lines, is_begun = lines[2:], True
        if lines:
            if max(map(len, lines)) > limits.LINE_BYTES_MAX:
                raise _line_too_long()
            yield lines
        if not piece:
            return


def _line_too_long() -> ChannelFileTooLarge:
    return ChannelFileTooLarge(f"a line has at most {limits.LINE_BYTES_MAX} bytes", field="file")


def _read_head(rows: list[bytes]) -> Head:
    try:
        first, titles = (row.decode("ascii") for row in rows)
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


def _amount_shape(exponent: int, *, digits: int = _DIGITS_MAX) -> str:
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
