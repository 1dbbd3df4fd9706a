"""Applications for loans by their applicants, step by step, and as staff see them."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, lending, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customers_calling import person_of, session_of
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import NoBody
from huitong.api.schemas.loan_applications import (
    AddCollateral,
    AddLoanParty,
    AppealRefusal,
    FillApplication,
    HistoryOfApplicationView,
    LoanApplicationPath,
    LoanApplicationsView,
    LoanApplicationView,
    StartLoanApplication,
    read_collateral,
    read_facts,
    read_party,
    read_wish,
    show_application,
    show_history,
)
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import CUSTOMER, LOAN_APPLICATION, read_id, uuid7
from huitong.wiring.loan_reports import ask_for_report

applications = lending.applications

router: Final = APIRouter(
    prefix="/v1/loan-applications", tags=["Loan applications"], route_class=CommandRoute
)
Reader = Annotated[Principal, require("loans:read", is_for_customers=True)]
Applicant = Annotated[Principal, require("loans:apply", is_for_customers=True)]
_STEP: Final = (applications.LoanApplicationNotFound, applications.WrongStage, InvalidField)


@router.get(
    "",
    operation_id="listLoanApplications",
    summary="List applications for loans",
    response_model=LoanApplicationsView,
    responses=errors(InvalidField, privacy.ViewerCut, caller="customer"),
)
async def list_applications(
    request: Request,
    principal: Reader,
    customer: Annotated[str | None, Query(description="cus_…: for staff.")] = None,
) -> LoanApplicationsView:
    """Return one's own, the latest first; for staff a customer's, or those that wait for people."""
    owner = None if customer is None else read_id(CUSTOMER, customer, field="customer")
    if principal.customer is not None:
        if owner not in (None, principal.customer.subject_id):
            raise InvalidField("must be your own", field="customer")
        owner = principal.customer.subject_id
    async with application_of(request).database.reading(principal.caller) as uow:
        found = (
            await applications.list_applications_to_review(uow)
            if owner is None
            else await applications.list_applications(uow, owner)
        )
    return LoanApplicationsView(data=[show_application(each) for each in found])


@router.get(
    "/{loan_application}",
    operation_id="getLoanApplication",
    summary="Get an application for a loan",
    response_model=LoanApplicationView,
    responses=errors(applications.LoanApplicationNotFound, privacy.ViewerCut, caller="customer"),
)
async def get_application(
    request: Request, loan_application: LoanApplicationPath, principal: Reader
) -> LoanApplicationView:
    """Return an application with the facts that were stated."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await find_own(uow, principal, loan_application)
        facts = await applications.open_facts(uow, parts.vault, found)
    await note_seen(request, principal, [found.customer_id])
    return show_application(found, facts)


@router.get(
    "/{loan_application}/history",
    operation_id="getLoanApplicationHistory",
    summary="Get what was done to an application",
    response_model=HistoryOfApplicationView,
    responses=errors(applications.LoanApplicationNotFound, caller="customer"),
)
async def get_history(
    request: Request, loan_application: LoanApplicationPath, principal: Reader
) -> HistoryOfApplicationView:
    """Return each step; staff see by whom, and what a decision rests on."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await find_own(uow, principal, loan_application)
        steps = await applications.list_application_steps(uow, found.id)
    return show_history(steps, is_staff=principal.staff is not None)


@router.post(
    "",
    operation_id="startLoanApplication",
    summary="Begin an application for a loan",
    status_code=201,
    response_model=LoanApplicationView,
    responses=errors(
        lending.ProductNotFound, LimitExceeded, InvalidField, is_command=True, caller="customer"
    ),
)
async def start_application(
    request: Request, body: StartLoanApplication, key: IdempotencyKey, principal: Applicant
) -> Response:
    """Begin an application for a product as it is today; the money will go to one's account."""
    person, now = person_of(principal), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> LoanApplicationView:
        customer = await customers.get_customer(uow, person)
        return show_application(
            await applications.start_application(
                uow,
                application_id=uuid7(),
                customer_id=person,
                product=body.product,
                borrower_account_id=customer.account_id,
                payout_account_id=customer.account_id,
                now=now,
            )
        )

    return await run_once(request, principal, key, command)


