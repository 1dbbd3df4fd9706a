"""Merchants."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import MerchantPath, Page
from huitong.api.schemas.customers import MerchantView, OpenMerchant, show_merchant
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import MERCHANT, read_id, uuid7

router: Final = APIRouter(prefix="/v1/merchants", tags=["Merchants"], route_class=CommandRoute)


@router.post(
    "",
    operation_id="openMerchant",
    summary="Open a merchant",
    status_code=201,
    response_model=MerchantView,
    responses=errors(is_command=True),
)
async def open_merchant(
    request: Request,
    body: OpenMerchant,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("merchants:write")],
) -> Response:
    """Open a business with an account for what it is owed, and the fee that it pays."""
    merchant_id, now = uuid7(), application_of(request).clock.now()
    fee_max = None if body.fee_max is None else body.fee_max.read("fee_max")

    async def command(uow: UnitOfWork) -> MerchantView:
        merchant = await customers.open_merchant(
            uow,
            merchant_id=merchant_id,
            name=body.name,
            name_latin=body.name_latin,
            city_latin=body.city_latin,
            category_code=body.category_code,
            fee_rate=body.read_fee_rate(),
            fee_max=fee_max,
            currency=body.currency,
            now=now,
        )
        return show_merchant(merchant)

    return await run_once(request, principal, key, command)


@router.get(
    "",
    operation_id="listMerchants",
    summary="List merchants",
    response_model=Page[MerchantView],
    responses=errors(),
)
async def list_merchants(
    request: Request,
    principal: Annotated[Principal, require("merchants:read")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return merchants, oldest first."""
    inner = open_cursor(cursor, "merchants")
    async with application_of(request).database.reading(principal.caller) as uow:
        page = await customers.list_merchants(uow, cursor=inner, limit=limit)
    return show_page(page, show_merchant, "merchants")


@router.get(
    "/{merchant}",
    operation_id="getMerchant",
    summary="Get a merchant",
    response_model=MerchantView,
    responses=errors(NotFound),
)
async def get_merchant(
    request: Request,
    merchant: MerchantPath,
    principal: Annotated[Principal, require("merchants:read", is_for_merchants=True)],
) -> MerchantView:
    """Return a merchant; a key that is bound to a merchant sees that one."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    principal.check_owner(merchant_id, "merchant", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_merchant(await customers.get_merchant(uow, merchant_id))
