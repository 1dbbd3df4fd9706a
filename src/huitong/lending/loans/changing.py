"""Around every act on a loan: lock, bring to today, act or replay, post, write down."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from huitong.kernel import audit, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOAN, show_id, uuid7
from huitong.kernel.money import Money
from huitong.ledger import Entry, Request, TransferCode, post_entries
from huitong.lending import limits
from huitong.lending.loans import acts, postings, store
from huitong.lending.loans.errors import (
    DayNotOpen,
    LoanChangeRefused,
    LoanEnded,
    LoanIdReused,
    LoanMoneyRefused,
    LoanNotFound,
)
from huitong.lending.loans.events import LoanChanged
from huitong.lending.loans.funding import find_funding, record_flows
from huitong.lending.loans.opening import plan_instalments
from huitong.lending.loans.state import Rows, State
from huitong.lending.loans.types import (
    EventKind,
    Loan,
    LoanEvent,
    LoanState,
    Running,
)
from huitong.lending.products import load_controls

CODES: Final = {
    EventKind.REPAYMENT: TransferCode.LOAN_REPAYMENT,
    EventKind.EARLY_REPAYMENT: TransferCode.LOAN_REPAID_EARLY,
    EventKind.CHARGE: TransferCode.LOAN_FEE,
    EventKind.WAIVER: TransferCode.LOAN_WAIVED,
    EventKind.RATE_CHANGE: TransferCode.LOAN_RECALCULATED,
    EventKind.RESCHEDULING: TransferCode.LOAN_RESCHEDULED,
    EventKind.WRITE_OFF: TransferCode.LOAN_WRITTEN_OFF,
    EventKind.RECOVERY: TransferCode.LOAN_RECOVERED,
    EventKind.REVERSAL: TransferCode.LOAN_RECALCULATED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An act that is asked for, on a day; `details` is what a replay needs to do it again."""

    id: uuid.UUID
    kind: EventKind
    on_day: date
    amount: int = 0
    details: Mapping[str, Any]
    reverses: uuid.UUID | None = None


@dataclass(slots=True)
class Locked:
    """A loan whose row is locked, as it stands today, with what happened to it."""

    running: Running
    events: list[LoanEvent]

    @property
    def loan(self) -> Loan:
        """Return the loan."""
        return self.running.loan


async def get_loan(uow: UnitOfWork, loan_id: uuid.UUID) -> Loan:
    """Return a loan; raises LoanNotFound."""
    loan = await store.find_loan(uow, loan_id)
    if loan is None:
        shown = show_id(LOAN, loan_id)
        raise LoanNotFound(f"there is no loan {shown}", context={"id": shown})
    return loan


async def load_running(uow: UnitOfWork, loan: Loan, events: list[LoanEvent]) -> Running:
    """Return a loan with its balances and schedule, as they were written last."""
    state = await store.load_state(uow, loan.number)
    instalments = await store.load_instalments(uow, loan.number)
    return Running(loan, state, instalments, rate_in_force(loan, events))


def rate_in_force(loan: Loan, events: list[LoanEvent]) -> int:
    """Return the rate of a loan after its events: the last one that none reversed set."""
    reversed_ids = {each.reverses for each in events}
    standing = [each for each in events if each.id not in reversed_ids and "rate" in each.details]
    last = max(standing, key=lambda each: (each.on_day, each.position), default=None)
    return loan.terms.rate if last is None else int(last.details["rate"])


async def lock_loan(uow: UnitOfWork, loan_id: uuid.UUID, *, now: datetime) -> Locked:
    """Lock a loan and bring it to today; what accrues by that is posted. Raises LoanNotFound.

    A loan that ended is given as it ended.
    """
    loan = await get_loan(uow, loan_id)
    await store.lock_balances(uow, loan.number)
    # Read again: whoever held the lock may have ended the loan.
    loan = await get_loan(uow, loan_id)
    events = await store.list_events(uow, loan.number)
    running = await load_running(uow, loan, events)
    await _bring_to_today(uow, running, now=now)
    return Locked(running, events)


