"""Where a due day goes that is no business day.

A schedule must come out the same whenever it is made anew, and calendars become known from year to
year. So a loan knows the holidays of the year in which it is lent, and of later years the weekends.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from huitong.kernel.calendar import china_calendar

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


class BusinessDays(StrEnum):
    """The conventions; the modified one stays in the month, so goes back from its end."""

    NONE = "none"
    FOLLOWING = "following"
    MODIFIED_FOLLOWING = "modified_following"
    PRECEDING = "preceding"


def adjust(day: date, convention: BusinessDays, *, known_year: int) -> date:
    """Return a due day by a convention; holidays count until the end of `known_year`.

    Saturday 31 October 2026 goes to Monday 2 November, by the modified convention and the preceding
    one to Friday 30 October. Raises CalendarNotCovered if that year is not known.
    """
    if convention is BusinessDays.NONE:
        return day
    if convention is BusinessDays.PRECEDING:
        return _walk(day, -_DAY, known_year)
    found = _walk(day, _DAY, known_year)
    if convention is BusinessDays.MODIFIED_FOLLOWING and found.month != day.month:
        return _walk(day, -_DAY, known_year)
    return found


def _walk(day: date, step: timedelta, known_year: int) -> date:
    while not _is_business_day(day, known_year):
        day += step
    return day


def _is_business_day(day: date, known_year: int) -> bool:
    if day.year > known_year:
        return day.weekday() < _SATURDAY
    return china_calendar().is_business_day(day)
