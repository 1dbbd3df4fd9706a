"""What one can read of payments abroad."""

import uuid
from datetime import date

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments import bulk
from huitong.payments.crossborder import record_store, store
from huitong.payments.crossborder.errors import CrossBorderNotFound
from huitong.payments.crossborder.types import Payment, Report


async def list_payments(
    uow: UnitOfWork, *, party_id: uuid.UUID, before: uuid.UUID | None = None, limit: int
) -> list[Payment]:
    """Return a party's payments, out and in, newest first."""
    return await store.list_payments(uow, party_id=party_id, before=before, limit=limit)


async def list_reports(uow: UnitOfWork, on_day: date, *, limit: int) -> list[Report]:
    """Return the balance-of-payments records of a day."""
    return await record_store.list_reports(uow, on_day, limit=limit)


async def get_own_payment(
    uow: UnitOfWork, payment_id: uuid.UUID, *, customer_id: uuid.UUID
) -> Payment:
    """Return a payment of a customer or of a business that they act for.

    Raises CrossBorderNotFound, also for those of others: whether it exists is not theirs to know.
    """
    payment = await store.find_payment(uow, payment_id)
    is_theirs = (
        payment is not None
        and payment.party_id is not None
        and (
            await bulk.is_business_user(uow, payment.party_id, customer_id)
            if payment.is_business
            else payment.party_id == customer_id
        )
    )
    if payment is None or not is_theirs:
        raise CrossBorderNotFound("there is no such payment of yours", field="payment")
    return payment
