"""Schedules that are changed while the loan runs: when principal is due, and in how many parts.

Interest is not reckoned anew here, so all but a postponement and a re-amortization are refused for
instalments that owe interest.
"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from huitong.lending.schedules import advance
from huitong.lending.servicing.instalments import list_due_from
from huitong.lending.servicing.types import (
    Extension,
    Holiday,
    Instalment,
    Loan,
    Part,
    Postponement,
    ReAging,
    ReAmortization,
)

Restructuring = Postponement | Extension | Holiday | ReAging | ReAmortization


def restructure(event: Restructuring, loan: Loan) -> None:
    """Change a loan's instalments; what was paid of them stays."""
    match event:
        case Postponement():
            _postpone(event, loan)
        case Extension():
            _extend(event, loan)
        case Holiday():
            _pause(event, loan)
        case ReAging():
            _re_age(event, loan)
        case ReAmortization():
            _re_amortize(event, loan)


def _postpone(event: Postponement, loan: Loan) -> None:
    moved = list_due_from(loan, event.due)
    for place, instalment in enumerate(moved):
        instalment.due = advance(event.new_due, event.cycle, place)
    for earlier, later in pairwise(moved):
        later.start = earlier.due


def _extend(event: Extension, loan: Loan) -> None:
    spread = list_due_from(loan, event.due)
    _refuse_interest(spread)
    spread += _add(loan, event.count, advance(spread[-1].due, event.cycle, 1), event)
    _share(spread, sum(each.owed[Part.PRINCIPAL] for each in spread), event.multiple)


def _pause(event: Holiday, loan: Loan) -> None:
    moved = list_due_from(loan, event.due)
    _refuse_interest(moved)
    principal = [0] * event.count + [each.owed[Part.PRINCIPAL] for each in moved]
    moved += _add(loan, event.count, advance(moved[-1].due, event.cycle, 1), event)
    for instalment, owed in zip(moved, principal, strict=True):
        instalment.owed[Part.PRINCIPAL] = owed
        if instalment.open == 0:
            instalment.settled_on = loan.instalments[0].start


def _re_age(event: ReAging, loan: Loan) -> None:
    _refuse_interest([each for each in loan.instalments if each.open_of(Part.INTEREST)])
    if event.first_due <= loan.instalments[-1].due:
        raise ValueError(f"The first new instalment must be due after {loan.instalments[-1].due}")
    left = _take_principal(loan.instalments, event.on)
    _share(_add(loan, event.count, event.first_due, event), left, event.multiple)


def _re_amortize(event: ReAmortization, loan: Loan) -> None:
    later = [each for each in loan.instalments if each.due > event.on]
    if not later:
        raise ValueError(f"No instalment is due after {event.on}")
    left = _take_principal([each for each in loan.instalments if each.due <= event.on], event.on)
    part = round(Fraction(left, len(later) * event.multiple)) * event.multiple
    for instalment in later:
        more = left if instalment is later[-1] else min(part, left)
        instalment.owed[Part.PRINCIPAL] += more
        instalment.settled_on = None if more else instalment.settled_on
        left -= more


def _take_principal(instalments: Sequence[Instalment], on: date) -> int:
    """Leave each instalment no more principal than was paid of it; return what was open."""
    taken = 0
    for instalment in instalments:
        left = instalment.open_of(Part.PRINCIPAL)
        instalment.owed[Part.PRINCIPAL] -= left
        taken += left
        if left and instalment.open == 0:
            instalment.settled_on = on
    return taken


def _add(
    loan: Loan, count: int, first_due: date, event: Extension | Holiday | ReAging
) -> list[Instalment]:
    added = []
    for place in range(count):
        due = advance(first_due, event.cycle, place)
        new = Instalment(start=loan.instalments[-1].due, due=due, owed=[0] * len(Part))
        loan.instalments.append(new)
        added.append(new)
    return added


def _share(instalments: Sequence[Instalment], total: int, multiple: int) -> None:
    """Let each owe an equal part of the principal, the last one the rest."""
    part = round(Fraction(total, len(instalments) * multiple)) * multiple
    for instalment in instalments[:-1]:
        instalment.owed[Part.PRINCIPAL] = min(part, total)
        total -= instalment.owed[Part.PRINCIPAL]
    instalments[-1].owed[Part.PRINCIPAL] = total


def _refuse_interest(instalments: Sequence[Instalment]) -> None:
    if any(each.owed[Part.INTEREST] for each in instalments):
        raise ValueError("Instalments that owe interest are made by a new schedule")
