"""Authorisations: money reserved now and captured later."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import DECIDED, PAYING, errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.orders import change_order, make_order, read_payer
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody, PaymentPath
from huitong.api.schemas.payments import Authorise, Capture, PaymentView
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import MERCHANT, read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/authorisations", tags=["Authorisations"], route_class=CommandRoute
)

_MOVES: Final = (payments.OrderAlreadyPaid, payments.OrderExpired, payments.OrderMoveRefused)


@router.post(
    "",
    operation_id="authorise",
    summary="Authorise a payment",
    status_code=201,
    response_model=PaymentView,
    responses=errors(NotFound, payments.ReferenceUsed, *PAYING, *DECIDED, is_command=True),
)
async def authorise(
    request: Request,
    body: Authorise,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write")],
) -> Response:
    """Reserve a payer's money for a merchant; the order is then pending."""
    merchant_id = read_id(MERCHANT, body.merchant, field="merchant")
    payer, amount = read_payer(body.payer), body.amount.read()
    application = application_of(request)
    order_id, now = uuid7(), application.clock.now()
    return await make_order(
        request,
        principal,
        key,
        lambda uow: payments.authorise(
            uow,
            order_id=order_id,
            payer_account_id=payer,
            merchant_id=merchant_id,
            amount=amount,
            expires_in_seconds=body.expires_in_seconds,
            reference=body.reference,
            description=body.description,
            decider=application.decider,
            now=now,
        ),
        terminal=body.terminal,
    )


@router.post(
    "/{payment}/capture",
    operation_id="capture",
    summary="Capture an authorisation",
    response_model=PaymentView,
    responses=errors(NotFound, payments.AmountExceedsHold, *_MOVES, *PAYING, is_command=True),
)
async def capture(
    request: Request,
    payment: PaymentPath,
    body: Capture,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
) -> Response:
    """Take what was reserved, or a part of it; the rest is free again."""
    amount = None if body.amount is None else body.amount.read()
    now = application_of(request).clock.now()
    return await change_order(
        request,
        principal,
        key,
        payment,
        lambda uow, order_id: payments.capture(uow, order_id=order_id, amount=amount, now=now),
    )


@router.post(
    "/{payment}/void",
    operation_id="voidAuthorisation",
    summary="Void an authorisation",
    response_model=PaymentView,
    responses=errors(NotFound, *_MOVES, is_command=True),
)
async def void_authorisation(
    request: Request,
    payment: PaymentPath,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
    _body: NoBody | None = None,
) -> Response:
    """Give the payer's money free again."""
    now = application_of(request).clock.now()
    return await change_order(
        request,
        principal,
        key,
        payment,
        lambda uow, order_id: payments.void(uow, order_id=order_id, now=now),
    )
