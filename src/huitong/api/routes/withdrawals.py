"""Withdrawals, and cancelling one that risk holds back."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.orders import get_own_withdrawal
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, PaymentPath
from huitong.api.schemas.withdrawals import WithdrawalView, show_withdrawal
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import PAYMENT, read_id

router: Final = APIRouter(prefix="/v1/withdrawals", tags=["Bank channel"], route_class=CommandRoute)


@router.get(
    "/{payment}",
    operation_id="getWithdrawal",
    summary="Get a withdrawal",
    response_model=WithdrawalView,
    responses=errors(NotFound),
)
async def get_withdrawal(
    request: Request,
    payment: PaymentPath,
    principal: Annotated[Principal, require("payments:read", is_for_customers=True)],
) -> WithdrawalView:
    """Return a withdrawal, through which system it goes, and while it waits why and how long."""
    order_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        order = await get_own_withdrawal(uow, principal, order_id)
        return show_withdrawal(
            order,
            await payments.find_hold(uow, order),
            await payments.find_rail(uow, order_id),
        )


@router.post(
    "/{payment}/cancel",
    operation_id="cancelWithdrawal",
    summary="Cancel a withdrawal that waits",
    response_model=WithdrawalView,
    responses=errors(NotFound, payments.WithdrawalNotHeld, is_command=True),
)
async def cancel_withdrawal(
    request: Request,
    payment: PaymentPath,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_customers=True)],
    _body: NoBody | None = None,
) -> Response:
    """Give up a withdrawal that was not sent yet: the money is free again."""
    order_id = read_id(PAYMENT, payment, field="payment")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> WithdrawalView:
        await get_own_withdrawal(uow, principal, order_id)
        cancelled = await payments.cancel_withdrawal(uow, order_id=order_id, now=now)
        return show_withdrawal(cancelled, None, await payments.find_rail(uow, order_id))

    return await run_once(request, principal, key, command, status=200)
