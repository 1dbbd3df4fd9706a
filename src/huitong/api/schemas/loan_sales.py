"""Sales of loans as they travel."""

from datetime import date
from typing import Annotated

from fastapi import Path
from pydantic import Field

from huitong import lending
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    Instant,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.api.schemas.loan_changes import Code, Rate, read_rate
from huitong.api.schemas.loans import show_rate
from huitong.kernel import ids
from huitong.kernel.ids import LOAN, LOAN_SALE, read_id, show_id
from huitong.kernel.money import Money

LoanSalePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.LOAN_SALE),
        description="The sale's id.",
        examples=[example_id(ids.LOAN_SALE)],
    ),
]
LoanId = Annotated[str, Field(pattern=id_pattern(ids.LOAN), examples=[example_id(ids.LOAN)])]
Loans = Annotated[list[LoanId], Field(min_length=1, max_length=500)]
PriceShare = Annotated[
    Rate, Field(description="The price, as a share of what is owed of the loans on the day.")
]


class SellLoans(Body):
    """Loans that are sold together to a partner."""

    buyer: Code
    loans: Loans
    price_share: PriceShare
    fee_share: Annotated[Rate, Field(description="What we keep of the buyer's interest.")] = "0"
    promises_buy_back: Annotated[
        bool, Field(description="Whether the contract promises one, openly or not.")
    ] = False
    reason: Why


class BuyLoansBack(Body):
    """Loans of a sale that are bought back."""

    loans: Loans
    price_share: PriceShare
    reason: Why


class LoanSaleView(View):
    """A portfolio that was sold; the gain is below zero where it is a loss."""

    id: str
    buyer: str
    day: date
    price_share: str
    loans: int
    owed: MoneyView
    provision: MoneyView
    price: MoneyView
    gain: MoneyView
    sold_at: Instant


class LoanSalesView(View):
    """Sales, last first."""

    data: list[LoanSaleView]


class SoldLoanView(View):
    """A loan of a sale, and what became of it."""

    loan: str
    principal: MoneyView
    owed: MoneyView
    price: MoneyView
    bought_back_on: date | None
    bought_back_for: MoneyView | None


class SoldLoansView(View):
    """A sale with its loans."""

    sale: LoanSaleView
    data: list[SoldLoanView]


def read_sale(body: SellLoans) -> lending.sales.NewSale:
    """Return the sale that a body asks for."""
    return lending.sales.NewSale(
        buyer=body.buyer,
        loans=tuple(read_id(LOAN, each, field="loans") for each in body.loans),
        price_share=read_rate(body.price_share),
        fee_share=read_rate(body.fee_share),
        promises_buy_back=body.promises_buy_back,
    )


def read_buy_back(sale: str, body: BuyLoansBack) -> lending.sales.NewBuyBack:
    """Return the buy-back that a body asks for."""
    return lending.sales.NewBuyBack(
        sale_id=read_id(LOAN_SALE, sale, field="loan_sale"),
        loans=tuple(read_id(LOAN, each, field="loans") for each in body.loans),
        price_share=read_rate(body.price_share),
    )


def show_sale(sale: lending.sales.Sale) -> LoanSaleView:
    """Return a sale as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, sale.currency))

    return LoanSaleView(
        id=show_id(LOAN_SALE, sale.id),
        buyer=sale.buyer,
        day=sale.day,
        price_share=show_rate(sale.price_share),
        loans=sale.loans,
        owed=money(sale.owed),
        provision=money(sale.provision),
        price=money(sale.price),
        gain=money(sale.gain),
        sold_at=sale.sold_at,
    )


def show_sold(sale: lending.sales.Sale, sold: list[lending.sales.SoldLoan]) -> SoldLoansView:
    """Return a sale with its loans as a view."""

    def money(minor: int) -> MoneyView:
        return show_money(Money(minor, sale.currency))

    return SoldLoansView(
        sale=show_sale(sale),
        data=[
            SoldLoanView(
                loan=show_id(LOAN, each.loan_id),
                principal=money(each.principal),
                owed=money(each.owed),
                price=money(each.price),
                bought_back_on=each.bought_back_on,
                bought_back_for=None
                if each.bought_back_for is None
                else money(each.bought_back_for),
            )
            for each in sold
        ],
    )
