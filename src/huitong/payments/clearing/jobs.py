"""What the worker does for clearing: close and settle windows, release and set off queues."""

from datetime import datetime

from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.payments.clearing import store
from huitong.payments.clearing.commands import release_gross
from huitong.payments.clearing.offsetting import offset_gross
from huitong.payments.clearing.types import Settlement, Window
from huitong.payments.clearing.windows import (
    close_window,
    ensure_window,
    settle_window,
    start_settling,
)


async def run_schedule(database: Database, *, rulebook: Rulebook, now: datetime) -> bool:
    """Close the open window if its time has come, settle the oldest closed one, release queues.

    Each step is a transaction of its own and looks at what is stored, so any number of workers
    may run it, and one that dies leaves a state from which the next one goes on. Nothing happens
    before a bank takes part. Returns whether a window was closed or settled; raises
    SettlementRaced.
    """

    async def prepare(uow: UnitOfWork) -> Window | None:
        if not await store.has_participants(uow):
            return None
        await store.lock(uow)
        return await ensure_window(uow, rulebook=rulebook, now=now)

    window = await database.run(prepare)
    if window is None:
        return False
    is_due = window.closes_at <= now
    if is_due:
        await database.run(lambda uow: close_window(uow, window.id, rulebook=rulebook, now=now))
    # Before settling: a settlement that meets a frozen account must not hold up gross payments.
    await database.run(lambda uow: _release_gross(uow, rulebook, now))
    await database.run(lambda uow: offset_gross(uow, rulebook=rulebook, now=now))
    settled = await settle_oldest(database, rulebook=rulebook, now=now)
    return is_due or settled is not None


async def settle_oldest(
    database: Database, *, rulebook: Rulebook, now: datetime, caller: Caller = SYSTEM
) -> Settlement | None:
    """Settle the oldest window that is closed; None if there is none. Raises SettlementRaced."""
    async with database.reading(caller) as uow:
        window = await store.find_window(uow)
    if window is None:
        return None
    await database.run(lambda uow: start_settling(uow, window.id), caller)
    return await database.run(
        lambda uow: settle_window(uow, window.id, rulebook=rulebook, now=now), caller
    )


async def _release_gross(uow: UnitOfWork, rulebook: Rulebook, now: datetime) -> int:
    await store.lock(uow)
    return await release_gross(uow, rulebook=rulebook, now=now)
