"""Payments abroad as they travel, for customers."""

import base64
import binascii
import uuid
from typing import Annotated, Final, Literal

from fastapi import Path
from pydantic import Field

from huitong import identity, ledger, payments
from huitong.api.schemas.common import (
    Body,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
    show_money_or_none,
)
from huitong.api.schemas.crossborder_exchange import STEP_UP_EXAMPLE, QuoteId
from huitong.kernel import ids
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import read_id, show_id

crossborder: Final = payments.crossborder
#: The acts for which one more factor is proved.
PAY_ABROAD: Final = "payments.pay_abroad"
APPROVE_ABROAD: Final = "payments.approve_abroad"

PaperId = Annotated[str, Field(pattern=id_pattern(ids.PAPER), examples=[example_id(ids.PAPER)])]
AbroadId = Annotated[
    str, Field(pattern=id_pattern(ids.CROSS_BORDER), examples=[example_id(ids.CROSS_BORDER)])
]
AbroadPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.CROSS_BORDER),
        description="The payment's id.",
        examples=[example_id(ids.CROSS_BORDER)],
    ),
]
_BASE64_LENGTH_MAX: Final = (crossborder.PAPER_BYTES_MAX + 2) // 3 * 4


class PurposeView(View):
    """A purpose, and the papers that it needs above an amount."""

    purpose: payments.crossborder.Purpose
    zh: str
    en: str
    papers: list[payments.crossborder.PaperKind]
    papers_above: MoneyView


class PurposesView(View):
    """What one may pay for."""

    data: list[PurposeView]


class AddPaper(Body):
    """A paper that proves what a payment is for."""

    merchant: MerchantId | None = None
    kind: Literal[
        "contract",
        "invoice",
        "customs_declaration",
        "tax_filing",
        "admission_letter",
        "fee_notice",
        "kinship_proof",
    ]
    content: str = Field(
        min_length=4,
        max_length=_BASE64_LENGTH_MAX,
        pattern="^[A-Za-z0-9+/]+={0,2}$",
        description=f"PDF, PNG or JPEG in Base64, at most {crossborder.PAPER_BYTES_MAX:,} bytes.",
        examples=["JVBERi0xLjcK"],
    )

    def read(self) -> bytes:
        """Return the paper's bytes; raises InvalidField for what is not Base64."""
        try:
            return base64.b64decode(self.content, validate=True)
        except binascii.Error:
            raise InvalidField("must be Base64", field="content") from None


class PaperView(View):
    """A paper."""

    id: PaperId
    kind: payments.crossborder.PaperKind
    sha256: str
    size: int
    added_at: Instant


class Payee(Body):
    """Whom to pay: all of it travels with the payment."""

    name: str = Field(max_length=200, examples=["Acme Tools Inc"])
    account: str = Field(
        max_length=50, description="An IBAN, or a number.", examples=["GB82WEST12345698765432"]
    )
    country: str = Field(max_length=2, description="ISO 3166, two letters.", examples=["GB"])
    bank: str = Field(max_length=20, description="The bank's BIC.", examples=["WESTGB22"])
    address: str | None = Field(default=None, max_length=200)


class OrderAbroad(Body):
    """A payment abroad."""

    merchant: MerchantId | None = None
    amount: MoneyBody
    payee: Payee
    purpose: Literal["goods_trade", "services", "study", "travel", "family_support"]
    charges: Literal["DEBT", "SHAR", "CRED"] = Field(
        description="Who bears the fees: the payer, both, the payee."
    )
    quote: QuoteId | None = Field(
        default=None,
        description="What pays for it; without one, the account in the payment's currency.",
    )
    papers: list[PaperId] = Field(default_factory=list, max_length=10)
    note: str | None = Field(default=None, max_length=200, examples=["Invoice 4711"])
    step_up: str | None = Field(
        default=None,
        pattern=id_pattern(ids.STEP_UP),
        description=f"For people: a proved step-up for the act `{PAY_ABROAD}` with the amount, the "
        "account in CNY as payer, and the payee's BIC/account as payee.",
        examples=STEP_UP_EXAMPLE,
    )

    def read(self) -> payments.crossborder.Counterparty:
        """Return the payee."""
        return crossborder.Counterparty(
            name=self.payee.name,
            account=self.payee.account,
            country=self.payee.country,
            agent_bic=self.payee.bank,
            address=self.payee.address,
            note=self.note,
        )


class ApproveAbroad(Body):
    """The second user's approval."""

    step_up: str | None = Field(
        default=None,
        pattern=id_pattern(ids.STEP_UP),
        description=f"A proved step-up for the act `{APPROVE_ABROAD}` with the amount, the account "
        "in CNY as payer, and the payment's id as payee.",
        examples=STEP_UP_EXAMPLE,
    )


