"""Making a database ready for this version: its schema, and the data that the rooms cannot lack."""

import asyncio
from datetime import datetime
from typing import Literal

from huitong import ledger
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.migrations import Phase, upgrade_url
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.settings import Settings


def prepare(settings: Settings, phase: Phase | Literal["all"] = "all") -> None:
    """Run the migrations of `phase`, then install what the rooms need to start."""
    prepare_url(settings.database_owner_url, phase)


def prepare_url(url: str, phase: Phase | Literal["all"] = "all") -> None:
    """Do the same for the database at `url`, which must be its owner's."""
    upgrade_url(url, phase)
    if phase != "post":
        asyncio.run(_install(url, SystemClock().now()))


async def _install(url: str, now: datetime) -> None:
    async def install(uow: UnitOfWork) -> None:
        await ledger.install_chart(uow)
        await ledger.add_partitions(uow, now=now)

    async with Database(url, size=1) as database:
        await database.run(install)
