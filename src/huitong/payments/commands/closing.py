"""Closing a customer, as far as payments have a say: nothing may still be on its way."""

import uuid
from datetime import datetime

from huitong import customers
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.errors import OrdersOpen
from huitong.payments.store import orders as store


async def close_customer(
    uow: UnitOfWork, *, customer_id: uuid.UUID, reason: str, now: datetime
) -> customers.Customer:
    """Close a customer whose account is empty, has no holds and no orders that are still open.

    Raises what `customers.close_customer` raises, and OrdersOpen.
    """
    # Closed first, under the customer's lock: whoever makes an order waits for it, or was seen.
    customer = await customers.close_customer(uow, customer_id=customer_id, reason=reason, now=now)
    if await store.has_open_orders(uow, customer.account_id):
        raise OrdersOpen("a top-up, a withdrawal or another order of the account is still open")
    return customer
