"""What the worker does over and over: name, pause and step of each loop.

A step does a bounded piece of work in transactions of its own and says whether there is more. Many
workers run the same loops at once; every step copes with that.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong import ledger
from huitong.kernel import idempotency, limits, outbox, outbox_delivery
from huitong.kernel.database.unit_of_work import Database
from huitong.wiring.reactions import HANDLERS

#: Called with the present instant; true if it should be called again at once.
Step = Callable[[Database, datetime], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop; `interval_seconds` is the pause after a step that found nothing more to do."""

    name: str
    interval_seconds: float
    step: Step


async def _deliver_events(database: Database, now: datetime) -> bool:
    report = await outbox_delivery.deliver(database, HANDLERS, now=now)
    return report.taken == limits.OUTBOX_BATCH_MAX


async def _measure_outbox(database: Database, _now: datetime) -> bool:
    await database.run(outbox.measure)
    return False


async def _prune_events(database: Database, now: datetime) -> bool:
    pruned = await database.run(lambda uow: outbox.prune_delivered(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


async def _prune_replies(database: Database, now: datetime) -> bool:
    pruned = await database.run(lambda uow: idempotency.prune_expired(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


async def _add_partitions(database: Database, now: datetime) -> bool:
    await database.run(lambda uow: ledger.add_partitions(uow, now=now))
    return False


async def _project_lines(database: Database, _now: datetime) -> bool:
    return await database.run(ledger.project_lines) > 0


LOOPS: Final[tuple[Loop, ...]] = (
    Loop("ledger.add_partitions", 3_600.0, _add_partitions),
    Loop("ledger.project_lines", 0.1, _project_lines),
    Loop("kernel.deliver_events", 0.2, _deliver_events),
    Loop("kernel.measure_outbox", 15.0, _measure_outbox),
    Loop("kernel.prune_events", 60.0, _prune_events),
    Loop("kernel.prune_replies", 60.0, _prune_replies),
)
