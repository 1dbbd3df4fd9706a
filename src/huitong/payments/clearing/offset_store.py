"""Runs of offsetting in the database. Amounts are minor units of CNY."""

from dataclasses import dataclass
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetRun:
    """When queued gross payments were set off: groups, payments in them, and their sum."""

    ran_at: datetime
    groups: int
    count: int
    amount: int


async def find_last_run(uow: UnitOfWork) -> datetime | None:
    """Return when offsetting ran last."""
    found: datetime | None = await uow.fetch_value(
        "SELECT max(ran_at) FROM payments.clearing_offsets"
    )
    return found


async def add_run(uow: UnitOfWork, run: OffsetRun) -> None:
    """Write a run down."""
    await uow.execute(
        """INSERT INTO payments.clearing_offsets (ran_at, groups, count, amount)
           VALUES (:ran_at, :groups, :count, :amount)""",
        ran_at=run.ran_at,
        groups=run.groups,
        count=run.count,
        amount=run.amount,
    )


async def list_runs(uow: UnitOfWork, count: int) -> list[OffsetRun]:
    """Return the latest runs, newest first."""
    rows = await uow.execute(
        """SELECT ran_at, groups, count, amount FROM payments.clearing_offsets
            ORDER BY ran_at DESC LIMIT :count""",
        count=count,
    )
    return [OffsetRun(**row._asdict()) for row in rows]
