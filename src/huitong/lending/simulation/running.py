"""A simulated book brought from month's end to month's end, by the close of business itself."""

import uuid
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits as lending_limits
from huitong.lending.closing import RulebookGrade, close_moved_day
from huitong.lending.loans import acts, store
from huitong.lending.loans.planning import make_instalments
from huitong.lending.loans.state import NEVER, State
from huitong.lending.loans.types import Instalment, Loan, LoanState, LoanTerms, Running
from huitong.lending.products import Product
from huitong.lending.schedules import Method
from huitong.lending.simulation import limits, writing
from huitong.lending.simulation.drawing import NEVER_PAID, Drawn, draw
from huitong.lending.simulation.types import Simulated

#: No day is opened for closing meanwhile.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('lending.closing'))"
_IS_EMPTY: Final = """
    SELECT NOT EXISTS (SELECT FROM lending.loans) AND NOT EXISTS (SELECT FROM lending.closed_days)
"""


class SimulationRefused(Conflict):
    """There are loans already; simulated ones are for an empty book."""

    code = "simulation_refused"
    title = "Loans are simulated in an empty book only"


async def simulate_portfolio(
    database: Database,
    *,
    loans: int,
    months: int,
    seed: int,
    rulebook: Rulebook,
    now: datetime,
    caller: Caller = SYSTEM,
) -> date:
    """Fill an empty book with loans of so many months, and return the last day that it closed.

    Yesterday is that day; before it only the ends of months are closed. Takes some ten seconds for
    3,000 loans and 24 months. Raises SimulationRefused if there are loans, InvalidField.
    """
    for name, value, most in (
        ("loans", loans, limits.LOANS_MAX),
        ("months", months, limits.MONTHS_MAX),
    ):
        if type(value) is not int or not 1 <= value <= most:
            raise InvalidField(f"must be from 1 to {most}", field=name)
    until = business_day(now) - timedelta(days=1)
    days = _list_days(until, months)
    drawn = draw(loans, first=days[0].replace(day=1), until=until, seed=seed)
    begin = partial(_begin, drawn=drawn, rulebook=rulebook, now=now)
    book = await database.run(begin, caller)
    for day in days:
        await database.run(partial(_move, book=book, day=day, now=now), caller)
        grade = RulebookGrade.load(rulebook, day)
        await close_moved_day(
            database,
            day,
            grade=grade,
            now=now,
            chunk_size=lending_limits.CHUNK_LOANS,
            caller=caller,
        )
    await database.run(partial(writing.pay_instalments, book=book, until=until), caller)
    return until


def _list_days(until: date, months: int) -> list[date]:
    """Return the last days of so many months until a day, and the day."""
    days = [until]
    for _ in range(months):
        days.append(days[-1].replace(day=1) - timedelta(days=1))
    return days[::-1]


async def _begin(
    uow: UnitOfWork, *, drawn: list[Drawn], rulebook: Rulebook, now: datetime
) -> list[Simulated]:
    await uow.execute(_LOCK)
    if not await uow.fetch_value(_IS_EMPTY):
        raise SimulationRefused("there are loans or closed days already")
    products = await writing.add_products(uow, rulebook=rulebook, now=now)
    account = await writing.open_account(uow)
    loans = [_make_loan(each, products[each.offer.code], account, now) for each in drawn]
    numbers = await writing.insert_loans(uow, loans)
    book = []
    for each, loan in zip(drawn, loans, strict=True):
        stored = replace(loan, number=numbers[loan.id])
        instalments = make_instalments(stored.terms, stored.product.terms, stored.lent_on)
        running = acts.lend(stored, instalments)
        paid = [
            row.due + timedelta(days=delay) if delay < NEVER_PAID else NEVER
            for row, delay in zip(instalments, each.delays, strict=True)
        ]
        book.append(Simulated(each, stored, instalments, running.state, paid=paid))
    await writing.insert_book(uow, book)
    await writing.pay_out(uow, book, now=now)
    return book


