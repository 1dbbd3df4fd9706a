"""Breaks in the database: where channels contradict our books, and what cured it."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.channels.types import BreakKind, ChannelBreak, Cure
from huitong.payments.types import ChannelDirection

_ADD_BREAK: Final = """
    INSERT INTO payments.channel_breaks
           (channel_order_id, kind, amount, currency, transfer_id, found_at, cure,
            cure_transfer_id, cured_at)
    VALUES (:channel_order_id, :kind, :amount, :currency, :transfer_id, :now, :cure,
            :cure_transfer_id, :cured_at)
"""
_BREAKS: Final = """
    SELECT b.channel_order_id, c.order_id, c.channel, c.direction, b.kind, b.amount, b.currency,
           b.transfer_id, b.found_at, b.cure, b.cure_transfer_id, b.cured_at
      FROM payments.channel_breaks b
      JOIN payments.channel_orders c ON c.id = b.channel_order_id
"""
_CURE: Final = """
    UPDATE payments.channel_breaks
       SET cure = :cure, cure_transfer_id = :transfer_id, cured_at = :now
     WHERE channel_order_id = :id AND kind = :kind
"""


async def has_break(uow: UnitOfWork, channel_order_id: uuid.UUID, kind: BreakKind) -> bool:
    """Return whether this contradiction is known already."""
    return await find_break(uow, channel_order_id, kind) is not None


async def find_break(
    uow: UnitOfWork, channel_order_id: uuid.UUID, kind: BreakKind
) -> ChannelBreak | None:
    """Return a contradiction, or None."""
    row = await uow.fetch_one(
        f"{_BREAKS} WHERE b.channel_order_id = :id AND b.kind = :kind",
        id=channel_order_id,
        kind=kind.value,
    )
    return None if row is None else _read(row)


async def add_break(uow: UnitOfWork, found: ChannelBreak) -> None:
    """Write a contradiction that is not known yet."""
    await uow.execute(
        _ADD_BREAK,
        channel_order_id=found.channel_order_id,
        kind=found.kind.value,
        amount=found.amount.minor,
        currency=found.amount.currency,
        transfer_id=found.transfer_id,
        now=found.found_at,
        cure=None if found.cure is None else found.cure.value,
        cure_transfer_id=found.cure_transfer_id,
        cured_at=found.cured_at,
    )


async def cure_break(
    uow: UnitOfWork,
    found: ChannelBreak,
    cure: Cure,
    *,
    transfer_id: uuid.UUID | None,
    now: datetime,
) -> ChannelBreak:
    """Write what ended an open contradiction, and return it so."""
    await uow.execute(
        _CURE,
        id=found.channel_order_id,
        kind=found.kind.value,
        cure=cure.value,
        transfer_id=transfer_id,
        now=now,
    )
    return replace(found, cure=cure, cure_transfer_id=transfer_id, cured_at=now)


async def list_breaks(
    uow: UnitOfWork, *, limit: int, is_open: bool | None = None
) -> list[ChannelBreak]:
    """Return the newest contradictions first: all, or with `is_open` those open or cured."""
    which = {None: "", True: "WHERE b.cure IS NULL", False: "WHERE b.cure IS NOT NULL"}[is_open]
    rows = await uow.execute(
        f"{_BREAKS} {which} ORDER BY b.found_at DESC, b.channel_order_id LIMIT :limit", limit=limit
    )
    return [_read(row) for row in rows]


def _read(row: Row[Any]) -> ChannelBreak:
    return ChannelBreak(
        channel_order_id=row.channel_order_id,
        order_id=row.order_id,
        channel=row.channel,
        direction=ChannelDirection(row.direction),
        kind=BreakKind(row.kind),
        amount=Money(row.amount, row.currency),
        transfer_id=row.transfer_id,
        found_at=row.found_at,
        cure=None if row.cure is None else Cure(row.cure),
        cure_transfer_id=row.cure_transfer_id,
        cured_at=row.cured_at,
    )
