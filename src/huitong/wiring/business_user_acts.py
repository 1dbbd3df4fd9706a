"""Who acts for a business, as two members of staff agreed."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import identity, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id
from huitong.kernel.money import Money

bulk: Final = payments.bulk


async def _name(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Mapping[str, Any],
    *,
    now: datetime,
) -> identity.Executed:
    merchant_id, customer_id, role = _read(payload)
    user = bulk.BusinessUser(
        merchant_id=merchant_id,
        customer_id=customer_id,
        role=role,
        amount_max=Money.from_json(payload["amount_max"]),
    )
    await bulk.name_business_user(uow, user, now=now)
    return _show(payload)


async def _end(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Mapping[str, Any],
    *,
    now: datetime,
) -> identity.Executed:
    merchant_id, customer_id, role = _read(payload)
    await bulk.end_business_user(
        uow, merchant_id=merchant_id, customer_id=customer_id, role=role, now=now
    )
    return _show(payload)


def _read(payload: Mapping[str, Any]) -> tuple[uuid.UUID, uuid.UUID, payments.bulk.Role]:
    return (
        read_id(MERCHANT, payload["merchant"], field="merchant"),
        read_id(CUSTOMER, payload["customer"], field="customer"),
        bulk.Role(payload["role"]),
    )


def _show(payload: Mapping[str, Any]) -> identity.Executed:
    names = ("merchant", "customer", "role")
    return identity.Executed(outcome={name: payload[name] for name in names})


BUSINESS_USER_ACTS: Final[identity.Handlers] = {
    "payments.name_business_user": _name,
    "payments.end_business_user": _end,
}
