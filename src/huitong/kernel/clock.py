"""The clock: read at the edges only, and handed to the domain as an instant or a day.

A command that reads the clock itself cannot be replayed, and its tests depend on the hour.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

_SHIFT_BYTES: Final = 8
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


class ShiftedClock:
    """The machine's clock put forward by what a file says, the same for all processes.

    For demonstrations that show a week in a minute. The file holds microseconds in 8 bytes; without
    one nothing is put forward.
    """

    def __init__(self, file: Path) -> None:
        """Take the file, which need not be there yet."""
        self._file = file

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC, put forward."""
        return datetime.now(UTC) + self.read_shift()

    def read_shift(self) -> timedelta:
        """Return by how much the clock is put forward."""
        try:
            stored = self._file.read_bytes()
        except FileNotFoundError:
            return timedelta(0)
        return timedelta(microseconds=int.from_bytes(stored, "little"))

    def put_forward(self, step: timedelta) -> None:
        """Put the clock of all processes forward; raises ValueError for a step back."""
        if step < timedelta(0):
            raise ValueError("A clock goes forward only")
        shift = (self.read_shift() + step) // timedelta(microseconds=1)
        # In one piece: a process that reads at this moment sees the one or the other.
        beside = self._file.with_suffix(".new")
        beside.write_bytes(shift.to_bytes(_SHIFT_BYTES, "little"))
        beside.replace(self._file)


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
    # Nearly every call asks for the day of the call before it, and two comparisons cost a tenth of
    # what the time zones do.
    known = _last_looks.get(zone)
    if known is not None and instant.tzinfo is UTC and known.first_at <= instant <= known.last_at:
        return known.day
    return _look_up_day(as_utc(instant), zone)


class _Look(NamedTuple):
    """The day that all instants from the first to the last are on, both included."""

    day: date
    first_at: datetime
    last_at: datetime


#: The last look in each zone; there are as many zones as settings name.
_last_looks: Final[dict[str, _Look]] = {}
_QUARTER_MINUTES: Final = 15


def _look_up_day(instant: datetime, zone: str) -> date:
    first_at = instant.replace(
        minute=instant.minute // _QUARTER_MINUTES * _QUARTER_MINUTES, second=0, microsecond=0
    )
    last_at = first_at + (timedelta(minutes=_QUARTER_MINUTES) - datetime.resolution)
    first_day, day, last_day = (
        each.astimezone(_zone(zone)).date() for each in (first_at, instant, last_at)
    )
    # Clocks are ahead of UTC by quarters of an hour, and change at quarters.
    if first_day == day == last_day:
        _last_looks[zone] = _Look(day, first_at, last_at)
    return day


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
