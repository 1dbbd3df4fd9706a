"""What may happen to a loan, as changes of its balances and schedule: pure, by business days.

Each act takes a loan as of the beginning of its day. `replay` does the same acts from the first day
on, so that a reversed or backdated one leaves nothing behind.
"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np

from huitong.lending.loans.cost_rate import fee_of
from huitong.lending.loans.planning import find_dues, plan_early, plan_rest
from huitong.lending.loans.settling import pay
from huitong.lending.loans.state import NEVER, Next, Rows, State, roll, to_number
from huitong.lending.loans.types import (
    EarlyMode,
    EventKind,
    Instalment,
    Loan,
    LoanEvent,
    Quote,
    Running,
)
from huitong.lending.products import RATE_SCALE
from huitong.lending.schedules import YearBasis, round_to

_YEAR_DAYS = {YearBasis.DAYS_360: 360, YearBasis.DAYS_364: 364}
_COMMON_YEAR = 365


def lend(loan: Loan, instalments: list[Instalment]) -> Running:
    """Return a loan as it stands when it has been paid out."""
    terms, product = loan.terms, loan.product.terms
    state = State(
        loan=loan.number,
        product_id=loan.product.id,
        on_day=loan.lent_on,
        auto_debit=terms.auto_debit,
        not_due=terms.principal,
        lent=terms.principal,
        year_days=_YEAR_DAYS.get(product.day_count.year, _COMMON_YEAR),
        fees=fee_of(terms.principal, product.disbursement_fee, product),
        service_fee=fee_of(terms.principal, product.service_fee, product),
        late_fee=product.late_fee,
    )
    running = Running(loan, state, instalments, terms.rate)
    _set_rate(running, terms.rate)
    first = instalments[0]
    if first.due == loan.lent_on:
        state.not_due -= first.principal
        state.due = first.principal
        _wait_for(state, instalments[1:])
    else:
        _wait_for(state, instalments)
    return running


def close_days(running: Running, until: date) -> None:
    """Close one day of a loan after the other, so that it stands as a day begins."""
    state = running.state
    if not state.is_active or state.on_day >= until:
        return
    rows = Rows.of([state])
    by_number = {each.number: each for each in running.instalments}
    last = to_number(until)
    while int(rows.on_day[0]) < last:
        following = by_number.get(int(rows.next_number[0]) + 1)
        roll(rows, _next_of(following))
    running.state = rows.state(0)


def quote(running: Running) -> Quote:
    """Return what it takes to pay a loan off on the day as of which it stands."""
    state, loan = running.state, running.loan
    fee = early_fee(loan, state.not_due) if state.due_day != NEVER else 0
    return Quote(
        on=state.on_day,
        currency=loan.currency,
        principal=state.owed_principal,
        interest=state.interest,
        penalty=state.penalty + state.compound,
        fees=state.fees,
        early_fee=fee,
    )


def early_fee(loan: Loan, principal: int) -> int:
    """Return what paying principal early costs: 3,000 at 1 % is 30."""
    product = loan.product.terms
    return round_to(principal * product.early_fee, RATE_SCALE, 1, product.rounding)


def pay_early(running: Running, amount: int, mode: EarlyMode) -> int:
    """Settle what is to be paid now, then principal that is not due; return what is left over.

    As much as the loan is paid off with pays it off; the fee for paying early is taken beside the
    principal.
    """
    state, loan = running.state, running.loan
    left = pay(running, amount)
    if left == 0 or state.due_day == NEVER:
        return left
    whole = quote(running).total
    if left >= whole:
        _pay_off(running)
        return left - whole
    share = RATE_SCALE + loan.product.terms.early_fee
    principal = min(left * RATE_SCALE // share, state.not_due)
    fee = min(early_fee(loan, principal), left - principal)
    if principal:
        state.fees_paid += fee
        _pay_principal(running, principal, mode)
    return left - principal - fee if principal else left


def charge(running: Running, amount: int) -> None:
    """Ask for a fee, to be paid at once."""
    running.state.fees += amount


def waive(running: Running, amount: int) -> None:
    """Forgo penalty interest, then interest that is overdue is left: only penalties are waived."""
    state = running.state
    from_compound = min(state.compound, amount)
    state.compound -= from_compound
    state.penalty -= min(state.penalty, amount - from_compound)


def change_rate(running: Running, rate: int) -> None:
    """Set another rate from now on; later instalments follow."""
    _set_rate(running, rate)
    state = running.state
    later = _later(running)
    if later:
        rows = plan_rest(
            running.loan,
            principal=state.not_due,
            rate=rate,
            on=state.on_day,
            dues=[each.due for each in later],
            carried=_carried(state),
            first_start=state.from_day,
            number=state.next_number,
        )
        _replace_later(running, rows)


def reschedule(running: Running, *, count: int, rate: int, eased_until: date | None) -> None:
    """Let all that is unpaid be due in so many payments from now on, on days of the loan's cycle.

    Interest that is due or has accrued is due with the first of them; penalties and fees stay.
    With `eased_until` the loan is under observation until then.
    """
    state = running.state
    unpaid = state.interest_due + state.interest_overdue
    carried = _carried(state) + unpaid
    principal = state.owed_principal
    for each in running.instalments:
        each.principal, each.interest = each.principal_paid, each.interest_paid
    running.instalments = [each for each in running.instalments if each.principal or each.interest]
    for place, each in enumerate(running.instalments, 1):
        each.number = place
    dues = find_dues(running.loan, state.on_day, count)
    rows = plan_rest(
        running.loan,
        principal=principal,
        rate=rate,
        on=state.on_day,
        dues=dues,
        carried=carried,
        first_start=state.on_day,
        number=len(running.instalments) + 1,
    )
    state.not_due, state.due, state.overdue = principal, 0, 0
    state.carried += unpaid
    state.interest_due = state.interest_overdue = 0
    state.since_day = NEVER
    if eased_until is not None:
        state.eased_day = eased_until
    _set_rate(running, rate)
    running.instalments += rows
    _wait_for(state, rows)


def write_off(running: Running) -> None:
    """Take all that is owed off the balance sheet; nothing accrues any more."""
    state = running.state
    state.principal_off += state.owed_principal
    state.interest_off += state.interest
    state.penalty_off += state.penalty + state.compound
    state.fees_off += state.fees
    for name in (
        "not_due",
        "due",
        "overdue",
        "interest_due",
        "interest_overdue",
        "penalty",
        "compound",
        "fees",
        "provision",
        "expected_loss",
    ):
        setattr(state, name, 0)
    state.since_day = NEVER
    _end(state)
    state.is_active = False


def recover(running: Running, amount: int) -> int:
    """Take money for a loan that was written off; return what is more than was written off."""
    state = running.state
    off = state.principal_off + state.interest_off + state.penalty_off + state.fees_off
    taken = min(amount, off - state.recovered)
    state.recovered += taken
    return amount - taken


def apply(running: Running, kind: EventKind, amount: int, details: Any) -> None:
    """Do what an event says to a loan as of the event's day; what is left over is surplus."""
    left = 0
    match kind:
        case EventKind.REPAYMENT:
            left = pay(running, amount)
        case EventKind.EARLY_REPAYMENT:
            left = pay_early(running, amount, EarlyMode(details["mode"]))
        case EventKind.CHARGE:
            charge(running, details["charged"])
        case EventKind.WAIVER:
            waive(running, details["waived"])
        case EventKind.RATE_CHANGE:
            change_rate(running, details["rate"])
        case EventKind.RESCHEDULING:
            eased = details["eased_until"]
            reschedule(
                running,
                count=details["count"],
                rate=details["rate"],
                eased_until=None if eased is None else date.fromisoformat(eased),
            )
        case EventKind.WRITE_OFF:
            write_off(running)
        case EventKind.RECOVERY:
            left = recover(running, amount)
        case EventKind.REVERSAL:
            raise ValueError("a reversal leaves another event out, and is none itself")
    running.surplus += left


