"""Fee plans, terms and reserves of merchants: read by staff, changed by two."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import MerchantPath
from huitong.api.schemas.merchant_terms import (
    AddFeePlan,
    PlanPath,
    PlansView,
    PlanView,
    SetReserve,
    SetTerms,
    read_floor,
    read_plan,
    read_terms,
    show_plan,
    show_plan_name,
)
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import MERCHANT, read_id, uuid7

plans: Final = APIRouter(prefix="/v1/fee-plans", tags=["Settlement"], route_class=CommandRoute)
terms: Final = APIRouter(prefix="/v1/merchants", tags=["Settlement"], route_class=CommandRoute)

merchants: Final = payments.merchants
Reader = Annotated[Principal, require("settlement:read")]
Writer = Annotated[Principal, require("settlement:write")]


@plans.get(
    "",
    operation_id="listFeePlans",
    summary="List fee plans",
    response_model=PlansView,
    responses=errors(),
)
async def list_plans(request: Request, principal: Reader) -> PlansView:
    """Return all fee plans by their codes."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return PlansView(data=[show_plan_name(each) for each in await merchants.list_plans(uow)])


@plans.get(
    "/{plan}",
    operation_id="getFeePlan",
    summary="Get a fee plan",
    response_model=PlanView,
    responses=errors(merchants.FeePlanNotFound),
)
async def get_plan(request: Request, plan: PlanPath, principal: Reader) -> PlanView:
    """Return a fee plan with all its versions."""
    async with application_of(request).database.reading(principal.caller) as uow:
        versions = await merchants.list_plan_versions(uow, plan)
        named = next(each for each in await merchants.list_plans(uow) if each[0] == plan)
    return show_plan(named, versions)


@plans.post(
    "",
    operation_id="addFeePlan",
    summary="Ask for a fee plan, or another version of one",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(merchants.FeePlanRefused, InvalidField, caller="staff", is_command=True),
)
async def add_plan(
    request: Request, body: AddFeePlan, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a version of a fee plan; somebody else decides."""
    parts = application_of(request)
    new, approval_id, now = read_plan(body), uuid7(), parts.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await merchants.check_plan(uow, new, rulebook=parts.rulebook, now=now)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="merchants.add_fee_plan",
            payload=merchants.write_plan(new),
            reason=body.reason,
            concerns=(),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@terms.post(
    "/{merchant}/terms",
    operation_id="setMerchantTerms",
    summary="Ask for a merchant's terms of settlement",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        NotFound,
        InvalidField,
        merchants.CategoryRefused,
        merchants.FeePlanNotFound,
        merchants.TermsRefused,
        caller="staff",
        is_command=True,
    ),
)
async def set_terms(
    request: Request,
    merchant: MerchantPath,
    body: SetTerms,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for terms of a merchant; somebody else decides. The first ones begin its settlement."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    parts = application_of(request)
    approval_id, now = uuid7(), parts.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await customers.get_merchant(uow, merchant_id)
        new = read_terms(merchant_id, found.currency, body)
        await merchants.check_terms(uow, new, rulebook=parts.rulebook, now=now)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="merchants.set_terms",
            payload=merchants.write_terms(new),
            reason=body.reason,
            concerns=await merchants.list_people(uow, merchant_id),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@terms.post(
    "/{merchant}/reserve",
    operation_id="setMerchantReserve",
    summary="Ask for a merchant to be put on another reserve",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        NotFound, InvalidField, merchants.TermsNotFound, caller="staff", is_command=True
    ),
)
async def set_reserve(
    request: Request,
    merchant: MerchantPath,
    body: SetReserve,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for another reserve from today on; somebody else decides."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    parts = application_of(request)
    approval_id, now = uuid7(), parts.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await customers.get_merchant(uow, merchant_id)
        reserve = {
            "reserve_permille": body.reserve_permille,
            "reserve_days": body.reserve_days,
            "reserve_floor": read_floor(body, found.currency),
        }
        new = await merchants.make_reserve_terms(uow, merchant_id, **reserve, now=now)
        await merchants.check_terms(uow, new, rulebook=parts.rulebook, now=now)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="merchants.set_reserve",
            payload={"merchant": merchant, **reserve},
            reason=body.reason,
            concerns=await merchants.list_people(uow, merchant_id),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
