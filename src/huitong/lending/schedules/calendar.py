"""Days: when payments are due, and which share of a year lies between two days."""

from calendar import isleap, monthrange
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from huitong.lending.schedules.types import (
    Cycle,
    DayCount,
    MonthBasis,
    Period,
    TimeUnit,
    YearBasis,
)

_YEAR_DAYS: Final = {YearBasis.DAYS_360: 360, YearBasis.DAYS_364: 364, YearBasis.DAYS_365: 365}
_COMMON, _LEAP = 365, 366
_MONTHS_OF_YEAR: Final = 12
_DAYS_OF_MONTH: Final = 30


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or its last one: 31 January + 1 is 28 February.

    Counted from one first day, due days come back to the 31st after a short month.
    """
    year, month = divmod(day.year * _MONTHS_OF_YEAR + day.month - 1 + months, _MONTHS_OF_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def advance(day: date, cycle: Cycle, times: int) -> date:
    """Return the day so many cycles after a first one."""
    steps = cycle.every * times
    if cycle.unit is TimeUnit.MONTHS:
        return add_months(day, steps)
    return day + timedelta(days=steps * (7 if cycle.unit is TimeUnit.WEEKS else 1))


@lru_cache(maxsize=4_096)
def make_periods(
    start: date, cycle: Cycle, count: int, *, first_due: date | None = None
) -> tuple[Period, ...]:
    """Return so many periods from a day on; a first one of another length ends on `first_due`.

    Raises ValueError unless 1 ≤ count and start < first_due.
    """
    if count < 1:
        raise ValueError("A schedule has at least one payment")
    anchor, skipped = (start, 1) if first_due is None else (first_due, 0)
    if first_due is not None and first_due <= start:
        raise ValueError("The first payment is due after the loan begins")
    dues = [advance(anchor, cycle, number + skipped) for number in range(count)]
    return tuple(Period(*each) for each in zip([start, *dues[:-1]], dues, strict=True))


def share_of_year(
    day_count: DayCount, cycle: Cycle, period: Period, start: date, end: date
) -> tuple[int, int]:
    """Return the share of a year from `start` to `end` within a period, as an exact ratio.

    By 30/360 the seven days from 1 to 8 January are 7/31 of a month of 30 days: 210/11,160. By
    actual/actual each day counts in its own year: one of 2023 and one of 2024 are 1/365 + 1/366.
    """
    days = (end - start).days
    if day_count.month is MonthBasis.DAYS_30 and cycle.unit is TimeUnit.MONTHS:
        whole = (period.due - period.start).days
        year = _YEAR_DAYS.get(day_count.year) or _days_of_year(period.start)
        return _DAYS_OF_MONTH * cycle.every * days, year * whole
    if day_count.year is not YearBasis.ACTUAL:
        return days, _YEAR_DAYS[day_count.year]
    in_leap = _count_leap_days(end) - _count_leap_days(start)
    return in_leap * _COMMON + (days - in_leap) * _LEAP, _COMMON * _LEAP


def _days_of_year(day: date) -> int:
    return _LEAP if isleap(day.year) else _COMMON


def _count_leap_days(day: date) -> int:
    """Return how many days of leap years lie before a day."""
    before = day.year - 1
    years = before // 4 - before // 100 + before // 400
    return years * _LEAP + (day.timetuple().tm_yday - 1 if isleap(day.year) else 0)
