"""SQL of who paid whom: what the graph around cases of risk is made of."""

import uuid
from collections.abc import Sequence
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.types import Counterparty, OrderStatus

#: Held, open and closed orders have moved nothing, or gave it back.
_PAID: Final = [
    OrderStatus.PENDING.value,
    OrderStatus.SUCCEEDED.value,
    OrderStatus.PARTLY_REFUNDED.value,
    OrderStatus.REFUNDED.value,
]
_FIND: Final = """
SELECT n.account_id, o.other_id, o.is_payer, o.times, o.first_at, o.last_at
  FROM unnest(CAST(:account_ids AS bigint[])) AS n(account_id)
 CROSS JOIN LATERAL (
    (SELECT r.other_id, true AS is_payer, count(*) AS times, min(r.at) AS first_at,
            max(r.at) AS last_at
       FROM (SELECT payee_account_id AS other_id, created_at AS at
               FROM payments.orders
              WHERE payer_account_id = n.account_id AND id >= :since_id
                AND status = ANY(:statuses) AND payee_account_id IS NOT NULL
              ORDER BY id DESC LIMIT :orders) r
      GROUP BY r.other_id ORDER BY last_at DESC, r.other_id LIMIT :each_max)
     UNION ALL
    (SELECT r.other_id, false, count(*), min(r.at), max(r.at) AS last_at
       FROM (SELECT payer_account_id AS other_id, created_at AS at
               FROM payments.orders
              WHERE payee_account_id = n.account_id AND id >= :since_id
                AND status = ANY(:statuses) AND payer_account_id IS NOT NULL
              ORDER BY id DESC LIMIT :orders) r
      GROUP BY r.other_id ORDER BY last_at DESC, r.other_id LIMIT :each_max)
 ) o
"""


async def find_counterparties(
    uow: UnitOfWork, account_ids: Sequence[int], *, since_id: uuid.UUID, each_max: int
) -> list[Counterparty]:
    """Return whom accounts paid and were paid by, out of the newest orders of each direction."""
    rows = await uow.execute(
        _FIND,
        account_ids=list(account_ids),
        since_id=since_id,
        statuses=_PAID,
        orders=limits.LINK_ORDERS_MAX,
        each_max=each_max,
    )
    return [
        Counterparty(
            account_id=row.account_id,
            other_account_id=row.other_id,
            is_payer=row.is_payer,
            times=row.times,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in rows
    ]
