"""Interest on what is really owed: schedules made anew with the payments that came in.

The level payments are those of the first schedule. Money that comes before its instalment is due
lowers the balance that bears interest at once, and principal that is overdue bears interest until
it is paid; both from day to day. Later instalments are taken to be paid when due.

| Paid | Interest of the period |
| --- | --- |
| before its due day | on the balance less what was paid, from that day |
| when due | as planned |
| late | on the overdue principal too, until that day |

5,000.00 at 12 % actual/365 in six months of 862.00, 200.00 of it paid four days before the first
is due: 26 days on 5,000.00 are 42.74, four on 4,800.00 are 6.31; 49.05 of the 862.00 is interest.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from huitong.lending.schedules.arithmetic import RATE_SCALE, divide
from huitong.lending.schedules.calendar import share_of_year
from huitong.lending.schedules.progressive import make_schedule
from huitong.lending.schedules.types import Disbursement, Period, Plan, Row

_MORE_THAN_ANY: Final = 10**30


class Receipt(NamedTuple):
    """Money that came in for principal and interest."""

    on: date
    amount: int


class EarlyUse(StrEnum):
    """What money beyond a whole level payment is for, if it comes before it is due."""

    #: The next instalments, so that the loan ends earlier.
    NEXT_INSTALMENTS = "next_instalments"
    #: Principal; the level payment of all later instalments is found anew.
    LOWER_PAYMENTS = "lower_payments"


@dataclass(slots=True)
class _Open:
    """What is open of an instalment that has been due."""

    principal: int
    interest: int

    def pay(self, amount: int) -> int:
        """Pay interest, then principal; return what is left."""
        taken = min(self.interest, amount)
        self.interest -= taken
        principal = min(self.principal, amount - taken)
        self.principal -= principal
        return amount - taken - principal


@dataclass(slots=True)
class _Running:
    plan: Plan
    make: Callable[[Plan], list[Row]]
    levels: list[int]
    as_of: date
    early: EarlyUse
    balance: int
    advance: int = 0
    carried: int = 0
    opened: list[_Open] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def recalculate(
    plan: Plan,
    receipts: Iterable[Receipt],
    as_of: date,
    early: EarlyUse = EarlyUse.NEXT_INSTALMENTS,
    make: Callable[[Plan], list[Row]] = make_schedule,
) -> list[Row]:
    """Return the rows of a loan as they are on a day, one for each period.

    `make` gives the level payments of a plan, before anything is paid.

    Raises ValueError for a plan with more than one disbursement, changes of the rate or principal
    paid early, and for a receipt after `as_of` or before the loan.
    """
    if len(plan.disbursements) != 1 or plan.rate_changes or plan.early:
        raise ValueError("All must be lent on the first day, and nothing be changed afterwards")
    received = sorted(receipts)
    start = plan.periods[0].start
    if any(not start <= each.on <= as_of for each in received):
        raise ValueError(f"Money comes in between {start} and {as_of}")
    levels = [row.payment for row in make(plan)]
    running = _Running(plan, make, levels, as_of, early, plan.disbursements[0].amount)
    for index in range(len(plan.periods)):
        _run(running, index, received)
    return running.rows


def quote_payoff(
    plan: Plan,
    receipts: Sequence[Receipt],
    on: date,
    early: EarlyUse = EarlyUse.NEXT_INSTALMENTS,
    make: Callable[[Plan], list[Row]] = make_schedule,
) -> int:
    """Return what ends the loan on a day: open principal, and interest until that day."""
    rows = recalculate(plan, [*receipts, Receipt(on, _MORE_THAN_ANY)], on, early, make)
    return sum(row.payment for row in rows) - sum(each.amount for each in receipts)


def _run(running: _Running, index: int, received: Sequence[Receipt]) -> None:
    period = running.plan.periods[index]
    within = [each for each in received if period.start < each.on <= period.due]
    if index == 0:
        within = [each for each in received if each.on <= period.due]
    days = {period.start, *(each.on for each in within if each.on < period.due)}
    if period.start < running.as_of < period.due:
        days.add(running.as_of)
    ordered = sorted(days)
    interest, running.carried = running.carried, 0
    for day, end in zip(ordered, [*ordered[1:], period.due], strict=True):
        _receive(running, [each for each in within if each.on == day])
        interest += _bear(running, period, day, end)
    _receive(running, [each for each in within if each.on == period.due])
    _fall_due(running, index, interest)


def _receive(running: _Running, receipts: Sequence[Receipt]) -> None:
    for receipt in receipts:
        left = receipt.amount
        for opened in running.opened:
            left = opened.pay(left)
        running.advance += left


def _bear(running: _Running, period: Period, start: date, end: date) -> int:
    """Return the interest of some days of a period, rounded by itself."""
    plan = running.plan
    overdue = sum(each.principal for each in running.opened) if start < running.as_of else 0
    bearing = max(running.balance + overdue - running.advance, 0)
    numerator, denominator = share_of_year(plan.day_count, plan.cycle, period, start, end)
    rate = int(plan.annual_rate * RATE_SCALE)
    return divide(bearing * numerator * rate, denominator * RATE_SCALE, plan.rounding)


def _fall_due(running: _Running, index: int, interest: int) -> None:
    is_last = index == len(running.plan.periods) - 1
    level = running.levels[index]
    is_lowered = running.early is EarlyUse.LOWER_PAYMENTS and running.advance >= level
    if is_last:
        principal = running.balance
    elif is_lowered:
        principal = min(running.advance, running.balance)
    else:
        due = min(interest, level)
        interest, running.carried = due, interest - due
        principal = min(level - due, running.balance)
    running.balance -= principal
    opened = _Open(principal, interest)
    if is_lowered:
        opened.principal, running.advance = 0, running.advance - principal
    running.advance = opened.pay(running.advance)
    running.opened.append(opened)
    due_on = running.plan.periods[index].due
    running.rows.append(Row(due_on, principal, interest, running.balance))
    if is_lowered and running.balance:
        _lower(running, index + 1)


def _lower(running: _Running, first: int) -> None:
    periods = running.plan.periods[first:]
    lent = Disbursement(periods[0].start, running.balance)
    later = replace(running.plan, periods=periods, disbursements=(lent,))
    running.levels[first:] = [row.payment for row in running.make(later)]
