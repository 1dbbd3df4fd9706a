"""What was asked of bank channels, in the database."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.types import ChannelDirection, ChannelOrder, ChannelState

_CHANNEL_ORDERS: Final = """
    SELECT c.id, c.order_id, c.direction, c.state, c.attempts, c.due_at, c.updated_at, c.reason,
           o.amount, o.currency
      FROM payments.channel_orders c JOIN payments.orders o ON o.id = c.order_id
"""
_INSERT: Final = """
    INSERT INTO payments.channel_orders (id, order_id, direction, state, due_at, updated_at)
    VALUES (:id, :order_id, :direction, 'to_send', :now, :now)
"""
# From this moment on the bank may know of the order, whatever becomes of us.
_TAKE_DUE: Final = """
    WITH due AS (
        SELECT id, state FROM payments.channel_orders
         WHERE state IN ('to_send', 'sent') AND due_at <= :now
         ORDER BY due_at
         LIMIT :count
           FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE payments.channel_orders c
           SET state = 'sent', attempts = least(c.attempts + 1, 32767), due_at = :lease_until,
               updated_at = :now
          FROM due
         WHERE c.id = due.id
        RETURNING c.id, c.order_id, c.direction, due.state AS state, c.attempts, c.due_at,
                  c.updated_at, c.reason
    )
    SELECT c.id, c.order_id, c.direction, c.state, c.attempts, c.due_at, c.updated_at, c.reason,
           o.amount, o.currency
      FROM taken c JOIN payments.orders o ON o.id = c.order_id
     ORDER BY c.id
"""
#: The reason of an order that was sent and not answered. One that is to be sent again never
#: arrived.
NO_ANSWER: Final = "no answer"
_COUNT_OUTCOMES: Final = """
    SELECT count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           (SELECT count(*) FROM payments.channel_orders
             WHERE state IN ('to_send', 'sent')
               AND (reason = :no_answer OR (state = 'to_send' AND attempts > 0))) AS unanswered
      FROM payments.channel_orders
     WHERE updated_at > :since AND state IN ('succeeded', 'failed')
"""
_SAVE: Final = """
    UPDATE payments.channel_orders
       SET state = :state, due_at = :due_at, updated_at = :updated_at, reason = :reason
     WHERE id = :id
"""


async def insert_channel_order(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    order_id: uuid.UUID,
    direction: ChannelDirection,
    now: datetime,
) -> None:
    """Put an order into a channel's queue."""
    await uow.execute(
        _INSERT, id=channel_order_id, order_id=order_id, direction=direction.value, now=now
    )


async def take_due(
    uow: UnitOfWork, *, now: datetime, lease_until: datetime, count: int
) -> list[ChannelOrder]:
    """Mark orders that are due as sent and return them with the state they had before.

    Nobody else takes them until `lease_until`.
    """
    rows = await uow.execute(_TAKE_DUE, now=now, lease_until=lease_until, count=count)
    return [_read(row) for row in rows]


async def lock_channel_order(uow: UnitOfWork, channel_order_id: uuid.UUID) -> ChannelOrder | None:
    """Return a channel order that nobody else can change now, or None."""
    row = await uow.fetch_one(
        f"{_CHANNEL_ORDERS} WHERE c.id = :id FOR UPDATE OF c", id=channel_order_id
    )
    return None if row is None else _read(row)


async def find_channel_order(uow: UnitOfWork, order_id: uuid.UUID) -> ChannelOrder | None:
    """Return what was asked of a channel for an order, or None."""
    row = await uow.fetch_one(f"{_CHANNEL_ORDERS} WHERE c.order_id = :order_id", order_id=order_id)
    return None if row is None else _read(row)


async def save_channel_order(uow: UnitOfWork, channel_order: ChannelOrder) -> None:
    """Write what may change of a channel order that is locked."""
    await uow.execute(
        _SAVE,
        id=channel_order.id,
        state=channel_order.state.value,
        due_at=channel_order.due_at,
        updated_at=channel_order.updated_at,
        reason=channel_order.reason,
    )


async def count_outcomes(uow: UnitOfWork, *, since: datetime) -> tuple[int, int, int]:
    """Return how many orders succeeded and failed since an instant, and wait unanswered now."""
    row = await uow.fetch_one(_COUNT_OUTCOMES, since=since, no_answer=NO_ANSWER)
    assert row is not None
    return row.succeeded, row.failed, row.unanswered


def _read(row: Row[Any]) -> ChannelOrder:
    return ChannelOrder(
        id=row.id,
        order_id=row.order_id,
        direction=ChannelDirection(row.direction),
        state=ChannelState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        updated_at=row.updated_at,
        reason=row.reason,
        amount=Money(row.amount, row.currency),
    )