class AbroadView(View):
    """A payment abroad, or from there."""

    id: AbroadId
    direction: payments.crossborder.Direction
    uetr: str
    state: payments.crossborder.PaymentState
    reasons: list[str]
    amount: MoneyView
    settled: MoneyView = Field(description="What goes between the banks.")
    charges: payments.crossborder.ChargeBearer
    fee: MoneyView
    purpose: payments.crossborder.Purpose
    country: str
    bank: str | None = Field(description="Its BIC; null where a message from abroad named none.")
    returned: MoneyView | None
    created_at: Instant
    changed_at: Instant


class StepView(View):
    """A step of the tracker."""

    step: str
    happened_at: Instant
    detail: str | None


class LegChargeView(View):
    """What a bank on the way took."""

    leg: str
    agent: str
    amount: MoneyView


class HitView(View):
    """A name on a list that fits."""

    side: Literal["ours", "theirs"]
    list: str
    entry: str
    name: str
    score: int
    why: str


class AbroadDetailView(View):
    """A payment with the other side, its tracker and what banks on the way took."""

    payment: AbroadView
    name: str
    account: str
    address: str | None
    note: str | None
    steps: list[StepView]
    charges: list[LegChargeView]
    papers: list[PaperView]


def show_paper(paper: payments.crossborder.Paper) -> PaperView:
    """Return a paper as a view."""
    return PaperView(
        id=show_id(ids.PAPER, paper.id),
        kind=crossborder.PaperKind(paper.kind),
        sha256=paper.digest.hex(),
        size=paper.size,
        added_at=paper.added_at,
    )


def show_purpose(rule: payments.crossborder.PurposeRule) -> PurposeView:
    """Return a purpose as a view."""
    zh, en = crossborder.PURPOSE_NAMES[rule.purpose]
    return PurposeView(
        purpose=rule.purpose,
        zh=zh,
        en=en,
        papers=list(rule.papers),
        papers_above=show_money(rule.papers_from),
    )


def show_payment(payment: payments.crossborder.Payment) -> AbroadView:
    """Return a payment as a view, without the other side."""
    return AbroadView(
        id=show_id(ids.CROSS_BORDER, payment.id),
        direction=payment.direction,
        uetr=str(payment.uetr),
        state=payment.state,
        reasons=list(payment.reasons),
        amount=show_money(payment.amount),
        settled=show_money(payment.settled),
        charges=payment.charge_bearer,
        fee=show_money(payment.fee),
        purpose=crossborder.Purpose(payment.purpose),
        country=payment.country,
        bank=payment.agent_bic,
        returned=show_money_or_none(payment.returned),
        created_at=payment.created_at,
        changed_at=payment.changed_at,
    )


def show_public(payment: payments.crossborder.Payment) -> AbroadView:
    """Return a payment as its customer sees it: that somebody looks at it, but not for what."""
    seen = show_payment(payment)
    hidden = {"name_hit", "name_differs", "split_suspected", "risk_review"}
    return seen.model_copy(
        update={"reasons": [each for each in seen.reasons if each not in hidden]}
    )


def show_details(dossier: payments.crossborder.Dossier) -> AbroadDetailView:
    """Return a payment as its customer sees it."""
    other = dossier.counterparty
    return AbroadDetailView(
        payment=show_public(dossier.payment),
        name=other.name,
        account=other.account,
        address=other.address,
        note=other.note,
        steps=show_steps(dossier),
        charges=show_charges(dossier),
        papers=[show_paper(each) for each in dossier.papers],
    )


def show_steps(dossier: payments.crossborder.Dossier) -> list[StepView]:
    """Return the tracker as views."""
    return [
        StepView(step=each.step, happened_at=each.happened_at, detail=each.detail)
        for each in dossier.events
    ]


def show_charges(dossier: payments.crossborder.Dossier) -> list[LegChargeView]:
    """Return what banks on the way took as views."""
    return [
        LegChargeView(leg=each.leg, agent=each.agent, amount=show_money(each.amount))
        for each in dossier.charges
    ]


def make_order_act(party: payments.crossborder.Party, body: OrderAbroad) -> identity.Act:
    """Return what a factor is proved for to pay abroad."""
    account = body.payee.account.replace(" ", "").upper()
    return identity.Act(
        kind=PAY_ABROAD,
        amount=body.amount.read(),
        payer=ledger.show_account(party.account_id),
        payee=f"{body.payee.bank.strip().upper()}/{account}",
    )


def make_approval_act(payment: payments.crossborder.Payment) -> identity.Act:
    """Return what a factor is proved for to approve a business's payment."""
    assert payment.fee_account_id is not None, "an outgoing payment has a payer"
    return identity.Act(
        kind=APPROVE_ABROAD,
        amount=payment.amount,
        payer=ledger.show_account(payment.fee_account_id),
        payee=show_id(ids.CROSS_BORDER, payment.id),
    )


def read_papers(body: OrderAbroad) -> list[uuid.UUID]:
    """Return the papers that are named."""
    return [read_id(ids.PAPER, each, field="papers") for each in body.papers]
