"""Standing orders, and what became of each due date, in the database."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.corporate.plans import Plan
from huitong.payments.corporate.rows import money_or_none
from huitong.payments.corporate.types import Payee


class StandingState(StrEnum):
    """Where a standing order is in its life."""

    ACTIVE = "active"
    DONE = "done"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    """What became of a due date."""

    PAID = "paid"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingOrder:
    """A plan in force and its next date: the `number`-th, due on `due_on` if the calendar knows.

    `tries` counts how often that date could not be paid.
    """

    id: uuid.UUID
    merchant_id: uuid.UUID
    payee: Payee
    plan: Plan
    state: StandingState
    number: int
    nominal_on: date
    due_on: date | None
    next_try_at: datetime | None
    tries: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRun:
    """What became of one due date: paid by an order, or skipped and why."""

    number: int
    nominal_on: date
    due_on: date
    state: RunState
    order_id: uuid.UUID | None
    amount: Money | None
    reason: str | None
    tries: int
    run_at: datetime


_ADD: Final = """
    INSERT INTO payments.standing_orders (id, merchant_id, payee_id, plan, state, number,
                                          nominal_on, due_on, next_try_at)
    VALUES (:id, :merchant_id, :payee_id, :plan, 'active', :number, :nominal_on, :due_on,
            :next_try_at)
"""
_ORDERS: Final = """
    SELECT s.id, s.merchant_id, s.plan, s.state, s.number, s.nominal_on, s.due_on, s.next_try_at,
           s.tries, s.ended_at, p.id AS payee_id, p.account_id, p.bank_code
      FROM payments.standing_orders s JOIN payments.corporate_payees p ON p.id = s.payee_id
"""
_TAKE: Final = f"""
    {_ORDERS} WHERE s.state = 'active' AND s.next_try_at <= :now
     ORDER BY s.next_try_at, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED
"""
_IS_DUE: Final = """
    SELECT EXISTS (SELECT FROM payments.standing_orders
                    WHERE state = 'active' AND next_try_at <= :now)
"""
_LIST: Final = f"""
    {_ORDERS}
     WHERE s.merchant_id = :merchant_id AND (CAST(:before AS uuid) IS NULL OR s.id < :before)
     ORDER BY s.id DESC LIMIT :count
"""
_SAVE: Final = """
    UPDATE payments.standing_orders
       SET state = :state, number = :number, nominal_on = :nominal_on, due_on = :due_on,
           next_try_at = :next_try_at, tries = :tries, ended_at = :ended_at
     WHERE id = :id
"""
_ADD_RUN: Final = """
    INSERT INTO payments.standing_runs (standing_order_id, number, nominal_on, due_on, state,
                                        order_id, amount, reason, tries, run_at)
    VALUES (:standing_order_id, :number, :nominal_on, :due_on, :state, :order_id, :amount, :reason,
            :tries, :run_at)
"""
_RUNS: Final = """
    SELECT number, nominal_on, due_on, state, order_id, amount, reason, tries, run_at
      FROM payments.standing_runs
     WHERE standing_order_id = :id AND number < :before ORDER BY number DESC LIMIT :count
"""


async def add(uow: UnitOfWork, order: StandingOrder) -> None:
    """Put a standing order in force."""
    await uow.execute(
        _ADD,
        id=order.id,
        merchant_id=order.merchant_id,
        payee_id=order.payee.id,
        plan=msgspec.json.encode(order.plan, order="deterministic").decode(),
        number=order.number,
        nominal_on=order.nominal_on,
        due_on=order.due_on,
        next_try_at=order.next_try_at,
    )


async def find(
    uow: UnitOfWork, order_id: uuid.UUID, *, is_locked: bool = False
) -> StandingOrder | None:
    """Return a standing order, locked if it is to be changed."""
    locking = "FOR UPDATE OF s" if is_locked else ""
    row = await uow.fetch_one(f"{_ORDERS} WHERE s.id = :id {locking}", id=order_id)
    return None if row is None else _order(row)


async def take_due(uow: UnitOfWork, now: datetime) -> StandingOrder | None:
    """Lock and return the standing order that has been due longest and that no other worker has."""
    row = await uow.fetch_one(_TAKE, now=now)
    return None if row is None else _order(row)


async def is_any_due(uow: UnitOfWork, now: datetime) -> bool:
    """Whether any standing order is due."""
    return bool(await uow.fetch_value(_IS_DUE, now=now))


async def list_of(
    uow: UnitOfWork, merchant_id: uuid.UUID, before: uuid.UUID | None, count: int
) -> list[StandingOrder]:
    """Return standing orders of a business, newest first."""
    rows = await uow.execute(_LIST, merchant_id=merchant_id, before=before, count=count)
    return [_order(row) for row in rows]


async def save(uow: UnitOfWork, order: StandingOrder) -> None:
    """Save a locked standing order."""
    await uow.execute(
        _SAVE,
        id=order.id,
        state=order.state.value,
        number=order.number,
        nominal_on=order.nominal_on,
        due_on=order.due_on,
        next_try_at=order.next_try_at,
        tries=order.tries,
        ended_at=order.ended_at,
    )


async def add_run(uow: UnitOfWork, order_id: uuid.UUID, run: StandingRun) -> None:
    """Write down what became of a due date; the database takes one for each."""
    await uow.execute(
        _ADD_RUN,
        standing_order_id=order_id,
        number=run.number,
        nominal_on=run.nominal_on,
        due_on=run.due_on,
        state=run.state.value,
        order_id=run.order_id,
        amount=None if run.amount is None else run.amount.minor,
        reason=run.reason,
        tries=run.tries,
        run_at=run.run_at,
    )


async def list_runs(
    uow: UnitOfWork, order: StandingOrder, *, before: int, count: int
) -> list[StandingRun]:
    """Return what became of the due dates before a number, latest first."""
    rows = await uow.execute(_RUNS, id=order.id, before=before, count=count)
    return [
        StandingRun(
            number=row.number,
            nominal_on=row.nominal_on,
            due_on=row.due_on,
            state=RunState(row.state),
            order_id=row.order_id,
            amount=money_or_none(row.amount, order.plan.currency),
            reason=row.reason,
            tries=row.tries,
            run_at=row.run_at,
        )
        for row in rows
    ]


def _order(row: Row[Any]) -> StandingOrder:
    return StandingOrder(
        id=row.id,
        merchant_id=row.merchant_id,
        payee=Payee(
            id=row.payee_id,
            merchant_id=row.merchant_id,
            account_id=row.account_id,
            bank_code=row.bank_code,
        ),
        plan=msgspec.json.decode(row.plan, type=Plan),
        state=StandingState(row.state),
        number=row.number,
        nominal_on=row.nominal_on,
        due_on=row.due_on,
        next_try_at=row.next_try_at,
        tries=row.tries,
        ended_at=row.ended_at,
    )
