"""Payments as staff look for them, and the whole trace of one."""

from typing import Annotated, Final

from fastapi import Query
from pydantic import Field, JsonValue

from huitong import payments
from huitong.api.schemas.common import (
    ACCOUNT_PATTERN,
    Instant,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
    show_money_or_none,
)
from huitong.api.schemas.ledger import EntryView
from huitong.api.schemas.payments import Kind, PaymentView, RefundView, ShareView, Status
from huitong.api.schemas.stopped_payments import WaitingPaymentView
from huitong.api.schemas.withdrawals import RailView
from huitong.kernel import ids
from huitong.kernel.ids import show_id

KindQuery = Annotated[Kind | None, Query(description="Only of this kind.")]
StatusQuery = Annotated[Status | None, Query(description="Only those in this state.")]
AccountQuery = Annotated[
    str | None,
    Query(
        pattern=ACCOUNT_PATTERN,
        description="The account that pays or is paid.",
        examples=["acct_100000000190"],
    ),
]
MerchantQuery = Annotated[
    str | None,
    Query(
        pattern=id_pattern(ids.MERCHANT),
        description="Only those of this merchant.",
        examples=[example_id(ids.MERCHANT)],
    ),
]
#: What is kept of why a channel was chosen that is not of the bank's own making.
_HIDDEN: Final = frozenset({"instrument", "payee"})


class AttemptView(View):
    """What a channel was asked, and what it said."""

    id: str = Field(
        pattern=id_pattern(ids.CHANNEL_ATTEMPT), examples=[example_id(ids.CHANNEL_ATTEMPT)]
    )
    number: int = Field(description="The first, second … attempt.")
    channel: str
    direction: str = Field(examples=["out"])
    kind: str = Field(examples=["bank_transfer"])
    state: str = Field(examples=["succeeded"])
    requests: int = Field(description="How often it was sent.")
    amount: MoneyView
    fee: MoneyView | None
    reason: str | None
    chosen: dict[str, JsonValue] | None = Field(description="Why this channel.")
    due_at: Instant
    updated_at: Instant
    held_until: Instant | None


class PaymentTraceView(View):
    """A payment with everything that belongs to it."""

    payment: PaymentView
    decision: str | None = Field(
        pattern=id_pattern(ids.DECISION), description="Of risk; null if risk was not asked."
    )
    stop: WaitingPaymentView | None = Field(description="If risk held or blocked it.")
    entries: list[EntryView] = Field(description="What it posted, refunds too, oldest first.")
    attempts: list[AttemptView]
    rail: RailView | None
    refunds: list[RefundView]
    shares: list[ShareView]


def show_attempt(attempt: payments.Attempt) -> AttemptView:
    """Return an attempt as a view, without what is charged and whom the bank pays."""
    order = attempt.order
    return AttemptView.model_validate(
        {
            "id": show_id(ids.CHANNEL_ATTEMPT, order.id),
            "number": order.number,
            "channel": order.channel,
            "direction": order.direction.value,
            "kind": order.kind.value,
            "state": order.state.value,
            "requests": order.attempts,
            "amount": show_money(order.amount),
            "fee": show_money_or_none(attempt.fee),
            "reason": order.reason,
            "chosen": None
            if attempt.chosen is None
            else {key: each for key, each in attempt.chosen.items() if key not in _HIDDEN},
            "due_at": order.due_at,
            "updated_at": order.updated_at,
            "held_until": order.held_until,
        }
    )