def _make_loan(drawn: Drawn, product: Product, account: int, now: datetime) -> Loan:
    terms = LoanTerms(
        principal=drawn.principal,
        rate=drawn.rate,
        count=drawn.count,
        method=Method.LEVEL_PAYMENT,
        use=drawn.use,
        grade=drawn.grade,
        facts={"region": drawn.region},
        auto_debit=False,
    )
    now_ms = int(now.timestamp() * 1_000)
    return Loan(
        number=0,
        id=uuid7(now_ms),
        product=product,
        customer_id=uuid.uuid4(),
        borrower_account_id=account,
        payout_account_id=account,
        currency=product.currency,
        lent_on=drawn.lent_on,
        terms=terms,
        entry_id=uuid7(now_ms),
        opened_at=now,
    )


async def _move(uow: UnitOfWork, *, book: list[Simulated], day: date, now: datetime) -> None:
    """Bring balances to the end of a day, and post what changed."""
    there = [each for each in book if each.loan.lent_on <= day and each.ended_on is None]
    valued = await writing.load_values(uow)
    before, after = [], []
    for each in there:
        for name, value in valued.get(each.loan.number, {}).items():
            setattr(each.state, name, value)
        before.append(each.state)
        each.state = _stand(each, day)
        after.append(each.state)
    await store.save_states(uow, after)
    await writing.post_changes(uow, there, before, after, day=day, now=now)
    ended = [each for each in there if not each.state.is_active]
    for each in ended:
        each.ended_on = day
        state = LoanState.WRITTEN_OFF if each.state.principal_off else LoanState.PAID_OFF
        await store.end_loan(uow, each.loan.number, state, day)


def _stand(simulated: Simulated, day: date) -> State:
    """Return a loan's balances as the day after begins: each instalment is paid when it was drawn.

    No penalty interest is asked for in the simulation.
    """
    today = day + timedelta(days=1)
    running = acts.lend(simulated.loan, simulated.instalments)
    state = running.state
    state.on_day, state.not_due, state.due, state.interest_due = today, 0, 0, 0
    for name in ("klass", "provision", "stage", "expected_loss"):
        setattr(state, name, getattr(simulated.state, name))
    following = None
    for row, paid in zip(simulated.instalments, simulated.paid, strict=True):
        if row.due > today:
            following = following or row
            state.not_due += row.principal
        elif paid <= day:
            state.principal_paid += row.principal
            state.interest_paid += row.interest
        elif row.due == today:
            state.due, state.interest_due = row.principal, row.interest
        else:
            state.overdue += row.principal
            state.interest_overdue += row.interest
            state.since_day = min(state.since_day, row.due)
    _wait(state, simulated.instalments, following)
    if state.since_day != NEVER and state.days_past_due > limits.WRITTEN_OFF_AFTER_DAYS:
        acts.write_off(Running(simulated.loan, state, simulated.instalments, simulated.drawn.rate))
        state.recovered = state.principal_off * simulated.drawn.recovers // 1_000_000
    elif acts.is_settled(state):
        state.is_active = False
        state.klass, state.stage, state.provision, state.expected_loss = 0, 1, 0, 0
    return state


def _wait(state: State, instalments: list[Instalment], following: Instalment | None) -> None:
    """Let a loan wait for an instalment, or for none after the last one."""
    if following is None:
        state.next_number, state.from_day = instalments[-1].number + 1, instalments[-1].due
        state.due_day, state.accrues, state.accrued, state.next_principal = NEVER, 0, 0, 0
        return
    passed, whole = (
        (state.on_day - following.start).days,
        (following.due - following.start).days,
    )
    state.next_number, state.from_day = following.number, following.start
    state.due_day, state.accrues = following.due, following.interest
    state.accrued = following.interest * passed // whole
    state.next_principal = following.principal
