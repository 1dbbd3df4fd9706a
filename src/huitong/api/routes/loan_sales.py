"""Sales of loans and buy-backs: asked for by one of staff, decided by another."""

import uuid
from collections.abc import Sequence
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
from huitong.api.schemas.loan_sales import (
    BuyLoansBack,
    LoanSalePath,
    LoanSalesView,
    SellLoans,
    SoldLoansView,
    read_buy_back,
    read_sale,
    show_sale,
    show_sold,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN_SALE, read_id

sales = lending.sales

router: Final = APIRouter(prefix="/v1/loan-sales", tags=["Loan sales"], route_class=CommandRoute)
Reader = Annotated[Principal, require("loans:read")]
Writer = Annotated[Principal, require("loans:write")]
_REFUSALS: Final = (lending.LoanNotFound, sales.SaleRefused, InvalidField)


@router.get(
    "",
    operation_id="listLoanSales",
    summary="List the last sales of loans",
    response_model=LoanSalesView,
    responses=errors(caller="staff"),
)
async def list_sales(request: Request, principal: Reader) -> LoanSalesView:
    """Return the last sales, last first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await sales.list_sales(uow, limit=limits.PAGE_SIZE_MAX)
    return LoanSalesView(data=[show_sale(each) for each in found])


@router.get(
    "/{loan_sale}",
    operation_id="getLoanSale",
    summary="Get a sale and its loans",
    response_model=SoldLoansView,
    responses=errors(sales.SaleNotFound, caller="staff"),
)
async def get_sale(request: Request, loan_sale: LoanSalePath, principal: Reader) -> SoldLoansView:
    """Return a sale with each of its loans."""
    sale_id = read_id(LOAN_SALE, loan_sale, field="loan_sale")
    async with application_of(request).database.reading(principal.caller) as uow:
        sale = await sales.get_sale(uow, sale_id)
        return show_sold(sale, await sales.list_sold(uow, sale))


@router.post(
    "",
    operation_id="sellLoans",
    summary="Ask for loans to be sold",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        *_REFUSALS,
        lending.partners.PartnerNotFound,
        sales.SaleAgainstRule,
        caller="staff",
        is_command=True,
    ),
)
async def sell_loans(
    request: Request, body: SellLoans, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for loans to be sold as they stand when somebody else has decided."""
    parts, new = application_of(request), read_sale(body)
    now = parts.clock.now()

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        await sales.check_sale(uow, new, rulebook=parts.rulebook, now=now)
        return await _list_borrowers(uow, new.loans)

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.sell_loans",
        payload=sales.write_sale(new),
        reason=body.reason,
        check=check,
    )


@router.post(
    "/{loan_sale}/buy-backs",
    operation_id="buyLoansBack",
    summary="Ask for loans of a sale to be bought back",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(*_REFUSALS, sales.SaleNotFound, caller="staff", is_command=True),
)
async def buy_back(
    request: Request,
    loan_sale: LoanSalePath,
    body: BuyLoansBack,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask for loans to be bought back as they stand when somebody else has decided."""
    new, now = read_buy_back(loan_sale, body), application_of(request).clock.now()

    async def check(uow: UnitOfWork) -> list[uuid.UUID]:
        await sales.check_buy_back(uow, new, now=now)
        return await _list_borrowers(uow, new.loans)

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.buy_back",
        payload=sales.write_buy_back(new),
        reason=body.reason,
        check=check,
    )


async def _list_borrowers(uow: UnitOfWork, loans: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return whom loans are of: they neither ask nor decide."""
    return [(await lending.get_loan(uow, each)).customer_id for each in loans]
