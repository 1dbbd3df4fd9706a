"""Fee plans, terms and reserves of merchants as they travel."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, cast

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    GivenDay,
    Instant,
    MoneyBody,
    MoneyView,
    Name,
    View,
    show_money,
)
from huitong.kernel.money import Money

merchants = payments.merchants
PlanCode = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,31}$", examples=["standard"])]
PlanPath = Annotated[
    str,
    Path(pattern="^[a-z][a-z0-9_]{0,31}$", description="The plan's code.", examples=["standard"]),
]
Kind = Literal[
    "any", "payment", "checkout", "static_qr", "dynamic_qr", "customer_code", "authorisation"
]
Rate = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?$",
        description="Per mille, exact: 6 is 0.6 %.",
        examples=["6"],
    ),
]
Permille = Annotated[int, Field(ge=0, le=1_000, description="Of payments less refunds.")]
Days = Annotated[int, Field(ge=0, le=365, description="How long the rolling part is kept.")]


class FeeRuleBody(Body):
    """What payments of a kind cost from a monthly volume on."""

    kind: Kind = "any"
    volume_from: MoneyBody | None = Field(
        default=None, description="The month's payments before this one; zero without it."
    )
    rate_permille: Rate
    fixed: MoneyBody | None = None
    fee_min: MoneyBody | None = None
    fee_max: MoneyBody | None = None


class AddFeePlan(Body):
    """A fee plan, or another version of one; names count for a new plan."""

    plan: PlanCode
    name_zh: Name
    name_en: Name
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["CNY"])] = "CNY"
    effective_from: GivenDay
    refunds_return_fee: bool
    refunds_draw_reserve: Annotated[
        bool, Field(description="A refund takes from the reserve what the balance lacks.")
    ] = False
    refund_debt_max: MoneyBody | None = Field(
        default=None, description="Up to which debt a refund is paid in advance; none without it."
    )
    rules: Annotated[list[FeeRuleBody], Field(min_length=1, max_length=64)]
    reason: Why


class SetTerms(Body):
    """Terms of a merchant's settlement."""

    effective_from: GivenDay
    plan: PlanCode
    payout_way: Literal["balance", "bank"] = "balance"
    cycle_days: Annotated[int, Field(ge=0, le=30, description="N of T+N.", examples=[1])]
    cutoff: Annotated[
        str,
        Field(
            pattern="^([01][0-9]|2[0-4]):[0-5][0-9]$",
            description="When a business day ends in Shanghai; 24:00 is midnight.",
            examples=["24:00"],
        ),
    ] = "24:00"
    payout_min: MoneyBody | None = None
    reserve_permille: Permille = 0
    reserve_days: Days = 0
    reserve_floor: MoneyBody | None = None
    recovery: Literal["carry", "recover"] = "carry"
    reason: Why


class SetReserve(Body):
    """Another reserve for a merchant, from today on."""

    reserve_permille: Permille
    reserve_days: Days
    reserve_floor: MoneyBody | None = None
    reason: Why


class FeeRuleView(View):
    """What payments of a kind cost from a monthly volume on."""

    kind: Kind
    volume_from: MoneyView
    rate_permille: str
    fixed: MoneyView
    fee_min: MoneyView
    fee_max: MoneyView | None


class PlanVersionView(View):
    """A version of a fee plan."""

    version: int
    effective_from: date
    refunds_return_fee: bool
    refunds_draw_reserve: bool
    refund_debt_max: MoneyView
    rules: list[FeeRuleView]


class PlanNameView(View):
    """A fee plan."""

    plan: PlanCode
    name_zh: str
    name_en: str
    currency: str


class PlanView(PlanNameView):
    """A fee plan with all its versions."""

    versions: list[PlanVersionView]


class PlansView(View):
    """All fee plans."""

    data: list[PlanNameView]


class MerchantFeesView(View):
    """A fee plan that a merchant has, or will have, from a day on."""

    effective_from: date
    plan: PlanView


class FeesView(View):
    """The fee plans of a merchant, first first."""

    data: list[MerchantFeesView]


class TermsView(View):
    """A version of a merchant's terms."""

    version: int
    effective_from: date
    plan: PlanCode
    payout_way: Literal["balance", "bank"]
    cycle_days: int
    cutoff: str
    payout_min: MoneyView
    reserve_permille: int
    reserve_days: int
    reserve_floor: MoneyView
    recovery: Literal["carry", "recover"]
    agreed_at: Instant


