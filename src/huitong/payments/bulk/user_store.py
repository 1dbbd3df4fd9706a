"""Users of businesses in the database."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.bulk.types import BusinessUser, Role

_NAME_USER: Final = """
    INSERT INTO payments.business_users AS u (merchant_id, customer_id, role, amount_max, currency,
                                              named_at)
    VALUES (:merchant_id, :customer_id, :role, :amount_max, :currency, :now)
    ON CONFLICT (merchant_id, customer_id, role) DO UPDATE
       SET amount_max = excluded.amount_max, currency = excluded.currency, ended_at = NULL
"""
_END_USER: Final = """
    UPDATE payments.business_users SET ended_at = greatest(:now, named_at)
     WHERE merchant_id = :merchant_id AND customer_id = :customer_id AND role = :role
       AND ended_at IS NULL
    RETURNING customer_id
"""
# Shared, so that who is dismissed at this moment either was in time or is not.
_FIND_USER: Final = """
    SELECT merchant_id, customer_id, role, amount_max, currency FROM payments.business_users
     WHERE merchant_id = :merchant_id AND customer_id = :customer_id AND role = :role
       AND ended_at IS NULL
       FOR SHARE
"""
_IS_USER: Final = """
    SELECT true FROM payments.business_users
     WHERE merchant_id = :merchant_id AND customer_id = :customer_id AND ended_at IS NULL LIMIT 1
"""
_HAS_ROLE: Final = """
    SELECT true FROM payments.business_users
     WHERE merchant_id = :merchant_id AND customer_id = :customer_id AND role = :role
       AND ended_at IS NULL
"""
_LIST_USERS: Final = """
    SELECT merchant_id, customer_id, role, amount_max, currency FROM payments.business_users
     WHERE merchant_id = :merchant_id AND ended_at IS NULL
       AND (customer_id, role) > (:customer_id, :role)
     ORDER BY customer_id, role LIMIT :count
"""


async def name_user(uow: UnitOfWork, user: BusinessUser, now: datetime) -> None:
    """Name a user of a business, or give a named one another limit."""
    await uow.execute(
        _NAME_USER,
        merchant_id=user.merchant_id,
        customer_id=user.customer_id,
        role=user.role.value,
        amount_max=user.amount_max.minor,
        currency=user.amount_max.currency,
        now=now,
    )


async def end_user(
    uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role, now: datetime
) -> bool:
    """End a user's role; says whether there was one."""
    values = {"merchant_id": merchant_id, "customer_id": customer_id, "role": role.value}
    return bool(await uow.execute(_END_USER, **values, now=now))


async def find_user(
    uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> BusinessUser | None:
    """Return a user in a role, which cannot end before this transaction has."""
    values = {"merchant_id": merchant_id, "customer_id": customer_id, "role": role.value}
    row = await uow.fetch_one(_FIND_USER, **values)
    return None if row is None else _user(row)


async def list_users(
    uow: UnitOfWork, merchant_id: uuid.UUID, after: tuple[uuid.UUID, str], count: int
) -> list[BusinessUser]:
    """Return who acts for a business, by person and role, from after `after` on."""
    customer_id, role = after
    rows = await uow.execute(
        _LIST_USERS, merchant_id=merchant_id, customer_id=customer_id, role=role, count=count
    )
    return [_user(row) for row in rows]


async def is_user(uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID) -> bool:
    """Whether somebody acts for a business in any role."""
    found = await uow.fetch_value(_IS_USER, merchant_id=merchant_id, customer_id=customer_id)
    return bool(found)


async def has_role(
    uow: UnitOfWork, merchant_id: uuid.UUID, customer_id: uuid.UUID, role: Role
) -> bool:
    """Whether somebody has a role in a business now; without keeping it from ending."""
    values = {"merchant_id": merchant_id, "customer_id": customer_id, "role": role.value}
    return bool(await uow.fetch_value(_HAS_ROLE, **values))


def _user(row: Row[Any]) -> BusinessUser:
    return BusinessUser(
        merchant_id=row.merchant_id,
        customer_id=row.customer_id,
        role=Role(row.role),
        amount_max=Money(row.amount_max, row.currency),
    )
