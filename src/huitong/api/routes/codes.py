"""QR codes that merchants and customers show, and what is paid with them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from huitong import payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customer_acts import read_own_customer
from huitong.api.documentation import DECIDED, PAYING, errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.orders import make_order, name_terminal
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.codes import (
    CodeReadingView,
    CodeView,
    Collect,
    CustomerCodeView,
    MakeCode,
    MakeDynamicCode,
    ReadCode,
    show_code,
    show_reading,
)
from huitong.api.schemas.common import CodePath, CustomerPath, MerchantPath, NoBody
from huitong.api.schemas.payments import PaymentView
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import CODE, MERCHANT, read_id, uuid7

router: Final = APIRouter(prefix="/v1", tags=["Codes"], route_class=CommandRoute)

Reader = Annotated[Principal, require("payments:read", is_for_merchants=True)]


@router.post(
    "/merchants/{merchant}/codes",
    operation_id="makeMerchantCode",
    summary="Make a merchant's QR code",
    status_code=201,
    response_model=CodeView,
    responses=errors(NotFound, payments.ReferenceUsed, is_command=True),
)
async def make_merchant_code(
    request: Request,
    merchant: MerchantPath,
    body: Annotated[MakeCode, Body()],
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
) -> Response:
    """Make a static code (paid many times) or a dynamic one (for one order with an amount)."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    principal.check_merchant(merchant_id)
    facts: dict[str, Any] = {"kind": payments.CodeKind(body.kind)}
    if isinstance(body, MakeDynamicCode):
        facts |= {
            "amount": body.amount.read(),
            "reference": body.reference,
            "description": body.description,
            "expires_in_seconds": body.expires_in_seconds,
        }
    code_id, now = uuid7(), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> CodeView:
        code = await payments.create_merchant_code(
            uow, code_id=code_id, merchant_id=merchant_id, now=now, **facts
        )
        if isinstance(body, MakeDynamicCode) and code.order_id is not None:
            await name_terminal(uow, code.order_id, merchant_id, body.terminal)
        return show_code(code)

    return await run_once(request, principal, key, command)


def _picture(media_type: str, schema: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    described = {"description": "The picture.", "content": {media_type: {"schema": schema}}}
    return {200: described, **errors(payments.CodeNotFound)}


# Before the route of the code itself, whose path would match these too.
@router.get(
    "/codes/{code}.svg",
    operation_id="drawCodeAsSvg",
    summary="Draw a merchant's code as SVG",
    response_class=Response,
    responses=_picture("image/svg+xml", {"type": "string"}),
)
async def draw_code_as_svg(request: Request, code: CodePath, principal: Reader) -> Response:
    """Return the QR picture, to be printed at any size."""
    picture = payments.draw_svg((await _get_code(request, principal, code)).payload)
    return Response(picture.content, media_type=f"{picture.media_type}; charset=utf-8")


@router.get(
    "/codes/{code}.png",
    operation_id="drawCodeAsPng",
    summary="Draw a merchant's code as PNG",
    response_class=Response,
    responses=_picture("image/png", {"type": "string", "contentEncoding": "binary"}),
)
async def draw_code_as_png(request: Request, code: CodePath, principal: Reader) -> Response:
    """Return the QR picture in pixels."""
    picture = payments.draw_png((await _get_code(request, principal, code)).payload)
    return Response(picture.content, media_type=picture.media_type)


@router.get(
    "/codes/{code}",
    operation_id="getMerchantCode",
    summary="Get a merchant's code",
    response_model=CodeView,
    responses=errors(payments.CodeNotFound),
)
async def get_merchant_code(request: Request, code: CodePath, principal: Reader) -> CodeView:
    """Return a code with its payload."""
    return show_code(await _get_code(request, principal, code))


@router.post(
    "/codes/read",
    operation_id="readCode",
    summary="Read a scanned code",
    response_model=CodeReadingView,
    responses=errors(
        payments.CodeNotFound, payments.CodeAltered, is_command=True, has_idempotency_key=False
    ),
)
async def read_code(
    request: Request,
    body: ReadCode,
    principal: Annotated[
        Principal, require("payments:read", is_for_merchants=True, is_for_customers=True)
    ],
) -> CodeReadingView:
    """Return what a scanned payload asks for, after its CRC and every data object were checked.

    Nothing is changed, so no Idempotency-Key is needed.
    """
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_reading(await payments.read_code(uow, payload=body.payload))


@router.post(
    "/customers/{customer}/payment-codes",
    operation_id="issueCustomerCode",
    summary="Issue a customer's one-time code",
    status_code=201,
    response_model=CustomerCodeView,
    responses=errors(NotFound, is_command=True),
)
async def issue_customer_code(
    request: Request,
    customer: CustomerPath,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_customers=True)],
    _body: NoBody | None = None,
) -> Response:
    """Issue a code that the customer shows to be charged: single use, a minute long."""
    customer_id = read_own_customer(principal, customer)
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> CustomerCodeView:
        issued = await payments.issue_customer_code(uow, customer_id=customer_id, now=now)
        return CustomerCodeView(code=issued.text, expires_at=issued.expires_at)

    return await run_once(request, principal, key, command)


@router.post(
    "/collections",
    operation_id="collect",
    summary="Collect by a customer's one-time code",
    status_code=201,
    response_model=PaymentView,
    responses=errors(
        NotFound,
        payments.CodeNotFound,
        payments.CodeUsed,
        payments.CodeExpired,
        payments.ReferenceUsed,
        *PAYING,
        *DECIDED,
        is_command=True,
    ),
)
async def collect(
    request: Request,
    body: Collect,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("payments:write", is_for_merchants=True)],
) -> Response:
    """Take an amount from the customer who showed the code, once."""
    merchant_id = read_id(MERCHANT, body.merchant, field="merchant")
    principal.check_merchant(merchant_id)
    application = application_of(request)
    order_id, now, amount = uuid7(), application.clock.now(), body.amount.read()
    return await make_order(
        request,
        principal,
        key,
        lambda uow: payments.collect_by_code(
            uow,
            order_id=order_id,
            merchant_id=merchant_id,
            code=body.code,
            amount=amount,
            reference=body.reference,
            description=body.description,
            decider=application.decider,
            now=now,
        ),
        terminal=body.terminal,
    )


async def _get_code(request: Request, principal: Principal, code: str) -> payments.MerchantCode:
    code_id = read_id(CODE, code, field="code")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await payments.get_merchant_code(uow, code_id)
    principal.check_owner(found.merchant_id, "code", code, refusal=payments.CodeNotFound)
    return found
