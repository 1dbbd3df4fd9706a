"""How much of an order is in dispute, or was lost in one: see `merchants`."""

import uuid
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money

_DISPUTED: Final = """
    SELECT coalesce(sum(amount), 0)::bigint FROM payments.disputes
     WHERE order_id = :order_id AND (outcome IS NULL OR outcome = 'lost')
"""


async def find_disputed(uow: UnitOfWork, order_id: uuid.UUID, currency: str) -> Money:
    """Return what of a payment may neither be refunded nor shared; the caller holds its lock."""
    return Money(await uow.fetch_value(_DISPUTED, order_id=order_id), currency)
