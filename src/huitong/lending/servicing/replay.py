"""A loan from its schedule and everything that happened to it, always from the start.

What is reversed or backdated is left out or put in, and the loan is made anew: reversing a payment
so restores exactly what was there before it.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from huitong.lending.schedules import Row
from huitong.lending.servicing.instalments import find, find_or_add
from huitong.lending.servicing.owing_again import charge_back, give_back, refund, use_overpaid
from huitong.lending.servicing.restructuring import restructure
from huitong.lending.servicing.types import (
    Charge,
    ChargeBack,
    Disbursement,
    Event,
    Extension,
    GivenBack,
    Holiday,
    Instalment,
    Loan,
    Part,
    Payment,
    Postponement,
    ReAging,
    ReAmortization,
    Refund,
    Waiver,
    Waterfall,
)
from huitong.lending.servicing.waterfalls import allocate


def open_loan(lent: int, on: date, rows: Sequence[Row]) -> Loan:
    """Return a loan as it is lent; a row that is due on that very day is its down payment."""
    instalments, start = [], on
    for row in rows:
        instalments.append(
            Instalment(
                start=start,
                due=row.due,
                owed=[row.principal, row.interest, 0, 0],
                is_down_payment=row.due == on,
            )
        )
        start = row.due
    return Loan(lent, instalments)


def replay(
    lent: int, on: date, rows: Sequence[Row], events: Iterable[Event], waterfall: Waterfall
) -> Loan:
    """Return the loan after all events, by day and in the given order within a day.

    Raises ValueError for an event before the loan, or of no positive amount.
    """
    loan = open_loan(lent, on, rows)
    for event in sorted(events, key=_place):
        if event.on < on:
            raise ValueError(f"Something happens on {event.on}, before the loan is lent on {on}")
        _check(event)
        _apply(event, loan, waterfall)
    return loan


def _check(event: Event) -> None:
    match event:
        case Extension() | Holiday() | ReAging():
            size = event.count
        case Postponement() | ReAmortization():
            return
        case _:
            size = event.amount
    if size <= 0:
        raise ValueError(f"An amount or a number must be above zero, not {size}")


def _place(event: Event) -> tuple[date, int]:
    """Return where an event comes: what makes the schedule first, money that is lent on its day."""
    match event:
        case Postponement() | Extension() | Holiday():
            return date.min, 0
        case Disbursement():
            return (date.min, 1) if event.is_from_start else (event.on, 0)
        case _:
            return event.on, 1


def _apply(event: Event, loan: Loan, waterfall: Waterfall) -> None:
    match event:
        case Payment():
            allocate(loan, waterfall, event)
        case Charge():
            _charge(event, loan, waterfall)
        case Waiver():
            _waive(event, loan)
        case ChargeBack():
            charge_back(event, loan, waterfall)
        case Disbursement():
            _lend_more(event, loan, waterfall)
        case Refund():
            refund(event, loan, waterfall)
        case GivenBack():
            give_back(event, loan, waterfall)
        case _:
            restructure(event, loan)


def _charge(event: Charge, loan: Loan, waterfall: Waterfall) -> None:
    if event.part not in (Part.FEE, Part.PENALTY):
        raise ValueError("A charge is a fee or a penalty")
    instalment = find_or_add(loan, event.due)
    instalment.owed[event.part] += event.amount
    instalment.settled_on = None
    use_overpaid(loan, waterfall)


def _waive(event: Waiver, loan: Loan) -> None:
    """Forgive what is open of a charge, at most its amount."""
    instalment = find(loan, event.due)
    if instalment is None or event.part not in (Part.FEE, Part.PENALTY):
        raise ValueError(f"Nothing to waive is due on {event.due}")
    instalment.waived[event.part] += min(event.amount, instalment.open_of(event.part))
    if instalment.open == 0:
        instalment.settled_on = event.due


def _lend_more(event: Disbursement, loan: Loan, waterfall: Waterfall) -> None:
    on = event.on
    regular = [each for each in loan.instalments if not each.is_down_payment]
    later = [each for each in regular if each.due > on or (each.due == on and event.is_from_start)]
    if not later:
        raise ValueError(f"No instalment is due after {on}")
    if not event.is_in_schedule:
        _spread_principal(regular if event.is_from_start else later, later, event)
    place = loan.instalments.index(later[0])
    first = next(
        (each for each in loan.instalments if each.is_down_payment and each.due == on), None
    )
    if event.down_payment:
        owed = [event.down_payment, 0, 0, 0]
        added = Instalment(start=on, due=on, owed=owed, is_down_payment=True)
        loan.instalments.insert(place, added)
        first = first or added
    if on == loan.instalments[0].start:
        loan.lent += event.amount
    else:
        (first or later[0]).lent_again += event.amount
    use_overpaid(loan, waterfall, on)


def _spread_principal(
    shared: Sequence[Instalment], later: Sequence[Instalment], event: Disbursement
) -> None:
    """Give each later instalment an equal part of what the shared ones owe with what is new."""
    more = event.amount - event.down_payment
    total = more + sum(each.owed[Part.PRINCIPAL] for each in shared)
    left = more + sum(each.owed[Part.PRINCIPAL] for each in later)
    part = round(Fraction(total, len(shared) * event.multiple)) * event.multiple
    for instalment in later[:-1]:
        instalment.owed[Part.PRINCIPAL] = min(part, left)
        left -= instalment.owed[Part.PRINCIPAL]
    later[-1].owed[Part.PRINCIPAL] = left
    for instalment in later:
        if instalment.open:
            instalment.settled_on = None
