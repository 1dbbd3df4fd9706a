"""Standing orders and scheduled payments: put in force, cancelled, and paid when they are due.

Each due date is decided once: paid, or skipped with its reason. What fell due while no worker ran
is paid as soon as one does, each date by itself and in order; a date whose days for trying again
have passed meanwhile, or after which the next one is due already, is tried that one time.
"""

import uuid
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong import customers, ledger, risk
from huitong.kernel import audit, outbox
from huitong.kernel.calendar import china_calendar
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import CUSTOMER, INSTRUCTION, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.payments.bulk import Role, is_business_user
from huitong.payments.corporate import standing_store as store
from huitong.payments.corporate.errors import (
    CorporateNotAllowed,
    NothingToPay,
    ScheduleInvalid,
    StandingOrderNotFound,
    StandingOrderOver,
)
from huitong.payments.corporate.events import StandingPaymentMade, StandingPaymentSkipped
from huitong.payments.corporate.limits import (
    CALENDAR_LOOK_AHEAD_DAYS,
    STANDING_COUNT_MAX,
    STANDING_YEARS_MAX,
)
from huitong.payments.corporate.mandates import check_role, check_user, get_mandate
from huitong.payments.corporate.paying import pay
from huitong.payments.corporate.plans import Plan, due_date, nominal_date
from huitong.payments.corporate.standing_store import (
    RunState,
    StandingOrder,
    StandingRun,
    StandingState,
)
from huitong.payments.corporate.types import Instruction
from huitong.payments.types import Order

#: When of a day standing orders are paid.
_TIME_KEY: Final = "corporate.standing.time"


def check_first_date(plan: Plan, now: datetime) -> None:
    """Raise ScheduleInvalid if a plan would begin in the past, or too far from now."""
    if plan.first_on < business_day(now):
        raise ScheduleInvalid("must not be in the past", field="first_on")
    if plan.first_on > business_day(now) + timedelta(days=366 * STANDING_YEARS_MAX):
        raise ScheduleInvalid(
            f"must be within {STANDING_YEARS_MAX} years from now", field="first_on"
        )
    if plan.pay_at is not None and plan.pay_at <= now:
        raise ScheduleInvalid("must be in the future", field="pay_at")
    if plan.pay_at is not None and business_day(plan.pay_at) != plan.first_on:
        raise ScheduleInvalid("must be the day of pay_at", field="first_on")


async def start(uow: UnitOfWork, instruction: Instruction, plan: Plan, *, now: datetime) -> None:
    """Put an approved plan in force, from its first due date that is not past on.

    Raises ScheduleInvalid if all of them are: it was approved too late.
    """
    today = business_day(now)
    for number in range(1, STANDING_COUNT_MAX + 1):
        nominal = nominal_date(plan, number)
        if nominal is None:
            break
        due = due_date(nominal, plan.convention, china_calendar())
        if (nominal if due is None else due) < today:
            continue
        order = StandingOrder(
            id=instruction.id,
            merchant_id=instruction.merchant_id,
            payee=instruction.payee,
            plan=plan,
            state=StandingState.ACTIVE,
            number=number,
            nominal_on=nominal,
            due_on=due,
            next_try_at=_first_try(plan, nominal, due, now),
        )
        await store.add(uow, order)
        return
    raise ScheduleInvalid("all dates of the plan are over", field="last_on")


async def cancel_standing_order(
    uow: UnitOfWork, *, order_id: uuid.UUID, cancelled_by: uuid.UUID, now: datetime
) -> StandingOrder:
    """Cancel what of a standing order or scheduled payment is not paid yet.

    One person is enough, a submitter or an approver: it moves no money. A payment that is being
    made at this moment comes first. Raises StandingOrderNotFound, CorporateNotAllowed,
    StandingOrderOver.
    """
    order = await get_standing_order(uow, order_id, customer_id=cancelled_by, is_locked=True)
    try:
        await check_role(uow, order.merchant_id, cancelled_by, Role.SUBMITTER)
    except CorporateNotAllowed:
        await check_role(uow, order.merchant_id, cancelled_by, Role.APPROVER)
    if order.state is not StandingState.ACTIVE:
        raise StandingOrderOver(
            f"the standing order is {order.state.value}", context={"state": order.state.value}
        )
    cancelled = replace(order, state=StandingState.CANCELLED, next_try_at=None, ended_at=now)
    await store.save(uow, cancelled)
    await audit.record(
        uow,
        action="payments.cancel_standing_order",
        subject=show_id(INSTRUCTION, order.id),
        details={"by": show_id(CUSTOMER, cancelled_by), "number": order.number},
    )
    return cancelled


async def get_standing_order(
    uow: UnitOfWork, order_id: uuid.UUID, *, customer_id: uuid.UUID, is_locked: bool = False
) -> StandingOrder:
    """Return a standing order of a business that the customer acts for.

    Raises StandingOrderNotFound, also for one of others.
    """
    found = await store.find(uow, order_id, is_locked=is_locked)
    if found is None or not await is_business_user(uow, found.merchant_id, customer_id):
        shown = show_id(INSTRUCTION, order_id)
        raise StandingOrderNotFound(f"there is no standing order {shown}")
    return found


async def list_standing_orders(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID,
    customer_id: uuid.UUID,
    before: uuid.UUID | None = None,
    limit: int,
) -> list[StandingOrder]:
    """Return standing orders of a business, newest first; raises CorporateNotAllowed."""
    await check_user(uow, merchant_id, customer_id)
    return await store.list_of(uow, merchant_id, before, limit)


async def list_standing_runs(
    uow: UnitOfWork, order: StandingOrder, *, before: int | None = None, limit: int
) -> list[StandingRun]:
    """Return what became of the due dates before a number, latest first."""
    number = STANDING_COUNT_MAX + 1 if before is None else before
    return await store.list_runs(uow, order, before=number, count=limit)


