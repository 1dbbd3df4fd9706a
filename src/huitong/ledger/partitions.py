"""Partitions of the journal: made months ahead, because a transfer without one cannot be stored."""

from datetime import UTC, date, datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork

MONTHS_AHEAD: Final = 2
# Any number will do, as long as every process that makes partitions uses the same one.
_ADVISORY_LOCK: Final = 4_071_824


async def add_partitions(
    uow: UnitOfWork, *, now: datetime, months_ahead: int = MONTHS_AHEAD
) -> tuple[date, ...]:
    """Make the partitions around now; return the months (UTC) that were new.

    The month before is needed for identifiers that were made just before this one began.

    Many processes may do it at once. Making one needs a short exclusive lock of the journal.
    """
    await uow.execute("SELECT pg_advisory_xact_lock(:number)", number=_ADVISORY_LOCK)
    # Whoever waits for an exclusive lock makes all later ones wait too; rather try again later.
    await uow.execute("SET LOCAL lock_timeout = '2s'")
    added = []
    for month in _list_months(now, months_ahead):
        if await uow.fetch_value("SELECT ledger.add_partition(:month)", month=month):
            added.append(month)  # noqa: PERF401 - each waits for the one before
    return tuple(added)


def _list_months(now: datetime, months_ahead: int) -> list[date]:
    today = now.astimezone(UTC)
    first = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(first - 1, first + months_ahead + 1)]
