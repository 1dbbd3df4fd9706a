"""Business days: which days banks and exchanges work, and how to count in them.

Mainland China moves working days onto weekends around long holidays, by a State Council notice
that comes out only some weeks before each year. So a calendar knows where its knowledge ends and
refuses beyond, instead of taking every weekday of next year for a working day.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Final

from chinese_calendar import holidays as _china_days_off  # type: ignore[import-untyped]
from chinese_calendar import workdays as _china_makeup_days

from huitong.kernel.errors import Refusal

_SATURDAY: Final = 5


class CalendarNotCovered(Refusal):
    """The holidays of that time are not known."""

    code = "calendar_not_covered"
    title = "The business calendar does not reach that day"


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """The business days from `first_day` to `last_day`, both included.

    A business day is a weekday that is not in `days_off`, or any day in `makeup_days`.
    """

    name: str
    first_day: date
    last_day: date
    days_off: AbstractSet[date]
    makeup_days: AbstractSet[date]
    _business_days: tuple[date, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay out all business days once, so that every question below is one binary search."""
        if self.last_day < self.first_day:
            raise ValueError("A calendar must end on or after the day on which it starts")
        contradictions = self.days_off & self.makeup_days
        if contradictions:
            raise ValueError(f"{self.name} has days that are off and worked: {contradictions}")
        span = (self.last_day - self.first_day).days + 1
        days = (self.first_day + timedelta(days=offset) for offset in range(span))
        object.__setattr__(
            self,
            "_business_days",
            tuple(
                day
                for day in days
                if day in self.makeup_days
                or (day.weekday() < _SATURDAY and day not in self.days_off)
            ),
        )

    def is_business_day(self, day: date) -> bool:
        """Say whether `day` is worked; raises CalendarNotCovered."""
        self._check_covered(day)
        position = bisect_left(self._business_days, day)
        return position < len(self._business_days) and self._business_days[position] == day

    def next_business_day(self, day: date) -> date:
        """Return the first business day after `day`, never `day`; raises CalendarNotCovered."""
        return self.add_business_days(day, 1)

    def previous_business_day(self, day: date) -> date:
        """Return the last business day before `day`, never `day`; raises CalendarNotCovered."""
        return self.add_business_days(day, -1)

    def roll_forward(self, day: date) -> date:
        """Return `day` if it is worked, else the next business day; raises CalendarNotCovered.

        What a due date that falls on a holiday does, and what an order placed on one counts from.
        """
        return day if self.is_business_day(day) else self.next_business_day(day)

    def add_business_days(self, day: date, count: int) -> date:
        """Return the `count`-th business day after `day`, or before it if `count` is negative.

        From a day that is not worked, 1 is the first business day after it. With 0 the result is
        `roll_forward(day)`. For T+1 of something that came in on a holiday, roll forward first.
        Raises CalendarNotCovered if `day` or the result is outside the calendar.
        """
        self._check_covered(day)
        if count == 0:
            return self.roll_forward(day)
        days = self._business_days
        position = (
            bisect_right(days, day) + count - 1 if count > 0 else bisect_left(days, day) + count
        )
        if not 0 <= position < len(days):
            raise self._not_covered(
                f"{abs(count)} business days {'after' if count > 0 else 'before'} {day}"
            )
        return days[position]

    def business_days_between(self, start: date, end: date) -> int:
        """Return how many business days lie in the half-open period from `start` to before `end`.

        Negative if `end` is before `start`; raises CalendarNotCovered.
        """
        self._check_covered(start)
        self._check_covered(end)
        return bisect_left(self._business_days, end) - bisect_left(self._business_days, start)

    def _check_covered(self, day: date) -> None:
        # A datetime is a date to Python, and its day in UTC is the wrong one for eight hours.
        if type(day) is not date:
            raise TypeError(f"A business calendar takes a date, not {type(day).__name__}")
        if not self.first_day <= day <= self.last_day:
            raise self._not_covered(str(day))

    def _not_covered(self, what: str) -> CalendarNotCovered:
        return CalendarNotCovered(
            f"The {self.name} calendar knows {self.first_day} to {self.last_day}; "
            f"{what} is outside. The holidays of a new year come with a new release of the "
            "chinesecalendar package",
            context={
                "calendar": self.name,
                "first_day": self.first_day.isoformat(),
                "last_day": self.last_day.isoformat(),
            },
        )


@cache
def china_calendar() -> BusinessCalendar:
    """Return the working days of mainland China, make-up weekends included.

    Banks, the large-value payment system and every "working day" in a Chinese rule follow it.
    Source: the yearly State Council holiday notices, as the chinesecalendar package carries them.
    """
    first_day, last_day = _covered_years()
    return BusinessCalendar(
        name="mainland China",
        first_day=first_day,
        last_day=last_day,
        days_off=frozenset(_china_days_off),
        makeup_days=frozenset(_china_makeup_days),
    )


@cache
def china_exchange_calendar() -> BusinessCalendar:
    """Return the open days of the mainland exchanges, which funds count in.

    Exchanges close on public holidays and stay closed on every weekend, make-up days included.
    """
    first_day, last_day = _covered_years()
    return BusinessCalendar(
        name="mainland China exchange",
        first_day=first_day,
        last_day=last_day,
        days_off=frozenset(_china_days_off),
        makeup_days=frozenset(),
    )


def _covered_years() -> tuple[date, date]:
    """Return the first and last day of the years for which the package has holidays."""
    return date(min(_china_days_off).year, 1, 1), date(max(_china_days_off).year, 12, 31)
