"""When a business day ends and when it is settled: pure counting on the business calendar."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.calendar import BusinessCalendar, CalendarNotCovered
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.payments.merchants import limits

_ZONE: Final = ZoneInfo(SHANGHAI)


@dataclass(frozen=True, slots=True)
class Cycle:
    """T+N: days end `cutoff_minutes` after midnight and are settled `days` business days later."""

    days: int
    cutoff_minutes: int
    #: When payouts begin on the day of settlement, unless that is the day itself.
    opens: time


def cutoff_of(day: date, cutoff_minutes: int) -> datetime:
    """Return the first instant that is no longer of business day `day`, in UTC.

    With 1440 the day ends at midnight; with 1380, at 23:00: what comes later is of the next day.
    """
    midnight = datetime.combine(day, time(), _ZONE)
    return (midnight + timedelta(minutes=cutoff_minutes)).astimezone(UTC)


def settles_at(day: date, cycle: Cycle, calendar: BusinessCalendar) -> datetime:
    """Return when business day `day` is settled, in UTC.

    T+N is the N-th business day after `day`, holiday or not: what came in on Friday, Saturday and
    Sunday is settled on Monday with T+1, from the opening hour on. T+0 is settled at the day's own
    cut-off, and a holiday at that of the next business day. Worked example: T+1 with midnight, day
    2026-09-30 (before the National Day holidays): 2026-10-08 at 09:00 in Shanghai. Raises
    CalendarNotCovered.
    """
    on = calendar.add_business_days(day, cycle.days)
    if cycle.days == 0:
        return cutoff_of(on, cycle.cutoff_minutes)
    return datetime.combine(on, cycle.opens, _ZONE).astimezone(UTC)


def find_due_cutoff(
    settled_until: datetime, cycle: Cycle, calendar: BusinessCalendar, now: datetime
) -> datetime | None:
    """Return the last cut-off after `settled_until` whose day is to be settled by `now`, or None.

    Days that are due together (a weekend, or while no worker ran) are settled together. Where the
    calendar ends nothing more is due.
    """
    first = business_day(settled_until) - timedelta(days=1)
    last = min(business_day(now), first + timedelta(days=limits.CUTOFF_DAYS_MAX))
    found = None
    day = first
    while day <= last:
        cutoff = cutoff_of(day, cycle.cutoff_minutes)
        try:
            is_due = settles_at(day, cycle, calendar) <= now
        except CalendarNotCovered:
            break
        if not is_due:
            break
        if cutoff > settled_until:
            found = cutoff
        day += timedelta(days=1)
    return found


def find_next_due(
    settled_until: datetime, cycle: Cycle, calendar: BusinessCalendar, now: datetime
) -> datetime:
    """Return when the first day that ends after `settled_until` is settled: look again then.

    Where the calendar ends, a day later.
    """
    day = business_day(settled_until) - timedelta(days=1)
    while cutoff_of(day, cycle.cutoff_minutes) <= settled_until:
        day += timedelta(days=1)
    try:
        return settles_at(day, cycle, calendar)
    except CalendarNotCovered:
        return now + timedelta(days=1)
