"""Partners in lending and agreements with them: asked for by one of staff, decided by another."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import lending
from huitong.api.approvals import ask_for_act
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.loan_partners import (
    AddLoanAgreement,
    AddLoanPartner,
    AgreementPath,
    FirstDay,
    LastDay,
    LoanAgreementsView,
    LoanPartnersView,
    PartnerPath,
    PartnerStatementView,
    read_agreement,
    read_partner,
    show_agreement,
    show_partner,
    show_partner_statement,
)
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField

partners = lending.partners

router: Final = APIRouter(
    prefix="/v1/loan-partners", tags=["Loan partners"], route_class=CommandRoute
)
agreements: Final = APIRouter(
    prefix="/v1/loan-agreements", tags=["Loan partners"], route_class=CommandRoute
)
Reader = Annotated[Principal, require("loans:read")]
Writer = Annotated[Principal, require("loans:write")]


@router.get(
    "",
    operation_id="listLoanPartners",
    summary="List partners in lending",
    response_model=LoanPartnersView,
    responses=errors(caller="staff"),
)
async def list_partners(request: Request, principal: Reader) -> LoanPartnersView:
    """Return each partner as it is today, by code."""
    today = business_day(application_of(request).clock.now())
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await partners.list_partners(uow, on=today)
    return LoanPartnersView(data=[show_partner(each) for each in found])


@router.post(
    "",
    operation_id="addLoanPartner",
    summary="Ask for a partner in lending, or another version of one",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(partners.PartnerRefused, InvalidField, caller="staff", is_command=True),
)
async def add_partner(
    request: Request, body: AddLoanPartner, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a partner with its accounts; somebody else decides."""
    new, now = read_partner(body), application_of(request).clock.now()

    async def check(uow: UnitOfWork) -> None:
        await partners.check_partner(uow, new, now=now)

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.add_partner",
        payload=partners.write_partner(new),
        reason=body.reason,
        check=check,
    )


@router.get(
    "/{partner}/statement",
    operation_id="getLoanPartnerStatement",
    summary="Get what moved with a partner, day by day",
    response_model=PartnerStatementView,
    responses=errors(partners.PartnerNotFound, InvalidField, caller="staff"),
)
async def get_statement(
    request: Request, partner: PartnerPath, first: FirstDay, last: LastDay, principal: Reader
) -> PartnerStatementView:
    """Return a partner's share of all flows by business days, and what was settled."""
    now = application_of(request).clock.now()
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await partners.get_partner_statement(uow, partner, first=first, last=last, now=now)
    return show_partner_statement(found)


@agreements.get(
    "",
    operation_id="listLoanAgreements",
    summary="List agreements with partners",
    response_model=LoanAgreementsView,
    responses=errors(caller="staff"),
)
async def list_agreements(request: Request, principal: Reader) -> LoanAgreementsView:
    """Return the version of each agreement that is in force today, by code."""
    today = business_day(application_of(request).clock.now())
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await partners.list_agreements(uow, on=today)
    return LoanAgreementsView(data=[show_agreement(each) for each in found])


@agreements.get(
    "/{agreement}",
    operation_id="getLoanAgreement",
    summary="Get all versions of an agreement",
    response_model=LoanAgreementsView,
    responses=errors(partners.AgreementNotFound, caller="staff"),
)
async def get_agreement(
    request: Request, agreement: AgreementPath, principal: Reader
) -> LoanAgreementsView:
    """Return an agreement's versions, first first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await partners.list_agreement_versions(uow, agreement)
    return LoanAgreementsView(data=[show_agreement(each) for each in found])


@agreements.post(
    "",
    operation_id="addLoanAgreement",
    summary="Ask for an agreement with partners, or another version of one",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        partners.PartnerNotFound,
        partners.PartnerRefused,
        partners.AgreementAgainstRule,
        lending.ProductNotFound,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def add_agreement(
    request: Request, body: AddLoanAgreement, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for shares by which loans of products are lent; loans keep the version they have."""
    parts, new = application_of(request), read_agreement(body)
    now = parts.clock.now()

    async def check(uow: UnitOfWork) -> None:
        await partners.check_agreement(uow, new, rulebook=parts.rulebook, now=now)

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.add_agreement",
        payload=partners.write_agreement(new),
        reason=body.reason,
        check=check,
    )
