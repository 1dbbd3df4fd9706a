"""One predicate, two engines: numpy over a batch and DuckDB over history agree on every row."""

import math
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from huitong.risk.decisioning.features.matrices import Layout
from huitong.risk.decisioning.rules.language.checking import check_predicate
from huitong.risk.decisioning.rules.programs.duckdb_sql import COLUMN_TYPES, render
from huitong.risk.decisioning.rules.programs.program import Program
from huitong.risk.decisioning.types import DTYPES, Column, FeatureType

CATALOGUE = {
    "amount": FeatureType.INTEGER,
    "age": FeatureType.INTEGER,
    "rate": FeatureType.NUMBER,
    "score": FeatureType.NUMBER,
    "is_new": FeatureType.FLAG,
    "is_night": FeatureType.FLAG,
    "kind": FeatureType.TEXT,
    "code": FeatureType.TEXT,
}
FILLERS = {
    FeatureType.INTEGER: 0,
    FeatureType.NUMBER: 0.0,
    FeatureType.FLAG: True,
    FeatureType.TEXT: None,
}
LARGEST = 2**63 - 1
TEXTS = [
    "",
    "a",
    "A",
    "it's",
    "汉通",
    "𠀀",
    "é",
    "e\u0301",
    "12",
    "-7",
    "+1e3",
    " 1",
    "1.5",
    "9" * 18,
]
TEXTS += [
    "a\\b",
    "a.b",
    "9" * 19,
    "1e999",
    "0x1",
    "１２",
    "a%b",
    "a_b",
    "ab",
    "abab",
    "\n",
    "a\nb",
    "%",
    "١",
    "inf",
]

integers = st.one_of(
    st.sampled_from([0, 1, -1, 2, 10, 100, LARGEST, -LARGEST - 1, 2**53 + 1, 2**32, -(2**31)]),
    st.integers(-LARGEST - 1, LARGEST),
    st.integers(-20, 20),
)
numbers = st.one_of(
    st.sampled_from(
        [0.0, -0.0, 1.0, -1.5, 1e308, -1e308, 5e-324, 0.1, 9007199254740993.0, 2.0**63]
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-20, 20).map(float),
)
poisoned = st.one_of(numbers, st.sampled_from([math.nan, math.inf, -math.inf]))
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.one_of(st.sampled_from(TEXTS), st.text(characters, max_size=4))
CELLS = {
    FeatureType.INTEGER: integers,
    FeatureType.NUMBER: poisoned,
    FeatureType.FLAG: st.booleans(),
    FeatureType.TEXT: texts,
}
TAME = {**CELLS, FeatureType.INTEGER: st.integers(-20, 20), FeatureType.NUMBER: numbers}


def table_of(cells: dict[FeatureType, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    row = {name: st.none() | cells[kind] for name, kind in CATALOGUE.items()}
    return st.lists(st.fixed_dictionaries(row), min_size=1, max_size=12)


#: Tables in which anything may stand, and others in which most of what is computed does not fail.
rows = table_of(CELLS) | table_of(TAME)


def write_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


literal_texts = st.one_of(
    st.sampled_from(TEXTS), st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=3)
).map(write_text)
patterns = st.text(st.sampled_from("%_ab1é汉'\\."), max_size=6).map(write_text)
literal_integers = integers.map(str)
literal_numbers = numbers.map(repr)


def numeric(depth: int) -> st.SearchStrategy[str]:
    leaves = st.one_of(
        st.sampled_from(["amount", "age", "rate", "score"]), literal_integers, literal_numbers
    )
    if depth == 0:
        return leaves
    inner = numeric(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(integral(depth - 1), integral(depth - 1)).map(lambda t: f"({t[0]} % {t[1]})"),
        inner.map(lambda x: f"(- {x})"),
        inner.map(lambda x: f"abs({x})"),
        st.tuples(st.sampled_from(["coalesce", "least", "greatest"]), inner, inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]}, {t[3]})"
        ),
        st.tuples(inner, inner).map(lambda t: f"nullif({t[0]}, {t[1]})"),
        st.tuples(flag(depth - 1), inner, flag(depth - 1), inner, inner).map(
            lambda t: f"case when {t[0]} then {t[1]} when {t[2]} then {t[3]} else {t[4]} end"
        ),
        st.tuples(flag(depth - 1), inner).map(lambda t: f"case when {t[0]} then {t[1]} end"),
        textual(depth - 1).map(lambda x: f"cast({x} as bigint)"),
        textual(depth - 1).map(lambda x: f"{x}::double"),
    )


