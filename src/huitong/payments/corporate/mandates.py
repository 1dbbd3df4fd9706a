"""What a business may pay: set by two members of staff, asked at each payment."""

import uuid
from datetime import datetime
from itertools import pairwise

from huitong import customers
from huitong.kernel import audit, outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MERCHANT, show_id, uuid7
from huitong.kernel.money import Money
from huitong.payments import bulk
from huitong.payments.corporate import store
from huitong.payments.corporate.errors import (
    CorporateNotAllowed,
    MandateExceeded,
    MandateMissing,
)
from huitong.payments.corporate.events import CorporateMandateSet
from huitong.payments.corporate.limits import APPROVERS_MAX, BANDS_MAX
from huitong.payments.corporate.types import Mandate, NewMandate


async def check_mandate(uow: UnitOfWork, new: NewMandate) -> None:
    """Raise NotFound, or InvalidField naming what of a mandate cannot be.

    Its bands begin at zero and rise, in amount and in approvers.
    """
    merchant = await customers.get_merchant(uow, new.merchant_id)
    for field, amount in (
        ("payment_max", new.payment_max),
        ("day_max", new.day_max),
        ("total_max", new.total_max),
    ):
        if amount is not None and (amount.currency != merchant.currency or not amount.is_positive):
            raise InvalidField(f"must be above zero, in {merchant.currency}", field=field)
    if new.day_max < new.payment_max:
        raise InvalidField("must be at least payment_max", field="day_max")
    if new.total_max is not None and new.total_max < new.day_max:
        raise InvalidField("must be at least day_max", field="total_max")
    _check_bands(new, merchant.currency)


def _check_bands(new: NewMandate, currency: str) -> None:
    bands = new.bands
    if not 1 <= len(bands) <= BANDS_MAX:
        raise InvalidField(f"must be 1 to {BANDS_MAX}", field="bands")
    if any(band.amount_from.currency != currency for band in bands):
        raise InvalidField(f"must be in {currency}", field="bands")
    if bands[0].amount_from.minor != 0:
        raise InvalidField("the first band must begin at zero", field="bands")
    for lower, upper in pairwise(bands):
        if upper.amount_from <= lower.amount_from or upper.approvers < lower.approvers:
            raise InvalidField("bands must rise in amount and in approvers", field="bands")
    if not all(1 <= band.approvers <= APPROVERS_MAX for band in bands):
        raise InvalidField(f"must have 1 to {APPROVERS_MAX} approvers", field="bands")


async def set_mandate(uow: UnitOfWork, new: NewMandate, *, now: datetime) -> Mandate:
    """Put a mandate in force in place of the one that is; raises as `check_mandate`.

    For staff, by two. What waits for approval under the old one is to be made anew.
    """
    await check_mandate(uow, new)
    mandate = Mandate(
        id=uuid7(),
        merchant_id=new.merchant_id,
        payment_max=new.payment_max,
        day_max=new.day_max,
        total_max=new.total_max,
        bands=new.bands,
        set_at=now,
    )
    await store.add_mandate(uow, mandate)
    await audit.record(
        uow,
        action="payments.set_corporate_mandate",
        subject=show_id(MERCHANT, new.merchant_id),
        details={
            "payment_max": str(new.payment_max),
            "day_max": str(new.day_max),
            "total_max": None if new.total_max is None else str(new.total_max),
            "bands": [[str(band.amount_from), band.approvers] for band in new.bands],
        },
    )
    event = CorporateMandateSet(merchant_id=new.merchant_id, mandate_id=mandate.id, set_at=now)
    await outbox.append(uow, [event])
    return mandate


async def get_mandate(uow: UnitOfWork, merchant_id: uuid.UUID, *, is_kept: bool = False) -> Mandate:
    """Return the mandate in force; raises MandateMissing.

    One that is kept does not end before this transaction has.
    """
    found = await store.find_mandate(uow, merchant_id, is_kept=is_kept)
    if found is None:
        raise MandateMissing("nobody has said yet what this business may pay")
    return found


def check_payment(mandate: Mandate, amount: Money) -> None:
    """Raise MandateExceeded for a payment above what the mandate lets one be."""
    if amount > mandate.payment_max:
        raise MandateExceeded(f"one payment is at most {mandate.payment_max}", field="amount")


async def check_user(uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID) -> None:
    """Raise CorporateNotAllowed for whoever does not act for a business, not even by looking."""
    if not await bulk.is_business_user(uow, merchant_id, customer_id):
        raise CorporateNotAllowed("this person does not act for the business")


async def check_role(
    uow: UnitOfWork,
    merchant_id: uuid.UUID,
    customer_id: uuid.UUID,
    role: bulk.Role,
    amount: Money | None = None,
) -> None:
    """Raise CorporateNotAllowed for whoever has not the role, or up to a lower amount.

    The role does not end before this transaction has.
    """
    user = await bulk.find_business_user(uow, merchant_id, customer_id, role)
    if user is None:
        raise CorporateNotAllowed(f"this person is no {role.value} of the business")
    if amount is not None and amount > user.amount_max:
        raise CorporateNotAllowed(f"this {role.value} may do so up to {user.amount_max}")
