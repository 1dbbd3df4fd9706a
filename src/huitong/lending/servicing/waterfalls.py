"""How a payment is divided among what is owed."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from huitong.lending.servicing.types import (
    Direction,
    Instalment,
    Loan,
    Part,
    Payment,
    Walk,
    Waterfall,
)

_USUAL: Final = (Part.PENALTY, Part.FEE, Part.INTEREST, Part.PRINCIPAL)
#: Penalty, fee, interest, principal of the earliest instalment, then of the next one.
EARLIEST_FIRST: Final = Waterfall(due=_USUAL, in_advance=_USUAL, is_by_due_date=False)
#: What is due first; then the principal of what is not due yet, so that interest is saved.
PRINCIPAL_IN_ADVANCE: Final = Waterfall(
    due=_USUAL, in_advance=(Part.PRINCIPAL, Part.PENALTY, Part.FEE, Part.INTEREST)
)


def allocate(loan: Loan, waterfall: Waterfall, payment: Payment) -> None:
    """Divide a payment among the instalments; what is left over is kept as overpaid.

    Of 100 on 1 February, with 60 open since January, 30 due that day and 50 due in March: 60, 30
    and 10, the last of them paid early.
    """
    left = payment.amount
    instalments = loan.instalments
    if not waterfall.is_by_due_date:
        left = _walk(instalments, waterfall.due, waterfall.walk, payment.on, left)
    else:
        past = [each for each in instalments if each.due < payment.on]
        today = [each for each in instalments if each.due == payment.on]
        ahead = [each for each in instalments if each.due > payment.on]
        for group in (past, today):
            left = _walk(group, waterfall.due, waterfall.walk, payment.on, left)
        left = _pay_ahead(ahead, waterfall, payment, left)
    if left:
        loan.credits.append((payment.on, left))


def _pay_ahead(
    ahead: Sequence[Instalment], waterfall: Waterfall, payment: Payment, left: int
) -> int:
    if payment.direction is Direction.ALL_ALIKE:
        return _pay_alike(ahead, waterfall.in_advance, payment.on, left)
    ordered = ahead[::-1] if payment.direction is Direction.LAST else ahead
    return _walk(ordered, waterfall.in_advance, waterfall.walk, payment.on, left)


def _walk(
    instalments: Sequence[Instalment], parts: Sequence[Part], walk: Walk, on: date, left: int
) -> int:
    if walk is Walk.BY_PART:
        steps = [(each, part) for part in parts for each in instalments]
    else:
        steps = [(each, part) for each in instalments for part in parts]
    for instalment, part in steps:
        if left == 0:
            break
        left -= _pay(instalment, part, on, left)
    return left


def _pay_alike(ahead: Sequence[Instalment], parts: Sequence[Part], on: date, left: int) -> int:
    """Pay equal parts of all open instalments, the rest of the division with the last one."""
    while left and (unpaid := [each for each in ahead if each.open]):
        share = max(round(Fraction(left, len(unpaid))), 1)
        for place, instalment in enumerate(unpaid, 1):
            given = left if place == len(unpaid) else min(left, share)
            left -= given - _walk([instalment], parts, Walk.BY_INSTALMENT, on, given)
    return left


def _pay(instalment: Instalment, part: Part, on: date, amount: int) -> int:
    """Pay at most `amount` of one part; returns what was taken."""
    taken = min(instalment.open_of(part), amount)
    if taken == 0:
        return 0
    instalment.paid[part] += taken
    if on < instalment.due:
        instalment.paid_early += taken
    elif on > instalment.due:
        instalment.paid_late += taken
    if instalment.open == 0:
        instalment.settled_on = on
    return taken