@router.post(
    "/{loan_application}/details",
    operation_id="fillLoanApplication",
    summary="Say how much is needed, and facts",
    response_model=LoanApplicationView,
    responses=errors(*_STEP, lending.LoanTermsRefused, is_command=True, caller="customer"),
)
async def fill_application(
    request: Request,
    loan_application: LoanApplicationPath,
    body: FillApplication,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Keep what is given; it may be changed until the application is handed in."""
    parts = application_of(request)
    now = parts.clock.now()

    async def act(uow: UnitOfWork, found: applications.Application) -> applications.Application:
        return await applications.fill_application(
            uow,
            parts.vault,
            found.id,
            wish=None if body.wish is None else read_wish(body.wish, found.product),
            facts=read_facts(body, found.product.currency),
            rulebook=parts.rulebook,
            now=now,
        )

    return await _run(request, principal, key, loan_application, act)


@router.post(
    "/{loan_application}/parties",
    operation_id="addLoanParty",
    summary="Name a co-borrower or guarantor",
    response_model=LoanApplicationView,
    responses=errors(*_STEP, LimitExceeded, is_command=True, caller="customer"),
)
async def add_party(
    request: Request,
    loan_application: LoanApplicationPath,
    body: AddLoanParty,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Name another customer, who has to consent to a credit report before it is handed in."""
    now = application_of(request).clock.now()

    async def act(uow: UnitOfWork, found: applications.Application) -> applications.Application:
        return await applications.add_party(uow, found.id, read_party(body), now=now)

    return await _run(request, principal, key, loan_application, act)


@router.post(
    "/{loan_application}/collateral",
    operation_id="addLoanCollateral",
    summary="Record what secures the loan",
    response_model=LoanApplicationView,
    responses=errors(*_STEP, LimitExceeded, is_command=True, caller="customer"),
)
async def add_collateral(
    request: Request,
    loan_application: LoanApplicationPath,
    body: AddCollateral,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Record something of value as it is stated."""
    now = application_of(request).clock.now()

    async def act(uow: UnitOfWork, found: applications.Application) -> applications.Application:
        thing = read_collateral(body, found.product.currency)
        return await applications.add_collateral(uow, found.id, thing, now=now)

    return await _run(request, principal, key, loan_application, act)


@router.post(
    "/{loan_application}/submission",
    operation_id="submitLoanApplication",
    summary="Hand an application in, and have it decided",
    response_model=LoanApplicationView,
    responses=errors(
        *_STEP,
        applications.LoanApplicationIncomplete,
        applications.ReportPending,
        privacy.ConsentMissing,
        is_command=True,
        caller="customer",
    ),
)
async def submit_application(
    request: Request,
    loan_application: LoanApplicationPath,
    _body: NoBody,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Hand it in: an offer, a refusal with reasons, or people who look at it, within seconds.

    It takes the consent `credit_report_query` of everybody who is named.
    """
    parts, session = application_of(request), session_of(principal)
    async with parts.database.reading(principal.caller) as uow:
        mine = await find_own(uow, principal, loan_application)
    await ask_for_report(
        parts.database,
        parts.vault,
        parts.bureau,
        mine.id,
        caller=principal.caller,
        rulebook=parts.rulebook,
        clock=parts.clock,
    )

    async def act(uow: UnitOfWork, found: applications.Application) -> applications.Application:
        return await applications.submit_application(
            uow,
            parts.vault,
            parts.lender,
            found.id,
            device_id=session.device_id,
            rulebook=parts.rulebook,
            now=parts.clock.now(),
        )

    return await _run(request, principal, key, loan_application, act)


@router.post(
    "/{loan_application}/appeal",
    operation_id="appealLoanRefusal",
    summary="Ask people to look at a refusal",
    response_model=LoanApplicationView,
    responses=errors(*_STEP, applications.AppealedAlready, is_command=True, caller="customer"),
)
async def appeal(
    request: Request,
    loan_application: LoanApplicationPath,
    body: AppealRefusal,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Have people decide about what was refused without them; once."""
    now = application_of(request).clock.now()

    async def act(uow: UnitOfWork, found: applications.Application) -> applications.Application:
        return await applications.appeal_refusal(uow, found.id, words=body.words, now=now)

    return await _run(request, principal, key, loan_application, act)


@router.post(
    "/{loan_application}/withdrawal",
    operation_id="withdrawLoanApplication",
    summary="Withdraw an application",
    response_model=LoanApplicationView,
    responses=errors(*_STEP, is_command=True, caller="customer"),
)
async def withdraw(
    request: Request,
    loan_application: LoanApplicationPath,
    _body: NoBody,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """End an application before anything was signed."""
    now = application_of(request).clock.now()

    async def act(uow: UnitOfWork, found: applications.Application) -> applications.Application:
        return await applications.withdraw_application(uow, found.id, now=now)

    return await _run(request, principal, key, loan_application, act)


async def find_own(uow: UnitOfWork, principal: Principal, shown: str) -> applications.Application:
    """Return an application that the caller may see; raises LoanApplicationNotFound."""
    application_id: uuid.UUID = read_id(LOAN_APPLICATION, shown, field="loan_application")
    found = await applications.get_application(uow, application_id)
    principal.check_owner(
        found.customer_id, "application", shown, refusal=applications.LoanApplicationNotFound
    )
    return found


async def _run(
    request: Request,
    principal: Principal,
    key: str,
    shown: str,
    act: Callable[[UnitOfWork, applications.Application], Awaitable[applications.Application]],
) -> Response:
    async def command(uow: UnitOfWork) -> LoanApplicationView:
        return show_application(await act(uow, await find_own(uow, principal, shown)))

    return await run_once(request, principal, key, command, status=200)
