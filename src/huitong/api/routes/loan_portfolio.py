"""The loan portfolio for staff."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import lending
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.loan_portfolio import (
    AsOf,
    CurrencyQuery,
    GradeQuery,
    PortfolioView,
    ProductQuery,
    WordQuery,
    show,
)
from huitong.kernel.clock import business_day

router: Final = APIRouter(
    prefix="/v1/loan-portfolio", tags=["Loan portfolio"], route_class=CommandRoute
)

Reader = Annotated[Principal, require("loan_portfolio:read")]


@router.get(
    "",
    operation_id="getLoanPortfolio",
    summary="Get the loan portfolio as a business day closed",
    response_model=PortfolioView,
    responses=errors(lending.portfolio.PortfolioNotFound, caller="staff"),
)
async def get_portfolio(
    request: Request,
    principal: Reader,
    *,
    as_of: AsOf = None,
    currency: CurrencyQuery = "CNY",
    product: ProductQuery = None,
    grade: GradeQuery = None,
    use: WordQuery = None,
    region: WordQuery = None,
) -> PortfolioView:
    """Return balances, classes, stages, expected loss, provisions, rolls and vintages."""
    parts = application_of(request)
    narrowing = lending.portfolio.Narrowing(
        currency=currency, product=product, grade=grade, use=use, region=region
    )
    day = as_of or business_day(parts.clock.now())
    async with parts.database.reading(principal.caller) as uow:
        found = await lending.portfolio.get_portfolio(
            uow, narrowing, as_of=day, rulebook=parts.rulebook
        )
    return show(found)
