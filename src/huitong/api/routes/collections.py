"""What borrowers who are late may do: promise, ask for easier terms, complain, see contacts."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from huitong import lending
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customers_calling import person_of
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.collections import (
    AskForHardship,
    Complain,
    ComplaintsView,
    ComplaintView,
    ContactHistoryView,
    HardshipView,
    MakePromise,
    PromiseView,
    show_complaint,
    show_complaints,
    show_hardship,
    show_history,
    show_promise,
)
from huitong.api.schemas.loans import LoanPath
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import LOAN, read_id, uuid7

collections = lending.collections

router: Final = APIRouter(prefix="/v1/loans", tags=["Collections"], route_class=CommandRoute)
complaints: Final = APIRouter(
    prefix="/v1/loan-complaints", tags=["Collections"], route_class=CommandRoute
)
Debtor = Annotated[Principal, require("collections:own", is_for_customers=True)]


@router.get(
    "/{loan}/contacts",
    operation_id="listLoanContacts",
    summary="See how one was contacted about a loan",
    response_model=ContactHistoryView,
    responses=errors(lending.LoanNotFound, caller="customer"),
)
async def list_contacts(request: Request, loan: LoanPath, principal: Debtor) -> ContactHistoryView:
    """Return contacts, promises and requests about a loan of one's own, newest first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _find(uow, principal, loan)
        return show_history(await collections.get_history(uow, found), is_staff=False)


@router.post(
    "/{loan}/promises",
    operation_id="promisePayment",
    summary="Promise to pay what is overdue",
    status_code=201,
    response_model=PromiseView,
    responses=errors(
        lending.LoanNotFound,
        collections.NotOverdue,
        collections.AlreadyOpen,
        collections.RequestRefused,
        InvalidField,
        is_command=True,
        caller="customer",
    ),
)
async def promise(
    request: Request, loan: LoanPath, body: MakePromise, key: IdempotencyKey, principal: Debtor
) -> Response:
    """Promise an amount by a day; nobody contacts the debtor about the loan until then."""
    parts, amount = application_of(request), body.amount.read()

    async def act(uow: UnitOfWork, found: lending.Loan) -> PromiseView:
        made = await collections.make_promise(
            uow,
            found,
            promise_id=uuid7(),
            amount=amount,
            pay_by=body.pay_by,
            rulebook=parts.rulebook,
            now=parts.clock.now(),
        )
        return show_promise(made)

    return await _run(request, principal, key, loan, act)


@router.post(
    "/{loan}/hardship-requests",
    operation_id="askForHardship",
    summary="Ask for easier terms",
    status_code=201,
    response_model=HardshipView,
    responses=errors(
        lending.LoanNotFound,
        lending.LoanEnded,
        collections.AlreadyOpen,
        collections.RequestRefused,
        InvalidField,
        is_command=True,
        caller="customer",
    ),
)
async def ask_for_hardship(
    request: Request, loan: LoanPath, body: AskForHardship, key: IdempotencyKey, principal: Debtor
) -> Response:
    """Ask for what is left in other payments; staff decide within days, and contact waits."""
    parts = application_of(request)

    async def act(uow: UnitOfWork, found: lending.Loan) -> HardshipView:
        asked = await collections.ask_for_hardship(
            uow,
            found,
            hardship_id=uuid7(),
            cause=collections.Cause(body.cause),
            count=body.count,
            rulebook=parts.rulebook,
            now=parts.clock.now(),
        )
        return show_hardship(asked)

    return await _run(request, principal, key, loan, act)


@complaints.get(
    "",
    operation_id="listLoanComplaints",
    summary="List one's complaints about being contacted",
    response_model=ComplaintsView,
    responses=errors(caller="customer"),
)
async def list_complaints(request: Request, principal: Debtor) -> ComplaintsView:
    """Return one's complaints with their answers, newest first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_complaints(await collections.list_complaints(uow, person_of(principal)))


@complaints.post(
    "",
    operation_id="complainAboutContact",
    summary="Complain about being contacted",
    status_code=201,
    response_model=ComplaintView,
    responses=errors(InvalidField, LimitExceeded, is_command=True, caller="customer"),
)
async def complain(
    request: Request, body: Complain, key: IdempotencyKey, principal: Debtor
) -> Response:
    """Complain; until the answer nobody contacts the debtor about any loan."""
    parts = application_of(request)

    async def command(uow: UnitOfWork) -> ComplaintView:
        made = await collections.complain(
            uow,
            parts.vault,
            complaint_id=uuid7(),
            customer_id=person_of(principal),
            about=collections.About(body.about),
            words=body.words,
            rulebook=parts.rulebook,
            now=parts.clock.now(),
        )
        return show_complaint(made)

    return await run_once(request, principal, key, command)


async def _run(
    request: Request,
    principal: Principal,
    key: str,
    shown: str,
    act: Callable[[UnitOfWork, lending.Loan], Awaitable[BaseModel]],
) -> Response:
    async def command(uow: UnitOfWork) -> BaseModel:
        return await act(uow, await _find(uow, principal, shown))

    return await run_once(request, principal, key, command)


async def _find(uow: UnitOfWork, principal: Principal, shown: str) -> lending.Loan:
    """Return a loan of the caller; raises LoanNotFound as for one that is not there."""
    found = await lending.get_loan(uow, read_id(LOAN, shown, field="loan"))
    principal.check_owner(found.customer_id, "loan", shown, refusal=lending.LoanNotFound)
    return found
