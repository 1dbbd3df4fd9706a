"""Orders in the database: insert, lock, change, find, list."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.types import Order, OrderKind, OrderStatus

_ORDERS: Final = """
    SELECT id, kind, status, currency, amount, authorised, fee, fee_returned, refunded, refunds,
           shared, payer_account_id, payee_account_id, merchant_id, reference, description,
           transfer_id, created_at, expires_at, completed_at, failure_code
      FROM payments.orders
"""
_INSERT: Final = """
    INSERT INTO payments.orders (id, kind, status, currency, amount, authorised, fee, fee_returned,
                                 refunded, refunds, shared, payer_account_id, payee_account_id,
                                 merchant_id, reference, description, transfer_id, created_at,
                                 expires_at, completed_at, failure_code)
    VALUES (:id, :kind, :status, :currency, :amount, :authorised, :fee, :fee_returned, :refunded,
            :refunds, :shared, :payer_account_id, :payee_account_id, :merchant_id, :reference,
            :description, :transfer_id, :created_at, :expires_at, :completed_at, :failure_code)
        ON CONFLICT DO NOTHING
    RETURNING id
"""
_SAVE: Final = """
    UPDATE payments.orders
       SET status = :status, amount = :amount, fee = :fee, fee_returned = :fee_returned,
           refunded = :refunded, refunds = :refunds, shared = :shared,
           payer_account_id = :payer_account_id, transfer_id = :transfer_id,
           completed_at = :completed_at, failure_code = :failure_code
     WHERE id = :id
"""
_PAGE: Final = "id < :before_id ORDER BY id DESC LIMIT :count"
# Each side is read from its own index, already in order, and no order is on both: payer and payee
# differ.
_LIST_OF_ACCOUNT: Final = f"""
    ({_ORDERS} WHERE payer_account_id = :account_id AND {_PAGE})
     UNION ALL
    ({_ORDERS} WHERE payee_account_id = :account_id AND {_PAGE})
     ORDER BY id DESC
     LIMIT :count
"""
# Whoever holds an order is paying, capturing or closing it right now: the next run sees what came
# of it. Nobody is waited for, so the order of the locks does not matter.
_TAKE_OVERDUE: Final = f"""
    {_ORDERS}
     WHERE status IN ('created', 'pending') AND expires_at <= :now
     ORDER BY expires_at
     LIMIT :count
       FOR UPDATE SKIP LOCKED
"""
_CLOSE: Final = """
    UPDATE payments.orders SET status = 'closed', completed_at = :now
     WHERE id = ANY(CAST(:ids AS uuid[]))
"""
_LOCK_OF_HOLD: Final = f"""
    {_ORDERS}
     WHERE transfer_id = :hold_id AND status = 'pending' AND kind = 'authorisation'
       FOR UPDATE
"""


async def insert_order(uow: UnitOfWork, order: Order) -> bool:
    """Insert an order; False if its id, or its reference at the merchant, is taken."""
    row = await uow.fetch_one(
        _INSERT,
        **_changeable(order),
        kind=order.kind.value,
        currency=order.amount.currency,
        authorised=None if order.authorised is None else order.authorised.minor,
        payee_account_id=order.payee_account_id,
        merchant_id=order.merchant_id,
        reference=order.reference,
        description=order.description,
        created_at=order.created_at,
        expires_at=order.expires_at,
    )
    return row is not None


async def save_order(uow: UnitOfWork, order: Order) -> None:
    """Write what may change of an order that is locked."""
    await uow.execute(_SAVE, **_changeable(order))


async def find_order(uow: UnitOfWork, order_id: uuid.UUID) -> Order | None:
    """Return an order as it is, or None."""
    return _one(await uow.fetch_one(f"{_ORDERS} WHERE id = :id", id=order_id))


async def lock_order(uow: UnitOfWork, order_id: uuid.UUID) -> Order | None:
    """Return an order that nobody else can change before this transaction ends, or None."""
    return _one(await uow.fetch_one(f"{_ORDERS} WHERE id = :id FOR UPDATE", id=order_id))


async def lock_order_of_hold(uow: UnitOfWork, hold_id: uuid.UUID) -> Order | None:
    """Return the pending authorisation that a hold belongs to, locked, or None."""
    return _one(await uow.fetch_one(_LOCK_OF_HOLD, hold_id=hold_id))


async def take_overdue_orders(uow: UnitOfWork, now: datetime, count: int) -> list[Order]:
    """Return open orders whose time is over, locked; those that somebody holds are left out."""
    return [_read(row) for row in await uow.execute(_TAKE_OVERDUE, now=now, count=count)]


async def close_orders(uow: UnitOfWork, order_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Close locked orders."""
    await uow.execute(_CLOSE, ids=list(order_ids), now=now)


