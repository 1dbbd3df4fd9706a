"""A decision table: read strictly from a document, checked, and asked through the engine."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.tables.cells import Condition
from huitong.risk.decisioning.tables.engine import Engine, compile_rows
from huitong.risk.decisioning.tables.types import Cell, HitPolicy, Shown, TableSchema
from huitong.risk.decisioning.tables.values import read_values, show_value


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row: a condition for every input, and what it answers."""

    key: str
    cells: Mapping[str, str]
    conditions: tuple[Condition, ...]
    outputs: Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTest:
    """A case that the table must answer so: one mapping for each row that is to hit."""

    name: str
    inputs: Mapping[str, Cell]
    expected: tuple[Mapping[str, Cell], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a table answers: rows by place, in their order."""

    rows: tuple[TableRow, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the rows."""
        return tuple(each.key for each in self.rows)

    @property
    def outputs(self) -> tuple[Mapping[str, Cell], ...]:
        """What the rows answer."""
        return tuple(each.outputs for each in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTest:
    """A test case that did not come out as it says."""

    name: str
    expected: tuple[Mapping[str, Shown], ...]
    answered: tuple[Mapping[str, Shown], ...]


class DecisionTable:
    """A table that was checked, with its engine; safe to use from several threads."""

    def __init__(
        self,
        schema: TableSchema,
        policy: HitPolicy,
        rows: Sequence[TableRow],
        tests: Sequence[TableTest],
        *,
        is_reach_checked: bool,
    ) -> None:
        """Compile; raises InvalidField naming a cell that the engine does not take."""
        self.schema, self.policy = schema, policy
        self.rows, self.tests = tuple(rows), tuple(tests)
        #: Whether every row was proved to be reachable, and every case to have a row.
        self.is_reach_checked = is_reach_checked
        self._engine: Engine = compile_rows(
            [each.name for each in schema.inputs],
            [each.conditions for each in rows],
            is_collecting=policy is HitPolicy.COLLECT,
        )

    def read_inputs(self, given: Mapping[str, Any], field: str = "inputs") -> dict[str, Cell]:
        """Return what the table is asked, checked against its schema; raises InvalidField."""
        return read_values(given, self.schema.inputs, field)

    def ask(self, inputs: Mapping[str, Cell]) -> Hit:
        """Return what the rows answer to inputs that were read; no rows where none is for them."""
        return Hit(rows=tuple(self.rows[place] for place in self._engine.ask(inputs)))

    def run_tests(self) -> tuple[FailedTest, ...]:
        """Ask every test case, and return those that do not come out as they say."""
        failed = []
        for test in self.tests:
            answered = self.ask(test.inputs).outputs
            if answered != test.expected:
                failed.append(
                    FailedTest(
                        name=test.name,
                        expected=tuple(map(show_values, test.expected)),
                        answered=tuple(map(show_values, answered)),
                    )
                )
        return tuple(failed)


def show_values(values: Mapping[str, Cell]) -> dict[str, Shown]:
    """Return values as they travel: decimals are text."""
    return {name: show_value(value) for name, value in values.items()}


def show_table(table: DecisionTable) -> dict[str, Any]:
    """Return a table as `read_table` takes it."""
    is_single = table.policy is not HitPolicy.COLLECT
    rows = [
        {"key": each.key, "when": dict(each.cells), "then": show_values(each.outputs)}
        for each in table.rows
    ]
    tests = []
    for test in table.tests:
        expected = [show_values(each) for each in test.expected]
        expect = expected[0] if is_single else expected
        tests.append({"name": test.name, "inputs": show_values(test.inputs), "expect": expect})
    return {"hit_policy": table.policy.value, "rows": rows, "tests": tests}


def write_content(table: DecisionTable) -> str:
    """Return a table as canonical JSON, with its schema; raises InvalidField if it is too long."""
    document = {
        **show_table(table),
        "schema": show_schema(table.schema),
        "is_reach_checked": table.is_reach_checked,
    }
    text = msgspec.json.encode(document, order="sorted").decode()
    if len(text.encode()) > limits.TABLE_BYTES_MAX:
        raise InvalidField(f"must have at most {limits.TABLE_BYTES_MAX} bytes", field="rows")
    return text


def show_schema(schema: TableSchema) -> dict[str, Any]:
    """Return a schema as JSON carries it."""

    def show(column: Any) -> dict[str, Any]:
        return {
            "name": column.name,
            "type": column.type.value,
            "meaning": column.meaning,
            "is_nullable": column.is_nullable,
            "values": list(column.values),
            "minimum": None if column.minimum is None else format(column.minimum, "f"),
            "maximum": None if column.maximum is None else format(column.maximum, "f"),
        }

    return {
        "name": schema.name,
        "meaning": schema.meaning,
        "inputs": [show(each) for each in schema.inputs],
        "outputs": [show(each) for each in schema.outputs],
    }


def digest_content(content: str) -> str:
    """Return the SHA-256 of a table as it is stored, 64 hexadecimal digits."""
    return hashlib.sha256(content.encode()).hexdigest()
