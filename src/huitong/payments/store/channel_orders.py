"""What was asked of bank channels, in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.types import (
    Attempt,
    ChannelDirection,
    ChannelKind,
    ChannelOrder,
    ChannelState,
)

_CHANNEL_ORDERS: Final = """
    SELECT c.id, c.order_id, c.direction, c.state, c.attempts, c.due_at, c.updated_at, c.reason,
           c.held_until, c.channel, c.number, c.recheck_at, c.kind, c.instrument,
           o.amount, o.currency
      FROM payments.channel_orders c JOIN payments.orders o ON o.id = c.order_id
"""
_WITH_CHOICE: Final = _CHANNEL_ORDERS.replace("o.currency", "o.currency, c.fee, c.chosen")
_INSERT: Final = """
    INSERT INTO payments.channel_orders (id, order_id, direction, state, due_at, updated_at,
                                         held_until, channel, number, kind, instrument, fee,
                                         chosen)
    VALUES (:id, :order_id, :direction, :state, :due_at, :now, :held_until, :channel, :number,
            :kind, :instrument, :fee, CAST(:chosen AS jsonb))
"""
# From this moment on the bank may know of the order, whatever becomes of us.
_TAKE_DUE: Final = """
    WITH due AS (
        SELECT id, state FROM payments.channel_orders
         WHERE channel = ANY(CAST(:channels AS text[]))
           AND ((state IN ('to_send', 'sent') AND due_at <= :now)
                OR (state = 'held' AND id = ANY(CAST(:ready AS uuid[]))))
         ORDER BY due_at
         LIMIT :count
           FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE payments.channel_orders c
           SET state = 'sent', attempts = least(c.attempts + 1, 32767), due_at = :lease_until,
               updated_at = :now
          FROM due
         WHERE c.id = due.id
        RETURNING c.id, c.order_id, c.direction,
                  CASE due.state WHEN 'held' THEN 'to_send' ELSE due.state END AS state,
                  c.attempts, c.due_at, c.updated_at, c.reason, c.held_until,
                  c.channel, c.number, c.recheck_at, c.kind, c.instrument
    )
    SELECT c.id, c.order_id, c.direction, c.state, c.attempts, c.due_at, c.updated_at, c.reason,
           c.held_until, c.channel, c.number, c.recheck_at, c.kind, c.instrument,
           o.amount, o.currency
      FROM taken c JOIN payments.orders o ON o.id = c.order_id
     ORDER BY c.id
"""
_TAKE_RECHECKS: Final = """
    WITH due AS (
        SELECT id FROM payments.channel_orders
         WHERE recheck_at <= :now AND channel = ANY(CAST(:channels AS text[]))
         ORDER BY recheck_at
         LIMIT :count
           FOR UPDATE SKIP LOCKED
    )
    UPDATE payments.channel_orders c
       SET recheck_at = :lease_until, attempts = least(c.attempts + 1, 32767)
      FROM due, payments.orders o
     WHERE c.id = due.id AND o.id = c.order_id
    RETURNING c.id, c.order_id, c.direction, c.state, c.attempts, c.due_at, c.updated_at, c.reason,
              c.held_until, c.channel, c.number, c.recheck_at, c.kind, c.instrument,
           o.amount, o.currency
"""
_LOCK_OVER: Final = """
    SELECT c.id, c.order_id, c.direction, c.state, c.attempts, c.due_at, c.updated_at, c.reason,
           c.held_until, c.channel, c.number, c.recheck_at, c.kind, c.instrument,
           o.amount, o.currency,
           o.payer_account_id
      FROM payments.channel_orders c JOIN payments.orders o ON o.id = c.order_id
     WHERE c.state = 'held' AND c.held_until IS NOT NULL AND c.due_at <= :now
     ORDER BY c.due_at
     LIMIT :count
       FOR UPDATE OF c SKIP LOCKED
"""
#: The reason of an order that was sent and not answered. One that is to be sent again never
#: arrived.
NO_ANSWER: Final = "no answer"
# What was never sent says nothing of its channel.
_COUNT_OUTCOMES: Final = """
    SELECT w.name,
           count(*) FILTER (WHERE c.state = 'succeeded' AND c.updated_at > :since) AS succeeded,
           count(*) FILTER (WHERE c.state = 'failed' AND c.attempts > 0
                              AND c.updated_at > :since) AS failed,
           count(*) FILTER (WHERE c.state IN ('to_send', 'sent') AND (c.reason = :no_answer
                              OR (c.state = 'to_send' AND c.attempts > 0))) AS unanswered
      FROM payments.channels w
      LEFT JOIN payments.channel_orders c
             ON c.channel = w.name
            AND (c.state IN ('to_send', 'sent')
                 OR (c.updated_at > :since AND c.state IN ('succeeded', 'failed')))
     GROUP BY w.name
     ORDER BY w.name
"""
_SAVE: Final = """
    UPDATE payments.channel_orders
       SET state = :state, due_at = :due_at, updated_at = :updated_at, reason = :reason,
           attempts = :attempts, recheck_at = :recheck_at
     WHERE id = :id
