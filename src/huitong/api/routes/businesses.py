"""Businesses that become merchants."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.businesses import (
    BusinessView,
    CompleteBusinessReview,
    DueBusinessReviewView,
    OpenBusiness,
    OpenedBusinessView,
    show_business,
    show_due_business_review,
    show_opened,
)
from huitong.api.schemas.common import MerchantPath, Page
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded, NotFound
from huitong.kernel.ids import MERCHANT, read_id, uuid7

#: The name space of what is asked about businesses that are not opened yet (RFC 9562, version 5).
_REQUESTS: Final = uuid.UUID("5f0c3a52-6f3b-5d0e-9a53-0d4f1f6a2c11")

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
    """Check credit code, people and documents, ask the business register, and open the merchant.

    People are kept encrypted and shown masked. Shares multiply along chains of ownership and add up
    over chains; a quarter makes an owner, else control counts, else senior managers.
    """
    parts = application_of(request)
    merchant_id, now = uuid7(), parts.clock.now()
    fee_max = None if body.fee_max is None else body.fee_max.read("fee_max")

    business = body.read_business()
    # Before the transaction: nobody outside is asked inside of one. The same key asks the same.
    answers = await customers.ask_about_business(
        parts.registries,
        name=body.name,
        business=business,
        request_id=uuid.uuid5(_REQUESTS, f"{principal.scope} {key}"),
    )

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
            business=business,
            answers=answers,
            rulebook=parts.rulebook,
            now=now,
        )
        opened = await customers.get_business(uow, merchant_id)
        shown = await customers.show_business(
            uow, parts.vault, opened, rulebook=parts.rulebook, today=business_day(now)
        )
        return show_opened(merchant, opened, shown)

    return await run_once(request, principal, key, command)


@router.get(
    "/reviews",
    operation_id="listDueBusinessReviews",
    summary="List businesses that are due for a review",
    response_model=Page[DueBusinessReviewView],
    responses=errors(),
)
async def list_due_business_reviews(
    request: Request,
    principal: Annotated[Principal, require("onboarding:decide")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return businesses that staff have to look at: why, and since when."""
    inner = open_cursor(cursor, "business_reviews")
    async with application_of(request).database.reading(principal.caller) as uow:
        page = await customers.list_due_business_reviews(uow, cursor=inner, limit=limit)
    return show_page(page, show_due_business_review, "business_reviews")


@router.post(
    "/{merchant}/review",
    operation_id="completeBusinessReview",
    summary="Record that a business was reviewed",
    response_model=BusinessView,
    responses=errors(NotFound, customers.DocumentExpired, privacy.DataDestroyed, is_command=True),
)
async def complete_business_review(
    request: Request,
    merchant: MerchantPath,
    body: CompleteBusinessReview,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("onboarding:decide")],
) -> Response:
    """Take the business off the list until the next term is over or a document expires."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    parts = application_of(request)
    now = parts.clock.now()

    async def command(uow: UnitOfWork) -> BusinessView:
        await customers.complete_business_review(
            uow,
            merchant_id=merchant_id,
            documents_until_on=body.documents_until,
            reason=body.reason,
            rulebook=parts.rulebook,
            now=now,
        )
        business = await customers.get_business(uow, merchant_id)
        shown = await customers.show_business(
            uow, parts.vault, business, rulebook=parts.rulebook, today=business_day(now)
        )
        return show_business(business, shown)

    return await run_once(request, principal, key, command, status=200)


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
