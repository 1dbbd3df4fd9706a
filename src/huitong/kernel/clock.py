"""The clock: read at the edges only, and handed to the domain as an instant or a day.

A command that reads the clock itself cannot be replayed, and its tests depend on the hour.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

SHANGHAI: Final = "Asia/Shanghai"


class Clock(Protocol):
    """Whatever can tell the time."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        return datetime.now(UTC)


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until somebody moves it: for tests, demonstrations and replay."""

    instant: datetime

    def __post_init__(self) -> None:
        """Refuse an instant without a time zone with ValueError."""
        self.instant = as_utc(self.instant)

    def now(self) -> datetime:
        """Return the instant at which the clock stands, aware and in UTC."""
        return self.instant

    def advance(self, step: timedelta) -> None:
        """Move the clock on by `step`; raises ValueError for a step back."""
        if step < timedelta(0):
            raise ValueError("A clock goes forward only")
        self.instant += step


def as_utc(instant: datetime) -> datetime:
    """Return the same instant in UTC; raises ValueError if it has no time zone."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no time zone, so it is not an instant")
    return instant.astimezone(UTC)


def business_day(instant: datetime, zone: str = SHANGHAI) -> date:
    """Return the calendar day that an instant falls on in `zone`.

    Chinese rules count "per day" in Asia/Shanghai, where the day turns at 16:00 UTC. Raises
    ValueError for an instant without a time zone.
    """
    return as_utc(instant).astimezone(_zone(zone)).date()


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
