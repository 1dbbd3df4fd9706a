"""Rates, positions and held payments abroad as they travel, for staff."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    Instant,
    MoneyBody,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.api.schemas.crossborder import (
    AbroadId,
    AbroadView,
    HitView,
    LegChargeView,
    PaperView,
    StepView,
    show_charges,
    show_paper,
    show_payment,
    show_steps,
)
from huitong.api.schemas.crossborder_exchange import (
    Currency,
    DealView,
)
from huitong.kernel import ids
from huitong.kernel.ids import show_id
from huitong.kernel.money import Money

crossborder: Final = payments.crossborder
_RATE_PATTERN: Final = r"^[0-9]{1,9}(\.[0-9]{1,10})?$"
RateText = Annotated[
    str,
    Field(
        pattern=_RATE_PATTERN,
        max_length=20,
        description="CNY for one unit: a decimal text.",
        examples=["7.1055"],
    ),
]
PaperPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.PAPER),
        description="The paper's id.",
        examples=[example_id(ids.PAPER)],
    ),
]


class RateView(View):
    """A currency's last rate that was believed, and why the last other one was not."""

    currency: Currency
    bid: RateText | None
    ask: RateText | None
    quoted_at: Instant | None
    refusal: payments.crossborder.RateRefusal | None
    refused_at: Instant | None
    refused: int


class RatesView(View):
    """All rates."""

    data: list[RateView]


class PositionView(View):
    """What we are long (above zero) or short of a currency."""

    currency: Currency
    amount: MoneyView
    cost: MoneyView
    mid: RateText
    value: MoneyView
    realised: MoneyView
    unrealised: MoneyView


class PositionsView(View):
    """All positions at the day's mid rates."""

    data: list[PositionView]
    realised: MoneyView
    unrealised: MoneyView


class AskCover(Body):
    """A deal in the market that covers a position."""

    side: Literal["buy", "sell"] = Field(description="What we do with the currency.")
    amount: MoneyBody
    rate: RateText
    counterparty: str = Field(min_length=1, max_length=60, examples=["CFETS"])
    reason: Why


class SetMargin(Body):
    """A margin of a currency, for people or for businesses."""

    currency: Currency
    customers: Literal["people", "businesses"]
    margin: str = Field(
        pattern=r"^0(\.[0-9]{1,6})?$",
        description="A share of the rate, as a decimal text.",
        examples=["0.0025"],
    )
    reason: Why


class HeldView(View):
    """A payment that waits for a person."""

    payment: AbroadView
    age_seconds: int


class DossierView(View):
    """All that somebody needs to decide about a held payment."""

    payment: AbroadView
    name: str
    account: str
    address: str | None
    note: str | None
    steps: list[StepView]
    charges: list[LegChargeView]
    papers: list[PaperView]
    hits: list[HitView]


class Decide(Body):
    """Why one asks for a held payment to be released or refused."""

    reason: Why


class ReportView(View):
    """The balance-of-payments record of a payment."""

    payment: AbroadId
    direction: payments.crossborder.Direction
    bop_code: str
    country: str
    amount: MoneyView
    usd: MoneyView
    is_business: bool
    needs_return: bool = Field(description="Whether the customer hands in a return of their own.")


class ReportsView(View):
    """The records of a day."""

    data: list[ReportView]


class DealsView(View):
    """Deals, newest first."""

    data: list[DealView]


class OutcomeView(View):
    """What came of one part of a message."""

    uetr: str | None
    result: Literal["taken", "known", "ignored", "unknown", "contradicts"]
    payment: AbroadId | None


class OutcomesView(View):
    """What came of a message."""

    data: list[OutcomeView]


def show_rate(state: payments.crossborder.RateState) -> RateView:
    """Return a currency's rate as a view."""
    rate = state.rate
    return RateView(
        currency=state.currency,
        bid=None if rate is None else _show(rate.bid),
        ask=None if rate is None else _show(rate.ask),
        quoted_at=None if rate is None else rate.quoted_at,
        refusal=state.refusal,
        refused_at=state.refused_at,
        refused=state.refused_count,
    )


def show_positions(found: list[payments.crossborder.ValuedPosition]) -> PositionsView:
    """Return positions as views, with their sums in CNY."""
    home = crossborder.HOME
    realised = [Money(each.position.realised, home) for each in found]
    return PositionsView(
        data=[
            PositionView(
                currency=each.position.currency,
                amount=show_money(Money(each.position.amount, each.position.currency)),
                cost=show_money(Money(each.position.cost, home)),
                mid=_show(each.mid),
                value=show_money(each.value),
                realised=show_money(gain),
                unrealised=show_money(each.unrealised),
            )
            for each, gain in zip(found, realised, strict=True)
        ],
        realised=show_money(Money.total(realised, home)),
        unrealised=show_money(Money.total([each.unrealised for each in found], home)),
    )


def show_dossier(dossier: payments.crossborder.Dossier) -> DossierView:
    """Return all of a payment, for who decides about it."""
    other = dossier.counterparty
    return DossierView(
        payment=show_payment(dossier.payment),
        name=other.name,
        account=other.account,
        address=other.address,
        note=other.note,
        steps=show_steps(dossier),
        charges=show_charges(dossier),
        papers=[show_paper(each) for each in dossier.papers],
        hits=[
            HitView(
                side="ours" if hit.side == "ours" else "theirs",
                list=hit.list,
                entry=hit.entry,
                name=hit.name,
                score=hit.score,
                why=hit.why,
            )
            for hit in dossier.hits
        ],
    )


def show_report(report: payments.crossborder.Report) -> ReportView:
    """Return a balance-of-payments record as a view."""
    return ReportView(
        payment=show_id(ids.CROSS_BORDER, report.payment_id),
        direction=report.direction,
        bop_code=report.bop_code,
        country=report.country,
        amount=show_money(report.amount),
        usd=show_money(report.usd),
        is_business=report.is_business,
        needs_return=report.needs_return,
    )


def _show(rate: Decimal) -> str:
    return format(rate.normalize(), "f")
