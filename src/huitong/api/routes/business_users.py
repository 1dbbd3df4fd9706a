"""Who acts for a business: one member of staff asks, another one decides."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.business_users import (
    BusinessUserView,
    EndBusinessUser,
    NameBusinessUser,
    make_payload,
    show_user,
)
from huitong.api.schemas.common import Page
from huitong.kernel import ids, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/business-users", tags=["Files of payments"], route_class=CommandRoute
)

bulk: Final = payments.bulk
Writer = Annotated[Principal, require("business_users:write")]
Business = Annotated[str, Query(pattern=f"^{ids.MERCHANT}_[0-9a-f]{{32}}$")]


@router.get(
    "",
    operation_id="listBusinessUsers",
    summary="List who acts for a business",
    response_model=Page[BusinessUserView],
    responses=errors(NotFound, InvalidField, caller="staff"),
)
async def list_business_users(
    request: Request,
    merchant: Business,
    principal: Annotated[Principal, require("business_users:read")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return the people who act for a business now, each role for itself."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    inner = open_cursor(cursor, "business-users", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        page = await bulk.list_business_users(
            uow, merchant_id=merchant_id, cursor=inner, limit=limit
        )
    return show_page(page, show_user, "business-users", merchant)


@router.post(
    "",
    operation_id="nameBusinessUser",
    summary="Ask for somebody to act for a business",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        NotFound, customers.CustomerIsClosed, InvalidField, caller="staff", is_command=True
    ),
)
async def name_business_user(
    request: Request, body: NameBusinessUser, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a customer to submit or approve a business's files, or to have another limit.

    Somebody else decides, and neither of them may be that customer.
    """
    user = body.read_user()
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await bulk.check_business_user(uow, user)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="payments.name_business_user",
            payload={**make_payload(body), "amount_max": user.amount_max.to_json()},
            reason=body.reason,
            concerns=[user.customer_id],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/end",
    operation_id="endBusinessUser",
    summary="Ask for somebody not to act for a business any more",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(bulk.BusinessUserNotFound, caller="staff", is_command=True),
)
async def end_business_user(
    request: Request, body: EndBusinessUser, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a role of a business's user to end; what the person did before stands."""
    merchant_id = read_id(MERCHANT, body.merchant, field="merchant")
    customer_id = read_id(CUSTOMER, body.customer, field="customer")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await bulk.check_is_business_user(
            uow, merchant_id=merchant_id, customer_id=customer_id, role=bulk.Role(body.role)
        )
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="payments.end_business_user",
            payload=make_payload(body),
            reason=body.reason,
            concerns=[customer_id],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