async def bring_to_today(uow: UnitOfWork, loan_id: uuid.UUID, *, now: datetime) -> State:
    """Close the days of one loan that are over, as closing them for all would; return its balances.

    What accrues is posted for yesterday. Raises LoanNotFound.
    """
    return (await lock_loan(uow, loan_id, now=now)).running.state


async def carry_out(
    uow: UnitOfWork,
    locked: Locked,
    wanted: Wanted,
    *,
    now: datetime,
    check: Callable[[Running, Running], None] | None = None,
) -> LoanEvent:
    """Do an act on a loan that is locked, post what it moves, and return it as an event.

    The same id with the same content returns the first event. On a day that is over the loan is
    replayed from its first day, and the difference is posted today. `check` sees the loan before
    and after, and may refuse. Raises LoanIdReused, LoanEnded, DayNotOpen, LoanMoneyRefused.
    """
    known = await store.find_event(uow, wanted.id)
    if known is not None:
        return _check_same(known, locked.loan, wanted)
    today = business_day(now)
    _check_day(locked, wanted, today)
    before = locked.running
    event = _make_event(locked, wanted, now=now)
    after = _act(locked, event, today)
    if check is not None:
        check(before, after)
    entry_id = await post_change(uow, before, after, code=CODES[wanted.kind], on=today, now=now)
    event = replace(event, entry_id=entry_id)
    await save(uow, before, after, today)
    await store.insert_event(uow, event)
    await _tell(uow, after, event, now=now)
    return event


async def post_change(
    uow: UnitOfWork,
    before: Running,
    after: Running,
    *,
    code: TransferCode,
    on: date,
    now: datetime,
) -> uuid.UUID | None:
    """Post what changed of a loan; None if nothing did. Raises LoanMoneyRefused."""
    loan = after.loan
    rows_before, rows_after = Rows.of([before.state]), Rows.of([after.state])
    changes = postings.change(postings.total(rows_before), postings.total(rows_after))
    if not changes:
        return None
    funding = await find_funding(uow, loan.number)
    now_ms = int(now.timestamp() * 1_000)
    controls = (await load_controls(uow))[loan.product.id]
    entry = postings.make_entry(
        changes,
        {
            **controls,
            postings.PAID: loan.borrower_account_id,
            postings.LENT: loan.payout_account_id,
        },
        entry_id=uuid7(now_ms),
        code=code,
        currency=loan.currency,
        on=on,
        now_ms=now_ms,
        more={} if funding is None else funding.change(rows_before, rows_after),
    )
    await post_entry(uow, entry, now=now)
    assert entry.id is not None, "it was made above"
    if funding is not None:
        day = business_day(now)
        await record_flows(uow, funding, rows_before, rows_after, entry_id=entry.id, day=day)
    return entry.id


async def post_entry(uow: UnitOfWork, entry: Entry, *, now: datetime) -> None:
    """Post an entry; raises LoanMoneyRefused with the ledger's reason."""
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        raise LoanMoneyRefused(
            f"the ledger refuses the movement: {outcome.reason}",
            context={"reason": str(outcome.reason)},
        )


async def save(uow: UnitOfWork, before: Running, after: Running, today: date) -> None:
    """Write down a loan's balances and schedule, and whether it has ended."""
    await store.save_state(uow, after.state)
    await store.save_instalments(uow, after.loan.number, before.instalments, after.instalments)
    is_off = after.state.principal_off + after.state.interest_off > 0
    ended = LoanState.WRITTEN_OFF if is_off else LoanState.PAID_OFF
    state = LoanState.ACTIVE if after.state.is_active else ended
    if state is not after.loan.state:
        on = None if state is LoanState.ACTIVE else today
        await store.end_loan(uow, after.loan.number, state, on)
        after.loan = replace(after.loan, state=state, ended_on=on)


