"""What every scene of the settlement day is given: the day, two members of staff, and the clock."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.demo.day import Day
from huitong.demo.onboarding.operator import Operator
from huitong.demo.staff import Member
from huitong.kernel.clock import SHANGHAI, ShiftedClock

_ZONE: Final = ZoneInfo(SHANGHAI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Everybody and everything that a scene may use.

    `maker` asks and `checker` approves; both are of operations, and the two of `compliance` do so
    where names are concerned. Scenes open their own customers
    and shops, by `day.do` with the story's key, so that each can be played alone.
    """

    day: Day
    operator: Operator
    clock: ShiftedClock
    maker: Member
    checker: Member
    compliance: tuple[Member, ...]

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
