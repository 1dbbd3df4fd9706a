"""Asking for a back-test, and doing what was asked for."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit, jobs, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField, NotFound, Refusal
from huitong.kernel.ids import BACKTEST, RULE_VERSION, show_id
from huitong.risk.decisioning.backtesting import store
from huitong.risk.decisioning.backtesting.history import FindParties, Say
from huitong.risk.decisioning.backtesting.running import assess_version
from huitong.risk.decisioning.backtesting.types import BacktestRun, RunState
from huitong.risk.decisioning.rules import store as rule_store
from huitong.risk.decisioning.rules.backtests.running import HistoryUnusableError, Period
from huitong.risk.decisioning.rules.commands import get_rule_version, record_backtest
from huitong.risk.decisioning.rules.errors import RuleStateRefused
from huitong.risk.decisioning.rules.types import Backtest, Purpose, RuleState, RuleVersion

#: The job that does what was asked for, with the run's id.
BACKTEST_JOB: Final = "risk.run_backtest"
_TESTED: Final = (RuleState.DRAFT, RuleState.SHADOW)


class BacktestNotFound(NotFound):
    """No back-test has this identifier."""

    code = "backtest_not_found"
    title = "The back-test does not exist"


class BacktestRunning(Conflict):
    """A version is tested by one run at a time."""

    code = "backtest_running"
    title = "A back-test of this version is under way"


def choose_period(days: int, now: datetime) -> Period:
    """Return the last so many business days that are over; raises InvalidField."""
    if not 1 <= days <= limits.BACKTEST_DAYS_MAX:
        raise InvalidField(f"must be from 1 to {limits.BACKTEST_DAYS_MAX}", field="days")
    today = business_day(now)
    return Period(today - timedelta(days=days), today)


async def request_backtest(
    uow: UnitOfWork, *, run_id: uuid.UUID, version_id: uuid.UUID, days: int, now: datetime
) -> BacktestRun:
    """Ask for a back-test of a draft or shadow over the last so many days; a worker does it.

    A run that was asked for too long ago is given up. Raises RuleVersionNotFound, RuleStateRefused,
    BacktestRunning, InvalidField.
    """
    period = choose_period(days, now)
    version = await get_rule_version(uow, version_id)
    # Two who ask at once do so one after the other.
    await rule_store.lock_purpose(uow, version.purpose)
    version = await get_rule_version(uow, version_id)
    _check_state(version)
    open_run = await store.find_open_run(uow, version_id)
    if open_run is not None:
        if now - open_run.requested_at < timedelta(hours=limits.BACKTEST_RUN_HOURS_MAX):
            raise BacktestRunning(f"{show_id(BACKTEST, open_run.id)} is {open_run.state}.")
        await store.end_run(uow, open_run.id, error="it did not end", now=now)
    run = BacktestRun(
        id=run_id,
        version_id=version_id,
        first_day=period.first,
        end_day=period.end,
        state=RunState.QUEUED,
        rows_read=0,
        error=None,
        requested_by=uow.caller.actor,
        requested_at=now,
        finished_at=None,
    )
    await store.insert_run(uow, run)
    await jobs.defer(uow, BACKTEST_JOB, lock=BACKTEST_JOB, run=run_id.hex)
    await audit.record(
        uow,
        action="risk.request_backtest",
        subject=show_id(RULE_VERSION, version_id),
        details={"backtest": show_id(BACKTEST, run_id), "days": days},
    )
    return run


async def get_backtest_run(
    uow: UnitOfWork, run_id: uuid.UUID
) -> tuple[BacktestRun, Backtest | None]:
    """Return a run, and its result once it is done; raises BacktestNotFound."""
    run = await store.find_run(uow, run_id)
    if run is None:
        raise BacktestNotFound(f"there is no back-test {show_id(BACKTEST, run_id)}")
    result = await rule_store.find_backtest(uow, run_id) if run.state is RunState.DONE else None
    return run, result


async def perform_backtest(
    database: Database,
    run_id: uuid.UUID,
    *,
    now: datetime,
    is_last_attempt: bool,
    parties: Mapping[Purpose, FindParties],
) -> None:
    """Do what was asked for; a run that has ended is left alone, so it may be called again.

    A refusal (the version was retired meanwhile or does not compile any more, too many
    combinations) ends the run with its reason. Whatever else goes wrong is raised, and ends the run
    at the last attempt.
    """
    async with database.reading() as uow:
        run, _ = await get_backtest_run(uow, run_id)
    if run.state not in {RunState.QUEUED, RunState.RUNNING}:
        return
    try:
        await _test(database, run, parties, now)
    except (Refusal, HistoryUnusableError) as refused:
        reason = refused.detail if isinstance(refused, Refusal) else str(refused)
        await _give_up(database, run, reason, now)
    except Exception:
        if is_last_attempt:
            await _give_up(database, run, "it failed; the job says why", now)
        raise


async def backtest_now(
    database: Database,
    *,
    backtest_id: uuid.UUID,
    version_id: uuid.UUID,
    days: int,
    caller: Caller,
    now: datetime,
    parties: Mapping[Purpose, FindParties],
    say: Say | None = None,
) -> Backtest:
    """Test a draft or shadow and store the result, in this process.

    Raises what `request_backtest` raises, and for history what `assess_version` does.
    """
    period = choose_period(days, now)
    async with database.reading() as uow:
        version = await get_rule_version(uow, version_id)
    _check_state(version)
    report = await assess_version(
        database,
        version,
        period=period,
        today=business_day(now),
        find_parties=parties.get(version.purpose),
        say=say,
    )
    return await database.run(
        lambda uow: record_backtest(
            uow,
            backtest_id=backtest_id,
            version_id=version_id,
            digest=version.digest,
            result=report,
            now=now,
        ),
        caller,
    )


def _check_state(version: RuleVersion) -> None:
    if version.state not in _TESTED:
        raise RuleStateRefused(f"It is {version.state}, not {' or '.join(_TESTED)}.")


async def _test(
    database: Database, run: BacktestRun, parties: Mapping[Purpose, FindParties], now: datetime
) -> None:
    async with database.reading() as uow:
        version = await get_rule_version(uow, run.version_id)
    _check_state(version)

    async def say(rows: int) -> None:
        await database.run(lambda uow: store.set_running(uow, run.id, rows))

    await say(0)
    report = await assess_version(
        database,
        version,
        period=Period(run.first_day, run.end_day),
        today=business_day(now),
        find_parties=parties.get(version.purpose),
        say=say,
    )

    async def finish(uow: UnitOfWork) -> None:
        # In this order: whoever asks for another run holds the purpose before the run.
        await rule_store.lock_purpose(uow, version.purpose)
        if await store.end_run(uow, run.id, error=None, now=now):
            await record_backtest(
                uow,
                backtest_id=run.id,
                version_id=version.id,
                digest=version.digest,
                result=report,
                now=now,
            )

    # It is theirs who asked: the audit trail names them.
    await database.run(finish, Caller(actor=run.requested_by))


async def _give_up(database: Database, run: BacktestRun, reason: str, now: datetime) -> None:
    error = reason[: limits.BACKTEST_ERROR_LENGTH_MAX] or "it failed"
    await database.run(lambda uow: store.end_run(uow, run.id, error=error, now=now))
