"""Running a back-test of a version: export its history, run it in DuckDB, write the report."""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database
from huitong.risk.decisioning.backtesting.comparing import Comparison, compare
from huitong.risk.decisioning.backtesting.history import FindParties, Say, export_history
from huitong.risk.decisioning.backtesting.report import make_report
from huitong.risk.decisioning.rules import store
from huitong.risk.decisioning.rules.backtests.running import Period, run_backtest
from huitong.risk.decisioning.rules.backtests.types import BacktestResult
from huitong.risk.decisioning.rules.defaults.loading import default_catalogue
from huitong.risk.decisioning.rules.errors import RuleStateRefused
from huitong.risk.decisioning.rules.rule_sets import RuleSet, reload_rules
from huitong.risk.decisioning.rules.types import RuleState, RuleVersion

_TABLE = "history"


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """What is tested, and what is live beside it on the day of the test."""

    rules: RuleSet
    live: RuleSet | None


async def assess_version(
    database: Database,
    version: RuleVersion,
    *,
    period: Period,
    today: date,
    find_parties: FindParties | None = None,
    say: Say | None = None,
) -> dict[str, Any]:
    """Return the report of what a version would have done with the decisions of a period.

    What lies on the disk meanwhile, in a directory of its own, is deleted. Raises
    HistoryUnusableError, RuleStateRefused for rules that do not compile any more, LimitExceeded.
    """
    live = await _find_live(database, version, today)
    catalogue = default_catalogue(version.purpose)
    pair = await asyncio.to_thread(_compile, version, live)
    if pair.rules.broken:
        raise RuleStateRefused(f"{pair.rules.broken[0].key} does not compile any more.")
    wanted = {*pair.rules.columns, *(() if pair.live is None else pair.live.columns)}
    with tempfile.TemporaryDirectory(prefix="huitong-backtest-") as folder:
        path = Path(folder) / "history.parquet"
        exported = await export_history(
            database,
            path,
            purpose=version.purpose,
            period=period,
            columns={name: kind for name, kind in catalogue.items() if name in wanted},
            find_parties=find_parties,
            say=say,
        )
        result, comparison = await asyncio.to_thread(_run, path, pair, period)
    return make_report(
        result, comparison, exported, live=live, has_parties=find_parties is not None
    )


async def _find_live(database: Database, version: RuleVersion, today: date) -> RuleVersion | None:
    async with database.reading() as uow:
        found = await store.find_in_state(uow, version.purpose, RuleState.LIVE)
    return next((each for each in found if each.decides_on(today)), None)


def _compile(version: RuleVersion, live: RuleVersion | None) -> _Pair:
    catalogue = default_catalogue(version.purpose)
    beside = None if live is None else reload_rules(live.rules, catalogue)
    return _Pair(reload_rules(version.rules, catalogue), beside)


def _run(path: Path, pair: _Pair, period: Period) -> tuple[BacktestResult, Comparison]:
    # Loading DuckDB takes longer than most commands run.
    import duckdb  # noqa: PLC0415

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{limits.BACKTEST_MEMORY_MB_MAX}MB",
        "threads": limits.BACKTEST_THREADS_MAX,
        "temp_directory": str(path.parent / "spill"),
    }
    with duckdb.connect(config=settings) as connection:
        source = connection.read_parquet(str(path))
        source.create_view(_TABLE)
        result = run_backtest(connection, pair.rules, table=_TABLE, period=period)
        comparison = compare(connection, pair.rules, pair.live, table=_TABLE, period=period)
    return result, comparison
