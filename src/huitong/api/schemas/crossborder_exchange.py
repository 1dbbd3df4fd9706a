"""Quotes and exchange as they travel, for customers."""

from typing import Annotated, Final, Literal

from fastapi import Path, Query
from pydantic import Field

from huitong import identity, ledger, payments
from huitong.api.schemas.common import (
    CURRENCY_PATTERN,
    AccountId,
    Body,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import show_id

#: The act for which one more factor is proved.
EXCHANGE: Final = "payments.exchange"

Currency = Annotated[str, Field(pattern=CURRENCY_PATTERN, description="ISO 4217.")]
QuoteId = Annotated[str, Field(pattern=id_pattern(ids.QUOTE), examples=[example_id(ids.QUOTE)])]
Business = Annotated[
    str | None,
    Query(pattern=id_pattern(ids.MERCHANT), description="The business one acts for; else oneself."),
]
QuotePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.QUOTE),
        description="The quote's id.",
        examples=[example_id(ids.QUOTE)],
    ),
]
STEP_UP_EXAMPLE: Final = [example_id(ids.STEP_UP)]


class AskQuote(Body):
    """What to exchange: exactly this amount, on this side, against the other currency."""

    merchant: MerchantId | None = None
    side: Literal["sell", "buy"] = Field(description="Whether the amount is sold or bought.")
    amount: MoneyBody
    other: Currency


class QuoteView(View):
    """An offer, good once and for exactly these amounts."""

    id: QuoteId
    sell: MoneyView
    buy: MoneyView
    rate: str = Field(description="Units of what is bought for one of what is sold; for showing.")
    margin: str
    expires_at: Instant
    taken_at: Instant | None


class TakeQuote(Body):
    """Exchange by a quote, with one more factor."""

    merchant: MerchantId | None = None
    quote: QuoteId
    step_up: str | None = Field(
        default=None,
        pattern=id_pattern(ids.STEP_UP),
        description=f"A proved step-up for the act `{EXCHANGE}` with the amount that is sold, the "
        "account in CNY as payer, and the quote's id as payee.",
        examples=STEP_UP_EXAMPLE,
    )


class DealView(View):
    """An exchange that was done."""

    id: str = Field(pattern=id_pattern(ids.EXCHANGE_DEAL))
    kind: str
    sell: MoneyView
    buy: MoneyView
    cny: MoneyView
    made_at: Instant


class CurrencyAccountView(View):
    """An account in a foreign currency."""

    account: AccountId
    currency: Currency


class CurrencyAccountsView(View):
    """All accounts in foreign currencies."""

    data: list[CurrencyAccountView]


class QuotaView(View):
    """What is used of a yearly quota, in US dollars."""

    direction: payments.crossborder.QuotaDirection
    year: int
    cap: MoneyView
    used: MoneyView
    left: MoneyView


class QuotasView(View):
    """Both quotas of this year."""

    data: list[QuotaView]


def show_quote(quote: payments.crossborder.Quote) -> QuoteView:
    """Return a quote as a view."""
    return QuoteView(
        id=show_id(ids.QUOTE, quote.id),
        sell=show_money(quote.sell),
        buy=show_money(quote.buy),
        rate=format(quote.rate.normalize(), "f"),
        margin=format(quote.margin.normalize(), "f"),
        expires_at=quote.expires_at,
        taken_at=quote.taken_at,
    )


def show_deal(deal: payments.crossborder.Deal) -> DealView:
    """Return a deal as a view."""
    return DealView(
        id=show_id(ids.EXCHANGE_DEAL, deal.id),
        kind=deal.kind.value,
        sell=show_money(deal.sell),
        buy=show_money(deal.buy),
        cny=show_money(deal.cny),
        made_at=deal.made_at,
    )


def show_quota(use: payments.crossborder.QuotaUse) -> QuotaView:
    """Return a quota as a view."""
    return QuotaView(
        direction=use.direction,
        year=use.year,
        cap=show_money(use.cap),
        used=show_money(use.used),
        left=show_money(use.left),
    )


def make_exchange_act(
    party: payments.crossborder.Party, quote: payments.crossborder.Quote
) -> identity.Act:
    """Return what a factor is proved for to take a quote."""
    return identity.Act(
        kind=EXCHANGE,
        amount=quote.sell,
        payer=ledger.show_account(party.account_id),
        payee=show_id(ids.QUOTE, quote.id),
    )
