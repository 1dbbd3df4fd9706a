"""The clock of a platform: the machine's, or one that a demonstration puts forward."""

from pathlib import Path
from typing import Final

from huitong.kernel import ids
from huitong.kernel.clock import Clock, ShiftedClock, SystemClock
from huitong.kernel.settings import Settings

_FILE: Final = "clock-shift"


def make_clock(settings: Settings) -> Clock:
    """Return the clock that the processes of a platform go by."""
    if settings.clock == "shifted":
        clock = open_shifted_clock(settings.home)
        ids.go_by(lambda: round(clock.now().timestamp() * 1_000))
        return clock
    return SystemClock()


def open_shifted_clock(home: Path) -> ShiftedClock:
    """Return the clock of a home that can be put forward."""
    return ShiftedClock(home / _FILE)