def replay(
    loan: Loan, instalments: list[Instalment], events: Iterable[LoanEvent], until: date
) -> Running:
    """Return a loan after its events, by day and then in the order in which they were recorded.

    Reversals and what they reverse are left out.
    """
    known = list(events)
    reversed_ids = {each.reverses for each in known}
    running = lend(loan, instalments)
    for event in sorted(known, key=lambda each: (each.on_day, each.position)):
        if event.id in reversed_ids or event.kind is EventKind.REVERSAL:
            continue
        close_days(running, event.on_day)
        apply(running, event.kind, event.amount, event.details)
    close_days(running, until)
    return running


def resume(state: State, *, was_suspended: bool) -> None:
    """Put interest back on the balance sheet if nothing is overdue any more.

    What was written off while it was off the balance sheet stays there.
    """
    is_off = not state.is_active and state.principal_off + state.interest_off > 0
    state.suspended = was_suspended and (is_off or state.since_day != NEVER)


def is_settled(state: State) -> bool:
    """Whether nothing of a loan is owed any more, and nothing will come due."""
    return state.due_day == NEVER and state.owed_now == 0 and state.owed_principal == 0


def _set_rate(running: Running, rate: int) -> None:
    product, state = running.loan.product.terms, running.state
    running.rate = rate
    penalty = rate + round_to(rate * product.penalty_share, RATE_SCALE, 1, product.rounding)
    state.penalty_rate = penalty
    state.compound_rate = penalty if product.compounds else 0


