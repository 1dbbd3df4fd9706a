"""Plans of repeated and later payments, and on which days they fall due. Pure.

A nominal date is what the plan's rhythm says; the due date is the business day that the convention
makes of it. The month-end rule: a day that a month does not have is its last day.
"""

import calendar
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from huitong.kernel.calendar import BusinessCalendar, CalendarNotCovered
from huitong.kernel.money import Money
from huitong.payments.corporate.errors import ScheduleInvalid
from huitong.payments.corporate.limits import (
    INTERVAL_DAYS_MAX,
    RETRY_DAYS_MAX,
    STANDING_COUNT_MAX,
    STANDING_YEARS_MAX,
)

_DAYS_OF_WEEK: Final = 7
_DAYS_OF_MONTH_MAX: Final = 31
_SHORTEST_MONTH: Final = 28
_MONTHS: Final = 12
_LONGEST: Final = timedelta(days=366 * STANDING_YEARS_MAX)


class AmountRule(StrEnum):
    """How much a due payment is."""

    FIXED = "fixed"
    #: What is available above `amount`, which stays.
    ABOVE = "above"
    #: All that is available.
    WHOLE = "whole"


class Rhythm(StrEnum):
    """When a plan pays."""

    #: At one instant, `pay_at`.
    ONCE = "once"
    #: On weekday `day`, 1 for Monday.
    WEEKLY = "weekly"
    #: On day `day` of each month, or its last.
    MONTHLY = "monthly"
    #: Every `day` days.
    DAYS = "days"


class Convention(StrEnum):
    """What a nominal date that is no business day becomes (ISDA 2006 Definitions, section 4.12)."""

    NONE = "none"
    FOLLOWING = "following"
    PRECEDING = "preceding"
    #: The following business day, unless that is in another month: then the preceding one.
    MODIFIED_FOLLOWING = "modified_following"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A standing order, or one payment at a later time; amounts are minor units of `currency`.

    No payment is more than `payment_max`, which approvers approve and for a fixed amount is the
    amount. A payment that cannot be made is tried again for `retry_days` days.
    """

    currency: str
    amount_rule: AmountRule
    amount: int
    payment_max: int
    rhythm: Rhythm
    day: int = 0
    convention: Convention = Convention.NONE
    first_on: date
    last_on: date | None = None
    count_max: int | None = None
    pay_at: datetime | None = None
    retry_days: int = 0
    description: str

    def amount_of(self, available: Money) -> Money:
        """Return what a due payment is while so much is available; zero if there is nothing to pay.

        Worked: above 1,000.00 with 1,250.00 available is 250.00, at most `payment_max`.
        """
        if self.amount_rule is AmountRule.FIXED:
            return Money(self.amount, self.currency)
        over = min(available.minor - self.amount, self.payment_max)
        return Money(max(over, 0), self.currency)


def check_plan(plan: Plan) -> None:
    """Raise ScheduleInvalid unless the parts of a plan fit together and it pays at least once."""
    if plan.payment_max < 1 or plan.amount < 0:
        raise ScheduleInvalid("must be above zero", field="amount")
    if plan.amount_rule is AmountRule.FIXED and plan.amount != plan.payment_max:
        raise ScheduleInvalid("a fixed amount is its own maximum", field="payment_max")
    if plan.amount_rule is AmountRule.WHOLE and plan.amount:
        raise ScheduleInvalid("of the whole balance nothing stays", field="amount")
    if (plan.rhythm is Rhythm.ONCE) != (plan.pay_at is not None):
        raise ScheduleInvalid("is given for a single payment, and only then", field="pay_at")
    _check_day(plan)
    if plan.last_on is not None and not (plan.first_on <= plan.last_on <= plan.first_on + _LONGEST):
        raise ScheduleInvalid(
            f"must be 0 to {STANDING_YEARS_MAX} years after first_on", field="last_on"
        )
    if plan.count_max is not None and not 1 <= plan.count_max <= STANDING_COUNT_MAX:
        raise ScheduleInvalid(f"must be 1 to {STANDING_COUNT_MAX}", field="count_max")
    if nominal_date(plan, 1) is None:
        raise ScheduleInvalid("no date of the plan is between first_on and last_on", field="day")


def _check_day(plan: Plan) -> None:
    most = {
        Rhythm.ONCE: 0,
        Rhythm.WEEKLY: _DAYS_OF_WEEK,
        Rhythm.MONTHLY: _DAYS_OF_MONTH_MAX,
        Rhythm.DAYS: INTERVAL_DAYS_MAX,
    }[plan.rhythm]
    if not min(most, 1) <= plan.day <= most:
        raise ScheduleInvalid(f"must be {min(most, 1)} to {most}", field="day")
    period = {
        Rhythm.ONCE: _SHORTEST_MONTH,
        Rhythm.WEEKLY: _DAYS_OF_WEEK,
        Rhythm.MONTHLY: _SHORTEST_MONTH,
        Rhythm.DAYS: plan.day,
    }[plan.rhythm]
    most = min(period - 1, RETRY_DAYS_MAX)
    if not 0 <= plan.retry_days <= most:
        raise ScheduleInvalid(f"must be 0 to {most}", field="retry_days")


def nominal_date(plan: Plan, number: int) -> date | None:
    """Return the `number`-th date of a plan, from 1 on; None once the plan is over.

    Worked: monthly on day 31 from 2026-01-15 on: 2026-01-31, 2026-02-28, 2026-03-31, …
    """
    if number > (plan.count_max or STANDING_COUNT_MAX):
        return None
    found = _find_nominal(plan, number - 1)
    is_over = plan.last_on is not None and found is not None and found > plan.last_on
    return None if is_over else found


def _find_nominal(plan: Plan, steps: int) -> date | None:
    first = plan.first_on
    if plan.rhythm is Rhythm.ONCE:
        return first if steps == 0 else None
    if plan.rhythm is Rhythm.MONTHLY:
        if _day_in_month(first.year, first.month, plan.day) < first:
            steps += 1
        years, month = divmod(first.month - 1 + steps, _MONTHS)
        year = first.year + years
        return None if year > date.max.year else _day_in_month(year, month + 1, plan.day)
    if plan.rhythm is Rhythm.WEEKLY:
        first += timedelta(days=(plan.day - first.isoweekday()) % _DAYS_OF_WEEK)
        return first + timedelta(days=_DAYS_OF_WEEK * steps)
    return first + timedelta(days=plan.day * steps)


def _day_in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def due_date(nominal: date, convention: Convention, days: BusinessCalendar) -> date | None:
    """Return the day on which a nominal date is paid; None while the calendar does not reach it.

    Worked, with 2026-10-31 a Saturday: following 2026-11-02, preceding and modified following
    2026-10-30.
    """
    if convention is Convention.NONE:
        return nominal
    try:
        if days.is_business_day(nominal):
            return nominal
        if convention is Convention.PRECEDING:
            return days.previous_business_day(nominal)
        following = days.next_business_day(nominal)
        is_other_month = (following.year, following.month) != (nominal.year, nominal.month)
        if convention is Convention.MODIFIED_FOLLOWING and is_other_month:
            return days.previous_business_day(nominal)
    except CalendarNotCovered:
        return None
    return following
