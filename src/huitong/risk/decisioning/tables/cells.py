"""Conditions of one column: their small language, what they match, and how the engine writes them.

A cell is `-` (anything), or alternatives parted by commas: a value (`5`, `"a"`, `true`), `null`, a
comparison (`> 5`, `<= 0.5`), an interval (`[1..5]`, round brackets leave the end out), or, alone,
`not("a", "b")`. NULL is matched by `-` and `null` only.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.tables import values
from huitong.risk.decisioning.tables.types import Cell, TableField, TableType

ANYTHING: Final = "-"
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"[^"\\]*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<dots>\.\.)
        |(?P<word>[a-z]+)|(?P<compare><=|>=|<|>)|(?P<mark>[\[\](),]))""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `low` to `high`; None is without an end on that side."""

    low: Decimal | None
    high: Decimal | None
    has_low: bool = True
    has_high: bool = True

    def holds(self, number: Decimal) -> bool:
        """Say whether a number is in it."""
        if self.low is not None and (
            number < self.low or (number == self.low and not self.has_low)
        ):
            return False
        return self.high is None or number < self.high or (number == self.high and self.has_high)

    @property
    def is_empty(self) -> bool:
        """Say whether no number is in it."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and not self.holds(self.low))


@dataclass(frozen=True, slots=True)
class Condition:
    """What one column of one row asks for; `is_any` matches everything, NULL too.

    `texts` are those that match or, where `is_inverted`, those that do not.
    """

    is_any: bool = False
    is_null: bool = False
    intervals: tuple[Interval, ...] = ()
    texts: tuple[str, ...] = ()
    is_inverted: bool = False
    flags: tuple[bool, ...] = ()

    def matches(self, value: Cell) -> bool:
        """Say whether a value matches."""
        if self.is_any:
            return True
        if value is None:
            return self.is_null
        if isinstance(value, bool):
            return value in self.flags
        if isinstance(value, str):
            return (value in self.texts) is not self.is_inverted
        return any(each.holds(Decimal(value)) for each in self.intervals)

    def write(self, name: str) -> str:
        """Return it in the engine's language, about the variable `name`; empty matches all.

        NULL is asked for first, because comparing it is an error to the engine.
        """
        if self.is_any:
            return ""
        parts = [_write_interval(each, name) for each in self.intervals]
        parts += [f"({name} == {'true' if each else 'false'})" for each in self.flags]
        if self.is_inverted:
            others = [f'{name} != "{each}"' for each in self.texts]
            parts.append(f"({' and '.join(others)})")
        else:
            parts += [f'({name} == "{each}")' for each in self.texts]
        null = [f"({name} == null)"] if self.is_null else []
        known = [f"({name} != null and ({' or '.join(parts)}))"] if parts else []
        return " or ".join([*null, *known])


def _write_interval(given: Interval, name: str) -> str:
    ends = []
    if given.low is not None:
        ends.append(f"{name} {'>=' if given.has_low else '>'} {given.low:f}")
    if given.high is not None:
        ends.append(f"{name} {'<=' if given.has_high else '<'} {given.high:f}")
    return f"({' and '.join(ends)})"


def read_condition(text: object, column: TableField, field: str) -> Condition:
    """Return what a cell says about a column; raises InvalidField naming the cell and the place."""
    if not isinstance(text, str) or len(text) > limits.TABLE_CELL_LENGTH_MAX:
        raise InvalidField(
            f"must be text of at most {limits.TABLE_CELL_LENGTH_MAX} characters", field=field
        )
    if text.strip() in {"", ANYTHING}:
        return Condition(is_any=True)
    return _Reader(text, column, field).read()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


class _Reader:
    """Reads one cell from left to right."""

    def __init__(self, text: str, column: TableField, field: str) -> None:
        self._column, self._field = column, field
        self._tokens = self._split(text)
        self._next = 0
        self._is_null = False
        self._intervals: list[Interval] = []
        self._texts: list[str] = []
        self._flags: list[bool] = []

    def read(self) -> Condition:
        """Return the whole cell."""
        is_inverted = self._peek().text == "not"
        if is_inverted:
            self._take("not")
            self._take("(")
        self._read_alternatives(only_texts=is_inverted)
        if is_inverted:
            self._take(")")
        if self._peek().kind != "end":
            raise self._refuse(f"{self._peek().text} is not expected here")
        return Condition(
            is_null=self._is_null,
            intervals=tuple(self._intervals),
            texts=tuple(self._texts),
            is_inverted=is_inverted,
            flags=tuple(self._flags),
        )

    def _read_alternatives(self, *, only_texts: bool) -> None:
        for _ in range(limits.TABLE_CELL_PARTS_MAX):
            if only_texts and self._peek().kind != "text":
                raise self._refuse("not(…) takes texts")
            self._read_alternative()
            if self._peek().text != ",":
                return
            self._take(",")
        raise self._refuse(f"more than {limits.TABLE_CELL_PARTS_MAX} alternatives")

    def _read_alternative(self) -> None:
        token = self._peek()
        if token.text == "null":
            self._take("null")
            if not self._column.is_nullable:
                raise self._refuse(f"{self._column.name} is never null", token)
            self._is_null = True
        elif token.kind == "text":
            self._texts.append(self._read_text())
        elif token.text in {"true", "false"}:
            self._expect_type(token, TableType.FLAG)
            self._take(token.text)
            self._flags.append(token.text == "true")
        elif token.kind in {"number", "compare"} or token.text in {"[", "("}:
            self._expect_type(token, TableType.INTEGER, TableType.DECIMAL)
            self._intervals.append(self._read_numbers())
        else:
            raise self._refuse("a value, a comparison or an interval is expected here")

    def _read_text(self) -> str:
        token = self._peek()
        self._expect_type(token, TableType.TEXT)
        self._take(token.text)
        value = values.read_value(token.text[1:-1], self._column, self._field)
        assert isinstance(value, str)
        return value

    def _read_numbers(self) -> Interval:
        token = self._peek()
        if token.kind == "number":
            number = self._read_number()
            return Interval(number, number)
        self._next += 1
        if token.kind == "compare":
            number, is_closed = self._read_number(), token.text.endswith("=")
            if token.text.startswith("<"):
                return Interval(None, number, has_high=is_closed)
            return Interval(number, None, has_low=is_closed)
        low = self._read_number()
        self._take("..")
        high = self._read_number()
        end = self._peek()
        if end.text not in {"]", ")"}:
            raise self._refuse("an interval ends with ] or )")
        self._take(end.text)
        found = Interval(low, high, has_low=token.text == "[", has_high=end.text == "]")
        if found.is_empty:
            raise self._refuse("nothing is in this interval", token)
        return found

    def _read_number(self) -> Decimal:
        token = self._peek()
        if token.kind != "number":
            raise self._refuse("a number is expected here")
        self._next += 1
        number = values.read_decimal(token.text, self._field)
        if self._column.type is TableType.INTEGER and number != number.to_integral_value():
            raise self._refuse(f"{self._column.name} is a whole number", token)
        return number

    def _expect_type(self, token: _Token, *types: TableType) -> None:
        if self._column.type not in types:
            raise self._refuse(f"{self._column.name} is of type {self._column.type}", token)

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, text: str) -> None:
        if self._peek().text != text:
            raise self._refuse(f"{text} is expected here")
        self._next += 1

    def _refuse(self, why: str, token: _Token | None = None) -> InvalidField:
        at = (token or self._peek()).at
        return InvalidField(f"column {at + 1}: {why}", field=self._field)

    def _split(self, text: str) -> list[_Token]:
        tokens, at, end = [], 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                where = at + len(text[at:]) - len(text[at:].lstrip())
                raise InvalidField(
                    f"column {where + 1}: {text[where]} is not understood", field=self._field
                )
            kind = str(found.lastgroup)
            tokens.append(_Token(kind, found[kind], found.start(kind)))
            at = found.end()
        return [*tokens, _Token("end", "the end", end)]