def _next_of(instalment: Instalment | None) -> Next:
    values = (0, 0, 0, 0)
    if instalment is not None:
        due = to_number(instalment.due)
        values = (instalment.number, due, instalment.principal, instalment.interest)
    return Next(*(np.array([value], np.int64) for value in values))


def _wait_for(state: State, later: list[Instalment]) -> None:
    """Let the first of `later` be what comes due next; what has accrued until now is part of it."""
    if not later:
        _end(state)
        return
    first = later[0]
    state.carried += state.accrued
    state.accrued = 0
    state.next_number, state.due_day = first.number, first.due
    state.from_day = max(first.start, state.on_day)
    state.accrues, state.next_principal = first.interest - state.carried, first.principal


def _end(state: State) -> None:
    state.from_day, state.due_day = min(state.from_day, state.on_day), NEVER
    state.accrues = state.accrued = state.carried = state.next_principal = 0


def _carried(state: State) -> Fraction:
    """Return the interest that has accrued exactly, its part below one minor unit included."""
    passed, days = (state.on_day - state.from_day).days, (state.due_day - state.from_day).days
    return state.carried + Fraction(state.accrues * passed, days)


def _later(running: Running) -> list[Instalment]:
    return [each for each in running.instalments if each.number >= running.state.next_number]


def _replace_later(running: Running, rows: list[Instalment]) -> None:
    state = running.state
    kept = [each for each in running.instalments if each.number < state.next_number]
    running.instalments = [*kept, *rows]
    _wait_for(state, rows)


def _pay_principal(running: Running, principal: int, mode: EarlyMode) -> None:
    state = running.state
    later = _later(running)
    on, number = state.on_day, state.next_number
    rows = plan_early(
        running.loan,
        later,
        paid=principal,
        mode=mode,
        rate=running.rate,
        on=on,
        carried=_carried(state),
        number=number + 1,
    )
    state.not_due -= principal
    state.principal_paid += principal
    paid = Instalment(number, on, on, principal, 0, principal, 0)
    state.next_number += 1
    running.instalments = [each for each in running.instalments if each.number < number]
    running.instalments.append(paid)
    _replace_later(running, rows)


def _pay_off(running: Running) -> None:
    state = running.state
    principal, interest = state.not_due, state.carried + state.accrued
    state.fees_paid += early_fee(running.loan, principal)
    state.not_due = 0
    state.principal_paid += principal
    state.interest_paid += interest
    number, on = state.next_number, state.on_day
    kept = [each for each in running.instalments if each.number < number]
    paid = Instalment(number, on, on, principal, interest, principal, interest)
    running.instalments = [*kept, paid]
    state.next_number += 1
    _end(state)