def integral(depth: int) -> st.SearchStrategy[str]:
    leaves = st.one_of(st.sampled_from(["amount", "age"]), literal_integers)
    if depth == 0:
        return leaves
    inner = integral(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(inner, st.sampled_from("+-*%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    )


def textual(depth: int) -> st.SearchStrategy[str]:
    leaves = st.one_of(st.sampled_from(["kind", "code"]), literal_texts)
    if depth == 0:
        return leaves
    inner = textual(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(inner, inner).map(lambda t: f"coalesce({t[0]}, {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"nullif({t[0]}, {t[1]})"),
        st.tuples(flag(depth - 1), inner).map(lambda t: f"case when {t[0]} then {t[1]} end"),
    )


def flag(depth: int) -> st.SearchStrategy[str]:
    order = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "!="])
    columns = st.sampled_from(["is_new", "is_night"])
    if depth == 0:
        return columns
    number, text, inner = numeric(depth - 1), textual(depth - 1), flag(depth - 1)
    pair = st.tuples(inner, inner)
    return st.one_of(
        columns,
        st.tuples(number, order, number).map(" ".join),
        st.tuples(text, order, text).map(" ".join),
        st.tuples(number, number, number).map(lambda t: f"{t[0]} between {t[1]} and {t[2]}"),
        st.tuples(number, st.lists(literal_integers, min_size=1, max_size=3)).map(
            lambda t: f"{t[0]} in ({', '.join(t[1])})"
        ),
        st.tuples(text, st.lists(literal_texts, min_size=1, max_size=3)).map(
            lambda t: f"{t[0]} not in ({', '.join(t[1])})"
        ),
        st.tuples(text, patterns).map(" like ".join),
        st.one_of(number, text, inner).map(lambda x: f"({x}) is null"),
        number.map(lambda x: f"({x}) is not null"),
        pair.map(lambda t: f"({t[0]} and {t[1]})"),
        pair.map(lambda t: f"({t[0]} or {t[1]})"),
        inner.map(lambda x: f"not ({x})"),
        pair.map(lambda t: f"(({t[0]}) = ({t[1]}))"),
        pair.map(lambda t: f"(({t[0]}) <> ({t[1]}))"),
        inner.map(lambda x: f"(({x}) = true)"),
        pair.map(lambda t: f"coalesce({t[0]}, {t[1]})"),
        st.tuples(inner, inner, inner).map(
            lambda t: f"case when {t[0]} then {t[1]} else {t[2]} end"
        ),
    )


def make_features(table: list[dict[str, Any]]) -> dict[str, Column]:
    features = {}
    for name, kind in CATALOGUE.items():
        cells = [row[name] for row in table]
        known = np.array([cell is not None for cell in cells])
        values = np.array([FILLERS[kind] if cell is None else cell for cell in cells], DTYPES[kind])
        features[name] = Column(kind, values, None if known.all() else known)
    return features


@pytest.fixture(scope="module")
def engine() -> Any:
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{name}" {COLUMN_TYPES[kind]}' for name, kind in CATALOGUE.items())
        connection.execute(f"CREATE TABLE history (number INTEGER, {columns})")
        yield connection


def ask_duckdb(engine: Any, predicate: Any, table: list[dict[str, Any]]) -> list[tuple[bool, bool]]:
    engine.execute("DELETE FROM history")
    marks = ", ".join("?" * (len(CATALOGUE) + 1))
    engine.executemany(
        f"INSERT INTO history VALUES ({marks})",
        [[at, *(row[name] for name in CATALOGUE)] for at, row in enumerate(table)],
    )
    sql = render(predicate)
    answer = engine.execute(
        f"SELECT coalesce({sql.value}, FALSE), {sql.failed} FROM history ORDER BY number"
    )
    return [tuple(row) for row in answer.fetchall()]


def ask_numpy(predicate: Any, table: list[dict[str, Any]]) -> list[tuple[bool, bool]]:
    said = Program([predicate]).run(make_features(table), rows=len(table))
    failed = np.zeros_like(said.hits) if said.failed is None else said.failed
    return [(bool(hit), bool(fail)) for hit, fail in zip(said.hits[0], failed[0], strict=True)]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(text=flag(3).filter(lambda text: len(text) < 1_500), table=rows)
def test_numpy_and_duckdb_agree_on_every_row(
    engine: Any, text: str, table: list[dict[str, Any]]
) -> None:
    note(text)
    note(repr(table))
    predicate = check_predicate(f"is_new is null or not is_new or ({text})", CATALOGUE)

    assert ask_numpy(predicate, table) == ask_duckdb(engine, predicate, table)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    texts=st.lists(flag(2).filter(lambda text: len(text) < 500), min_size=3, max_size=5),
    bound=st.integers(-LARGEST, LARGEST) | st.integers(-5, 5),
    table=rows,
)
def test_what_a_first_look_leaves_out_neither_holds_nor_fails(
    texts: list[str], bound: int, table: list[dict[str, Any]]
) -> None:
    needs = [f"amount > {bound}", f"age = {bound} and not is_night", "is_new", "1.5 >= rate"]
    predicates = [
        check_predicate(f"{need} and ({text})", CATALOGUE)
        for need, text in zip(needs, texts, strict=False)
    ]
    predicates += [check_predicate("score < 0 and 1 < 0", CATALOGUE)] * 3
    columns = make_features(table)
    matrices = Layout.of(CATALOGUE, sometimes_unknown=CATALOGUE).fill(columns)
    program = Program(predicates)

    whole, screened = (program.run(each, rows=len(table)) for each in (columns, matrices))

    np.testing.assert_array_equal(screened.hits, whole.hits)
    nowhere = np.zeros_like(whole.hits)
    for said in (screened, whole):
        said_failed = nowhere if said.failed is None else said.failed
        assert not (said_failed & said.hits).any()
    np.testing.assert_array_equal(
        nowhere if screened.failed is None else screened.failed,
        nowhere if whole.failed is None else whole.failed,
    )
