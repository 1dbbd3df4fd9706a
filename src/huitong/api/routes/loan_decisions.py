"""Decisions of people about applications for loans; an offer above an amount takes two of them."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, lending
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.routes.loan_applications import find_own
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.loan_applications import (
    LoanApplicationPath,
    LoanApplicationView,
    OfferLoan,
    RefuseLoanApplication,
    read_offer,
    show_application,
)
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField
from huitong.kernel.ids import uuid7

applications = lending.applications

router: Final = APIRouter(
    prefix="/v1/loan-applications", tags=["Loan applications"], route_class=CommandRoute
)
_DECIDE: Final = "loans:decide"
_ALONE: Final = "loan.decision.second_person.above"
Decider = Annotated[Principal, require(_DECIDE)]
_DECIDING: Final = (
    applications.LoanApplicationNotFound,
    applications.WrongStage,
    identity.OwnRecord,
    InvalidField,
)


class SecondPersonNeeded(Conflict):
    """The offer is above what one person decides about."""

    code = "loan_second_person_needed"
    title = "This offer takes two people"


@router.post(
    "/{loan_application}/refusal",
    operation_id="refuseLoanApplication",
    summary="Refuse an application that waits for people",
    response_model=LoanApplicationView,
    responses=errors(*_DECIDING, caller="staff", is_command=True),
)
async def refuse(
    request: Request,
    loan_application: LoanApplicationPath,
    body: RefuseLoanApplication,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Refuse it with a reason that the applicant reads; there is no appeal after a person."""
    reason = applications.Reason(code="by_person", zh=body.reason_zh, en=body.reason_en)
    decision = applications.LoanDecision(verdict=applications.Verdict.REFUSE, reasons=(reason,))

    async def command(uow: UnitOfWork) -> LoanApplicationView:
        return await _decide(request, uow, principal, loan_application, decision)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{loan_application}/offer",
    operation_id="offerLoan",
    summary="Offer a loan to somebody who waits for people",
    response_model=LoanApplicationView,
    responses=errors(
        *_DECIDING,
        lending.LoanTermsRefused,
        SecondPersonNeeded,
        caller="staff",
        is_command=True,
    ),
)
async def offer(
    request: Request,
    loan_application: LoanApplicationPath,
    body: OfferLoan,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Offer at most so much; less than was asked for is a counter-offer."""
    parts = application_of(request)
    most = parts.rulebook.amount(_ALONE, business_day(parts.clock.now())).minor

    async def command(uow: UnitOfWork) -> LoanApplicationView:
        found = await find_own(uow, principal, loan_application)
        if _offered(found, body) > most:
            raise SecondPersonNeeded("Ask for another person's decision", field="limit")
        decision = read_offer(body, found.product.currency)
        return await _decide(request, uow, principal, loan_application, decision)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{loan_application}/offer-requests",
    operation_id="askForLoanOffer",
    summary="Ask another person for an offer",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(*_DECIDING, caller="staff", is_command=True),
)
async def ask_for_offer(
    request: Request,
    loan_application: LoanApplicationPath,
    body: OfferLoan,
    key: IdempotencyKey,
    principal: Decider,
) -> Response:
    """Ask for an offer of any amount; somebody else decides, and the applicant is offered it."""
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await find_own(uow, principal, loan_application)
        decision = read_offer(body, found.product.currency)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="lending.decide",
            payload={
                "application": loan_application,
                "limit": decision.limit,
                "rate": decision.rate,
                "grade": decision.grade,
                "amount": body.limit.read("limit").to_json(),
            },
            reason=body.reason,
            concerns=_list_people(found),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def _decide(
    request: Request,
    uow: UnitOfWork,
    principal: Principal,
    shown: str,
    decision: lending.applications.LoanDecision,
) -> LoanApplicationView:
    parts, session = application_of(request), principal.staff
    assert session is not None, "the routes are for staff only"
    now = parts.clock.now()
    found = await find_own(uow, principal, shown)
    held = await identity.hold_staff_session(uow, session, now=now)
    attributes = identity.Attributes(concerns=_list_people(found))
    identity.authorise(held.staff, _DECIDE, attributes)
    decided = await applications.decide_application(
        uow, found.id, decision, rulebook=parts.rulebook, now=now
    )
    return show_application(decided)


def _offered(application: lending.applications.Application, body: OfferLoan) -> int:
    """Return the most that would be lent: nobody is lent more than was asked for."""
    limit = read_offer(body, application.product.currency).limit
    assert limit is not None, "an offer has a limit"
    return limit if application.wish is None else min(limit, application.wish.principal)


def _list_people(application: lending.applications.Application) -> frozenset[uuid.UUID]:
    """Return everybody whom a decision is about: none of them decides."""
    return frozenset({application.customer_id, *(each.customer_id for each in application.parties)})
