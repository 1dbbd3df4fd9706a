"""Settlement of merchants: sheets for the merchants, and terms, plans and reserves for staff."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from huitong import customers, identity, ledger, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.merchant_users import check_reader
from huitong.api.pages import (
    Cursor,
    Limit,
    ListedPage,
    list_after,
    open_cursor,
    open_id_cursor,
    show_page,
)
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import MerchantPath, Page
from huitong.api.schemas.merchant_terms import FeesView, MerchantFeesView, show_plan
from huitong.api.schemas.settlement import (
    AddShareReceiver,
    ReceiverView,
    RetryPayout,
    SettlementView,
    SheetLineView,
    SheetPath,
    SheetView,
    show_line,
    show_receiver,
    show_settlement,
    show_sheet,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import MERCHANT, SETTLEMENT_SHEET, read_id, uuid7

own: Final = APIRouter(prefix="/v1/merchants", tags=["Settlement"], route_class=CommandRoute)
router: Final = APIRouter(
    prefix="/v1/settlement-sheets", tags=["Settlement"], route_class=CommandRoute
)

merchants: Final = payments.merchants
Reader = Annotated[
    Principal, require("settlement:read", is_for_merchants=True, is_for_customers=True)
]
_CSV: Final = {"schema": {"type": "string", "format": "binary"}}


@own.get(
    "/{merchant}/settlement",
    operation_id="getMerchantSettlement",
    summary="Get how a merchant's settlement stands",
    response_model=SettlementView,
    responses=errors(NotFound, merchants.TermsNotFound),
)
async def get_settlement(
    request: Request, merchant: MerchantPath, principal: Reader
) -> SettlementView:
    """Return terms, what is carried, the reserve, what the merchant owes, and when it is due."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    async with application_of(request).database.reading(principal.caller) as uow:
        await check_reader(uow, principal, merchant_id, "merchant", merchant)
        await customers.get_merchant(uow, merchant_id)
        account = await merchants.get_settled_account(uow, merchant_id)
        terms = await merchants.list_terms(uow, merchant_id)
        numbers = [account.reserve_account_id or 0, account.owed_account_id or 0]
        balances = await ledger.get_balances(uow, numbers)
    amounts = {number: balance.posted.minor for number, balance in balances.items()}
    return show_settlement(account, terms, amounts)


