"""Whose a merchant's papers are: the key's that is bound to it, and the people's who act for it."""

import uuid

from huitong import payments
from huitong.api.authentication import Principal
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound

__all__ = ["acts_for", "check_reader"]


async def acts_for(uow: UnitOfWork, principal: Principal, merchant_id: uuid.UUID) -> bool:
    """Say whether a caller is a person who acts for a merchant, be it only to look."""
    if principal.customer is None:
        return False
    return await payments.bulk.is_business_user(uow, merchant_id, principal.customer.subject_id)


async def check_reader(
    uow: UnitOfWork,
    principal: Principal,
    merchant_id: uuid.UUID,
    what: str,
    shown: str,
    *,
    refusal: type[NotFound] = NotFound,
) -> None:
    """Refuse as NotFound what is of another merchant than those that the caller acts for."""
    if not await acts_for(uow, principal, merchant_id):
        principal.check_owner(merchant_id, what, shown, refusal=refusal)
