"""Who acts for a business: named and ended by staff, in a role, up to an amount for a file."""

import uuid
from datetime import datetime
from typing import Final

from huitong import customers
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, MERCHANT, show_id
from huitong.ledger import Page
from huitong.payments.bulk import user_store
from huitong.payments.bulk.errors import BulkNotAllowed, BusinessUserNotFound
from huitong.payments.bulk.types import BusinessUser, Role

_BEFORE_ALL: Final = (uuid.UUID(int=0), "")


async def check_business_user(uow: UnitOfWork, user: BusinessUser) -> None:
    """Refuse what nobody could name.

    Raises NotFound, CustomerIsClosed, and InvalidField for an amount that is not positive (of a
    viewer: not zero) or not in the business's currency.
    """
    merchant = await customers.get_merchant(uow, user.merchant_id)
    await customers.get_open_customer(uow, user.customer_id)
    is_viewer, amount = user.role is Role.VIEWER, user.amount_max
    if amount.currency != merchant.currency or amount.is_positive == is_viewer:
        wanted = "zero" if is_viewer else "above zero"
        raise InvalidField(
            f"amount_max must be {wanted}, in {merchant.currency}", field="amount_max"
        )


async def name_business_user(uow: UnitOfWork, user: BusinessUser, *, now: datetime) -> None:
    """Let a customer act for a business in a role, up to an amount for each file.

    Naming again changes the limit. Raises what `check_business_user` does.
    """
    await check_business_user(uow, user)
    await user_store.name_user(uow, user, now)
    await _record(uow, "name_business_user", user.merchant_id, user.customer_id, user.role)


async def end_business_user(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID,
    customer_id: uuid.UUID,
    role: Role,
    now: datetime,
) -> None:
    """Take a role from a user; who has none changes nothing.

    What the person submitted or approved before stays as it is.
    """
    if await user_store.end_user(uow, merchant_id, customer_id, role, now):
        await _record(uow, "end_business_user", merchant_id, customer_id, role)


async def check_is_business_user(
    uow: UnitOfWork, *, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> None:
    """Refuse who has no such role now; raises BusinessUserNotFound."""
    if not await user_store.has_role(uow, merchant_id, customer_id, role):
        raise BusinessUserNotFound(f"this person is no {role.value} of the business")


async def list_business_users(
    uow: UnitOfWork, *, merchant_id: uuid.UUID, cursor: str | None = None, limit: int
) -> Page[BusinessUser]:
    """Return who acts for a business now, by person and role. Raises NotFound."""
    await customers.get_merchant(uow, merchant_id)
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"limit must be 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    found = await user_store.list_users(uow, merchant_id, _read_cursor(cursor), limit + 1)
    items = tuple(found[:limit])
    is_last = len(found) <= limit
    return Page(items, None if is_last else f"{items[-1].customer_id.hex}.{items[-1].role}")


async def check_submitter(
    uow: UnitOfWork, *, merchant_id: uuid.UUID, customer_id: uuid.UUID
) -> None:
    """Refuse who may not submit files of a business; raises BulkNotAllowed."""
    if not await user_store.has_role(uow, merchant_id, customer_id, Role.SUBMITTER):
        raise _no_role(Role.SUBMITTER)


async def is_business_user(uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID) -> bool:
    """Whether somebody acts for a business in any role, be it only to look."""
    return await user_store.is_user(uow, merchant_id, customer_id)


async def find_business_user(
    uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> BusinessUser | None:
    """Return a user in a role, which cannot end before this transaction has."""
    return await user_store.find_user(uow, merchant_id, customer_id, role)


async def get_user(
    uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> BusinessUser:
    """Return who acts in a role, which cannot end meanwhile; raises BulkNotAllowed."""
    user = await user_store.find_user(uow, merchant_id, customer_id, role)
    if user is None:
        raise _no_role(role)
    return user


def _no_role(role: Role) -> BulkNotAllowed:
    return BulkNotAllowed(f"this person is no {role.value} of the business")


def _read_cursor(cursor: str | None) -> tuple[uuid.UUID, str]:
    if cursor is None:
        return _BEFORE_ALL
    person, _, role = cursor.partition(".")
    try:
        return uuid.UUID(hex=person), Role(role).value
    except ValueError:
        raise InvalidField("this is no cursor of ours", field="cursor") from None


async def _record(
    uow: UnitOfWork, verb: str, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> None:
    details = {"customer": show_id(CUSTOMER, customer_id), "role": role.value}
    await audit.record(
        uow, action=f"payments.{verb}", subject=show_id(MERCHANT, merchant_id), details=details
    )
