"""The whole day, scene after scene."""

import time
from datetime import UTC, datetime

from huitong.demo import scenes_after, scenes_paying
from huitong.demo.cast import open_cast
from huitong.demo.day import Day
from huitong.kernel.clock import business_day


def play_day(day: Day, *, url: str) -> bool:
    """Play the day and return whether everything was as it must be.

    Raises StoryBroken or PlatformAway if it cannot go on.
    """
    started = time.monotonic()
    day.stage.open(url, business_day(datetime.now(UTC)).isoformat())
    day.stage.scene("开户", "Opening accounts")
    cast = open_cast(day)
    day.tie()
    scenes_paying.top_up(day, cast)
    scenes_paying.transfer(day, cast)
    scenes_paying.pay_static_code(day, cast)
    scenes_paying.pay_dynamic_code(day, cast)
    scenes_paying.collect_by_code(day, cast)
    order = scenes_paying.check_out(day, cast)
    scenes_after.authorise(day, cast)
    parts = scenes_after.share(day, cast, order)
    scenes_after.refund(day, cast, order, parts)
    scenes_after.refuse(day, cast)
    scenes_after.ask_again(day, cast)
    scenes_after.withdraw(day, cast)
    scenes_after.close_books(day, cast)
    day.stage.close(day.checks, day.differences, day.client.calls, time.monotonic() - started)
    return not day.differences
