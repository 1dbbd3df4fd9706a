"""Repayment methods, with grace, steps, a balloon and a down payment.

All is lent on the first day at one rate. Each period bears interest of the balance, rounded by
itself; what is due of it and of the principal is the method's:

| Method | Principal of a payment |
| --- | --- |
| level payment 等额本息 | what the level payment leaves beside its interest |
| equal principal 等额本金 | principal / payments, rounded |
| interest first 先息后本 | nothing; all of it with the last payment |
| single payment 一次还本付息 | nothing, and no interest either, before the last payment |

The last payment takes all that is left, so principal parts always sum to the principal.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from huitong.lending.schedules.arithmetic import ONE, RATE_SCALE, divide, round_to, spread
from huitong.lending.schedules.calendar import share_of_year
from huitong.lending.schedules.types import DayCount, Plan, Row

_WHOLE: Final = Fraction(1)


class Method(StrEnum):
    """How a loan is paid back."""

    LEVEL_PAYMENT = "level_payment"
    EQUAL_PRINCIPAL = "equal_principal"
    INTEREST_FIRST = "interest_first"
    SINGLE_PAYMENT = "single_payment"


class InterestKind(StrEnum):
    """What interest is reckoned on: what is still owed, or for ever what was lent."""

    DECLINING = "declining"
    FLAT = "flat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """A method and its variations.

    In the first `principal_grace` periods no principal is due; interest of the first
    `interest_grace` is due with the payment after them; the first `interest_free` bear none.
    `down_payment` is the part of the principal that is due on the first day; `balloon` what is due
    with the last payment beside it. `level_day_count` is the convention by which the level
    payment is found, if it is not that of the interest. `steps` are the weights of level payments,
    (1, 1, 2) doubles the third; empty is all alike.
    """

    method: Method = Method.LEVEL_PAYMENT
    interest: InterestKind = InterestKind.DECLINING
    principal_grace: int = 0
    interest_grace: int = 0
    interest_free: int = 0
    down_payment: Fraction = Fraction(0)
    balloon: int = 0
    level_day_count: DayCount | None = None
    steps: tuple[Fraction, ...] = ()


def make_loan_schedule(plan: Plan, repayment: Repayment) -> list[Row]:
    """Return the down payment's row, if there is one, and one row for each period.

    1,250.00 at 15 % by 30/360 in four months: level payments of 322.33; of equal principal 328.12,
    324.22, 320.31 and 316.41. Raises ValueError for a plan with anything after its first day,
    and for a repayment that does not fit it.
    """
    _check(plan, repayment)
    lent = plan.disbursements[0]
    part = lent.amount * repayment.down_payment
    down = round_to(part.numerator, part.denominator, plan.multiple, plan.rounding)
    rows = [Row(lent.on, down, 0, lent.amount - down)] if down else []
    return rows + _Loan(plan, repayment, lent.amount - down).rows()


def _check(plan: Plan, repayment: Repayment) -> None:
    count, start = len(plan.periods), plan.periods[0].start
    is_once = len(plan.disbursements) == 1 and plan.disbursements[0].on == start
    if not is_once or plan.rate_changes or plan.early:
        raise ValueError("All must be lent on the first day, and nothing happen afterwards")
    graces = (repayment.principal_grace, repayment.interest_grace, repayment.interest_free)
    if not all(0 <= each <= count for each in graces) or max(graces[:2]) >= count:
        raise ValueError(f"Grace must leave at least one of {count} payments")
    if not 0 <= repayment.down_payment < 1:
        raise ValueError("A down payment is a part of the principal below the whole")
    if plan.level is not None and (plan.level <= 0 or repayment.method is not Method.LEVEL_PAYMENT):
        raise ValueError("An agreed level payment is above zero, and the method is level payments")
    if not 0 <= repayment.balloon <= plan.disbursements[0].amount:
        raise ValueError("A balloon is between nothing and the principal")
    if repayment.steps and len(repayment.steps) != count - repayment.principal_grace:
        raise ValueError("There must be a step for each payment of principal")
    if any(step < 0 for step in repayment.steps) or (repayment.steps and not any(repayment.steps)):
        raise ValueError("Steps are weights of zero or more, one of them more")


class _Loan:
    """One loan: its factors, and the rows that they give for a level payment."""

    def __init__(self, plan: Plan, repayment: Repayment, principal: int) -> None:
        self._plan = plan
        self._repayment = repayment
        self._principal = principal
        self._count = len(plan.periods)
        self._factors = self._list_factors(plan.day_count)
        level_count = repayment.level_day_count
        self._level_factors = self._list_factors(level_count) if level_count else self._factors

    def _list_factors(self, day_count: DayCount) -> list[tuple[int, int]]:
        plan, factors = self._plan, []
        rate = int(plan.annual_rate * RATE_SCALE)
        for index, period in enumerate(plan.periods):
            numerator, denominator = share_of_year(day_count, plan.cycle, period, *period)
            is_free = index < self._repayment.interest_free
            factors.append((0 if is_free else numerator * rate, denominator * RATE_SCALE))
        return factors

    def rows(self) -> list[Row]:
        """Return the rows; a small difference of the last level payment is spread."""
        if self._repayment.method is not Method.LEVEL_PAYMENT:
            return self._walk(0)
        level = self._plan.level or self._solve()
        rows = self._walk(level)
        if (
            self._plan.level
            or self._repayment.balloon
            or self._repayment.steps
            or self._plan.multiple > 1
        ):
            return rows
        plan, count = self._plan, self._count - self._repayment.principal_grace
        other = spread(level, rows[-1].payment, count, plan.multiple, plan.rounding)
        tried = self._walk(other) if other != level else rows
        is_nearer = abs(tried[-1].payment - other) < abs(rows[-1].payment - level)
        return tried if is_nearer else rows

    def _weight(self, index: int) -> Fraction:
        steps, grace = self._repayment.steps, self._repayment.principal_grace
        return steps[index - grace] if steps else _WHOLE

    def _solve(self) -> int:
        """Return the level payment that leaves the balloon."""
        plan = self._plan
        if self._repayment.interest is InterestKind.FLAT:
            paid = self._principal - self._repayment.balloon + self._flat_interest()
            return round_to(paid, self._count, plan.multiple, plan.rounding)
        owed, payments = self._principal * ONE, 0
        for index in range(self._repayment.principal_grace, self._count):
            numerator, denominator = self._level_factors[index]
            weight = self._weight(index)
            owed += owed * numerator // denominator
            payments += payments * numerator // denominator
            payments += ONE * weight.numerator // weight.denominator
        owed -= self._repayment.balloon * ONE
        return round_to(max(owed, 0), payments, plan.multiple, plan.rounding)

    def _flat_interest(self) -> int:
        total = sum((Fraction(*factor) for factor in self._factors), Fraction(0)) * self._principal
        return divide(total.numerator, total.denominator, self._plan.rounding)

    def _interest(self, index: int, balance: int) -> int:
        plan = self._plan
        if self._repayment.interest is InterestKind.DECLINING:
            numerator, denominator = self._factors[index]
            return divide(balance * numerator, denominator, plan.rounding)
        total = self._flat_interest()
        part = divide(total, self._count, plan.rounding)
        left = max(total - part * index, 0)
        return left if index == self._count - 1 else min(part, left)

    def _walk(self, level: int) -> list[Row]:
        rows: list[Row] = []
        balance, carried = self._principal, 0
        for index, period in enumerate(self._plan.periods):
            regular = self._interest(index, balance)
            carried += regular
            is_last = index == self._count - 1
            is_due = is_last or self._is_interest_due(index)
            principal = balance if is_last else self._principal_of(index, balance, level, regular)
            balance -= principal
            rows.append(Row(period.due, principal, carried if is_due else 0, balance))
            carried = 0 if is_due else carried
        return rows

    def _is_interest_due(self, index: int) -> bool:
        if self._repayment.method is Method.SINGLE_PAYMENT:
            return False
        return index >= self._repayment.interest_grace

    def _principal_of(self, index: int, balance: int, level: int, interest: int) -> int:
        repayment, grace = self._repayment, self._repayment.principal_grace
        if index < grace:
            return 0
        if repayment.method is Method.EQUAL_PRINCIPAL:
            count = self._count - grace
            paid = max(self._principal - repayment.balloon, 0)
            return min(divide(paid, count, self._plan.rounding), balance)
        if repayment.method is Method.LEVEL_PAYMENT:
            weight = self._weight(index)
            payment = divide(level * weight.numerator, weight.denominator, self._plan.rounding)
            return min(max(payment - interest, 0), balance)
        return 0
