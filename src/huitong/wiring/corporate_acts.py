"""Acts on corporate accounts that take two members of staff."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from huitong import identity, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import MERCHANT, PAY_IN, POOL, VIRTUAL_ACCOUNT, read_id, show_id
from huitong.kernel.money import Money

corporate: Final = payments.corporate
Payload = Mapping[str, Any]


async def _set_mandate(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Payload,
    *,
    now: datetime,
) -> identity.Executed:
    total_max = payload["total_max"]
    new = corporate.NewMandate(
        merchant_id=read_id(MERCHANT, payload["merchant"], field="merchant"),
        payment_max=Money.from_json(payload["payment_max"]),
        day_max=Money.from_json(payload["day_max"]),
        total_max=None if total_max is None else Money.from_json(total_max),
        bands=tuple(
            corporate.Band(
                amount_from=Money.from_json(band["amount_from"]), approvers=band["approvers"]
            )
            for band in payload["bands"]
        ),
    )
    await corporate.set_mandate(uow, new, now=now)
    return identity.Executed(outcome={"merchant": payload["merchant"]})


async def _open_pool(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    new = msgspec.convert(payload["pool"], corporate.NewPool)
    # The request's own id: whatever happens, it is one pool.
    pool = await corporate.open_pool(uow, new, pool_id=approval.id, now=now)
    return identity.Executed(outcome={"pool": show_id(POOL, pool.id)})


async def _end_pool(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Payload,
    *,
    now: datetime,
) -> identity.Executed:
    pool_id = read_id(POOL, payload["pool"], field="pool")
    await corporate.end_pool(uow, pool_id=pool_id, now=now)
    return identity.Executed(outcome={"pool": payload["pool"]})


async def _open_collection(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Payload,
    *,
    now: datetime,
) -> identity.Executed:
    merchant_id = read_id(MERCHANT, payload["merchant"], field="merchant")
    master = await corporate.open_collection(uow, merchant_id=merchant_id, now=now)
    return identity.Executed(outcome={"merchant": payload["merchant"], "number": master.number})


async def _resolve_pay_in(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Payload,
    *,
    now: datetime,
) -> identity.Executed:
    resolved = await corporate.resolve_pay_in(
        uow,
        pay_in_id=read_id(PAY_IN, payload["pay_in"], field="pay_in"),
        account_id=read_id(VIRTUAL_ACCOUNT, payload["account"], field="account"),
        now=now,
    )
    return identity.Executed(
        outcome={"pay_in": payload["pay_in"], "finding": resolved.finding.value}
    )


CORPORATE_ACTS: Final[identity.Handlers] = {
    "payments.set_corporate_mandate": _set_mandate,
    "payments.open_pool": _open_pool,
    "payments.end_pool": _end_pool,
    "payments.open_collection": _open_collection,
    "payments.resolve_pay_in": _resolve_pay_in,
}
