"""Reading a decision table from a document, against the schema of its name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.tables.cells import ANYTHING, Condition, read_condition
from huitong.risk.decisioning.tables.decision_table import DecisionTable, TableRow, TableTest
from huitong.risk.decisioning.tables.reach import check_reach, show_example
from huitong.risk.decisioning.tables.schemas import read_schema
from huitong.risk.decisioning.tables.types import HitPolicy, TableSchema
from huitong.risk.decisioning.tables.values import read_values

_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def read_table(document: object, schema: TableSchema) -> DecisionTable:
    """Return the table that a document writes, checked and compiled.

    The document has `hit_policy`, `rows` (`key`, `when`, `then`) and `tests` (`name`, `inputs`,
    `expect`: what the row answers, a list of that if the policy is to collect). Raises InvalidField
    naming the part (`rows[3].when.amount`, with the column in a cell).
    """
    return _read_document(document, schema, is_reach_checked=None)


def reload_table(content: str) -> DecisionTable:
    """Return a stored table, compiled by the schema that it was written for."""
    document = msgspec.json.decode(content)
    schema = read_schema(document.pop("schema"))
    return _read_document(document, schema, is_reach_checked=document.pop("is_reach_checked"))


def _read_document(
    document: object, schema: TableSchema, *, is_reach_checked: bool | None
) -> DecisionTable:
    given = _take(document, {"hit_policy", "rows", "tests"}, "table")
    policy = given["hit_policy"]
    if policy not in set(HitPolicy):
        raise InvalidField(f"must be among {', '.join(HitPolicy)}", field="hit_policy")
    policy = HitPolicy(policy)
    rows = [
        _read_row(each, schema, f"rows[{at}]")
        for at, each in enumerate(_take_list(given["rows"], limits.TABLE_ROWS_MAX, "rows"))
    ]
    _refuse_twins([each.key for each in rows], "rows", "key")
    tests = [
        _read_test(each, schema, policy, f"tests[{at}]")
        for at, each in enumerate(_take_list(given["tests"], limits.TABLE_TESTS_MAX, "tests"))
    ]
    _refuse_twins([each.name for each in tests], "tests", "name")
    if is_reach_checked is None:
        # Once, when it is saved: it takes longer than asking may.
        is_reach_checked = _check_rows(schema, policy, rows)
    return DecisionTable(schema, policy, rows, tests, is_reach_checked=is_reach_checked)


def _read_row(given: object, schema: TableSchema, field: str) -> TableRow:
    row = _take(given, {"key", "when", "then"}, field)
    key = row["key"]
    if not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise InvalidField("must be 1 to 64 of a-z, 0-9 and _", field=f"{field}.key")
    cells = row["when"]
    names = {each.name for each in schema.inputs}
    if not isinstance(cells, Mapping):
        raise InvalidField("must be an object", field=f"{field}.when")
    for name in cells.keys() - names:
        raise InvalidField("is no input of this table", field=f"{field}.when.{str(name)[:64]}")
    if not isinstance(row["then"], Mapping):
        raise InvalidField("must be an object", field=f"{field}.then")
    conditions = tuple(
        read_condition(cells.get(each.name, ANYTHING), each, f"{field}.when.{each.name}")
        for each in schema.inputs
    )
    kept = {
        column.name: cells[column.name]
        for column, condition in zip(schema.inputs, conditions, strict=True)
        if not condition.is_any
    }
    outputs = read_values(row["then"], schema.outputs, f"{field}.then")
    return TableRow(key=key, cells=kept, conditions=conditions, outputs=outputs)


def _read_test(given: object, schema: TableSchema, policy: HitPolicy, field: str) -> TableTest:
    test = _take(given, {"name", "inputs", "expect"}, field)
    name = test["name"]
    is_fit = isinstance(name, str) and name.strip() and name.isprintable()
    if not is_fit or len(name) > limits.TABLE_TEXT_LENGTH_MAX:
        raise InvalidField(
            f"must be readable text of 1 to {limits.TABLE_TEXT_LENGTH_MAX} characters",
            field=f"{field}.name",
        )
    inputs = _take(test["inputs"], {each.name for each in schema.inputs}, f"{field}.inputs")
    expected = test["expect"]
    if policy is HitPolicy.COLLECT:
        listed = [
            (each, f"{field}.expect[{at}]")
            for at, each in enumerate(
                _take_list(expected, limits.TABLE_ROWS_MAX, f"{field}.expect", least=0)
            )
        ]
    else:
        listed = [(expected, f"{field}.expect")]
    names = {each.name for each in schema.outputs}
    return TableTest(
        name=name,
        inputs=read_values(inputs, schema.inputs, f"{field}.inputs"),
        expected=tuple(
            read_values(_take(each, names, where), schema.outputs, where) for each, where in listed
        ),
    )


def _check_rows(schema: TableSchema, policy: HitPolicy, rows: Sequence[TableRow]) -> bool:
    """Refuse rows that cannot answer, overlap where they must not, or leave something over."""
    grid: list[tuple[Condition, ...]] = [each.conditions for each in rows]
    reach = check_reach(schema.inputs, grid)
    for place in reach.empty:
        raise InvalidField("nothing can match this row", field=f"rows[{place}]")
    if policy is HitPolicy.COLLECT:
        return True
    if policy is HitPolicy.UNIQUE and reach.overlap is not None:
        first, second = reach.overlap
        raise InvalidField(
            f"overlaps with row {rows[first].key}, and the policy is unique",
            field=f"rows[{second}]",
        )
    for place in reach.hidden:
        raise InvalidField(
            "is never reached: rows before it take all its cases", field=f"rows[{place}]"
        )
    if reach.gap is not None:
        example = ", ".join(
            f"{column.name} = {show_example(value)}"
            for column, value in zip(schema.inputs, reach.gap, strict=True)
        )
        raise InvalidField(f"no row is for {example}", field="rows")
    return reach.is_checked


def _take(given: object, wanted: set[str], field: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or set(given) != wanted:
        raise InvalidField(f"must have exactly {', '.join(sorted(wanted))}", field=field)
    return given


def _take_list(given: object, most: int, field: str, *, least: int = 1) -> list[Any]:
    if not isinstance(given, list) or not least <= len(given) <= most:
        raise InvalidField(f"must be a list of {least} to {most}", field=field)
    return given


def _refuse_twins(keys: Sequence[str], field: str, name: str) -> None:
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise InvalidField("is there twice", field=f"{field}[{place}].{name}")
