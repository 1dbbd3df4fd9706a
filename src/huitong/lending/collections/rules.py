"""What the rulebook says of contacting debtors: hours, caps, pauses."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.rulebook import Rulebook
from huitong.lending.collections.types import Channel

_ZONE: Final = ZoneInfo(SHANGHAI)
_MIDNIGHT: Final = time(0)

CALL: Final = "call"
MESSAGE: Final = "message"
QUIET: Final = "collection.quiet.starts"
CAPS: Final = {CALL: "collection.calls.day", MESSAGE: "collection.messages.day"}
#: By what is open.
PAUSES: Final = {
    "complaint": "collection.pause.complaint",
    "hardship": "collection.pause.hardship",
    "promise": "collection.pause.promise",
}


@dataclass(frozen=True, slots=True)
class Window:
    """Hours in which contact is allowed: from an instant until another, which is out of it."""

    first_at: datetime
    until: datetime


def counts_as(channel: Channel) -> str:
    """Return which cap a contact counts against: that of calls, or that of messages."""
    return CALL if channel is Channel.CALL else MESSAGE


def find_window(rulebook: Rulebook, now: datetime) -> Window | None:
    """Return the allowed hours that an instant lies in; None in quiet hours."""
    on = business_day(now)
    starts = time.fromisoformat(rulebook.text(QUIET, on))
    ends = time.fromisoformat(rulebook.text("collection.quiet.ends", on))
    return find_allowed(now, starts, ends)


def find_allowed(now: datetime, starts: time, ends: time) -> Window | None:
    """Return the allowed hours around an instant; None if it is in quiet hours.

    Quiet hours go from `starts` to `ends` of Shanghai's clock, the end not included, over midnight
    where the start is the later one: from 22:00 to 08:00, 21:59:59 and 08:00:00 are allowed, and
    the hours then are 08:00 to 22:00 of that day. With one time for both there are none.
    """
    local = now.astimezone(_ZONE)
    day = local.date()
    if starts == ends:
        return Window(_at(day, _MIDNIGHT), _at(day + timedelta(days=1), _MIDNIGHT))
    if starts > ends:
        window = Window(_at(day, ends), _at(day, starts))
        return window if window.first_at <= now < window.until else None
    if local.time() < starts:
        return Window(_at(day, _MIDNIGHT), _at(day, starts))
    if local.time() >= ends:
        return Window(_at(day, ends), _at(day + timedelta(days=1), _MIDNIGHT))
    return None


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, _ZONE)
