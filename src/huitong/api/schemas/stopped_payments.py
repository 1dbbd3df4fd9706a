"""Payments that risk stopped, as they travel: to their payers, and to staff."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field

from huitong import ledger, payments, risk
from huitong.api.schemas.common import (
    AccountId,
    Body,
    Description,
    Instant,
    MerchantId,
    MoneyView,
    PaymentId,
    View,
    check_printable,
    example_id,
    id_pattern,
    show_money,
)
from huitong.api.schemas.payments import PaymentView
from huitong.kernel import limits
from huitong.kernel.ids import DECISION, MERCHANT, PAYMENT, show_id

Word = Annotated[
    str,
    Field(min_length=1, max_length=limits.APPEAL_LENGTH_MAX),
    AfterValidator(check_printable),
]


class WhyView(View):
    """A reason in plain words."""

    zh: str = Field(examples=["首次向该收款人大额付款，将延时到账。"])
    en: str = Field(examples=["This is a large payment to somebody new, so it settles later."])


class HeldView(View):
    """Why an instant payment waits, and for what."""

    action: Literal["review", "delay"]
    release_at: Instant | None = Field(
        description="When a delayed payment is paid by itself, unless it is cancelled before."
    )
    give_back_at: Instant | None = Field(
        description="When a payment under review is given back if nobody has looked at it."
    )
    reasons: list[WhyView]


class HeldPaymentView(PaymentView):
    """An instant payment that was accepted and is held: the money is reserved, nobody has it."""

    held: HeldView


class StoppedPaymentView(View):
    """A payment that risk held or blocked, as its payer sees it."""

    payment: PaymentId
    kind: Literal["transfer", "payment", "static_qr"]
    action: Literal["review", "delay", "block"]
    state: Literal["held", "paid", "given_back", "blocked"]
    amount: MoneyView
    payer: AccountId
    payee: AccountId
    merchant: MerchantId | None
    reasons: list[WhyView]
    stopped_at: Instant
    release_at: Instant | None = Field(
        description="When a delayed payment is paid by itself, unless it is cancelled before."
    )
    give_back_at: Instant | None = Field(
        description="When a payment under review is given back if nobody has looked at it."
    )
    outcome: str | None = Field(
        description="`released` or `settled` if it was paid; `cancelled`, `rejected`, `expired`, "
        "or the code of what kept it from being paid, if it was given back.",
        examples=["cancelled"],
    )
    ended_at: Instant | None
    appeal: str | None = Field(description="What the payer said.", examples=["是我本人付款。"])
    appealed_at: Instant | None
    answer: str | None = Field(description="What was said to that.")
    answered_at: Instant | None


class WaitingPaymentView(StoppedPaymentView):
    """The same as staff see it."""

    decision: str = Field(pattern=id_pattern(DECISION), examples=[example_id(DECISION)])
    ended_by: str | None
    note: str | None = Field(description="Why staff released or rejected it.")
    answered_by: str | None


class DecideOnPayment(Body):
    """Why a held payment is paid or given back."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "电话回访本人，确认为本人付款。"}]}
    )

    reason: Description


class AppealBody(Body):
    """What the payer says about a payment that was stopped."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"note": "收款人是我的房东，这笔是房租。"}]}
    )

    note: Word


class AnswerBody(Body):
    """What is said to an appeal, for the payer to read."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"answer": "已核实，请您重新发起付款。"}]}
    )

    answer: Word


def show_stopped_payment(stop: payments.StoppedPayment) -> StoppedPaymentView:
    """Return a stopped payment as its payer sees it."""
    return StoppedPaymentView.model_validate(_show(stop))


def show_waiting_payment(stop: payments.StoppedPayment) -> WaitingPaymentView:
    """Return a stopped payment as staff see it."""
    more = {
        "decision": risk.show_decision(stop.id),
        "ended_by": stop.ended_by,
        "note": stop.note,
        "answered_by": stop.answered_by,
    }
    return WaitingPaymentView.model_validate(_show(stop) | more)


def _show(stop: payments.StoppedPayment) -> dict[str, object]:
    return {
        "payment": show_id(PAYMENT, stop.id),
        "kind": stop.kind.value,
        "action": stop.action.value,
        "state": stop.state.value,
        "amount": show_money(stop.amount),
        "payer": ledger.show_account(stop.payer_account_id),
        "payee": ledger.show_account(stop.payee_account_id),
        "merchant": None if stop.merchant_id is None else show_id(MERCHANT, stop.merchant_id),
        "reasons": [{"zh": why.zh, "en": why.en} for why in stop.reasons],
        "stopped_at": stop.stopped_at,
        "release_at": stop.release_at,
        "give_back_at": stop.give_back_at,
        "outcome": stop.outcome,
        "ended_at": stop.ended_at,
        "appeal": stop.appeal,
        "appealed_at": stop.appealed_at,
        "answer": stop.answer,
        "answered_at": stop.answered_at,
    }
