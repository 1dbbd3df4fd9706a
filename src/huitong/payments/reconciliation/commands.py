"""Commands that move no money: take a file and match it, give breaks to people."""

import asyncio
import uuid
from datetime import datetime
from typing import BinaryIO

from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.payments.reconciliation.cures import get_break
from huitong.payments.reconciliation.errors import BreakEnded
from huitong.payments.reconciliation.loading import Progress, open_file, refuse_file, take_file
from huitong.payments.reconciliation.matching import match_file
from huitong.payments.reconciliation.store import breaks
from huitong.payments.reconciliation.types import Break, ChannelFile, FileState


async def reconcile_file(
    database: Database,
    source: BinaryIO,
    *,
    channel: str | None = None,
    rulebook: Rulebook,
    caller: Caller = SYSTEM,
    progress: Progress | None = None,
    now: datetime,
) -> ChannelFile:
    """Check, store and match a channel's file, and return it; killed anywhere, do it again.

    Raises what `open_file`, `take_file` and `match_file` raise.
    """
    # Seconds of a large file, in which the rest of the process goes on.
    lines, checked, file_format = await asyncio.to_thread(open_file, source, channel=channel)
    file = await take_file(
        database, lines, checked, file_format, caller=caller, progress=progress, now=now
    )
    matched = await database.run(
        lambda uow: match_file(uow, file.id, rulebook=rulebook, now=now), caller
    )
    if matched.state is FileState.REFUSED:
        raise refuse_file(matched)
    return matched


async def assign_break(
    uow: UnitOfWork, *, break_id: uuid.UUID, owner_id: uuid.UUID, now: datetime
) -> Break:
    """Give a break to a member of staff; raises BreakNotFound, BreakEnded."""
    found = await get_break(uow, break_id, is_locked=True)
    if found.is_ended:
        raise BreakEnded("nothing is left to be done about the break", field="break")
    if found.owner_id != owner_id:
        await breaks.set_owner(uow, break_id, owner_id)
        await breaks.add_history(
            uow, break_id, "assigned", details={"owner": str(owner_id)}, now=now
        )
    return await get_break(uow, break_id)
