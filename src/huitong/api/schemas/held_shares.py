"""Profit shares that risk holds, as they travel: to merchants, and to staff."""

from typing import Literal

from pydantic import Field

from huitong import ledger, payments, risk
from huitong.api.schemas.common import (
    AccountId,
    Instant,
    MoneyView,
    PaymentId,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.api.schemas.payments import ShareView, show_share
from huitong.api.schemas.stopped_payments import WhyView
from huitong.kernel.ids import ENTRY, PAYMENT, show_id


class HeldReceiverView(View):
    """Who gets how much once it is passed on."""

    receiver: AccountId
    amount: MoneyView


class HeldShareView(View):
    """A sharing of a payment that risk held: the money is reserved at the merchant."""

    id: str = Field(pattern=id_pattern(ENTRY), examples=[example_id(ENTRY)])
    payment: PaymentId
    action: Literal["review", "delay"]
    state: Literal["held", "paid", "given_back"]
    amount: MoneyView
    receivers: list[HeldReceiverView]
    description: str | None
    reasons: list[WhyView]
    held_at: Instant
    due_at: Instant = Field(
        description="When a delayed one is passed on, and one under review is given back."
    )
    outcome: str | None = Field(
        description="`released` or `settled` if it was passed on; `cancelled`, `rejected`, "
        "`expired`, `refunded`, or the code of what kept it from being passed on.",
        examples=["cancelled"],
    )
    ended_at: Instant | None


class WaitingShareView(HeldShareView):
    """The same as staff see it."""

    decisions: list[str] = Field(description="One for each receiver, in their order.")
    ended_by: str | None
    note: str | None = Field(description="Why staff released or rejected it.")


class SharesView(View):
    """All shares of a payment, and what was held of them."""

    data: list[ShareView]
    held: list[HeldShareView]


def show_shares(shares: tuple[payments.Share, ...], held: list[payments.HeldShare]) -> SharesView:
    """Return the shares of a payment as a view."""
    return SharesView(
        data=[show_share(share) for share in shares], held=[show_held_share(each) for each in held]
    )


def show_held_share(held: payments.HeldShare) -> HeldShareView:
    """Return a held share as its merchant sees it."""
    return HeldShareView.model_validate(_show(held))


def show_waiting_share(held: payments.HeldShare) -> WaitingShareView:
    """Return a held share as staff see it."""
    decisions = [risk.show_decision(each) for each in held.share_ids]
    more = {"decisions": decisions, "ended_by": held.ended_by, "note": held.note}
    return WaitingShareView.model_validate({**_show(held), **more})


def _show(held: payments.HeldShare) -> dict[str, object]:
    return {
        "id": show_id(ENTRY, held.entry_id),
        "payment": show_id(PAYMENT, held.order_id),
        "action": held.action.value,
        "state": held.state.value,
        "amount": show_money(held.amount),
        "receivers": [
            {"receiver": ledger.show_account(each.account_id), "amount": show_money(each.amount)}
            for each in held.receivers
        ],
        "description": held.description,
        "reasons": [{"zh": why.zh, "en": why.en} for why in held.reasons],
        "held_at": held.held_at,
        "due_at": held.due_at,
        "outcome": held.outcome,
        "ended_at": held.ended_at,
    }
