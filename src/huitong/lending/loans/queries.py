"""What is read of loans."""

import uuid
from datetime import date, datetime

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.loans import acts, store
from huitong.lending.loans.changing import load_running
from huitong.lending.loans.funding import find_funding
from huitong.lending.loans.state import State
from huitong.lending.loans.types import Instalment, Loan, LoanEvent
from huitong.lending.partners import Partner, list_partners


async def list_loans(
    uow: UnitOfWork, *, customer_id: uuid.UUID | None = None, after: int = 0, limit: int
) -> list[Loan]:
    """Return loans in the order in which they were made, of one customer or of all."""
    return await store.list_loans(uow, customer_id=customer_id, after=after, limit=limit)


async def get_state(uow: UnitOfWork, loan: Loan, *, now: datetime) -> State:
    """Return a loan's balances as of today, whether the days before are closed yet or not."""
    running = await load_running(uow, loan, [])
    acts.close_days(running, business_day(now))
    return running.state


async def list_lenders(uow: UnitOfWork, loan: Loan) -> list[tuple[Partner, int]]:
    """Return which partners a loan is of beside us, with their shares in millionths.

    None if it is ours alone; one with all of it has bought it.
    """
    funding = await find_funding(uow, loan.number)
    if funding is None:
        return []
    known = {each.id: each for each in await list_partners(uow, on=date.max)}
    return [(known[each.partner_id], each.share) for each in funding.plan.shares]


async def get_schedule(uow: UnitOfWork, loan: Loan) -> list[Instalment]:
    """Return a loan's instalments in order, with what was paid of each."""
    return await store.load_instalments(uow, loan.number)


async def list_loan_events(uow: UnitOfWork, loan: Loan) -> list[LoanEvent]:
    """Return what happened to a loan, in the order in which it was recorded."""
    return await store.list_events(uow, loan.number)
