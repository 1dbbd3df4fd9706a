"""Rates that follow a loan prime rate: set anew on the product's dates."""

import uuid
from datetime import date, datetime
from functools import partial

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.loans import store
from huitong.lending.loans.changing import Wanted, carry_out, lock_loan
from huitong.lending.loans.types import EventKind, Loan, LoanEvent, LoanState
from huitong.lending.products import base_rate
from huitong.lending.schedules import add_months


async def reprice_due(
    database: Database, *, rulebook: Rulebook, now: datetime, caller: Caller = SYSTEM
) -> int:
    """Give up to REPRICED_AT_ONCE_MAX loans the rate of their date in this month; return how many.

    The date is so many months after the loan was lent as its product says, or a multiple of them;
    the rate is the prime rate of that date with the contract's spread. Each in a transaction of
    its own, once: the change is recorded as one of that date. A missed day is caught up in the
    same month.
    """
    today = business_day(now)
    async with database.reading(caller) as uow:
        ids = await store.list_to_reprice(uow, today, limit=limits.REPRICED_AT_ONCE_MAX)
    done = 0
    for loan_id in ids:
        step = partial(reprice, loan_id=loan_id, rulebook=rulebook, now=now)
        done += await database.run(step, caller) is not None
    return done


async def reprice(
    uow: UnitOfWork, loan_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> LoanEvent | None:
    """Give a loan the rate of its last date; None if it has none, or had the change already."""
    locked = await lock_loan(uow, loan_id, now=now)
    loan = locked.loan
    on = find_repricing(loan, business_day(now))
    if on is None or loan.state is not LoanState.ACTIVE:
        return None
    if any(each.details.get("repriced_on") == on.isoformat() for each in locked.events):
        return None
    kind = loan.product.terms.rate_kind
    spread = loan.terms.rate - base_rate(kind, rulebook=rulebook, on=loan.lent_on)
    rate = base_rate(kind, rulebook=rulebook, on=on) + spread
    wanted = Wanted(
        id=uuid7(int(now.timestamp() * 1_000)),
        kind=EventKind.RATE_CHANGE,
        on_day=on,
        details={"rate": rate, "repriced_on": on.isoformat()},
    )
    return await carry_out(uow, locked, wanted, now=now)


def find_repricing(loan: Loan, today: date) -> date | None:
    """Return the last day until today on which a loan's rate is set anew, or None.

    A loan of 15 January 2026 with 12 months: 15 January 2027 from that day on.
    """
    every = loan.product.terms.reprice_months
    if every == 0:
        return None
    months = (today.year - loan.lent_on.year) * 12 + today.month - loan.lent_on.month
    times = months // every
    if times and add_months(loan.lent_on, times * every) > today:
        times -= 1
    return add_months(loan.lent_on, times * every) if times else None
