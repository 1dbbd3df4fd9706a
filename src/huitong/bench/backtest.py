"""`bench backtest`: what the default rules would have done with ten million stored payments."""

import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from huitong.bench.machine import describe_machine
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.kernel.clock import business_day
from huitong.kernel.rulebook import Rulebook
from huitong.risk import (
    COLUMN_TYPES,
    BacktestResult,
    Column,
    FeatureType,
    Period,
    Purpose,
    RuleSet,
    default_catalogue,
    default_rules,
    read_rules,
    run_backtest,
)

ROWS: Final = 10_000_000
#: How many of them are also decided as the payment path does it, in batches of so many.
COMPARED_ROWS: Final = 1_000_000
BATCH_ROWS: Final = 1_024
_DAYS: Final = 30
_FIRST: Final = date(2026, 10, 1)
_PERIOD: Final = Period(_FIRST, _FIRST + timedelta(days=_DAYS))
_TARGETS: Final = (Target(figure="backtest_seconds", value=60.0, is_maximum=True),)
_NOTES: Final[Mapping[str, str]] = {
    "backtest_seconds": "run_backtest over a table in a DuckDB file: hits, failures, overlaps, "
    "money and known labels of every rule and action",
    "numpy_rows_per_second": f"the same rules over batches of {BATCH_ROWS:,} rows as the payment "
    "path runs them, on one core, reading not counted; the hits are compared",
}
# Skewed, as payments are: most counters are near zero, most amounts small, some features unknown.
_SHAPES: Final = {
    FeatureType.INTEGER: "CAST(1000 * exp(3 * (random() + random() + random() - 1)) AS BIGINT)",
    FeatureType.NUMBER: "CASE WHEN random() < 0.9 THEN random() ELSE 20 * random() END",
    FeatureType.FLAG: "random() < 0.15",
    FeatureType.TEXT: "CASE WHEN random() < 0.8 THEN 'transfer' ELSE 'static_qr' END",
}
_SECONDS: Final = "CAST(10000000 * random() * random() AS BIGINT)"


def measure(options: Options) -> Result:
    """Run the benchmark on a DuckDB file of its own."""
    rows = options.scaled(ROWS, least=1_000)
    today = business_day(datetime.now(UTC))
    catalogue = default_catalogue(Purpose.PAYMENT)
    rules = read_rules(default_rules(Purpose.PAYMENT, Rulebook.load(), today), catalogue)
    with (
        tempfile.TemporaryDirectory(prefix="huitong-bench-") as folder,
        duckdb.connect(Path(folder) / "history.duckdb") as connection,
    ):
        options.say(f"making {rows:,} stored payments")
        _fill(connection, rules, catalogue, rows, options.seed)
        options.say(f"testing {len(rules.rules)} rules over them")
        started = time.perf_counter()
        result = run_backtest(connection, rules, table="history", period=_PERIOD)
        seconds = time.perf_counter() - started
        compared = min(rows, options.scaled(COMPARED_ROWS, least=1_000))
        options.say(f"deciding {compared:,} of them in batches")
        rate = _decide(connection, rules, catalogue, compared)
    if result.everything.rows != rows:
        raise BenchmarkFailed("not all rows were tested", retryable=False)
    return _report(result, rules, rows, seconds, rate)


def _report(
    result: BacktestResult, rules: RuleSet, rows: int, seconds: float, rate: float
) -> Result:
    return Result(
        name="backtest",
        title="Back-test of a version of rules",
        figures={
            "backtest_seconds": round(seconds, 2),
            "rows_per_second": round(rows / seconds),
            "rows": rows,
            "rules": len(rules.rules),
            "features": len(rules.columns),
            "rows_not_allowed": rows - result.actions["allow"].rows,
        },
        baselines={"numpy_rows_per_second": round(rate)},
        machine={**describe_machine(), "duckdb": duckdb.__version__},
        details={"notes": _NOTES, "backtest": result.to_json()},
        targets=_TARGETS,
    )


def _fill(
    connection: duckdb.DuckDBPyConnection,
    rules: RuleSet,
    catalogue: Mapping[str, FeatureType],
    rows: int,
    seed: int,
) -> None:
    """Make the table of history, with the features that the rules look at."""
    columns = []
    for name in sorted({*rules.columns, "amount"}):
        kind = catalogue[name]
        shape = _SECONDS if "seconds" in name else _SHAPES[kind]
        known = f"CASE WHEN random() < 0.95 THEN {shape} END" if name != "amount" else shape
        columns.append(f'CAST({known} AS {COLUMN_TYPES[kind]}) AS "{name}"')
    connection.execute("SELECT setseed(?)", [1 / (1 + seed)])
    # One thread, so that the same seed makes the same rows.
    connection.execute("SET threads = 1")
    connection.execute(
        f"""
        CREATE TABLE history AS
        SELECT i, {", ".join(columns)}, DATE '{_FIRST}' + CAST(i % {_DAYS} AS INTEGER) AS "day",
               CASE WHEN random() < 0.9 THEN random() < 0.002 END AS is_fraud
          FROM range({rows}) t(i)
        """  # noqa: S608 - names and types of our own
    )
    connection.execute("CHECKPOINT")
    connection.execute("RESET threads")


def _decide(
    connection: duckdb.DuckDBPyConnection,
    rules: RuleSet,
    catalogue: Mapping[str, FeatureType],
    rows: int,
) -> float:
    """Decide rows in batches; returns rows a second, and makes sure that the hits are the same."""
    names = ", ".join(f'"{name}"' for name in rules.columns)
    connection.execute(
        f"CREATE VIEW compared AS SELECT * FROM history WHERE i < {rows}"  # noqa: S608 - a number
    )
    expected = run_backtest(connection, rules, table="compared", period=_PERIOD)
    answer = connection.execute(f"SELECT {names} FROM compared")  # noqa: S608 - as above
    found: dict[str, Any] = answer.fetchnumpy()
    columns = {name: _read_column(found[name], catalogue[name]) for name in rules.columns}
    hits = np.zeros(len(rules.rules), np.int64)
    seconds = 0.0
    for start in range(0, rows, BATCH_ROWS):
        end = min(rows, start + BATCH_ROWS)
        batch = {name: _cut(column, start, end) for name, column in columns.items()}
        started = time.perf_counter()
        said = rules.assess(batch, rows=end - start)
        seconds += time.perf_counter() - started
        hits += said.hits.sum(axis=1)
    if hits.tolist() != [each.hits.rows for each in expected.rules]:
        raise BenchmarkFailed("the payment path and the back-test disagree", retryable=False)
    return rows / seconds


def _read_column(found: Any, kind: FeatureType) -> Column:
    if not isinstance(found, np.ma.MaskedArray):
        return Column(kind, found)
    return Column(kind, found.filled(0), ~np.ma.getmaskarray(found))


def _cut(column: Column, start: int, end: int) -> Column:
    known = None if column.known is None else column.known[start:end]
    return Column(column.type, column.values[start:end], known)