async def is_any_standing_order_due(uow: UnitOfWork, *, now: datetime) -> bool:
    """Whether any standing order is due: cheap, for a worker that asks all the time."""
    return await store.is_any_due(uow, now)


async def run_next_standing_order(
    database: Database, decider: risk.PaymentDecider | None, *, now: datetime
) -> bool:
    """Decide about the due date that has waited longest; False if none is due.

    The payment and that it was made are one transaction; why one could not be made is another,
    which looks again whether that is still so. So any number of workers may run this, and one may
    die anywhere.
    """
    taken: list[StandingOrder] = []

    async def run(uow: UnitOfWork) -> bool:
        order = await store.take_due(uow, now)
        taken[:] = [] if order is None else [order]
        if order is not None:
            await _run(uow, decider, order, now)
        return order is not None

    try:
        return await database.run(run)
    except Refusal as refusal:
        (order,) = taken
        reason = refusal.code
        await database.run(lambda uow: _postpone(uow, order, reason, now))
        return True


async def _run(
    uow: UnitOfWork, decider: risk.PaymentDecider | None, order: StandingOrder, now: datetime
) -> None:
    if order.due_on is None:
        due = due_date(order.nominal_on, order.plan.convention, china_calendar())
        try_at = _first_try(order.plan, order.nominal_on, due, now)
        await store.save(uow, replace(order, due_on=due, next_try_at=try_at))
        return
    paid = await _pay(uow, decider, order, now)
    run = _make_run(order, RunState.PAID, now, paid=paid)
    await store.add_run(uow, order.id, run)
    await store.save(uow, _advance(order, now))
    event = StandingPaymentMade(
        standing_order_id=order.id,
        merchant_id=order.merchant_id,
        number=order.number,
        due_on=order.due_on,
        order_id=paid.id,
        amount=paid.amount,
    )
    await outbox.append(uow, [event])


async def _pay(
    uow: UnitOfWork, decider: risk.PaymentDecider | None, order: StandingOrder, now: datetime
) -> Order:
    mandate = await get_mandate(uow, order.merchant_id, is_kept=True)
    merchant = await customers.get_merchant(uow, order.merchant_id)
    balance = await ledger.get_balance(uow, merchant.account_id)
    amount = order.plan.amount_of(balance.available)
    if not amount.is_positive:
        raise NothingToPay("the balance is not above what is to stay")
    return await pay(
        uow,
        decider,
        order_id=uuid7(),
        mandate=mandate,
        payee=order.payee,
        amount=amount,
        description=order.plan.description,
        now=now,
    )


async def _postpone(uow: UnitOfWork, seen: StandingOrder, reason: str, now: datetime) -> None:
    """Try a date that could not be paid again on the next day, or give it up."""
    order = await store.find(uow, seen.id, is_locked=True)
    # Somebody else has decided about this date meanwhile, or cancelled the rest.
    if order != seen:
        return
    assert order.due_on is not None
    today = business_day(now)
    following = _find_next_due(order)
    is_last = today >= order.due_on + timedelta(days=order.plan.retry_days)
    if not is_last and (following is None or following > today):
        tomorrow = _at(today + timedelta(days=1), now)
        await store.save(uow, replace(order, tries=order.tries + 1, next_try_at=tomorrow))
        return
    await store.add_run(uow, order.id, _make_run(order, RunState.SKIPPED, now, reason=reason))
    await store.save(uow, _advance(order, now))
    event = StandingPaymentSkipped(
        standing_order_id=order.id,
        merchant_id=order.merchant_id,
        number=order.number,
        due_on=order.due_on,
        reason=reason,
    )
    await outbox.append(uow, [event])


def _find_next_due(order: StandingOrder) -> date | None:
    nominal = nominal_date(order.plan, order.number + 1)
    if nominal is None:
        return None
    return due_date(nominal, order.plan.convention, china_calendar()) or nominal


def _advance(order: StandingOrder, now: datetime) -> StandingOrder:
    """Return a standing order with its next date, or done if there is none."""
    number = order.number + 1
    nominal = nominal_date(order.plan, number)
    if nominal is None:
        return replace(order, state=StandingState.DONE, next_try_at=None, tries=0, ended_at=now)
    due = due_date(nominal, order.plan.convention, china_calendar())
    return replace(
        order,
        number=number,
        nominal_on=nominal,
        due_on=due,
        next_try_at=_first_try(order.plan, nominal, due, now),
        tries=0,
    )


def _first_try(plan: Plan, nominal: date, due: date | None, now: datetime) -> datetime:
    """Return when a date is first tried; for one that the calendar does not reach, looked at."""
    if plan.pay_at is not None:
        return plan.pay_at
    if due is not None:
        return _at(due, now)
    look = nominal - timedelta(days=CALENDAR_LOOK_AHEAD_DAYS)
    return _at(max(look, business_day(now) + timedelta(days=1)), now)


def _at(day: date, now: datetime) -> datetime:
    text = Rulebook.load().text(_TIME_KEY, business_day(now))
    return datetime.combine(day, time.fromisoformat(text), ZoneInfo(SHANGHAI))


def _make_run(
    order: StandingOrder,
    state: RunState,
    now: datetime,
    *,
    paid: Order | None = None,
    reason: str | None = None,
) -> StandingRun:
    assert order.due_on is not None
    return StandingRun(
        number=order.number,
        nominal_on=order.nominal_on,
        due_on=order.due_on,
        state=state,
        order_id=None if paid is None else paid.id,
        amount=None if paid is None else paid.amount,
        reason=reason,
        tries=order.tries + 1,
        run_at=now,
    )
