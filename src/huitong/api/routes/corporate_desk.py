"""Corporate accounts, for staff: what businesses may pay is set by two."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import MerchantPath
from huitong.api.schemas.corporate import MandateView, show_mandate
from huitong.api.schemas.corporate_desk import SetMandate, make_mandate_payload
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import MERCHANT, read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/corporate-desk", tags=["Corporate accounts"], route_class=CommandRoute
)

corporate: Final = payments.corporate
Reader = Annotated[Principal, require("corporate:read")]
Writer = Annotated[Principal, require("corporate:write")]


@router.get(
    "/mandates/{merchant}",
    operation_id="getMandateOfBusiness",
    summary="Get what a business may pay",
    response_model=MandateView,
    responses=errors(corporate.MandateMissing, caller="staff"),
)
async def get_mandate(request: Request, merchant: MerchantPath, principal: Reader) -> MandateView:
    """Return the mandate in force."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_mandate(await corporate.get_mandate(uow, merchant_id))


@router.post(
    "/mandates",
    operation_id="setMandate",
    summary="Ask for another mandate of a business",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(NotFound, InvalidField, caller="staff", is_command=True),
)
async def set_mandate(
    request: Request, body: SetMandate, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for what a business may pay to be set; somebody else decides.

    What waits for approval in the business then is to be made anew. Nobody who acts for the
    business asks or decides.
    """
    new, payload = body.read(), make_mandate_payload(body)
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await corporate.check_mandate(uow, new)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="payments.set_corporate_mandate",
            payload=payload,
            reason=body.reason,
            concerns=await list_people(uow, new.merchant_id),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def list_people(uow: UnitOfWork, merchant_id: uuid.UUID) -> set[uuid.UUID]:
    """Return who acts for a business, as far as a request can concern people."""
    page = await payments.bulk.list_business_users(
        uow, merchant_id=merchant_id, limit=limits.APPROVAL_CONCERNS_MAX
    )
    return {user.customer_id for user in page.items}