async def list_orders_of_account(
    uow: UnitOfWork, account_id: int, before_id: uuid.UUID, count: int
) -> list[Order]:
    """Return the orders that an account pays or is paid by, newest first."""
    rows = await uow.execute(
        _LIST_OF_ACCOUNT, account_id=account_id, before_id=before_id, count=count
    )
    return [_read(row) for row in rows]


def _changeable(order: Order) -> dict[str, object]:
    return {
        "id": order.id,
        "status": order.status.value,
        "amount": order.amount.minor,
        "fee": order.fee.minor,
        "fee_returned": order.fee_returned.minor,
        "refunded": order.refunded.minor,
        "refunds": order.refunds,
        "shared": order.shared.minor,
        "payer_account_id": order.payer_account_id,
        "transfer_id": order.transfer_id,
        "completed_at": order.completed_at,
        "failure_code": order.failure_code,
    }


def _one(row: Row[Any] | None) -> Order | None:
    return None if row is None else _read(row)


def _read(row: Row[Any]) -> Order:
    currency = row.currency
    return Order(
        id=row.id,
        kind=OrderKind(row.kind),
        status=OrderStatus(row.status),
        amount=Money(row.amount, currency),
        authorised=None if row.authorised is None else Money(row.authorised, currency),
        fee=Money(row.fee, currency),
        fee_returned=Money(row.fee_returned, currency),
        refunded=Money(row.refunded, currency),
        refunds=row.refunds,
        shared=Money(row.shared, currency),
        payer_account_id=row.payer_account_id,
        payee_account_id=row.payee_account_id,
        merchant_id=row.merchant_id,
        reference=row.reference,
        description=row.description,
        transfer_id=row.transfer_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        completed_at=row.completed_at,
        failure_code=row.failure_code,
    )


async def find_last_day(uow: UnitOfWork, account_id: int) -> datetime | None:
    """Return when an account's last order was made, on either side of it."""
    found: datetime | None = await uow.fetch_value(
        "SELECT greatest((SELECT created_at FROM payments.orders WHERE payer_account_id = :id "
        "ORDER BY id DESC LIMIT 1), (SELECT created_at FROM payments.orders "
        "WHERE payee_account_id = :id ORDER BY id DESC LIMIT 1))",
        id=account_id,
    )
    return found


async def forget_descriptions(uow: UnitOfWork, account_id: int) -> None:
    """Take away what a payer wrote."""
    await uow.execute(
        "UPDATE payments.orders SET description = NULL "
        "WHERE payer_account_id = :id AND description IS NOT NULL",
        id=account_id,
    )


async def has_open_orders(uow: UnitOfWork, account_id: int) -> bool:
    """Say whether an account pays or is paid by an order that is not at its end."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM payments.orders WHERE payer_account_id = :account_id "
        "AND status IN ('created', 'held', 'pending')) "
        "OR EXISTS (SELECT FROM payments.orders WHERE payee_account_id = :account_id "
        "AND status IN ('created', 'held', 'pending'))",
        account_id=account_id,
    )
    return found


async def list_payers(uow: UnitOfWork, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the payer's account of each order that is there and has one."""
    rows = await uow.execute(
        "SELECT id, payer_account_id FROM payments.orders WHERE id = ANY(:ids) "
        "AND payer_account_id IS NOT NULL",
        ids=list(order_ids),
    )
    return {row.id: row.payer_account_id for row in rows}


async def list_orders_by_id(uow: UnitOfWork, order_ids: Sequence[uuid.UUID]) -> list[Order]:
    """Return orders that are there, newest id first."""
    rows = await uow.execute(
        f"{_ORDERS} WHERE id = ANY(:ids) ORDER BY id DESC", ids=list(order_ids)
    )
    return [_read(row) for row in rows]
