"""Whom a customer acts for abroad: themselves, or a business in one of its roles."""

import uuid
from typing import Final

from huitong import identity, payments
from huitong.api.authentication import Principal
from huitong.api.customers_calling import person_of
from huitong.kernel import ids
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import read_id

crossborder: Final = payments.crossborder
#: What exchange may be refused for, with a payment or without one.
EXCHANGING: Final = (
    crossborder.ActingNotAllowed,
    crossborder.PairNotOffered,
    crossborder.QuoteNotFound,
    crossborder.QuoteTaken,
    crossborder.QuoteExpired,
    crossborder.QuotaExceeded,
    crossborder.PositionLimitExceeded,
    identity.StepUpRefused,
    NotFound,
    payments.InsufficientFunds,
    payments.AccountFrozen,
    payments.AccountClosed,
)


async def act_for(
    uow: UnitOfWork, principal: Principal, merchant: str | None, *, is_approving: bool = False
) -> payments.crossborder.Party:
    """Return whom the caller acts for in this transaction, in the role that it takes."""
    role = payments.bulk.Role.APPROVER if is_approving else payments.bulk.Role.SUBMITTER
    return await crossborder.find_acting(
        uow, customer_id=person_of(principal), merchant_id=_read_merchant(merchant), role=role
    )


async def read_for(
    uow: UnitOfWork, principal: Principal, merchant: str | None
) -> payments.crossborder.Party:
    """Return whom the caller reads for, in whatever role."""
    return await crossborder.find_acting(
        uow, customer_id=person_of(principal), merchant_id=_read_merchant(merchant), role=None
    )


def _read_merchant(merchant: str | None) -> uuid.UUID | None:
    return None if merchant is None else read_id(ids.MERCHANT, merchant, field="merchant")