async def _bring_to_today(uow: UnitOfWork, running: Running, *, now: datetime) -> None:
    today = business_day(now)
    if not running.state.is_active or running.state.on_day >= today:
        return
    if (today - running.state.on_day).days > limits.BEHIND_DAYS_MAX:
        raise DayNotOpen("the loan is too far behind; close its days first", field="loan")
    before = replace(running, state=running.state)
    acts.close_days(running, today)
    await post_change(
        uow, before, running, code=TransferCode.LOAN_DAY, on=today - timedelta(days=1), now=now
    )
    await store.save_state(uow, running.state)


def _act(locked: Locked, event: LoanEvent, today: date) -> Running:
    before = locked.running
    if event.on_day == today and event.kind is not EventKind.REVERSAL:
        after = replace(
            before,
            state=replace(before.state),
            instalments=[replace(each) for each in before.instalments],
        )
        acts.apply(after, event.kind, event.amount, event.details)
    else:
        after = acts.replay(
            before.loan, plan_instalments(before.loan), [*locked.events, event], today
        )
        # Graded as the day closes, from balances as they are then.
        for name in ("klass", "provision", "stage", "expected_loss"):
            setattr(after.state, name, getattr(before.state, name))
    acts.resume(after.state, was_suspended=before.state.suspended)
    if acts.is_settled(after.state) and after.state.principal_off == 0:
        after.state.is_active = False
        after.state.klass = after.state.provision = after.state.expected_loss = 0
        after.state.stage = 1
        after.state.penalty_rest = after.state.compound_rest = 0
    return after


def _check_day(locked: Locked, wanted: Wanted, today: date) -> None:
    loan, kind = locked.loan, wanted.kind
    if not loan.lent_on <= wanted.on_day <= today:
        raise DayNotOpen(f"must be from {loan.lent_on} to {today}", field="on")
    if (today - wanted.on_day).days > limits.BEHIND_DAYS_MAX:
        raise DayNotOpen(f"is more than {limits.BEHIND_DAYS_MAX} days ago", field="on")
    is_late = kind is EventKind.RECOVERY
    if is_late and loan.state is not LoanState.WRITTEN_OFF:
        raise LoanChangeRefused("only what was written off is recovered", field="loan")
    is_allowed = is_late or loan.state is LoanState.ACTIVE
    if not is_allowed and not (kind is EventKind.REVERSAL and loan.state is LoanState.PAID_OFF):
        raise LoanEnded(f"the loan is {loan.state.value} since {loan.ended_on}", field="loan")
    if len(locked.events) >= limits.EVENTS_OF_LOAN_MAX:
        raise LoanChangeRefused("too much happened to the loan", field="loan")


def _check_same(known: LoanEvent, loan: Loan, wanted: Wanted) -> LoanEvent:
    asked = (loan.number, wanted.kind, wanted.amount, dict(wanted.details), wanted.reverses)
    stood = (known.loan, known.kind, known.amount, dict(known.details), known.reverses)
    if asked != stood:
        raise LoanIdReused("the id is that of something else that happened", field="id")
    return known


def _make_event(locked: Locked, wanted: Wanted, *, now: datetime) -> LoanEvent:
    return LoanEvent(
        id=wanted.id,
        loan=locked.loan.number,
        position=len(locked.events) + 1,
        kind=wanted.kind,
        on_day=wanted.on_day,
        amount=wanted.amount,
        details=wanted.details,
        reverses=wanted.reverses,
        entry_id=None,
        recorded_at=now,
    )


async def _tell(uow: UnitOfWork, after: Running, event: LoanEvent, *, now: datetime) -> None:
    loan = after.loan
    await audit.record(
        uow,
        action=f"lending.{event.kind.value}",
        subject=show_id(LOAN, loan.id),
        details={"amount": event.amount, "on": event.on_day.isoformat(), **event.details},
    )
    changed = LoanChanged(
        loan_id=loan.id,
        event_id=event.id,
        customer_id=loan.customer_id,
        kind=event.kind.value,
        amount=Money(event.amount, loan.currency),
        state=loan.state.value,
        changed_at=now,
    )
    await outbox.append(uow, [changed])