def read_plan(body: AddFeePlan) -> payments.merchants.NewVersion:
    """Return the version that a body asks for; raises InvalidField."""
    rules = tuple(
        merchants.FeeRule(
            kind=rule.kind,
            volume_from=_read(rule.volume_from, body.currency, f"rules.{place}.volume_from"),
            rate_permille=Decimal(rule.rate_permille),
            fixed=_read(rule.fixed, body.currency, f"rules.{place}.fixed"),
            fee_min=_read(rule.fee_min, body.currency, f"rules.{place}.fee_min"),
            fee_max=None
            if rule.fee_max is None
            else _read(rule.fee_max, body.currency, f"rules.{place}.fee_max"),
        )
        for place, rule in enumerate(body.rules)
    )
    return merchants.NewVersion(
        plan=body.plan,
        name_zh=body.name_zh,
        name_en=body.name_en,
        currency=body.currency,
        effective_from=body.effective_from,
        refunds_return_fee=body.refunds_return_fee,
        rules=rules,
        refunds_draw_reserve=body.refunds_draw_reserve,
        refund_debt_max=_read(body.refund_debt_max, body.currency, "refund_debt_max"),
    )


def read_terms(merchant: uuid.UUID, currency: str, body: SetTerms) -> payments.merchants.NewTerms:
    """Return the terms that a body asks for; raises InvalidField."""
    hours, minutes = body.cutoff.split(":")
    return merchants.NewTerms(
        merchant_id=merchant,
        effective_from=body.effective_from,
        plan=body.plan,
        payout_way=merchants.PayoutWay(body.payout_way),
        cycle_days=body.cycle_days,
        cutoff_minutes=int(hours) * 60 + int(minutes),
        payout_min=_read(body.payout_min, currency, "payout_min"),
        reserve_permille=body.reserve_permille,
        reserve_days=body.reserve_days,
        reserve_floor=_read(body.reserve_floor, currency, "reserve_floor"),
        recovery=merchants.Recovery(body.recovery),
    )


def read_floor(body: SetReserve, currency: str) -> int:
    """Return the floor of a reserve in minor units; raises InvalidField."""
    return _read(body.reserve_floor, currency, "reserve_floor")


def show_plan(
    named: tuple[str, str, str, str], versions: list[payments.merchants.PlanVersion]
) -> PlanView:
    """Return a fee plan as a view."""
    code, name_zh, name_en, currency = named
    return PlanView(
        plan=code,
        name_zh=name_zh,
        name_en=name_en,
        currency=currency,
        versions=[
            PlanVersionView(
                version=each.version,
                effective_from=each.effective_from,
                refunds_return_fee=each.refunds_return_fee,
                refunds_draw_reserve=each.refunds_draw_reserve,
                refund_debt_max=show_minor(each.refund_debt_max, currency),
                rules=[_show_rule(rule, currency) for rule in each.rules],
            )
            for each in versions
        ],
    )


def show_plan_name(named: tuple[str, str, str, str]) -> PlanNameView:
    """Return the name of a fee plan as a view."""
    return PlanNameView(plan=named[0], name_zh=named[1], name_en=named[2], currency=named[3])


def _show_rule(rule: payments.merchants.FeeRule, currency: str) -> FeeRuleView:
    return FeeRuleView(
        kind=cast("Kind", rule.kind),
        volume_from=show_minor(rule.volume_from, currency),
        rate_permille=format(rule.rate_permille.normalize(), "f"),
        fixed=show_minor(rule.fixed, currency),
        fee_min=show_minor(rule.fee_min, currency),
        fee_max=None if rule.fee_max is None else show_minor(rule.fee_max, currency),
    )


def show_terms(terms: payments.merchants.Terms, currency: str) -> TermsView:
    """Return a version of terms as a view."""
    hours, minutes = divmod(terms.cutoff_minutes, 60)
    return TermsView(
        version=terms.version,
        effective_from=terms.effective_from,
        plan=terms.plan,
        payout_way=terms.payout_way.value,
        cycle_days=terms.cycle_days,
        cutoff=f"{hours:02}:{minutes:02}",
        payout_min=show_minor(terms.payout_min, currency),
        reserve_permille=terms.reserve_permille,
        reserve_days=terms.reserve_days,
        reserve_floor=show_minor(terms.reserve_floor, currency),
        recovery=terms.recovery.value,
        agreed_at=terms.agreed_at,
    )


def show_minor(minor: int, currency: str) -> MoneyView:
    """Return minor units as a view."""
    return show_money(Money(minor, currency))


def _read(body: MoneyBody | None, currency: str, field: str) -> int:
    if body is None:
        return 0
    return merchants.read_minor(body.read(field), currency, field)
