"""Back-tests that staff ask for: one at a time, done by a worker, ended whatever happens."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.risk.decisioning.backtesting.conftest import NOW, Past, finder, remember
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import DatabaseUnavailable, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.job_worker import make_app, run_worker
from huitong.risk import Purpose, RunState
from huitong.wiring.reactions import JOBS


async def ask(desk: Desk, version: Any, **change: Any) -> risk.BacktestRun:
    run: risk.BacktestRun = await desk.run(
        lambda uow: risk.request_backtest(
            uow,
            run_id=uuid7(),
            version_id=version.id,
            days=change.get("days", 30),
            now=change.get("now", NOW),
        )
    )
    return run


async def look(desk: Desk, run: risk.BacktestRun) -> tuple[risk.BacktestRun, risk.Backtest | None]:
    found: tuple[risk.BacktestRun, risk.Backtest | None] = await desk.run(
        lambda uow: risk.get_backtest_run(uow, run.id)
    )
    return found


async def perform(
    desk: Desk,
    run: risk.BacktestRun,
    find: risk.FindParties | None = None,
    *,
    is_last: bool = False,
) -> None:
    await risk.perform_backtest(
        desk.database,
        run.id,
        now=NOW,
        is_last_attempt=is_last,
        parties={} if find is None else {Purpose.PAYMENT: find},
    )


async def away(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    raise DatabaseUnavailable("gone")


async def test_a_worker_does_what_was_asked_for_and_the_result_is_theirs_who_asked(
    desk: Desk, owner_url: str
) -> None:
    past = [Past(900_000, is_fraud=True), Past(100, is_fraud=False)]
    await remember(desk, *past)
    version = await desk.save("amount > 500000")

    asked = await ask(desk, version)
    assert (asked.state, asked.end_day, asked.requested_by) == (
        RunState.QUEUED,
        NOW.date(),
        "stf_test",
    )
    app = make_app(owner_url, role="huitong_app", database=desk.database, definitions=JOBS)
    await run_worker(app, is_ending_when_idle=True)

    run, result = await look(desk, asked)
    assert (run.state, run.rows_read, run.error) == (RunState.DONE, 2, None)
    assert result is not None
    assert (result.created_by, result.result["stopped"]["recall"]) == ("stf_test", 1.0)
    tested = await desk.run(lambda uow: risk.get_rule_version(uow, version.id))
    assert tested.backtest_id == asked.id


async def test_of_two_who_ask_at_once_one_gets_it(desk: Desk) -> None:
    version = await desk.save()
    outcomes = await asyncio.gather(*(ask(desk, version) for _ in range(4)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, risk.BacktestRunning)]
    assert len(refused) == 3
    assert await desk.count("risk.backtest_runs") == 1
    assert await desk.count("jobs.procrastinate_jobs") == 1


async def test_a_run_that_never_ended_is_given_up(desk: Desk) -> None:
    version = await desk.save()
    old = await ask(desk, version)
    later = NOW + timedelta(hours=limits.BACKTEST_RUN_HOURS_MAX)

    new = await ask(desk, version, now=later)

    assert (await look(desk, old))[0].state is RunState.FAILED
    await perform(desk, old)
    assert (await look(desk, old))[1] is None
    await perform(desk, new)
    assert (await look(desk, new))[0].state is RunState.DONE


async def test_a_version_that_was_retired_meanwhile_ends_the_run_with_the_reason(
    desk: Desk,
) -> None:
    version = await desk.save()
    run = await ask(desk, version)
    await desk.retire(version)

    await perform(desk, run)

    ended, result = await look(desk, run)
    assert (ended.state, result) == (RunState.FAILED, None)
    assert ended.error == "It is retired, not draft or shadow."


async def test_a_fault_is_tried_again_and_ends_the_run_at_the_last_attempt(desk: Desk) -> None:
    await remember(desk, Past(100))
    run = await ask(desk, await desk.save())

    with pytest.raises(DatabaseUnavailable):
        await perform(desk, run, away)
    assert (await look(desk, run))[0].state is RunState.RUNNING
    with pytest.raises(DatabaseUnavailable):
        await perform(desk, run, away, is_last=True)

    ended, _ = await look(desk, run)
    assert (ended.state, await desk.count("risk.backtests")) == (RunState.FAILED, 0)
    await perform(desk, run, finder([], []))
    assert await desk.count("risk.backtests") == 0


async def test_two_workers_with_the_same_run_store_it_once(desk: Desk) -> None:
    run = await ask(desk, await desk.save())

    await asyncio.gather(perform(desk, run), perform(desk, run))

    assert (await look(desk, run))[0].state is RunState.DONE
    assert await desk.count("risk.backtests") == 1


async def test_what_does_not_exist_is_said(desk: Desk) -> None:
    with pytest.raises(risk.BacktestNotFound):
        await desk.run(lambda uow: risk.get_backtest_run(uow, uuid7()))
    with pytest.raises(risk.RuleStateRefused):
        await ask(desk, await desk.make_live())


async def test_rules_whose_features_are_gone_end_the_run_with_the_reason(desk: Desk) -> None:
    old = replace(desk, catalogue={**desk.catalogue, "shoe_size": risk.FeatureType.INTEGER})
    run = await ask(desk, await old.save("shoe_size > 42"))

    await perform(desk, run)

    ended, _ = await look(desk, run)
    assert (ended.state, ended.error) == (RunState.FAILED, "large does not compile any more.")
