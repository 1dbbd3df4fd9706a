"""Orders of everybody: looking for them, and counting the newest by minute."""

import uuid
from datetime import datetime
from typing import Any, Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.search_types import OrderSearch, PaceMinute
from huitong.payments.store import orders
from huitong.payments.types import Order

_ALL: Final = """
    SELECT id, kind, status, merchant_id, created_at FROM payments.orders
     WHERE id < :before_id AND id >= :from_id
     ORDER BY id DESC
     LIMIT :searched
"""
_OF_ACCOUNT: Final = """
    (SELECT id, kind, status, merchant_id, created_at FROM payments.orders
      WHERE payer_account_id = :account_id AND id < :before_id AND id >= :from_id
      ORDER BY id DESC LIMIT :searched)
     UNION ALL
    (SELECT id, kind, status, merchant_id, created_at FROM payments.orders
      WHERE payee_account_id = :account_id AND id < :before_id AND id >= :from_id
      ORDER BY id DESC LIMIT :searched)
     ORDER BY id DESC
     LIMIT :searched
"""
# The last of as many orders as are looked through comes along: the next page goes on behind it.
_SEARCH: Final = """
    WITH searched AS MATERIALIZED (
        SELECT *, row_number() OVER (ORDER BY id DESC) = :searched AS is_end
          FROM ({source}) AS newest
    ), found AS (
        SELECT id FROM searched
         WHERE (CAST(:kind AS text) IS NULL OR kind = :kind)
           AND (CAST(:status AS text) IS NULL OR status = :status)
           AND (CAST(:merchant_id AS uuid) IS NULL OR merchant_id = :merchant_id)
           AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since)
           AND (CAST(:until AS timestamptz) IS NULL OR created_at < :until)
         ORDER BY id DESC
         LIMIT :count
    )
    SELECT s.id, f.id IS NOT NULL AS is_found, s.is_end
      FROM searched s LEFT JOIN found f USING (id)
     WHERE f.id IS NOT NULL OR s.is_end
     ORDER BY s.id DESC
"""
_PACE: Final = """
    SELECT date_trunc('minute', created_at) AS minute, currency,
           count(*) AS orders,
           count(*) FILTER (WHERE status IN ('succeeded', 'partly_refunded', 'refunded')) AS paid,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'held') AS held,
           coalesce(sum(amount) FILTER
               (WHERE status IN ('succeeded', 'partly_refunded', 'refunded')), 0) AS moved
      FROM (SELECT * FROM payments.orders
             WHERE id >= :from_id ORDER BY id DESC LIMIT :searched) AS newest
     WHERE created_at >= :since
     GROUP BY 1, 2
     ORDER BY 1, 2
"""


async def search_orders(
    uow: UnitOfWork, asked: OrderSearch, *, before_id: uuid.UUID, from_id: uuid.UUID, count: int
) -> tuple[list[Order], uuid.UUID | None]:
    """Return orders, newest first, and the last one that was looked at if there are more."""
    source = _ALL if asked.account_id is None else _OF_ACCOUNT
    values: dict[str, Any] = {} if asked.account_id is None else {"account_id": asked.account_id}
    rows = await uow.execute(
        _SEARCH.format(source=source),
        **values,
        before_id=before_id,
        from_id=from_id,
        searched=limits.PAYMENT_SEARCH_ROWS_MAX,
        kind=None if asked.kind is None else asked.kind.value,
        status=None if asked.status is None else asked.status.value,
        merchant_id=asked.merchant_id,
        since=asked.since,
        until=asked.until,
        count=count,
    )
    found = await orders.list_orders_by_id(uow, [row.id for row in rows if row.is_found])
    if len(found) == count:
        return found, found[-1].id
    ended = [row.id for row in rows if row.is_end]
    return found, ended[0] if ended else None


async def count_minutes(
    uow: UnitOfWork, *, since: datetime, from_id: uuid.UUID
) -> list[PaceMinute]:
    """Return what was asked for and paid, by minute and currency, oldest first."""
    rows = await uow.execute(
        _PACE, since=since, from_id=from_id, searched=limits.PAYMENT_PACE_ROWS_MAX
    )
    return [
        PaceMinute(
            minute=row.minute,
            orders=row.orders,
            paid=row.paid,
            failed=row.failed,
            held=row.held,
            moved=Money(int(row.moved), row.currency),
        )
        for row in rows
    ]
