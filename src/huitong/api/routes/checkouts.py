"""Checkouts: orders that a customer pays later, in an app."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import DECIDED, PAYING, errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.orders import change_order, get_own_order, make_order, read_payer
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, PaymentPath
from huitong.api.schemas.payments import CreateCheckout, PayCheckout, PaymentView, show_payment
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import MERCHANT, PAYMENT, read_id, uuid7

router: Final = APIRouter(prefix="/v1/checkouts", tags=["Checkouts"], route_class=CommandRoute)


@router.post(
    "",
    operation_id="createCheckout",
    summary="Create a checkout",
    status_code=201,
    response_model=PaymentView,
    responses=errors(NotFound, payments.ReferenceUsed, is_command=True),
)
async def create_checkout(
    request: Request,
    body: CreateCheckout,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
) -> Response:
    """Create an order that a customer can pay until it expires."""
    merchant_id = read_id(MERCHANT, body.merchant, field="merchant")
    principal.check_merchant(merchant_id)
    order_id, now, amount = uuid7(), application_of(request).clock.now(), body.amount.read()
    return await make_order(
        request,
        principal,
        key,
        lambda uow: payments.create_checkout(
            uow,
            order_id=order_id,
            merchant_id=merchant_id,
            amount=amount,
            reference=body.reference,
            description=body.description,
            expires_in_seconds=body.expires_in_seconds,
            now=now,
        ),
        terminal=body.terminal,
    )


@router.get(
    "/{payment}",
    operation_id="getCheckout",
    summary="Get a checkout",
    response_model=PaymentView,
    responses=errors(NotFound),
)
async def get_checkout(
    request: Request,
    payment: PaymentPath,
    principal: Annotated[Principal, require("payments:read", is_for_merchants=True)],
) -> PaymentView:
    """Return an order as it stands."""
    order_id = read_id(PAYMENT, payment, field="payment")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_payment(await get_own_order(uow, principal, order_id))


@router.post(
    "/{payment}/pay",
    operation_id="payCheckout",
    summary="Pay a checkout",
    response_model=PaymentView,
    responses=errors(
        NotFound,
        payments.OrderAlreadyPaid,
        payments.OrderExpired,
        payments.OrderMoveRefused,
        *PAYING,
        *DECIDED,
        is_command=True,
    ),
)
async def pay_checkout(
    request: Request,
    payment: PaymentPath,
    body: PayCheckout,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write")],
) -> Response:
    """Pay a checkout, or the order behind a dynamic code, from an account."""
    application = application_of(request)
    payer, attempt_id, now = read_payer(body.payer), uuid7(), application.clock.now()
    return await change_order(
        request,
        principal,
        key,
        payment,
        lambda uow, order_id: payments.pay_order(
            uow,
            order_id=order_id,
            payer_account_id=payer,
            decider=application.decider,
            attempt_id=attempt_id,
            now=now,
        ),
    )


@router.post(
    "/{payment}/close",
    operation_id="closeCheckout",
    summary="Close a checkout",
    response_model=PaymentView,
    responses=errors(
        NotFound, payments.OrderAlreadyPaid, payments.OrderMoveRefused, is_command=True
    ),
)
async def close_checkout(
    request: Request,
    payment: PaymentPath,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
    _body: NoBody | None = None,
) -> Response:
    """Close an order that nobody has paid, so that nobody can."""
    now = application_of(request).clock.now()
    return await change_order(
        request,
        principal,
        key,
        payment,
        lambda uow, order_id: payments.close_order(uow, order_id=order_id, now=now),
    )
