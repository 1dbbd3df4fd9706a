"""What the worker does: compare books, match loaded files, let breaks age, forget lines."""

from datetime import datetime, timedelta

from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database
from huitong.kernel.rulebook import Rulebook
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.books import compare_books
from huitong.payments.reconciliation.matching import match_file
from huitong.payments.reconciliation.store import breaks, files, lines


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


async def prune_lines(database: Database, *, now: datetime) -> bool:
    """Forget lines of files that were matched long ago; return whether more are left."""
    before = now - timedelta(days=limits.LINES_KEEP_DAYS)
    pruned = await database.run(
        lambda uow: lines.prune_lines(uow, before=before, count=limits.LINES_PRUNED_AT_ONCE)
    )
    return pruned == limits.LINES_PRUNED_AT_ONCE
