"""Early warnings on loans: listed for staff, closed by people."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import lending
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import Page
from huitong.api.schemas.loan_warnings import (
    CloseWarning,
    LoanWarningView,
    StateQuery,
    WarningPath,
    show_warning,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN_WARNING, read_id

router: Final = APIRouter(
    prefix="/v1/loan-warnings", tags=["Loan portfolio"], route_class=CommandRoute
)

Reader = Annotated[Principal, require("loan_portfolio:read")]
Closer = Annotated[Principal, require("loan_warnings:write")]


@router.get(
    "",
    operation_id="listLoanWarnings",
    summary="List early warnings on borrowers and the portfolio",
    response_model=Page[LoanWarningView],
    responses=errors(caller="staff"),
)
async def list_warnings(
    request: Request,
    principal: Reader,
    state: StateQuery = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return warnings with their reasons, newest first."""
    before_id = open_id_cursor(cursor, "loan-warnings", state)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await lending.portfolio.list_warnings(
            uow,
            is_open=None if state is None else state == "open",
            before_id=before_id,
            limit=limit,
        )
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_warning, "loan-warnings", state)


@router.post(
    "/{loan_warning}/closing",
    operation_id="closeLoanWarning",
    summary="Close an early warning",
    response_model=LoanWarningView,
    responses=errors(
        lending.portfolio.LoanWarningNotFound,
        lending.portfolio.LoanWarningClosed,
        InvalidField,
        caller="staff",
        is_command=True,
    ),
)
async def close_warning(
    request: Request, loan_warning: WarningPath, body: CloseWarning, key: IdempotencyKey, by: Closer
) -> Response:
    """Close it with an outcome and a note; the borrower is put on the watch list, or taken off."""
    warning_id = read_id(LOAN_WARNING, loan_warning, field="loan_warning")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> LoanWarningView:
        return show_warning(
            await lending.portfolio.close_warning(
                uow,
                warning_id,
                outcome=lending.portfolio.Outcome(body.outcome),
                note=body.note,
                now=now,
            )
        )

    return await run_once(request, by, key, command, status=200)
