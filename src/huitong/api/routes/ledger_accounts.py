"""Accounts of the ledger by chart code, for who reads the books."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from huitong import ledger
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.pages import Cursor, Limit, ListedPage, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import Page
from huitong.api.schemas.ledger import AccountView, show_account
from huitong.kernel import limits

router: Final = APIRouter(prefix="/v1/ledger/accounts", tags=["Ledger"], route_class=CommandRoute)


@router.get(
    "",
    operation_id="listLedgerAccounts",
    summary="List accounts of a chart code",
    response_model=Page[AccountView],
    responses=errors(),
)
async def list_ledger_accounts(
    request: Request,
    principal: Annotated[Principal, require("ledger:read")],
    chart_code: Annotated[
        str,
        Query(
            pattern=r"^[0-9]{4}(\.[0-9]{2})?$",
            description="A code of the chart of accounts.",
            examples=["2011.01"],
        ),
    ],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return the accounts of a chart code with their balances now, oldest first."""
    inner = open_cursor(cursor, "ledger-accounts", chart_code)
    async with application_of(request).database.reading(principal.caller) as uow:
        page = await ledger.list_accounts(uow, chart_code=chart_code, cursor=inner, limit=limit)
        balances = await ledger.get_balances(uow, [each.id for each in page.items])
    shown = ListedPage(page.items, page.next_cursor)
    return show_page(
        shown,
        lambda account: show_account(account, balances[account.id]),
        "ledger-accounts",
        chart_code,
    )
