"""A loan from its schedule and everything that happened to it, always from the start.

What is reversed or backdated is left out or put in, and the loan is made anew: reversing a payment
so restores exactly what was there before it.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from huitong.lending.schedules import Row, advance
from huitong.lending.servicing.types import (
    Charge,
    ChargeBack,
    Direction,
    Disbursement,
    Event,
    Instalment,
    Loan,
    Part,
    Payment,
    Postponement,
    Refund,
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
        if not isinstance(event, Postponement) and event.amount <= 0:
            raise ValueError(f"An amount must be above zero, not {event.amount}")
        _apply(event, loan, waterfall)
    return loan


def _place(event: Event) -> tuple[date, int]:
    """Return where an event comes: what makes the schedule first, money that is lent on its day."""
    match event:
        case Postponement():
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
            _charge(event, loan)
        case ChargeBack():
            _charge_back(event, loan, waterfall)
        case Disbursement():
            _lend_more(event, loan, waterfall)
        case Refund():
            _refund(event, loan, waterfall)
        case Postponement():
            _postpone(event, loan)


def _charge(event: Charge, loan: Loan) -> None:
    if event.part not in (Part.FEE, Part.PENALTY):
        raise ValueError("A charge is a fee or a penalty")
    instalment = _find(loan, event.due) or _append(loan, event.due)
    instalment.owed[event.part] += event.amount
    instalment.settled_on = None


def _charge_back(event: ChargeBack, loan: Loan, waterfall: Waterfall) -> None:
    """Lend again what was taken back, unless as much had been paid too much."""
    if event.amount <= loan.overpaid:
        loan.overpaid -= event.amount
        return
    instalment = _find(loan, event.on) or _append(loan, event.on)
    left = event.amount
    for part in event.first:
        paid = sum(each.paid[part] for each in loan.instalments)
        again = min(left, paid - loan.given_back[part])
        instalment.owed[part] += again
        loan.given_back[part] += again
        left -= again
    _owe_again(loan, instalment, left, waterfall, event.on)


def _refund(event: Refund, loan: Loan, waterfall: Waterfall) -> None:
    given = min(event.amount, loan.overpaid)
    loan.overpaid -= given
    if event.amount > given:
        instalment = _find(loan, event.on) or _append(loan, event.on)
        _owe_again(loan, instalment, event.amount - given, waterfall, event.on)


def _owe_again(
    loan: Loan, instalment: Instalment, principal: int, waterfall: Waterfall, on: date
) -> None:
    instalment.owed[Part.PRINCIPAL] += principal
    instalment.lent_again += principal
    instalment.settled_on = None
    _use_overpaid(loan, waterfall, on)


def _use_overpaid(loan: Loan, waterfall: Waterfall, on: date) -> None:
    overpaid, loan.overpaid = loan.overpaid, 0
    if overpaid:
        allocate(loan, waterfall, Payment(on=on, amount=overpaid, direction=Direction.NEXT))


def _lend_more(event: Disbursement, loan: Loan, waterfall: Waterfall) -> None:
    on = event.on
    regular = [each for each in loan.instalments if not each.is_down_payment]
    later = [each for each in regular if each.due > on or (each.due == on and event.is_from_start)]
    if not later:
        raise ValueError(f"No instalment is due after {on}")
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
    _use_overpaid(loan, waterfall, on)


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


def _postpone(event: Postponement, loan: Loan) -> None:
    moved = [
        each for each in loan.instalments if each.due >= event.due and not each.is_down_payment
    ]
    if not moved or moved[0].due != event.due:
        raise ValueError(f"No instalment is due on {event.due}")
    for place, instalment in enumerate(moved):
        instalment.due = advance(event.new_due, event.cycle, place)
    for earlier, later in pairwise(moved):
        later.start = earlier.due


def _find(loan: Loan, day: date) -> Instalment | None:
    """Return the instalment in whose period a day lies, its due day included."""
    regular = [each for each in loan.instalments if not each.is_down_payment]
    if regular and day == regular[0].start:
        return regular[0]
    return next((each for each in regular if each.start < day <= each.due), None)


def _append(loan: Loan, day: date) -> Instalment:
    """Add an instalment after the last one, for what comes later than the schedule."""
    added = Instalment(start=loan.instalments[-1].due, due=day, owed=[0] * len(Part))
    loan.instalments.append(added)
    return added
