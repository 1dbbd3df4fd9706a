"""Running a set of rules over a table of history, in DuckDB, in one pass.

A table of history has a column for each feature of the catalogue that the rules look at
(`duckdb_sql.COLUMN_TYPES`), and `amount` (BIGINT, minor units), `day` (DATE) and `is_fraud`
(BOOLEAN, NULL where nobody knows yet). Each row becomes the bits of the rules that hit it and that
failed on it, and rows with the same bits are counted together: there are few such patterns, and
every figure follows from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from huitong.kernel import limits
from huitong.risk.decisioning.rules.backtests.counting import Pattern, count
from huitong.risk.decisioning.rules.backtests.types import BacktestResult
from huitong.risk.decisioning.rules.language.tree import Op
from huitong.risk.decisioning.rules.programs.duckdb_sql import COLUMN_TYPES, quote_name, render
from huitong.risk.decisioning.rules.rule_sets import RuleSet

#: How many rules share one number of 64 bits; half of them, so that no sum comes near its end.
_BITS: Final = 32
_OWN_COLUMNS: Final = {"amount": "BIGINT", "day": "DATE", "is_fraud": "BOOLEAN"}


class HistoryUnusableError(ValueError):
    """The table of history does not have what the rules look at."""


@dataclass(frozen=True, slots=True)
class Period:
    """Business days from `first` until before `end`."""

    first: date
    end: date


class Connection(Protocol):
    """What is needed of DuckDB's connection; importing DuckDB would slow all processes' start."""

    def execute(self, query: str, parameters: object = None) -> Any:
        """Run a query."""
        ...


def run_backtest(
    connection: Connection, rules: RuleSet, *, table: str, period: Period
) -> BacktestResult:
    """Return what `rules` would have done with the rows of `table` in a period.

    It takes one pass over the table and blocks until it is done. Raises HistoryUnusableError
    naming the columns that are not there or of another type, ValueError for rules that do not
    compile any more, and LimitExceeded for far too many combinations of rules.
    """
    if rules.broken:
        raise ValueError(f"{rules.broken[0].key} does not compile")
    _check_columns(connection, rules, table)
    rows = connection.execute(_write_query(rules, table), [period.first, period.end]).fetchall()
    return count(rules.rules, period.first, period.end, _read_patterns(rows))


def _check_columns(connection: Connection, rules: RuleSet, table: str) -> None:
    found: Mapping[str, str] = dict(
        connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?",
            [table],
        ).fetchall()
    )
    wanted = dict(_OWN_COLUMNS)
    for predicate in rules.predicates:
        if predicate is not None:
            columns = [node for node in predicate.walk() if node.op is Op.COLUMN]
            wanted |= {str(node.value): COLUMN_TYPES[node.type] for node in columns}
    wrong = [f"{name} {kind}" for name, kind in wanted.items() if found.get(name) != kind]
    if wrong:
        raise HistoryUnusableError(f"the table {table} must have {', '.join(wrong)}")


def _write_query(rules: RuleSet, table: str) -> str:
    rendered = [render(each) for each in rules.predicates if each is not None]
    hits = _pack([f"({each.value}) IS TRUE" for each in rendered])
    failures = _pack([each.failed for each in rendered])
    bits = [f"{sql} AS b{at}" for at, sql in enumerate([*hits, *failures])]
    names = ", ".join(f"b{at}" for at in range(len(bits)))
    # `amount` is a feature too, so the inner names are ours.
    return f"""
        SELECT {names}, label, count(*), coalesce(sum(money), 0)
          FROM (SELECT {", ".join(bits)}, is_fraud AS label, amount AS money
                  FROM {quote_name(table)} WHERE "day" >= ? AND "day" < ?)
         GROUP BY ALL
         LIMIT {limits.BACKTEST_PATTERNS_MAX + 1}
    """  # noqa: S608 - checked predicates, written by our own renderer


def _pack(flags: list[str]) -> list[str]:
    """Return flags as sums of powers of two, so many in each."""
    packed = []
    for start in range(0, limits.RULES_IN_SET_MAX, _BITS):
        part = flags[start : start + _BITS]
        terms = [f"CASE WHEN {flag} THEN {1 << at} ELSE 0 END" for at, flag in enumerate(part)]
        packed.append(f"CAST({' + '.join(['CAST(0 AS BIGINT)', *terms])} AS BIGINT)")
    return packed


def _read_patterns(rows: Iterable[tuple[Any, ...]]) -> list[Pattern]:
    return [
        Pattern(
            hits=_unpack(row[: (len(row) - 3) // 2]),
            failed=_unpack(row[(len(row) - 3) // 2 : -3]),
            is_fraud=row[-3],
            rows=row[-2],
            amount=int(row[-1]),
        )
        for row in rows
    ]


def _unpack(numbers: tuple[int, ...]) -> int:
    return sum(number << (at * _BITS) for at, number in enumerate(numbers))
