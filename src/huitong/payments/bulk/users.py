"""Who acts for a business, for those who ask; naming and ending is in `commands`."""

import uuid

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.bulk import store
from huitong.payments.bulk.types import BusinessUser, Role


async def is_business_user(uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID) -> bool:
    """Whether somebody acts for a business in any role, be it only to look."""
    return await store.is_user(uow, merchant_id, customer_id)


async def find_business_user(
    uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> BusinessUser | None:
    """Return a user in a role, which cannot end before this transaction has."""
    return await store.find_user(uow, merchant_id, customer_id, role)
