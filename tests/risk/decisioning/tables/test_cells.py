"""Cells say what they say, the engine agrees on every row, and no number is rounded on the way."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk import TableField, TableType
from huitong.risk.decisioning.tables.cells import Condition, read_condition
from huitong.risk.decisioning.tables.engine import compile_rows
from huitong.risk.decisioning.tables.reach import check_reach
from huitong.risk.decisioning.tables.types import Cell
from huitong.risk.decisioning.tables.values import read_value, show_value

INTEGER = TableField(name="days", type=TableType.INTEGER, meaning="test", is_nullable=True)
RATIO = TableField(name="ratio", type=TableType.DECIMAL, meaning="test", is_nullable=True)
GRADE = TableField(name="grade", type=TableType.TEXT, meaning="test", is_nullable=True)
FLAG = TableField(name="is_new", type=TableType.FLAG, meaning="test")
COLUMNS = (INTEGER, RATIO, GRADE, FLAG)


@pytest.mark.parametrize(
    ("column", "cell", "hits", "misses"),
    [
        (INTEGER, "-", [0, None], []),
        (INTEGER, "", [0, None], []),
        (INTEGER, "5", [5], [4, None]),
        (INTEGER, "> 5", [6], [5, None]),
        (INTEGER, " <=-5 ", [-5, -6], [-4, None]),
        (INTEGER, "[1..3), 9, null", [1, 2, 9, None], [0, 3, 8]),
        (INTEGER, "null", [None], [0]),
        (RATIO, "(0.5..0.75]", [Decimal("0.75"), Decimal("0.51")], [Decimal("0.5"), None]),
        (GRADE, '"A", "B"', ["A", "B"], ["C", "a", None]),
        (GRADE, 'not("A", "B")', ["C", "a"], ["A", "B", None]),
        (FLAG, "true", [True], [False]),
        (FLAG, "true, false", [True, False], []),
    ],
)
def test_a_cell_matches(column: TableField, cell: str, hits: list[Any], misses: list[Any]) -> None:
    condition = read_condition(cell, column, "cell")
    engine = compile_rows([column.name], [(condition,)], is_collecting=False)
    assert [condition.matches(each) for each in hits + misses] == [True] * len(hits) + [
        False
    ] * len(misses)
    answered = [engine.ask({column.name: each}) for each in hits + misses]
    assert answered == [(0,)] * len(hits) + [()] * len(misses)


@pytest.mark.parametrize(
    ("column", "cell", "place"),
    [
        (INTEGER, "5 5", 3),
        (INTEGER, "> ", 2),
        (INTEGER, "> > 5", 3),
        (INTEGER, "0.5", 1),
        (INTEGER, '"A"', 1),
        (INTEGER, "true", 1),
        (INTEGER, "[1..5", 6),
        (INTEGER, "[5..1]", 1),
        (INTEGER, "(1..1]", 1),
        (INTEGER, "5,", 3),
        (INTEGER, "amount > 5", 1),
        (INTEGER, "5; drop", 2),
        (GRADE, '"A', 1),
        (GRADE, "'A'", 1),
        (GRADE, "not(5)", 5),
        (GRADE, 'not("A"', 8),
        (GRADE, '"A", 5', 6),
        (FLAG, "null", 1),
        (FLAG, "maybe", 1),
        (FLAG, "$", 1),
    ],
)
def test_a_cell_that_does_not_compile_is_refused_with_its_place(
    column: TableField, cell: str, place: int
) -> None:
    with pytest.raises(InvalidField) as refused:
        read_condition(cell, column, "rows[0].when.x")
    assert refused.value.field == "rows[0].when.x"
    assert refused.value.detail.startswith(f"column {place}: "), refused.value.detail


@pytest.mark.parametrize("given", [1.5, "1e3", "01", "1.", ".5", "+1", "NaN", "1" * 19, " 1", True])
def test_what_would_be_rounded_or_is_no_decimal_is_refused(given: object) -> None:
    with pytest.raises(InvalidField):
        read_value(given, RATIO, "inputs.ratio")


@pytest.mark.parametrize("given", [1.0, "1", True, 10**18, -(10**18)])
def test_what_is_no_whole_number_of_18_digits_is_refused(given: object) -> None:
    with pytest.raises(InvalidField):
        read_value(given, INTEGER, "inputs.days")


def test_too_many_alternatives_and_too_long_cells_are_refused() -> None:
    for cell in (",".join("1" * (limits.TABLE_CELL_PARTS_MAX + 1)), "1" * 501):
        with pytest.raises(InvalidField):
            read_condition(cell, INTEGER, "cell")


WHOLE = st.integers(-(10**18) + 1, 10**18 - 1) | st.integers(-3, 3)
DECIMALS = st.decimals(
    min_value=-(10**8), max_value=10**8, places=9, allow_nan=False, allow_infinity=False
) | st.sampled_from([Decimal("0.1"), Decimal("0.3"), Decimal("-0.2"), Decimal(0)])
TEXTS = st.sampled_from(["A", "B", "中", "a b"])


def write_numbers(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    shown = numbers.map(lambda each: format(Decimal(each), "f"))
    compared = st.tuples(st.sampled_from(["", "< ", "<= ", "> ", ">= "]), shown).map("".join)
    ends = st.tuples(numbers, numbers).map(sorted).filter(lambda pair: pair[0] != pair[1])
    between = st.tuples(st.sampled_from("[("), ends, st.sampled_from("])")).map(
        lambda each: (
            f"{each[0]}{each[1][0]:f}..{each[1][1]:f}{each[2]}"
            if isinstance(each[1][0], Decimal)
            else f"{each[0]}{each[1][0]}..{each[1][1]}{each[2]}"
        )
    )
    return compared | between | st.just("null")


def join(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=1, max_size=4).map(", ".join) | st.just("-")


QUOTED = TEXTS.map('"{}"'.format)
CELLS = st.tuples(
    join(write_numbers(WHOLE)),
    join(write_numbers(DECIMALS)),
    join(QUOTED | st.just("null"))
    | st.lists(QUOTED, min_size=1, max_size=3).map(lambda each: f"not({', '.join(each)})"),
    join(st.sampled_from(["true", "false"])),
)
INPUTS = st.tuples(
    st.none() | WHOLE, st.none() | DECIMALS, st.none() | TEXTS | st.just("other"), st.booleans()
)


def read_row(cells: tuple[str, ...]) -> tuple[Condition, ...]:
    return tuple(
        read_condition(cell, column, "cell") for cell, column in zip(cells, COLUMNS, strict=True)
    )


def hits(row: tuple[Condition, ...], values: tuple[Cell, ...]) -> bool:
    return all(each.matches(value) for each, value in zip(row, values, strict=True))


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=5), st.lists(INPUTS, min_size=1, max_size=8))
def test_the_engine_agrees_with_the_wording_on_every_row(
    cells: list[tuple[str, ...]], inputs: list[tuple[Cell, ...]]
) -> None:
    rows = [read_row(each) for each in cells]
    names = [each.name for each in COLUMNS]
    every = compile_rows(names, rows, is_collecting=True)
    first = compile_rows(names, rows, is_collecting=False)
    # The ends that cells name are where engines go wrong.
    for place in range(2):
        inputs += [
            (*given[:place], end, *given[place + 1 :])
            for given in inputs[:1]
            for row in rows
            for interval in row[place].intervals
            for end in (interval.low, interval.high)
            if end is not None
        ]
    for given_row in inputs:
        values = tuple(
            int(each) if column is INTEGER and each is not None else each
            for column, each in zip(COLUMNS, given_row, strict=True)
        )
        asked = dict(zip(names, values, strict=True))
        wanted = tuple(place for place, row in enumerate(rows) if hits(row, values))
        assert every.ask(asked) == wanted
        assert first.ask(asked) == wanted[:1]


SMALL = (
    TableField(name="n", type=TableType.INTEGER, meaning="t", minimum=Decimal(0),
               maximum=Decimal(4)),
    TableField(name="g", type=TableType.TEXT, meaning="t", values=("A", "B")),
    TableField(name="f", type=TableType.FLAG, meaning="t", is_nullable=True),
)  # fmt: skip
SMALL_CELLS = st.tuples(
    st.sampled_from(["-", "0", "> 2", "< 2", "[1..3]", "(0..2)", "4, 0", ">= 0", "< 0"]),
    st.sampled_from(["-", '"A"', '"B"', 'not("A")', '"A", "B"']),
    st.sampled_from(["-", "true", "false", "null", "true, null", "false, true"]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(SMALL_CELLS, min_size=1, max_size=6))
def test_reach_is_what_trying_everything_finds(cells: list[tuple[str, ...]]) -> None:
    rows = [
        tuple(read_condition(cell, column, "c") for cell, column in zip(row, SMALL, strict=True))
        for row in cells
    ]
    cases: list[tuple[Cell, ...]] = [
        (n, g, f) for n in range(5) for g in ("A", "B") for f in (True, False, None)
    ]
    taken = [{case for case in cases if hits(row, case)} for row in rows]
    reach = check_reach(SMALL, rows)

    assert reach.is_checked
    assert set(reach.empty) == {place for place, own in enumerate(taken) if not own}
    hidden = {
        place for place, own in enumerate(taken) if own and own <= set().union(*taken[:place])
    }
    assert set(reach.hidden) == hidden
    pairs = {(a, b) for b in range(len(rows)) for a in range(b) if taken[a] & taken[b]}
    assert (reach.overlap in pairs) if pairs else reach.overlap is None
    left = set(cases) - set().union(*taken)
    gap = (
        None
        if reach.gap is None
        else tuple(int(each) if isinstance(each, Decimal) else each for each in reach.gap)
    )
    assert (gap in left) if left else gap is None


@given(DECIMALS)
def test_a_decimal_travels_as_it_is(number: Decimal) -> None:
    shown = show_value(number)
    assert isinstance(shown, str)
    if sum(map(str.isdigit, shown)) <= limits.TABLE_DIGITS_MAX:
        assert read_value(shown.replace("-0.000000000", "0.000000000"), RATIO, "x") == number
