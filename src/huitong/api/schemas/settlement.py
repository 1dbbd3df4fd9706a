"""Settlement of merchants as it travels: fee plans, terms, sheets, receivers of shares."""

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, cast

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    AccountId,
    Body,
    GivenDay,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    Name,
    PaymentId,
    TransferId,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import show_id
from huitong.kernel.money import Money
from huitong.ledger import show_account

merchants = payments.merchants

PlanCode = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,31}$", examples=["standard"])]
PlanPath = Annotated[
    str,
    Path(pattern="^[a-z][a-z0-9_]{0,31}$", description="The plan's code.", examples=["standard"]),
]
SheetId = Annotated[
    str,
    Field(pattern=id_pattern(ids.SETTLEMENT_SHEET), examples=[example_id(ids.SETTLEMENT_SHEET)]),
]
SheetPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.SETTLEMENT_SHEET),
        description="The sheet's id.",
        examples=[example_id(ids.SETTLEMENT_SHEET)],
    ),
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


class RetryPayout(Body):
    """Why a bank is asked once more for a payout that one refused."""

    reason: Why


class AddShareReceiver(Body):
    """Whose profit shares are settled in the merchant's cycle."""

    account: AccountId


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


class SettlementView(View):
    """How a merchant's settlement stands."""

    merchant: MerchantId
    account: AccountId
    settlement_account: AccountId
    carried: MoneyView = Field(description="Left unsettled by the last sheet.")
    reserve: MoneyView
    owed: MoneyView = Field(description="What the merchant owes us.")
    settled_until: Instant
    due_at: Instant
    terms: list[TermsView] = Field(description="All versions, first first.")


class ReceiverView(View):
    """A receiver of profit shares: shares go to `account` and settle to `settlement_account`."""

    account: AccountId
    settlement_account: AccountId
    opened_at: Instant


class SheetView(View):
    """A settlement sheet; `parts` sum up to `carried`, signed as the merchant sees them."""

    id: SheetId
    merchant: MerchantId
    account: AccountId
    number: int
    terms_version: int
    cutoff_at: Instant
    made_at: Instant
    lines: int
    parts: dict[str, MoneyView]
    carried: MoneyView
    payout: MoneyView
    recovered_direct: MoneyView = Field(description="Taken from the settlement account.")
    reserve_after: MoneyView
    owed_after: MoneyView
    payout_way: Literal["balance", "bank"]
    payout_payment: PaymentId | None
    entry: str | None = Field(description="The journal entry, if money moved.")


class SheetLineView(View):
    """A line of a settlement sheet."""

    line: int
    kind: Literal["payment", "refund", "fee", "share", "chargeback", "dispute_fee", "other"]
    amount: MoneyView
    plan_fee: MoneyView
    payment: PaymentId | None
    transfer: TransferId
    happened_at: Instant


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
                rules=[_show_rule(rule, currency) for rule in each.rules],
            )
            for each in versions
        ],
    )


def show_plan_name(named: tuple[str, str, str, str]) -> PlanNameView:
    """Return the name of a fee plan as a view."""
    return PlanNameView(plan=named[0], name_zh=named[1], name_en=named[2], currency=named[3])


def show_settlement(
    account: payments.merchants.SettledAccount,
    terms: list[payments.merchants.Terms],
    balances: Mapping[int, int],
) -> SettlementView:
    """Return how a merchant's settlement stands; `balances` are of reserve and debt."""
    currency = account.currency
    return SettlementView(
        merchant=show_id(ids.MERCHANT, account.merchant_id),
        account=show_account(account.account_id),
        settlement_account=show_account(account.payout_account_id),
        carried=_show(account.carried, currency),
        reserve=_show(balances[account.reserve_account_id or 0], currency),
        owed=_show(balances[account.owed_account_id or 0], currency),
        settled_until=account.settled_until,
        due_at=account.due_at,
        terms=[_show_terms(each, currency) for each in terms],
    )


def show_receiver(account: payments.merchants.SettledAccount) -> ReceiverView:
    """Return a receiver of profit shares as a view."""
    return ReceiverView(
        account=show_account(account.account_id),
        settlement_account=show_account(account.payout_account_id),
        opened_at=account.opened_at,
    )


def show_sheet(sheet: payments.merchants.Sheet) -> SheetView:
    """Return a settlement sheet as a view."""
    currency = sheet.currency
    return SheetView(
        id=show_id(ids.SETTLEMENT_SHEET, sheet.id),
        merchant=show_id(ids.MERCHANT, sheet.merchant_id),
        account=show_account(sheet.account_id),
        number=sheet.number,
        terms_version=sheet.terms_version,
        cutoff_at=sheet.cutoff_at,
        made_at=sheet.made_at,
        lines=sheet.line_count,
        parts={
            part: _show(merchants.signed_part(sheet, part), currency)
            for part in merchants.SHEET_PARTS
            if part != "carried"
        },
        carried=_show(sheet.carried, currency),
        payout=_show(sheet.payout, currency),
        recovered_direct=_show(sheet.recovered_direct, currency),
        reserve_after=_show(sheet.reserve_after, currency),
        owed_after=_show(sheet.owed_after, currency),
        payout_way=sheet.payout_way.value,
        payout_payment=None
        if sheet.payout_order_id is None
        else show_id(ids.PAYMENT, sheet.payout_order_id),
        entry=None if sheet.entry_id is None else show_id(ids.ENTRY, sheet.entry_id),
    )


def show_line(line: payments.merchants.SheetLine, currency: str) -> SheetLineView:
    """Return a line of a sheet as a view."""
    return SheetLineView(
        line=line.line,
        kind=line.kind.value,
        amount=_show(line.amount, currency),
        plan_fee=_show(line.plan_fee, currency),
        payment=None if line.order_id is None else show_id(ids.PAYMENT, line.order_id),
        transfer=show_id(ids.TRANSFER, line.transfer_id),
        happened_at=line.happened_at,
    )


def _show_rule(rule: payments.merchants.FeeRule, currency: str) -> FeeRuleView:
    return FeeRuleView(
        kind=cast("Kind", rule.kind),
        volume_from=_show(rule.volume_from, currency),
        rate_permille=format(rule.rate_permille.normalize(), "f"),
        fixed=_show(rule.fixed, currency),
        fee_min=_show(rule.fee_min, currency),
        fee_max=None if rule.fee_max is None else _show(rule.fee_max, currency),
    )


def _show_terms(terms: payments.merchants.Terms, currency: str) -> TermsView:
    hours, minutes = divmod(terms.cutoff_minutes, 60)
    return TermsView(
        version=terms.version,
        effective_from=terms.effective_from,
        plan=terms.plan,
        payout_way=terms.payout_way.value,
        cycle_days=terms.cycle_days,
        cutoff=f"{hours:02}:{minutes:02}",
        payout_min=_show(terms.payout_min, currency),
        reserve_permille=terms.reserve_permille,
        reserve_days=terms.reserve_days,
        reserve_floor=_show(terms.reserve_floor, currency),
        recovery=terms.recovery.value,
        agreed_at=terms.agreed_at,
    )


def _show(minor: int, currency: str) -> MoneyView:
    return show_money(Money(minor, currency))


def _read(body: MoneyBody | None, currency: str, field: str) -> int:
    if body is None:
        return 0
    return merchants.read_minor(body.read(field), currency, field)
