"""Refunds and profit shares in the database."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.types import Refund, Share

# Amounts are in the order's currency.
_REFUNDS: Final = """
    SELECT r.id, r.order_id, r.amount, r.fee_returned, r.shares_returned, r.reason, r.created_at,
           o.currency
      FROM payments.refunds r JOIN payments.orders o ON o.id = r.order_id
"""
_SHARES: Final = """
    SELECT s.id, s.order_id, s.entry_id, s.position, s.receiver_account_id, s.amount, s.returned,
           s.description, s.created_at, o.currency
      FROM payments.shares s JOIN payments.orders o ON o.id = s.order_id
"""
_INSERT_REFUND: Final = """
    INSERT INTO payments.refunds (id, order_id, amount, fee_returned, shares_returned, reason,
                                  created_at)
    VALUES (:id, :order_id, :amount, :fee_returned, :shares_returned, :reason, :created_at)
        ON CONFLICT DO NOTHING
    RETURNING id
"""
_INSERT_SHARES: Final = """
    INSERT INTO payments.shares (id, order_id, entry_id, position, receiver_account_id, amount,
                                 description, created_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::bigint[],
                         $6::bigint[], $7::text[], $8::timestamptz[])
        ON CONFLICT DO NOTHING
"""
_SAVE_RETURNS: Final = """
    UPDATE payments.shares s SET returned = n.returned
      FROM unnest($1::uuid[], $2::bigint[]) AS n(id, returned)
     WHERE s.id = n.id
"""


async def find_refund(uow: UnitOfWork, refund_id: uuid.UUID) -> Refund | None:
    """Return a refund, or None."""
    row = await uow.fetch_one(f"{_REFUNDS} WHERE r.id = :id", id=refund_id)
    return None if row is None else _read_refund(row)


async def insert_refund(uow: UnitOfWork, refund: Refund) -> bool:
    """Insert a refund; False if its id is taken."""
    row = await uow.fetch_one(
        _INSERT_REFUND,
        id=refund.id,
        order_id=refund.order_id,
        amount=refund.amount.minor,
        fee_returned=refund.fee_returned.minor,
        shares_returned=refund.shares_returned.minor,
        reason=refund.reason,
        created_at=refund.created_at,
    )
    return row is not None


async def list_refunds(uow: UnitOfWork, order_id: uuid.UUID) -> tuple[Refund, ...]:
    """Return an order's refunds, in the order of their ids."""
    rows = await uow.execute(f"{_REFUNDS} WHERE r.order_id = :id ORDER BY r.id", id=order_id)
    return tuple(_read_refund(row) for row in rows)


async def list_shares(uow: UnitOfWork, order_id: uuid.UUID) -> tuple[Share, ...]:
    """Return an order's profit shares; whoever changes them holds the order's lock."""
    rows = await uow.execute(
        f"{_SHARES} WHERE s.order_id = :id ORDER BY s.entry_id, s.position", id=order_id
    )
    return tuple(_read_share(row) for row in rows)


async def insert_shares(uow: UnitOfWork, shares: Sequence[Share]) -> bool:
    """Insert shares; False if an id of one of them is taken."""
    connection = await uow.driver()
    status = await connection.execute(
        _INSERT_SHARES,
        [share.id for share in shares],
        [share.order_id for share in shares],
        [share.entry_id for share in shares],
        [share.position for share in shares],
        [share.receiver_account_id for share in shares],
        [share.amount.minor for share in shares],
        [share.description for share in shares],
        [share.created_at for share in shares],
    )
    return bool(status == f"INSERT 0 {len(shares)}")


async def save_returns(uow: UnitOfWork, returned: dict[uuid.UUID, Money]) -> None:
    """Write what has gone back of each share, in all."""
    connection = await uow.driver()
    await connection.execute(
        _SAVE_RETURNS, list(returned), [amount.minor for amount in returned.values()]
    )


def _read_refund(row: Row[Any]) -> Refund:
    return Refund(
        id=row.id,
        order_id=row.order_id,
        amount=Money(row.amount, row.currency),
        fee_returned=Money(row.fee_returned, row.currency),
        shares_returned=Money(row.shares_returned, row.currency),
        reason=row.reason,
        created_at=row.created_at,
    )


def _read_share(row: Row[Any]) -> Share:
    return Share(
        id=row.id,
        order_id=row.order_id,
        entry_id=row.entry_id,
        position=row.position,
        receiver_account_id=row.receiver_account_id,
        amount=Money(row.amount, row.currency),
        returned=Money(row.returned, row.currency),
        description=row.description,
        created_at=row.created_at,
    )
