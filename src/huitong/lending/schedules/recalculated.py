"""Interest on what is really owed: schedules made anew with the payments that came in.

The level payments are those of the first schedule. By the plainest rules, money that comes before
its instalment is due lowers the balance that bears interest at once, and principal that is overdue
bears interest until it is paid; both from day to day. Later instalments are taken to be paid when
due.

| Paid | Interest of the period |
| --- | --- |
| before its due day | on the balance less what was paid, from that day |
| when due | as planned |
| late | on the overdue principal too, until that day |

5,000.00 at 12 % actual/365 in six months of 862.00, 200.00 of it paid four days before the first
is due: 26 days on 5,000.00 are 42.74, four on 4,800.00 are 6.31; 49.05 of the 862.00 is interest.
`Recalculation` has the variations.
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
    """What money beyond a whole level payment is for, if it comes no later than it is due.

    But for the first use, all of it is principal that falls due with the instalment; what comes
    on the due day itself pays the interest of that day first.
    """

    #: The next instalments as they are, so that they are paid ahead.
    NEXT_INSTALMENTS = "next_instalments"
    #: The level payment of all later instalments is found anew.
    LOWER_PAYMENTS = "lower_payments"
    #: So much principal less of the next instalments; those after them stay as they are.
    NEXT_PRINCIPAL = "next_principal"
    #: Level payments stay as they are, and there are fewer of them.
    FEWER_PAYMENTS = "fewer_payments"


class Rest(StrEnum):
    """When a repayment begins to lower the balance that bears interest."""

    DAILY = "daily"
    #: With the next instalment: what comes within a period counts as of its end.
    WITH_INSTALMENTS = "with_instalments"


class LateInterest(StrEnum):
    """In which periods principal that is overdue bears interest."""

    SINCE_DUE = "since_due"
    #: Only where money came in or the loan was reckoned anew, until that day.
    WHEN_RECKONED = "when_reckoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalculation:
    """How interest follows what is really owed.

    With `is_compounding` overdue interest bears interest wherever overdue principal does.
    """

    early: EarlyUse = EarlyUse.NEXT_INSTALMENTS
    rest: Rest = Rest.DAILY
    late: LateInterest = LateInterest.SINCE_DUE
    is_compounding: bool = False


PLAINEST: Final = Recalculation()


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
    rules: Recalculation
    balance: int = 0
    advance: int = 0
    carried: int = 0
    #: Principal of the next instalments that was paid already.
    ahead: int = 0
    opened: list[_Open] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def recalculate(
    plan: Plan,
    receipts: Iterable[Receipt],
    as_of: date,
    rules: Recalculation = PLAINEST,
    make: Callable[[Plan], list[Row]] = make_schedule,
) -> list[Row]:
    """Return the rows of a loan as they are on a day, one for each period.

    `make` gives the level payments of a plan, before anything is paid. With fewer payments there
    is no row after the one that ends the loan.

    Raises ValueError for a plan with changes of the rate or principal paid early, or with nothing
    lent on its first day, for a down payment, and a receipt after `as_of` or before the loan.
    """
    start, end = plan.periods[0].start, plan.periods[-1].due
    if plan.rate_changes or plan.early:
        raise ValueError("Nothing but what is lent may change after the first day")
    lent = [each.on for each in plan.disbursements]
    if start not in lent or any(not start <= on < end for on in lent):
        raise ValueError(f"Money must be lent on {start}, and later before {end}")
    received = sorted(receipts)
    if any(not start <= each.on <= as_of for each in received):
        raise ValueError(f"Money comes in between {start} and {as_of}")
    count = len(plan.periods)
    levels = [plan.level] * count if plan.level else [row.payment for row in make(plan)]
    if len(levels) != count:
        raise ValueError("A down payment has no place where interest is reckoned anew")
    running = _Running(plan, make, levels, as_of, rules)
    for index in range(count):
        _run(running, index, received)
    rows = running.rows
    while rules.early is EarlyUse.FEWER_PAYMENTS and len(rows) > 1 and not rows[-1].payment:
        rows.pop()
    return rows


def quote_payoff(
    plan: Plan,
    receipts: Sequence[Receipt],
    on: date,
    rules: Recalculation = PLAINEST,
    make: Callable[[Plan], list[Row]] = make_schedule,
) -> int:
    """Return what ends the loan on a day: open principal, and interest until that day.

    Where the rest is with instalments, interest is until the end of the period.
    """
    rows = recalculate(plan, [*receipts, Receipt(on, _MORE_THAN_ANY)], on, rules, make)
    return sum(row.payment for row in rows) - sum(each.amount for each in receipts)


def _run(running: _Running, index: int, received: Sequence[Receipt]) -> None:
    period = running.plan.periods[index]
    is_first = index == 0
    within = [
        each for each in received if (is_first or period.start < each.on) and each.on <= period.due
    ]
    before = [each for each in within if each.on < period.due]
    lent = _list_lent(running.plan, period)
    late_until = _find_late_end(running, period, within)
    is_daily = running.rules.rest is Rest.DAILY
    days = {period.start, *lent}
    if is_daily:
        days |= {each.on for each in before}
        if period.start < late_until < period.due:
            days.add(late_until)
    interest, running.carried = running.carried, 0
    ordered = sorted(days)
    for day, end in zip(ordered, [*ordered[1:], period.due], strict=True):
        running.balance += lent.get(day, 0)
        if is_daily:
            _receive(running, [each for each in before if each.on == day])
        interest += _bear(running, period, day, end, late_until)
    if not is_daily:
        _receive(running, before)
    early = running.advance
    _receive(running, [each for each in within if each.on == period.due])
    _fall_due(running, index, interest, early)


def _list_lent(plan: Plan, period: Period) -> dict[date, int]:
    """Return what is lent within a period by its day; what is lent when it is due comes later."""
    found: dict[date, int] = {}
    for each in plan.disbursements:
        if period.start <= each.on < period.due:
            found[each.on] = found.get(each.on, 0) + each.amount
    return found


def _find_late_end(running: _Running, period: Period, within: Sequence[Receipt]) -> date:
    """Return the day until which overdue principal bears interest in a period."""
    as_of = running.as_of
    if running.rules.late is LateInterest.SINCE_DUE or period.start < as_of <= period.due:
        return as_of
    return max((each.on for each in within), default=period.start)


def _receive(running: _Running, receipts: Sequence[Receipt]) -> None:
    for receipt in receipts:
        left = receipt.amount
        for opened in running.opened:
            left = opened.pay(left)
        running.advance += left


def _bear(running: _Running, period: Period, start: date, end: date, late_until: date) -> int:
    """Return the interest of some days of a period, rounded by itself."""
    plan = running.plan
    overdue = _sum_overdue(running) if start < late_until else 0
    bearing = max(running.balance + overdue - running.advance, 0)
    numerator, denominator = share_of_year(plan.day_count, plan.cycle, period, start, end)
    rate = int(plan.annual_rate * RATE_SCALE)
    return divide(bearing * numerator * rate, denominator * RATE_SCALE, plan.rounding)


def _sum_overdue(running: _Running) -> int:
    principal = sum(each.principal for each in running.opened)
    if not running.rules.is_compounding:
        return principal
    return principal + sum(each.interest for each in running.opened)


def _fall_due(running: _Running, index: int, interest: int, early: int) -> None:
    """Make the row of an instalment and pay it; `early` of the advance came before its day."""
    is_last = index == len(running.plan.periods) - 1
    due = interest if is_last else min(interest, running.levels[index])
    planned = running.balance if is_last else _plan_principal(running, index, due)
    is_ahead = (
        not is_last
        and running.rules.early is not EarlyUse.NEXT_INSTALMENTS
        and running.advance >= planned + due
    )
    if is_ahead:
        due = interest
        of_day = max(running.advance - early - due, 0)
        principal = min(early + of_day, running.balance)
        running.ahead += max(principal - planned, 0)
    else:
        principal = planned
    running.carried = interest - due
    running.balance -= principal
    opened = _Open(0 if is_ahead else principal, due)
    running.advance = opened.pay(running.advance - (principal if is_ahead else 0))
    running.opened.append(opened)
    due_on = running.plan.periods[index].due
    running.rows.append(Row(due_on, principal, due, running.balance))
    is_lowered = principal > planned and running.balance > 0
    if is_lowered and running.rules.early is EarlyUse.LOWER_PAYMENTS:
        _lower(running, index + 1)


def _plan_principal(running: _Running, index: int, interest: int) -> int:
    """Return what a level payment leaves for principal, less what was paid of it already."""
    principal = min(running.levels[index] - interest, running.balance)
    if running.rules.early is EarlyUse.NEXT_PRINCIPAL:
        less = min(running.ahead, principal)
        running.ahead -= less
        principal -= less
    return principal


def _lower(running: _Running, first: int) -> None:
    periods = running.plan.periods[first:]
    start = periods[0].start
    later_lent = [each for each in running.plan.disbursements if each.on >= start]
    lent = (Disbursement(start, running.balance), *later_lent)
    later = replace(running.plan, periods=periods, disbursements=lent, level=None)
    running.levels[first:] = [row.payment for row in running.make(later)]
