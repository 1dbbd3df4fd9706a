"""Businesses that become merchants."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.businesses import (
    BusinessView,
    OpenBusiness,
    OpenedBusinessView,
    show_business,
    show_opened,
)
from huitong.api.schemas.common import MerchantPath
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded, NotFound
from huitong.kernel.ids import MERCHANT, read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/onboarding/businesses", tags=["Onboarding"], route_class=CommandRoute
)


@router.post(
    "",
    operation_id="openBusiness",
    summary="Open a merchant with the evidence of its business",
    status_code=201,
    response_model=OpenedBusinessView,
    responses=errors(
        customers.BusinessRefused, customers.BusinessExists, LimitExceeded, is_command=True
    ),
)
async def open_business(
    request: Request,
    body: OpenBusiness,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("merchants:write")],
) -> Response:
    """Check credit code, people and documents, find the beneficial owners, and open the merchant.

    People are kept encrypted and shown masked. Shares multiply along chains of ownership and add up
    over chains; a quarter makes an owner, else control counts, else senior managers.
    """
    parts = application_of(request)
    merchant_id, now = uuid7(), parts.clock.now()
    fee_max = None if body.fee_max is None else body.fee_max.read("fee_max")

    async def command(uow: UnitOfWork) -> OpenedBusinessView:
        merchant = await customers.open_business(
            uow,
            parts.vault,
            merchant_id=merchant_id,
            name=body.name,
            name_latin=body.name_latin,
            city_latin=body.city_latin,
            category_code=body.category_code,
            fee_rate=body.read_fee_rate(),
            fee_max=fee_max,
            currency=body.currency,
            business=body.read_business(),
            rulebook=parts.rulebook,
            now=now,
        )
        business = await customers.get_business(uow, merchant_id)
        shown = await customers.show_business(
            uow, parts.vault, business, rulebook=parts.rulebook, today=business_day(now)
        )
        return show_opened(merchant, business, shown)

    return await run_once(request, principal, key, command)


@router.get(
    "/{merchant}",
    operation_id="getBusiness",
    summary="Get the business behind a merchant",
    response_model=BusinessView,
    responses=errors(NotFound, privacy.DataDestroyed, privacy.ViewerCut),
)
async def get_business(
    request: Request,
    merchant: MerchantPath,
    principal: Annotated[Principal, require("onboarding:read")],
) -> BusinessView:
    """Return who stands behind a merchant, masked, by the threshold of today."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        business = await customers.get_business(uow, merchant_id)
        shown = await customers.show_business(
            uow,
            parts.vault,
            business,
            rulebook=parts.rulebook,
            today=business_day(parts.clock.now()),
        )
    await note_seen(request, principal, [merchant_id])
    return show_business(business, shown)
