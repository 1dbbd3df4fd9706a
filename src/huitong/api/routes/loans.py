"""Loans: seen by their borrowers and by staff, repaid by their borrowers."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import lending
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, ListedPage, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import Page
from huitong.api.schemas.loans import (
    LendersView,
    LoanEventsView,
    LoanEventView,
    LoanPath,
    LoanView,
    OnDay,
    PayOff,
    QuoteView,
    Repay,
    RepayEarly,
    ScheduleView,
    show_event,
    show_lenders,
    show_loan,
    show_quote,
    show_schedule,
)
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, LOAN, read_id, uuid7

router: Final = APIRouter(prefix="/v1/loans", tags=["Loans"], route_class=CommandRoute)
repayments: Final = APIRouter(prefix="/v1/loans", tags=["Loans"], route_class=CommandRoute)

Reader = Annotated[Principal, require("loans:read", is_for_customers=True)]
Borrower = Annotated[Principal, require("loans:repay", is_for_customers=True)]
_REPAYING: Final = (
    lending.LoanNotFound,
    lending.LoanEnded,
    lending.MoreThanOwed,
    lending.LoanMoneyRefused,
    lending.DayNotOpen,
    InvalidField,
)


@router.get(
    "",
    operation_id="listLoans",
    summary="List loans",
    response_model=Page[LoanView],
    responses=errors(InvalidField, caller="customer"),
)
async def list_loans(
    request: Request,
    principal: Reader,
    customer: Annotated[str | None, Query(description="cus_…: only this borrower's.")] = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return one's own loans, first first; for staff those of all, or of one customer."""
    owner = None if customer is None else read_id(CUSTOMER, customer, field="customer")
    if principal.customer is not None:
        if owner not in (None, principal.customer.subject_id):
            raise InvalidField("must be your own", field="customer")
        owner = principal.customer.subject_id
    after, now = open_cursor(cursor, "loans", owner), application_of(request).clock.now()
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await lending.list_loans(uow, customer_id=owner, after=int(after or 0), limit=limit)
        views = [
            show_loan(
                loan,
                await lending.get_state(uow, loan, now=now),
                is_staff=principal.staff is not None,
            )
            for loan in found
        ]
    last = str(found[-1].number) if len(found) == limit else None
    return show_page(ListedPage(views, last), lambda view: view, "loans", owner)


@router.get(
    "/{loan}",
    operation_id="getLoan",
    summary="Get a loan",
    response_model=LoanView,
    responses=errors(lending.LoanNotFound, caller="customer"),
)
async def get_loan(request: Request, loan: LoanPath, principal: Reader) -> LoanView:
    """Return a loan as it stands today."""
    now = application_of(request).clock.now()
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _find(uow, principal, loan)
        state = await lending.get_state(uow, found, now=now)
    return show_loan(found, state, is_staff=principal.staff is not None)


@router.get(
    "/{loan}/schedule",
    operation_id="getLoanSchedule",
    summary="Get a loan's payments",
    response_model=ScheduleView,
    responses=errors(lending.LoanNotFound, caller="customer"),
)
async def get_schedule(request: Request, loan: LoanPath, principal: Reader) -> ScheduleView:
    """Return all payments, with what was paid of each."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _find(uow, principal, loan)
        return show_schedule(found, await lending.get_schedule(uow, found))


@router.get(
    "/{loan}/lenders",
    operation_id="listLenders",
    summary="List who lends a loan beside us",
    response_model=LendersView,
    responses=errors(lending.LoanNotFound, caller="customer"),
)
async def list_lenders(request: Request, loan: LoanPath, principal: Reader) -> LendersView:
    """Return the partners whose money is in the loan, or who bought it, with their shares."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _find(uow, principal, loan)
        return show_lenders(await lending.list_lenders(uow, found))