"""


async def insert_channel_order(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    order_id: uuid.UUID,
    direction: ChannelDirection,
    channel: str,
    number: int = 1,
    kind: ChannelKind = ChannelKind.BANK_TRANSFER,
    instrument: str | None = None,
    fee: Money,
    chosen: dict[str, object],
    state: ChannelState = ChannelState.TO_SEND,
    held_until: datetime | None = None,
    now: datetime,
) -> None:
    """Put an attempt into a channel's queue; one that is held is not due before `held_until`.

    `fee` is what the channel is expected to cost us, `chosen` is why it was chosen.
    """
    await uow.execute(
        _INSERT,
        id=channel_order_id,
        order_id=order_id,
        direction=direction.value,
        state=state.value,
        due_at=held_until or now,
        held_until=held_until,
        channel=channel,
        number=number,
        kind=kind.value,
        instrument=instrument,
        fee=fee.minor,
        chosen=msgspec.json.encode(chosen).decode(),
        now=now,
    )


async def take_due(
    uow: UnitOfWork,
    *,
    channels: Sequence[str],
    ready: Sequence[uuid.UUID],
    now: datetime,
    lease_until: datetime,
    count: int,
) -> list[ChannelOrder]:
    """Mark attempts on `channels` that are due as sent; return them with the state before.

    Of held ones only those that are `ready`. Nobody else takes them until `lease_until`.
    """
    rows = await uow.execute(
        _TAKE_DUE,
        channels=list(channels),
        ready=list(ready),
        now=now,
        lease_until=lease_until,
        count=count,
    )
    return [_read(row) for row in rows]


async def take_rechecks(
    uow: UnitOfWork, *, channels: Sequence[str], now: datetime, lease_until: datetime, count: int
) -> list[ChannelOrder]:
    """Return attempts that have ended and are to be asked about again; nobody else takes them."""
    rows = await uow.execute(
        _TAKE_RECHECKS, channels=list(channels), now=now, lease_until=lease_until, count=count
    )
    return [_read(row) for row in rows]


async def lock_over(
    uow: UnitOfWork, *, now: datetime, count: int
) -> list[tuple[ChannelOrder, int]]:
    """Return held orders whose time is over with their payers' accounts, locked.

    Those that somebody holds are left out.
    """
    rows = await uow.execute(_LOCK_OVER, now=now, count=count)
    return [(_read(row), row.payer_account_id) for row in rows]


async def lock_channel_order(uow: UnitOfWork, channel_order_id: uuid.UUID) -> ChannelOrder | None:
    """Return a channel order that nobody else can change now, or None."""
    row = await uow.fetch_one(
        f"{_CHANNEL_ORDERS} WHERE c.id = :id FOR UPDATE OF c", id=channel_order_id
    )
    return None if row is None else _read(row)


async def find_channel_order(uow: UnitOfWork, order_id: uuid.UUID) -> ChannelOrder | None:
    """Return the last attempt of an order, or None."""
    row = await uow.fetch_one(
        f"{_CHANNEL_ORDERS} WHERE c.order_id = :order_id ORDER BY c.number DESC LIMIT 1",
        order_id=order_id,
    )
    return None if row is None else _read(row)


async def list_attempts(uow: UnitOfWork, order_id: uuid.UUID) -> list[Attempt]:
    """Return all attempts of an order, the first one first, with fee and choice."""
    rows = await uow.execute(
        f"{_WITH_CHOICE} WHERE c.order_id = :order_id ORDER BY c.number", order_id=order_id
    )
    return [
        Attempt(
            order=_read(row),
            fee=None if row.fee is None else Money(row.fee, row.currency),
            chosen=row.chosen,
        )
        for row in rows
    ]


async def save_channel_order(uow: UnitOfWork, channel_order: ChannelOrder) -> None:
    """Write what may change of a channel order that is locked."""
    await uow.execute(
        _SAVE,
        id=channel_order.id,
        state=channel_order.state.value,
        due_at=channel_order.due_at,
        updated_at=channel_order.updated_at,
        reason=channel_order.reason,
        attempts=channel_order.attempts,
        recheck_at=channel_order.recheck_at,
    )


async def list_held(uow: UnitOfWork, *, before_id: uuid.UUID, count: int) -> list[ChannelOrder]:
    """Return what is held, the newest order first."""
    rows = await uow.execute(
        f"{_CHANNEL_ORDERS} WHERE c.state = 'held' AND c.order_id < :before_id "
        "ORDER BY c.order_id DESC LIMIT :count",
        before_id=before_id,
        count=count,
    )
    return [_read(row) for row in rows]


async def count_outcomes(uow: UnitOfWork, *, since: datetime) -> list[tuple[str, int, int, int]]:
    """Return each channel and how many of its attempts succeeded, failed and wait unanswered.

    The first two are of what was sent and ended since an instant, the last of what waits now.
    """
    rows = await uow.execute(_COUNT_OUTCOMES, since=since, no_answer=NO_ANSWER)
    return [(row.name, row.succeeded, row.failed, row.unanswered) for row in rows]


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
        held_until=row.held_until,
        channel=row.channel,
        number=row.number,
        recheck_at=row.recheck_at,
        kind=ChannelKind(row.kind),
        instrument=row.instrument,
    )