@own.get(
    "/{merchant}/sheets",
    operation_id="listMerchantSheets",
    summary="List the settlement sheets of a merchant",
    response_model=Page[SheetView],
    responses=errors(NotFound),
)
async def list_merchant_sheets(
    request: Request,
    merchant: MerchantPath,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return sheets of the merchant and of the receivers of its shares, newest first."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    before = open_id_cursor(cursor, "sheets", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        await check_reader(uow, principal, merchant_id, "merchant", merchant)
        await customers.get_merchant(uow, merchant_id)
        found = await merchants.list_sheets(uow, merchant_id, before=before, limit=limit)
    return show_page(
        list_after(found, limit, lambda sheet: sheet.id), show_sheet, "sheets", merchant
    )


@own.get(
    "/{merchant}/fees",
    operation_id="getMerchantFees",
    summary="Get what a merchant pays for its payments",
    response_model=FeesView,
    responses=errors(NotFound, merchants.TermsNotFound),
)
async def get_fees(request: Request, merchant: MerchantPath, principal: Reader) -> FeesView:
    """Return the fee plan of each version of the merchant's terms, with all its versions."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    async with application_of(request).database.reading(principal.caller) as uow:
        await check_reader(uow, principal, merchant_id, "merchant", merchant)
        await customers.get_merchant(uow, merchant_id)
        await merchants.get_settled_account(uow, merchant_id)
        named = {each[0]: each for each in await merchants.list_plans(uow)}
        data = [
            MerchantFeesView(
                effective_from=terms.effective_from,
                plan=show_plan(
                    named[terms.plan], await merchants.list_plan_versions(uow, terms.plan)
                ),
            )
            for terms in await merchants.list_terms(uow, merchant_id)
        ]
    return FeesView(data=data)


@own.post(
    "/{merchant}/share-receivers",
    operation_id="addShareReceiver",
    summary="Name a receiver of profit shares",
    status_code=201,
    response_model=ReceiverView,
    responses=errors(NotFound, merchants.TermsNotFound, merchants.ReceiverRefused, is_command=True),
)
async def add_share_receiver(
    request: Request,
    merchant: MerchantPath,
    body: AddShareReceiver,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("stores:write", is_for_merchants=True)],
) -> Response:
    """Open an account for somebody's shares, which settle to their account in the same cycle."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    principal.check_owner(merchant_id, "merchant", merchant)
    number = ledger.read_account(body.account, field="account")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> ReceiverView:
        receiver = await merchants.add_share_receiver(
            uow, merchant_id=merchant_id, payout_account_id=number, now=now
        )
        return show_receiver(receiver)

    return await run_once(request, principal, key, command)


@router.get(
    "",
    operation_id="listSettlementSheets",
    summary="List settlement sheets",
    response_model=Page[SheetView],
    responses=errors(),
)
async def list_sheets(
    request: Request,
    principal: Annotated[Principal, require("settlement:read")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return the sheets of all merchants, newest first."""
    before = open_id_cursor(cursor, "sheets")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await merchants.list_sheets(uow, before=before, limit=limit)
    return show_page(list_after(found, limit, lambda sheet: sheet.id), show_sheet, "sheets")


@router.get(
    "/{sheet}",
    operation_id="getSettlementSheet",
    summary="Get a settlement sheet",
    response_model=SheetView,
    responses=errors(merchants.SheetNotFound),
)
async def get_sheet(request: Request, sheet: SheetPath, principal: Reader) -> SheetView:
    """Return the head of a sheet: its parts sum up to what is carried."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_sheet(await _get_own(uow, sheet, principal))


@router.get(
    "/{sheet}/lines",
    operation_id="listSettlementSheetLines",
    summary="List the lines of a settlement sheet",
    response_model=Page[SheetLineView],
    responses=errors(merchants.SheetNotFound),
)
async def list_lines(
    request: Request,
    sheet: SheetPath,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return lines in their order."""
    inner = open_cursor(cursor, "sheet-lines", sheet)
    after = 0 if inner is None else int(inner)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _get_own(uow, sheet, principal)
        lines = await merchants.list_sheet_lines(uow, found.id, after=after, limit=limit)
    following = str(lines[-1].line) if len(lines) == limit else None
    return show_page(
        ListedPage(lines, following),
        lambda line: show_line(line, found.currency),
        "sheet-lines",
        sheet,
    )


@router.get(
    "/{sheet}/sheet.csv",
    operation_id="downloadSettlementSheet",
    summary="Get a settlement sheet as CSV",
    response_class=Response,
    responses={
        **errors(merchants.SheetNotFound),
        200: {"description": "UTF-8, with titles.", "content": {"text/csv": _CSV}},
    },
)
async def download_sheet(request: Request, sheet: SheetPath, principal: Reader) -> Response:
    """Return head and lines, with cells that no spreadsheet takes for formulas."""
    database = application_of(request).database
    async with database.reading(principal.caller) as uow:
        found = await _get_own(uow, sheet, principal)

    async def write() -> AsyncIterator[str]:
        yield merchants.write_sheet_head(found)
        after = 0
        # Each part for itself: no connection is kept while somebody downloads slowly.
        while True:
            async with database.reading(principal.caller) as uow:
                lines = await merchants.list_sheet_lines(
                    uow, found.id, after=after, limit=limits.PAGE_SIZE_MAX
                )
            yield merchants.write_sheet_lines(found, lines)
            if len(lines) < limits.PAGE_SIZE_MAX:
                return
            after = lines[-1].line

    name = f'attachment; filename="{sheet}.csv"'
    return StreamingResponse(
        write(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


@router.post(
    "/{sheet}/payout",
    operation_id="retryPayout",
    summary="Ask for a payout to be sent to a bank once more",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(merchants.SheetNotFound, caller="staff", is_command=True),
)
async def retry_payout(
    request: Request,
    sheet: SheetPath,
    body: RetryPayout,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("settlement:write")],
) -> Response:
    """Ask for a payout that a bank has refused to be sent again; somebody else decides."""
    sheet_id = read_id(SETTLEMENT_SHEET, sheet, field="sheet")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await merchants.get_sheet(uow, sheet_id)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="merchants.retry_payout",
            payload={"sheet": sheet},
            reason=body.reason,
            concerns=await merchants.list_people(uow, found.merchant_id),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def _get_own(uow: UnitOfWork, sheet: str, principal: Principal) -> payments.merchants.Sheet:
    found = await merchants.get_sheet(uow, read_id(SETTLEMENT_SHEET, sheet, field="sheet"))
    await check_reader(
        uow, principal, found.merchant_id, "sheet", sheet, refusal=merchants.SheetNotFound
    )
    return found
