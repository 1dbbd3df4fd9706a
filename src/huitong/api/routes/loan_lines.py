"""Lines of credit: opened by two of staff, drawn on by their customers."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, lending
from huitong.api.approvals import ask_for_act
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customers_calling import session_of
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.loan_applications import show_cost_statement
from huitong.api.schemas.loan_lines import (
    AskDrawingCost,
    CloseLoanLine,
    Draw,
    DrawingCostView,
    DrawingsView,
    LoanLinePath,
    LoanLinesView,
    LoanLineView,
    OpenLoanLine,
    make_drawing_act,
    read_drawing,
    read_line,
    show_drawings,
    show_line,
)
from huitong.api.schemas.loans import LoanView, show_loan
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, LOAN_LINE, STEP_UP, read_id, uuid7

lines = lending.lines

router: Final = APIRouter(prefix="/v1/loan-lines", tags=["Loan lines"], route_class=CommandRoute)
Reader = Annotated[Principal, require("loans:read", is_for_customers=True)]
Drawer = Annotated[Principal, require("loans:apply", is_for_customers=True)]
Writer = Annotated[Principal, require("loans:write")]


@router.get(
    "",
    operation_id="listLoanLines",
    summary="List lines of credit",
    response_model=LoanLinesView,
    responses=errors(InvalidField, caller="customer"),
)
async def list_lines(
    request: Request,
    principal: Reader,
    customer: Annotated[str | None, Query(description="cus_…: whose; needed for staff.")] = None,
) -> LoanLinesView:
    """Return one's own lines, first first; for staff those of a customer."""
    owner = None if customer is None else read_id(CUSTOMER, customer, field="customer")
    if principal.customer is not None:
        if owner not in (None, principal.customer.subject_id):
            raise InvalidField("must be your own", field="customer")
        owner = principal.customer.subject_id
    if owner is None:
        raise InvalidField("is needed", field="customer")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await lines.list_lines(uow, owner)
        views = [show_line(each, await lines.get_used(uow, each)) for each in found]
    return LoanLinesView(data=views)


@router.get(
    "/{loan_line}",
    operation_id="getLoanLine",
    summary="Get a line of credit",
    response_model=LoanLineView,
    responses=errors(lines.LineNotFound, caller="customer"),
)
async def get_line(request: Request, loan_line: LoanLinePath, principal: Reader) -> LoanLineView:
    """Return a line, what is owed of it and what may be drawn."""
    async with application_of(request).database.reading(principal.caller) as uow:
        line = await _find(uow, principal, loan_line)
        return show_line(line, await lines.get_used(uow, line))


@router.get(
    "/{loan_line}/drawings",
    operation_id="listDrawings",
    summary="List the loans of a line",
    response_model=DrawingsView,
    responses=errors(lines.LineNotFound, caller="customer"),
)
async def list_drawings(
    request: Request, loan_line: LoanLinePath, principal: Reader
) -> DrawingsView:
    """Return the ids of the loans that were drawn on a line, first first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        line = await _find(uow, principal, loan_line)
        return show_drawings(await lines.list_drawings(uow, line))


@router.post(
    "",
    operation_id="openLoanLine",
    summary="Ask for a line of credit for a customer",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        lines.LineRefused,
        lending.LoanTermsRefused,
        lending.ProductNotFound,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def open_line(
    request: Request, body: OpenLoanLine, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a line within a product and the rulebook; somebody else decides."""
    parts = application_of(request)
    new, now = read_line(body), parts.clock.now()

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        await lines.check_line(uow, new, rulebook=parts.rulebook, now=now)
        return [new.customer_id]

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.open_line",
        payload=lines.write_line(new),
        reason=body.reason,
        check=check,
    )


@router.post(
    "/{loan_line}/closures",
    operation_id="closeLoanLine",
    summary="Ask for a line not to be drawn on any more",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(lines.LineNotFound, caller="staff", is_command=True),
)
async def close_line(
    request: Request,
    loan_line: LoanLinePath,
    body: CloseLoanLine,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for it; the loans that were drawn go on. Somebody else decides."""
    line_id = read_id(LOAN_LINE, loan_line, field="loan_line")

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        return [(await lines.get_line(uow, line_id)).customer_id]

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.close_line",
        payload={"line": loan_line},
        reason=body.reason,
        check=check,
    )


@router.post(
    "/{loan_line}/drawing-costs",
    operation_id="showDrawingCost",
    summary="Be shown what a drawing costs all in all",
    response_model=DrawingCostView,
    responses=errors(
        lines.LineNotFound,
        lines.LineClosed,
        lending.LoanTermsRefused,
        InvalidField,
        is_command=True,
        caller="customer",
    ),
)
async def show_cost(
    request: Request,
    loan_line: LoanLinePath,
    body: AskDrawingCost,
    key: IdempotencyKey,
    principal: Drawer,
) -> Response:
    """Be shown the statement of today; it must stay shown for `reading_seconds` at least."""
    parts = application_of(request)
    now = parts.clock.now()
    seconds = parts.rulebook.integer("loan.disclosure.reading.seconds", business_day(now))

    async def command(uow: UnitOfWork) -> DrawingCostView:
        line = await _find(uow, principal, loan_line)
        statement, shown_at = await lines.show_drawing_statement(
            uow, line.id, read_drawing(body, line.currency), now=now
        )
        shown = show_cost_statement(statement, read_at=None, reading_seconds=seconds)
        return DrawingCostView(shown_at=shown_at, statement=shown)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{loan_line}/drawings",
    operation_id="drawOnLine",
    summary="Draw on a line, and be paid",
    status_code=201,
    response_model=LoanView,
    responses=errors(
        lines.LineNotFound,
        lines.LineClosed,
        lines.LineExceeded,
        lending.applications.StatementNotRead,
        lending.LoanTermsRefused,
        lending.LoanMoneyRefused,
        identity.StepUpRequired,
        identity.StepUpRefused,
        identity.SessionReduced,
        InvalidField,
        is_command=True,
        caller="customer",
    ),
)
async def draw(
    request: Request, loan_line: LoanLinePath, body: Draw, key: IdempotencyKey, principal: Drawer
) -> Response:
    """Draw with one more factor, once what it costs was read; the money comes at once."""
    parts, session = application_of(request), session_of(principal)
    now = parts.clock.now()
    if body.step_up is None:
        async with parts.database.reading(principal.caller) as uow:
            mine = await _find(uow, principal, loan_line)
        # Not kept as the answer, so that the same Idempotency-Key may come again with the proof.
        raise identity.demand_two_elements(session, make_drawing_act(mine, body), now)
    step_up_id = read_id(STEP_UP, body.step_up, field="step_up")

    async def command(uow: UnitOfWork) -> LoanView:
        line = await _find(uow, principal, loan_line)
        loan = await lines.draw(
            uow,
            line.id,
            read_drawing(body, line.currency),
            drawing_id=uuid7(),
            digest=bytes.fromhex(body.sha256),
            rulebook=parts.rulebook,
            now=now,
        )
        act = make_drawing_act(line, body)
        await identity.use_step_up(uow, session=session, act=act, step_up_id=step_up_id, now=now)
        return show_loan(loan, await lending.get_state(uow, loan, now=now), is_staff=False)

    return await run_once(request, principal, key, command)


async def _find(uow: UnitOfWork, principal: Principal, shown: str) -> lines.Line:
    """Return a line that the caller may see; raises LineNotFound as for one that is not there."""
    line = await lines.get_line(uow, read_id(LOAN_LINE, shown, field="loan_line"))
    principal.check_owner(line.customer_id, "line", shown, refusal=lines.LineNotFound)
    return line
