"""What time closes: orders that nobody paid, and authorisations that nobody captured."""

import uuid
from dataclasses import replace
from datetime import datetime

from huitong.kernel import limits, outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.commands.authorisations import release_holds
from huitong.payments.events import OrderClosed
from huitong.payments.store import orders as store
from huitong.payments.types import Order, OrderKind, OrderStatus, check_move


async def expire_orders(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.ORDERS_CLOSED_AT_ONCE_MAX
) -> int:
    """Close at most `limit` open orders whose time is over; return how many.

    What authorisations among them still reserve is freed. Any number of processes may do so at
    once; orders that somebody is just paying are left for the next time.
    """
    overdue = await store.take_overdue_orders(uow, now, limit)
    if not overdue:
        return 0
    held = [order for order in overdue if order.kind is OrderKind.AUTHORISATION]
    await release_holds(uow, held, now=now)
    for order in overdue:
        check_move(order.status, OrderStatus.CLOSED)
    await store.close_orders(uow, [order.id for order in overdue], now)
    await outbox.append(
        uow,
        [
            OrderClosed(order_id=order.id, kind=order.kind, reason="expired", closed_at=now)
            for order in overdue
        ],
    )
    return len(overdue)


async def close_order_of_hold(
    uow: UnitOfWork, *, hold_id: uuid.UUID, now: datetime
) -> Order | None:
    """Close the authorisation whose hold has expired in the ledger; None if there is none open.

    For the reaction to the ledger's own expiry of holds; doing it again changes nothing.
    """
    order = await store.lock_order_of_hold(uow, hold_id)
    if order is None:
        return None
    closed = replace(order, status=check_move(order.status, OrderStatus.CLOSED), completed_at=now)
    await store.save_order(uow, closed)
    event = OrderClosed(order_id=order.id, kind=order.kind, reason="expired", closed_at=now)
    await outbox.append(uow, [event])
    return closed
