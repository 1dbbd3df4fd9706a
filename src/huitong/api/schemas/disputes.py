"""Disputes as they travel."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    PaymentId,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import show_id
from huitong.kernel.money import Money

merchants = payments.merchants

Reason = Literal[
    "not_authorised",
    "not_received",
    "not_as_described",
    "charged_twice",
    "wrong_amount",
    "refund_not_received",
    "cancelled",
]
Stage = Literal["retrieval", "chargeback", "representment", "pre_arbitration", "decision"]
DisputeId = Annotated[
    str, Field(pattern=id_pattern(ids.DISPUTE), examples=[example_id(ids.DISPUTE)])
]
DisputePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.DISPUTE),
        description="The dispute's id.",
        examples=[example_id(ids.DISPUTE)],
    ),
]
EvidencePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.EVIDENCE),
        description="The file's id.",
        examples=[example_id(ids.EVIDENCE)],
    ),
]
ActPath = Annotated[
    Literal["contest", "accept", "escalate", "withdraw"],
    Path(description="What is done.", examples=["contest"]),
]


class OpenDispute(Body):
    """A payment that is disputed; the members of schemes are for their keys only."""

    payment: PaymentId
    reason: Reason
    amount: MoneyBody | None = Field(default=None, description="All that is left without it.")
    statement: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    stage: Literal["retrieval", "chargeback"] = Field(
        default="retrieval", description="A scheme may begin with the chargeback."
    )
    channel_reference: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="The scheme's own number of the dispute."
    )


class DecideDispute(Body):
    """How a dispute is to be decided, as the merchant sees it."""

    outcome: Literal["won", "lost"]
    reason: Why


class DisputeView(View):
    """A dispute."""

    id: DisputeId
    payment: PaymentId
    merchant: MerchantId
    origin: Literal["customer", "channel"]
    reason: Reason
    reason_zh: str
    reason_en: str
    statement: str | None
    channel_reference: str | None
    amount: MoneyView
    fee: MoneyView
    stage: Stage
    turn: Literal["merchant", "claimant", "bank"] | None
    due_at: Instant | None = Field(description="The first instant that is too late.")
    outcome: Literal["won", "lost", "withdrawn"] | None
    opened_at: Instant
    closed_at: Instant | None


class StepView(View):
    """What was done in a dispute, and where it stood after."""

    number: int
    act: str
    stage: Stage
    outcome: Literal["won", "lost", "withdrawn"] | None
    due_at: Instant | None
    entry: str | None = Field(description="The journal entry, if money moved.")
    taken_at: Instant


class EvidenceView(View):
    """A file that was handed in."""

    id: Annotated[str, Field(pattern=id_pattern(ids.EVIDENCE))]
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: Instant


class WholeDisputeView(DisputeView):
    """A dispute with its steps and the files that were handed in."""

    steps: list[StepView]
    evidence: list[EvidenceView]


class WatchView(View):
    """A merchant whose chargebacks of a month are too many."""

    merchant: MerchantId
    month: date
    payments: int
    chargebacks: int
    noticed_at: Instant


class WatchesView(View):
    """Merchants whose chargebacks are too many, newest first."""

    data: list[WatchView]


def show_dispute(dispute: payments.merchants.Dispute) -> DisputeView:
    """Return a dispute as a view."""
    return DisputeView(**_facts(dispute))


def show_whole(
    dispute: payments.merchants.Dispute,
    steps: list[payments.merchants.DisputeStep],
    evidence: list[payments.merchants.Evidence],
) -> WholeDisputeView:
    """Return a dispute with all that belongs to it as a view."""
    return WholeDisputeView(
        **_facts(dispute),
        steps=[_show_step(step) for step in steps],
        evidence=[show_evidence(each) for each in evidence],
    )


def show_evidence(evidence: payments.merchants.Evidence) -> EvidenceView:
    """Return a file as a view."""
    return EvidenceView(
        id=show_id(ids.EVIDENCE, evidence.id),
        name=evidence.name,
        media_type=evidence.media_type,
        size=evidence.size,
        sha256=evidence.digest.hex(),
        added_at=evidence.added_at,
    )


def show_watch(watch: payments.merchants.ChargebackWatch) -> WatchView:
    """Return a watch as a view."""
    return WatchView(
        merchant=show_id(ids.MERCHANT, watch.merchant_id),
        month=watch.month,
        payments=watch.payments,
        chargebacks=watch.chargebacks,
        noticed_at=watch.noticed_at,
    )


def _facts(dispute: payments.merchants.Dispute) -> dict[str, Any]:
    reason_zh, reason_en = merchants.REASONS[dispute.reason]
    return {
        "id": show_id(ids.DISPUTE, dispute.id),
        "payment": show_id(ids.PAYMENT, dispute.order_id),
        "merchant": show_id(ids.MERCHANT, dispute.merchant_id),
        "origin": dispute.origin.value,
        "reason": dispute.reason.value,
        "reason_zh": reason_zh,
        "reason_en": reason_en,
        "statement": dispute.statement,
        "channel_reference": dispute.channel_reference,
        "amount": show_money(Money(dispute.amount, dispute.currency)),
        "fee": show_money(Money(dispute.fee, dispute.currency)),
        "stage": dispute.stage.value,
        "turn": None if dispute.turn is None else dispute.turn.value,
        "due_at": dispute.due_at,
        "outcome": None if dispute.outcome is None else dispute.outcome.value,
        "opened_at": dispute.opened_at,
        "closed_at": dispute.closed_at,
    }


def _show_step(step: payments.merchants.DisputeStep) -> StepView:
    return StepView(
        number=step.number,
        act=step.act.value,
        stage=step.stage.value,
        outcome=None if step.outcome is None else step.outcome.value,
        due_at=step.due_at,
        entry=None if step.entry_id is None else show_id(ids.ENTRY, step.entry_id),
        taken_at=step.taken_at,
    )
