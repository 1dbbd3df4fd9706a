"""Systems of attempts, and of channels, in the database."""

import uuid
from typing import Final

import msgspec

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.clearing import Rail
from huitong.payments.rail_types import OrderRail, RailReason

_INSERT: Final = """
    INSERT INTO payments.channel_order_rails (channel_order_id, rail, is_urgent, opens_at, reasons,
                                              planned_at)
    VALUES (:id, :rail, :is_urgent, :opens_at, CAST(:reasons AS jsonb), :planned_at)
"""
_FIND_LAST: Final = """
    SELECT r.channel_order_id, r.rail, r.is_urgent, r.opens_at, CAST(r.reasons AS text) AS reasons,
           r.planned_at
      FROM payments.channel_orders c JOIN payments.channel_order_rails r
           ON r.channel_order_id = c.id
     WHERE c.order_id = :order_id ORDER BY c.number DESC LIMIT 1
"""


async def find_channel_rail(uow: UnitOfWork, channel: str) -> Rail | None:
    """Return the system that a channel always takes, or None if it says nothing."""
    found = await uow.fetch_value(
        "SELECT rail FROM payments.channels WHERE name = :channel", channel=channel
    )
    return None if found is None else Rail(found)


async def insert_rail(uow: UnitOfWork, kept: OrderRail) -> None:
    """Keep the system of an attempt."""
    await uow.execute(
        _INSERT,
        id=kept.channel_order_id,
        rail=kept.rail.value,
        is_urgent=kept.is_urgent,
        opens_at=kept.opens_at,
        reasons=msgspec.json.encode(kept.reasons).decode(),
        planned_at=kept.planned_at,
    )


async def find_last_rail(uow: UnitOfWork, order_id: uuid.UUID) -> OrderRail | None:
    """Return the system of an order's last attempt that has one."""
    row = await uow.fetch_one(_FIND_LAST, order_id=order_id)
    if row is None:
        return None
    return OrderRail(
        channel_order_id=row.channel_order_id,
        rail=Rail(row.rail),
        is_urgent=row.is_urgent,
        opens_at=row.opens_at,
        reasons=msgspec.json.decode(row.reasons, type=tuple[RailReason, ...]),
        planned_at=row.planned_at,
    )
