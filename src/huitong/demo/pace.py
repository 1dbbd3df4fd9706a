"""How a story goes through time: by the platform's clock, which it puts forward."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI, ShiftedClock

_ZONE: Final = ZoneInfo(SHANGHAI)


class Pace:
    """What goes by a clock that can be put forward."""

    __slots__ = ()

    clock: ShiftedClock

    def now(self) -> datetime:
        """Return the platform's time in Shanghai."""
        return self.clock.now().astimezone(_ZONE)

    def wait_until(self, at: datetime) -> None:
        """Put the clock forward to an instant; one that is past is now."""
        step = at - self.clock.now()
        if step > timedelta(0):
            self.clock.put_forward(step)

    def at(self, days: int, hour: int, minute: int = 0) -> datetime:
        """Return a time of day in Shanghai, so many days from the platform's today."""
        day = self.now().date() + timedelta(days=days)
        return datetime.combine(day, time(hour, minute), _ZONE)
