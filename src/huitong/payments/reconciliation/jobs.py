"""What the worker does: compare books, match loaded files, let breaks age, forget lines."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database
from huitong.kernel.errors import Refusal
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.payments.channels import ChannelFault, find_channel
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.books import compare_books
from huitong.payments.reconciliation.commands import reconcile_file
from huitong.payments.reconciliation.fetching import fetch_file
from huitong.payments.reconciliation.matching import match_file
from huitong.payments.reconciliation.store import breaks, files, ranges
from huitong.payments.reconciliation.types import FileState

_log: Final = get_logger(__name__)


async def reconcile_always(
    database: Database, *, rulebook: Rulebook, now: datetime, caller: Caller = SYSTEM
) -> bool:
    """Do one step of everything that needs no new file; return whether more is left.

    A file that somebody loaded and did not match, because their process ended, is matched here.
    """
    more = await compare_books(database, now=now, caller=caller)
    async with database.reading(caller) as uow:
        loaded = await files.find_loaded(uow)
    if loaded is not None:
        await database.run(
            lambda uow: match_file(uow, loaded.id, rulebook=rulebook, now=now), caller
        )
    aged = await database.run(
        lambda uow: breaks.age_breaks(uow, now=now, count=limits.BREAKS_AGED_AT_ONCE_MAX), caller
    )
    return more or loaded is not None or aged == limits.BREAKS_AGED_AT_ONCE_MAX


async def fetch_night(
    database: Database,
    urls: Mapping[str, str],
    *,
    rulebook: Rulebook,
    now: datetime,
    caller: Caller = SYSTEM,
) -> None:
    """Fetch and reconcile the file of the day before from each channel that has none whole yet.

    Nothing is fetched before the hour of the rulebook. A channel that does not answer, or whose
    file is refused, is logged and tried again with the next call.
    """
    today = business_day(now)
    opens = rulebook.text("reconciliation.fetch.time", today)
    if now.astimezone(ZoneInfo(SHANGHAI)).strftime("%H:%M") < opens:
        return
    day = today - timedelta(days=1)
    for channel, url in sorted(urls.items()):
        async with database.reading(caller) as uow:
            # The settings may name channels that staff have not added yet.
            if await find_channel(uow, channel) is None:
                continue
            known = await files.find_file(uow, channel=channel, day=day)
            # Where storing it stopped half-way, the same file goes on.
            if known is not None and known.state is not FileState.LOADING:
                continue
        try:
            source = await fetch_file(url, day)
            with source:
                await reconcile_file(
                    database, source, channel=channel, rulebook=rulebook, caller=caller, now=now
                )
        except (ChannelFault, Refusal) as error:
            _log.error("channel_file_not_taken", channel=channel, day=str(day), code=error.code)


async def prune_lines(database: Database, *, now: datetime) -> bool:
    """Forget lines of files that were matched long ago; return whether more are left."""
    before = now - timedelta(days=limits.LINES_KEEP_DAYS)
    pruned = await database.run(
        lambda uow: ranges.prune(uow, before=before, count=limits.RANGES_PRUNED_AT_ONCE)
    )
    return pruned == limits.RANGES_PRUNED_AT_ONCE