@router.get(
    "/{loan}/statement",
    operation_id="getLoanStatement",
    summary="Get what happened to a loan",
    response_model=LoanEventsView,
    responses=errors(lending.LoanNotFound, caller="customer"),
)
async def get_statement(request: Request, loan: LoanPath, principal: Reader) -> LoanEventsView:
    """Return repayments, reversals and changes in the order in which they were recorded."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _find(uow, principal, loan)
        events = await lending.list_loan_events(uow, found)
    return LoanEventsView(data=[show_event(each, found.currency) for each in events])


@router.get(
    "/{loan}/payoff-quote",
    operation_id="quotePayoff",
    summary="Get what it takes to pay a loan off",
    response_model=QuoteView,
    responses=errors(lending.LoanNotFound, lending.LoanEnded, InvalidField, caller="customer"),
)
async def quote_payoff(
    request: Request, loan: LoanPath, principal: Reader, on: OnDay = None
) -> QuoteView:
    """Return all that is owed on a day from today on, if nothing else happens until then."""
    now = application_of(request).clock.now()
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _find(uow, principal, loan)
        day = business_day(now) if on is None else on
        return show_quote(await lending.quote_payoff(uow, found.id, on=day, now=now))


@repayments.post(
    "/{loan}/repayments",
    operation_id="repayLoan",
    summary="Repay what is due",
    status_code=201,
    response_model=LoanEventView,
    responses=errors(*_REPAYING, lending.NothingDue, is_command=True, caller="customer"),
)
async def repay(
    request: Request, loan: LoanPath, body: Repay, key: IdempotencyKey, principal: Borrower
) -> Response:
    """Pay what is due and overdue, or a part of it, from one's account."""
    now, amount = application_of(request).clock.now(), body.amount.read()

    async def act(uow: UnitOfWork, loan_id: uuid.UUID) -> lending.LoanEvent:
        return await lending.repay(uow, loan_id, repayment_id=uuid7(), amount=amount, now=now)

    return await _run(request, principal, key, loan, act)


@repayments.post(
    "/{loan}/early-repayments",
    operation_id="repayLoanEarly",
    summary="Repay principal early",
    status_code=201,
    response_model=LoanEventView,
    responses=errors(*_REPAYING, lending.LoanChangeRefused, is_command=True, caller="customer"),
)
async def repay_early(
    request: Request, loan: LoanPath, body: RepayEarly, key: IdempotencyKey, principal: Borrower
) -> Response:
    """Pay what is due, then principal that is not; later payments are lower, or fewer."""
    now, amount = application_of(request).clock.now(), body.amount.read()
    mode = lending.EarlyMode(body.mode)

    async def act(uow: UnitOfWork, loan_id: uuid.UUID) -> lending.LoanEvent:
        return await lending.repay_early(
            uow, loan_id, repayment_id=uuid7(), amount=amount, mode=mode, now=now
        )

    return await _run(request, principal, key, loan, act)


@repayments.post(
    "/{loan}/payoffs",
    operation_id="payLoanOff",
    summary="Pay a loan off",
    status_code=201,
    response_model=LoanEventView,
    responses=errors(*_REPAYING, lending.QuoteChanged, is_command=True, caller="customer"),
)
async def pay_off(
    request: Request, loan: LoanPath, body: PayOff, key: IdempotencyKey, principal: Borrower
) -> Response:
    """Pay all that is owed, with the amount that was quoted for today; the loan ends."""
    now, amount = application_of(request).clock.now(), body.amount.read()

    async def act(uow: UnitOfWork, loan_id: uuid.UUID) -> lending.LoanEvent:
        return await lending.pay_off(uow, loan_id, repayment_id=uuid7(), amount=amount, now=now)

    return await _run(request, principal, key, loan, act)


async def _run(
    request: Request,
    principal: Principal,
    key: str,
    shown: str,
    act: Callable[[UnitOfWork, uuid.UUID], Awaitable[lending.LoanEvent]],
) -> Response:
    async def command(uow: UnitOfWork) -> LoanEventView:
        found = await _find(uow, principal, shown)
        return show_event(await act(uow, found.id), found.currency)

    return await run_once(request, principal, key, command)


async def _find(uow: UnitOfWork, principal: Principal, shown: str) -> lending.Loan:
    """Return a loan that the caller may see; raises LoanNotFound as for one that is not there."""
    found = await lending.get_loan(uow, read_id(LOAN, shown, field="loan"))
    principal.check_owner(found.customer_id, "loan", shown, refusal=lending.LoanNotFound)
    return found
