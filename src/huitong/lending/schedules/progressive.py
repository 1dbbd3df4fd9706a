"""Level payments on a balance that moves: money lent in parts, rates that change, early principal.

All arithmetic is of integers: balances in minor units, rates in 10^-10, shares of a year as exact
ratios, growth with 24 decimal places.

What a payment is made of, for each period:

- Interest of each stretch in which neither balance nor rate changes, each rounded by itself:
  balance × rate × share of the year.
- The due interest is that of all stretches, and what an earlier payment had no room for, but never
  more than the level payment leaves beside principal that was paid early; the rest moves on.
- The due principal is the rest of the level payment; the last payment takes all that is owed.

The level payment E is what brings the balance to zero at the end: with the balance after each
period written as a - E·b, it is a / b of the last one, rounded. It is found anew for all later
payments whenever money is lent or the rate changes, and stays as it is when principal is paid
early. If the last payment then differs from the others by more minor units than half of their
number, the difference is spread over them, if that makes it smaller.

100.00 at 9.4822 % by 30/360 in six months: five payments of 17.13, the last one of 17.13 too.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from huitong.lending.schedules.arithmetic import ONE, RATE_SCALE, divide, round_to, spread
from huitong.lending.schedules.calendar import share_of_year
from huitong.lending.schedules.plain import is_plain, make_plain_schedule
from huitong.lending.schedules.types import Period, Plan, Row


class _Stretch(NamedTuple):
    """Days of one period between two events; `change` is added to the balance as they begin."""

    change: int
    numerator: int
    denominator: int


class _Walk(NamedTuple):
    rows: list[Row]
    #: Of the period that was asked for: the balance as it begins, and interest that moved there.
    balance: int
    carried: int


def make_schedule(plan: Plan) -> list[Row]:
    """Return one row for each period.

    Raises ValueError if a disbursement, a change or an early payment lies outside the periods, or
    for an agreed level payment of nothing.
    """
    if is_plain(plan):
        return make_plain_schedule(plan)
    _check(plan)
    return make_general_schedule(plan)


def make_general_schedule(plan: Plan) -> list[Row]:
    """Return the rows of any plan that was checked, also of a plain one."""
    periods, until = plan.periods, plan.periods[-1].due
    if plan.level is not None:
        return _walk(plan, [plan.level] * len(periods), until).rows
    levels = [0] * len(periods)
    lent, changed = plan.disbursements, plan.rate_changes
    events = sorted({each.on for each in lent} | {each.on for each in changed})
    for on in events:
        first = next(i for i, period in enumerate(periods) if period.due > on)
        levels[first:] = [_find_level(plan, levels, first, on)] * (len(periods) - first)
    return _walk(plan, levels, until).rows


def _check(plan: Plan) -> None:
    first, last = plan.periods[0].start, plan.periods[-1].due
    if plan.level is not None and plan.level <= 0:
        raise ValueError(f"A level payment must be above zero, not {plan.level}")
    for what, days in (
        ("Money is lent", [each.on for each in plan.disbursements]),
        ("The rate changes", [each.on for each in plan.rate_changes]),
        ("Principal is paid", [each.on for each in plan.early]),
    ):
        outside = [day for day in days if not first <= day < last]
        if outside:
            raise ValueError(f"{what} on {outside[0]}, which is not within {first} and {last}")
    dues = {period.due for period in plan.periods}
    unknown = [each.due for each in plan.early if each.due not in dues]
    if unknown:
        raise ValueError(f"No payment is due on {unknown[0]}")


def _find_level(plan: Plan, levels: list[int], first: int, on: date) -> int:
    count = len(plan.periods) - first
    level = _solve_level(plan, levels, first, on)
    before = levels[:first]
    last = _last_payment(plan, [*before, *[level] * count], on)
    other = spread(level, last, count, plan.multiple, plan.rounding)
    if other == level:
        return level
    others_last = _last_payment(plan, [*before, *[other] * count], on)
    return other if abs(others_last - other) < abs(last - level) else level


def _last_payment(plan: Plan, levels: Sequence[int], on: date) -> int:
    return _walk(plan, levels, on).rows[-1].payment


def _solve_level(plan: Plan, levels: Sequence[int], first: int, on: date) -> int:
    walk = _walk(plan, levels, on, stop=first)
    owed, payments = walk.balance * ONE, 0
    for index in range(first, len(plan.periods)):
        period = plan.periods[index]
        interest_owed = interest_payments = 0
        for stretch in _list_stretches(plan, period, on):
            owed += stretch.change * ONE
            interest_owed += owed * stretch.numerator // stretch.denominator
            interest_payments += payments * stretch.numerator // stretch.denominator
        owed += interest_owed + _paid_early(plan, period, on) * ONE
        payments += interest_payments + ONE
        if index == first:
            owed += walk.carried * ONE
    return round_to(owed, payments, plan.multiple, plan.rounding)


def _walk(plan: Plan, levels: Sequence[int], on: date, *, stop: int | None = None) -> _Walk:
    """Go through the periods, up to `stop`, knowing what happened until `on`."""
    rows: list[Row] = []
    balance = carried = 0
    last = len(plan.periods) - 1
    for index, period in enumerate(plan.periods[:stop]):
        interest = carried
        for stretch in _list_stretches(plan, period, on):
            balance += stretch.change
            numerator = balance * stretch.numerator
            interest += divide(numerator, stretch.denominator, plan.rounding)
        early = _paid_early(plan, period, on)
        if index == last:
            principal, due_interest = balance + early, interest
        else:
            due_interest = min(interest, max(levels[index] - early, 0))
            principal = min(levels[index] - due_interest, balance + early)
        carried = interest - due_interest
        balance -= principal - early
        rows.append(Row(period.due, principal, due_interest, balance))
    return _Walk(rows, balance, carried)


def _paid_early(plan: Plan, period: Period, on: date) -> int:
    if not plan.early:
        return 0
    return sum(each.amount for each in plan.early if each.due == period.due and each.on <= on)


def _list_stretches(plan: Plan, period: Period, on: date) -> Iterator[_Stretch]:
    """Yield the stretches of a period; what happens on its due day belongs to the next one."""
    changes = dict.fromkeys([period.start], 0)
    for lent in plan.disbursements:
        if period.start <= lent.on < period.due and lent.on <= on:
            changes[lent.on] = changes.get(lent.on, 0) + lent.amount
    for paid in plan.early:
        if period.start <= paid.on < period.due and paid.on <= on:
            changes[paid.on] = changes.get(paid.on, 0) - paid.amount
    rates = {each.on: each.annual_rate for each in plan.rate_changes if each.on <= on}
    for change in rates:
        if period.start < change < period.due:
            changes.setdefault(change, 0)
    days = sorted(changes)
    for start, end in zip(days, [*days[1:], period.due], strict=True):
        numerator, denominator = share_of_year(plan.day_count, plan.cycle, period, start, end)
        rate = _rate_on(plan.annual_rate, rates, start)
        yield _Stretch(changes[start], numerator * rate, denominator * RATE_SCALE)


def _rate_on(initial: Decimal, rates: dict[date, Decimal], day: date) -> int:
    known = [on for on in rates if on <= day]
    rate = rates[max(known)] if known else initial
    return int(rate * RATE_SCALE)
