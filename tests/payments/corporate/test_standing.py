"""Standing orders and scheduled payments: each due date once, whatever happens to the worker."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from tests.payments.corporate.firm import Firm, at, cny, make_plan

from huitong import ledger, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments import corporate
from huitong.payments.corporate import AmountRule, Convention, Rhythm, RunState, StandingState


def days(runs: list[corporate.StandingRun]) -> list[tuple[str, str]]:
    return [(str(run.due_on), run.state.value) for run in runs]


async def test_a_monthly_order_pays_on_the_business_day_after_its_date(firm: Firm) -> None:
    # 2026-12-05 is a Saturday.
    order = await firm.put_in_force(day=5, convention=Convention.FOLLOWING, count_max=2)
    assert await firm.run_on(date(2026, 12, 5)) == 0
    assert await firm.run_on(date(2026, 12, 7), hour=8) == 0
    assert await firm.run_on(date(2026, 12, 7), hour=9) == 1
    assert await firm.run_on(date(2026, 12, 7), hour=23) == 0
    assert (await firm.funds(), await firm.paid()) == ("900.00", "100.00")
    (run,) = await firm.runs(order)
    assert (run.number, str(run.nominal_on), str(run.due_on)) == (1, "2026-12-05", "2026-12-07")
    found = await firm.town.read(payments.get_order, run.order_id)
    assert (found.amount, found.status) == (cny("100.00"), payments.OrderStatus.SUCCEEDED)
    # The calendar of 2027 is not out yet, so that the second due date is not known.
    waiting = await firm.standing(order)
    assert (waiting.number, waiting.due_on) == (2, None)
    assert waiting.state is StandingState.ACTIVE


async def test_after_days_of_being_down_every_date_is_paid_once_and_in_order(firm: Firm) -> None:
    order = await firm.put_in_force(
        rhythm=Rhythm.WEEKLY, day=2, first_on=date(2026, 11, 24), count_max=4
    )
    assert await firm.run_on(date(2026, 12, 10)) == 3
    assert days(await firm.runs(order)) == [
        ("2026-11-24", "paid"),
        ("2026-12-01", "paid"),
        ("2026-12-08", "paid"),
    ]
    assert await firm.run_on(date(2026, 12, 15)) == 1
    assert await firm.paid() == "400.00"
    assert (await firm.standing(order)).state is StandingState.DONE


async def test_what_is_above_a_balance_is_paid_and_the_whole_of_it(firm: Firm) -> None:
    await firm.put_in_force(
        amount_rule=AmountRule.ABOVE,
        amount=850_00,
        payment_max=190_00,
        rhythm=Rhythm.DAYS,
        day=30,
        count_max=1,
    )
    await firm.put_in_force(
        amount_rule=AmountRule.WHOLE,
        amount=0,
        payment_max=199_00,
        first_on=date(2026, 12, 1),
        count_max=1,
    )
    assert await firm.run_on(date(2026, 11, 24)) == 1
    assert (await firm.funds(), await firm.paid()) == ("850.00", "150.00")
    assert await firm.run_on(date(2026, 12, 1)) == 1
    assert (await firm.funds(), await firm.paid()) == ("651.00", "349.00")


async def test_without_funds_it_is_tried_daily_then_skipped_and_told(firm: Firm) -> None:
    await firm.set_mandate(day_max=cny("5000.00"))
    for _ in range(5):
        await firm.approve(await firm.instruct("190.00"))
    order = await firm.put_in_force(
        rhythm=Rhythm.DAYS, day=10, first_on=date(2026, 11, 24), count_max=2, retry_days=2
    )
    for day in (24, 25):
        assert await firm.run_on(date(2026, 11, day)) == 1
        assert await firm.run_on(date(2026, 11, day), hour=20) == 0
        assert await firm.runs(order) == []
    assert await firm.run_on(date(2026, 11, 26)) == 1
    (skipped,) = await firm.runs(order)
    assert (skipped.state, skipped.reason, skipped.tries) == (
        RunState.SKIPPED,
        "insufficient_funds",
        3,
    )
    assert (await firm.town.topics())[-1] == "StandingPaymentSkipped"
    await firm.town.buy(await firm.town.add_customer("李四", "600.00"), firm.merchant, "350.00")
    assert await firm.run_on(date(2026, 12, 4)) == 1
    assert days(await firm.runs(order)) == [("2026-11-24", "skipped"), ("2026-12-04", "paid")]
    assert (await firm.town.topics())[-1] == "StandingPaymentMade"


async def test_money_that_comes_in_time_pays_a_later_try(firm: Firm) -> None:
    await firm.freeze(firm.merchant.account_id, ledger.AccountState.FROZEN)
    order = await firm.approve(await firm.schedule(make_plan(count_max=1, day=24, retry_days=1)))
    await firm.run_on(date(2026, 11, 24))
    await firm.freeze(firm.merchant.account_id, ledger.AccountState.OPEN)
    await firm.run_on(date(2026, 11, 25))
    (run,) = await firm.runs(order)
    assert (run.state, run.tries) == (RunState.PAID, 2)


async def test_a_scheduled_payment_is_paid_at_its_time_and_cancellable_until_then(
    firm: Firm, refusing: Any
) -> None:
    pay_at = at(date(2026, 11, 27), 15)
    once = {
        "rhythm": Rhythm.ONCE,
        "day": 0,
        "first_on": date(2026, 11, 27),
        "pay_at": pay_at,
    }
    paid, cancelled = await firm.put_in_force(**once), await firm.put_in_force(**once)
    ended = await firm.town.run(
        corporate.cancel_standing_order, order_id=cancelled.id, cancelled_by=firm.maker.id
    )
    assert ended.state is StandingState.CANCELLED
    assert await firm.run_on(date(2026, 11, 27), hour=14) == 0
    assert await firm.run_on(date(2026, 11, 27), hour=15) == 1
    assert await firm.paid() == "100.00"
    for each in (paid, cancelled):
        async with refusing(firm.town):
            with pytest.raises(corporate.StandingOrderOver):
                await firm.town.run(
                    corporate.cancel_standing_order, order_id=each.id, cancelled_by=firm.maker.id
                )


async def test_who_only_looks_cancels_nothing(firm: Firm, refusing: Any) -> None:
    order = await firm.put_in_force()
    async with refusing(firm.town):
        with pytest.raises(corporate.CorporateNotAllowed):
            await firm.town.run(
                corporate.cancel_standing_order, order_id=order.id, cancelled_by=firm.viewer.id
            )
        with pytest.raises(corporate.StandingOrderNotFound):
            await firm.town.run(
                corporate.cancel_standing_order, order_id=order.id, cancelled_by=firm.stranger.id
            )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_on": date(2026, 11, 22)}, "first_on"),
        ({"first_on": date(9999, 12, 31)}, "first_on"),
        (
            {
                "rhythm": Rhythm.ONCE,
                "day": 0,
                "first_on": date(2026, 11, 23),
                "pay_at": at(date(2026, 11, 23), 12),
            },
            "pay_at",
        ),
        (
            {
                "rhythm": Rhythm.ONCE,
                "day": 0,
                "first_on": date(2026, 11, 24),
                "pay_at": at(date(2026, 11, 25), 12),
            },
            "first_on",
        ),
    ],
)
async def test_what_would_be_past_is_refused(
    firm: Firm, refusing: Any, changes: dict[str, Any], field: str
) -> None:
    async with refusing(firm.town):
        with pytest.raises(corporate.ScheduleInvalid) as caught:
            await firm.schedule(make_plan(**changes))
    assert caught.value.field == field


async def test_approved_after_all_its_dates_it_is_refused(firm: Firm, refusing: Any) -> None:
    instruction = await firm.schedule(make_plan(day=24, count_max=1))
    firm.now += timedelta(days=2)
    async with refusing(firm.town):
        with pytest.raises(corporate.ScheduleInvalid, match="over"):
            await firm.approve(instruction)


async def test_many_workers_pay_each_date_once(firm: Firm) -> None:
    order = await firm.put_in_force(
        rhythm=Rhythm.DAYS, day=1, first_on=date(2026, 11, 24), count_max=5
    )
    now = at(date(2026, 12, 5))

    async def work() -> None:
        while await corporate.run_next_standing_order(firm.town.database, None, now=now):
            pass

    await asyncio.gather(*(work() for _ in range(4)))
    await work()
    runs = await firm.runs(order)
    assert [run.number for run in runs] == [1, 2, 3, 4, 5]
    assert (await firm.funds(), await firm.paid()) == ("500.00", "500.00")


async def test_cancelling_against_the_worker_pays_once_or_not_at_all(firm: Firm) -> None:
    orders = [await firm.put_in_force(day=24, count_max=1, amount=10_00) for _ in range(8)]
    now = at(date(2026, 11, 24))

    async def cancel(order: corporate.Instruction) -> bool:
        try:
            await firm.town.run(
                corporate.cancel_standing_order,
                order_id=order.id,
                cancelled_by=firm.checkers[0].id,
                now=now,
            )
        except corporate.StandingOrderOver:
            return False
        return True

    async def work() -> None:
        while await corporate.run_next_standing_order(firm.town.database, None, now=now):
            pass

    cancelled, *_ = await asyncio.gather(
        asyncio.gather(*(cancel(order) for order in orders)), work(), work()
    )
    await work()
    for order, is_cancelled in zip(orders, cancelled, strict=True):
        assert len(await firm.runs(order)) == (0 if is_cancelled else 1)
    assert await firm.paid() == f"{10 * (8 - sum(cancelled))}.00"


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("statement", range(1, 16))
async def test_killed_at_any_statement_it_pays_exactly_once(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    order = await firm.put_in_force(day=24, count_max=1)
    real, count = UnitOfWork.execute, 0

    async def execute(uow: UnitOfWork, *args: Any, **values: Any) -> Any:
        nonlocal count
        count += 1
        result = await real(uow, *args, **values)
        if count == statement:
            raise Killed
        return result

    monkeypatch.setattr(UnitOfWork, "execute", execute)
    now = at(date(2026, 11, 24))
    try:
        await corporate.run_next_standing_order(firm.town.database, None, now=now)
    except Killed:
        assert count == statement
    monkeypatch.setattr(UnitOfWork, "execute", real)
    await firm.run_on(date(2026, 11, 24))
    assert days(await firm.runs(order)) == [("2026-11-24", "paid")]
    assert await firm.paid() == "100.00"
