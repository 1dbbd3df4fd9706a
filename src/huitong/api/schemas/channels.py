"""Channels as they travel: terms, health, rules of routing, breaks and their cures."""

from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import Field

from huitong import payments
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
from huitong.kernel import ids
from huitong.kernel.ids import show_id

channels: Final = payments.channels

_NAME_PATTERN = "^[a-z][a-z0-9-]{0,31}$"
_MINOR = "In minor units of the currency that is paid."
Name = Annotated[str, Field(pattern=_NAME_PATTERN, examples=["bank"])]
ChannelPath = Annotated[
    str, Path(pattern=_NAME_PATTERN, description="The channel's name.", examples=["bank"])
]
Kind = Literal["bank_transfer", "card_acquiring", "wallet_qr", "cross_border"]
Direction = Literal["in", "out"]
Hour = Annotated[
    str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="In Asia/Shanghai.")
]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["CNY"])]
Minor = Annotated[int, Field(ge=0, le=channels.MINOR_MAX, description=_MINOR)]


class FeeTierBody(Body):
    """What a payment from an amount on costs us: fixed + rate × amount, at most `maximum`."""

    currency: Currency
    amount_from: Minor = 0
    fixed: Minor = 0
    rate: str = Field(pattern=r"^0(\.[0-9]{1,6})?$", examples=["0.006"])
    maximum: Minor | None = None


class TermsBody(Body):
    """What a channel can do and costs us."""

    name: Name
    kind: Kind
    name_zh: str = Field(min_length=1, max_length=64, examples=["银行转账"])
    name_en: str = Field(min_length=1, max_length=64, examples=["Bank transfer"])
    directions: list[Direction] = Field(min_length=1, max_length=2)
    currencies: list[Currency] = Field(max_length=50, description="Empty for all.")
    amount_min: Minor = 1
    amount_max: Minor | None = None
    opens_at: Hour | None = None
    closes_at: Hour | None = None
    fees: list[FeeTierBody] = Field(default=[], max_length=50)


class SaveChannel(Body):
    """Other terms for a channel, or a new channel, which starts switched off."""

    terms: TermsBody
    reason: Why


class SwitchChannel(Body):
    """Why a channel is switched."""

    reason: Why


class RuleBody(Body):
    """The channel that goes first where everything that is given fits."""

    priority: int = Field(ge=1, le=1000, description="The smallest that fits wins.")
    channel: Name
    kind: Kind | None = None
    currency: Currency | None = None
    amount_from: Minor = 0
    amount_below: Minor | None = None
    bank: str | None = Field(
        default=None, pattern="^[0-9]{3}$", description="First digits of the other bank's code."
    )


class ReplaceRules(Body):
    """The rules of routing, in the place of all others."""

    rules: list[RuleBody] = Field(max_length=50)
    reason: Why


class FeeTierView(View):
    """What a payment from an amount on costs us."""

    currency: Currency
    amount_from: Minor
    fixed: Minor
    rate: str
    maximum: Minor | None


class HealthView(View):
    """How a channel did in the last minutes, as all processes told."""

    circuit: Literal["closed", "open", "half_open"]
    succeeded: int
    failed: int
    unanswered: int
    success_bps: int


class ChannelView(View):
    """A channel: what it can do and costs us, and how it does."""

    name: Name
    kind: Kind
    name_zh: str
    name_en: str
    directions: list[Direction]
    currencies: list[Currency]
    amount_min: Minor
    amount_max: Minor | None
    opens_at: Hour | None
    closes_at: Hour | None
    is_enabled: bool
    fees: list[FeeTierView]
    health: HealthView | None = Field(description="Null where no process told lately.")


class ChannelsView(View):
    """All channels."""

    data: list[ChannelView]


class RuleView(View):
    """A rule of routing."""

    priority: int
    channel: Name
    kind: Kind | None
    currency: Currency | None
    amount_from: Minor
    amount_below: Minor | None
    bank: str | None


class RulesView(View):
    """The rules of routing, by priority."""

    data: list[RuleView]


AttemptId = Annotated[
    str,
    Field(
        pattern=id_pattern(ids.CHANNEL_ATTEMPT),
        description="The attempt that the channel contradicts.",
        examples=[example_id(ids.CHANNEL_ATTEMPT)],
    ),
]
BreakKindName = Literal["success_after_failure", "failure_after_success", "wrong_amount"]
CureName = Literal["book", "undo", "close"]


class BreakView(View):
    """Where a channel contradicts our books."""

    attempt: AttemptId
    payment: str
    channel: Name
    direction: Direction
    kind: BreakKindName
    amount: MoneyView = Field(description="What the channel says.")
    entry: str | None = Field(description="What booked the money that moved, if any did.")
    found_at: Instant
    cure: CureName | None = Field(description="Null while it is open.")
    cured_at: Instant | None


class BreaksView(View):
    """Breaks, the newest first."""

    data: list[BreakView]


class CureBreak(Body):
    """How a break is to end."""

    attempt: AttemptId
    kind: BreakKindName
    cure: CureName = Field(
        description="`book`: for the customer after all; `undo`: the channel gave its money back; "
        "`close`: agreed with the channel, and no money has to move."
    )
    reason: Why


class CallbackView(View):
    """What became of a callback."""

    effect: Literal["asked", "known", "repeated"]


def show_channel(
    channel: payments.channels.Channel, health: payments.channels.Health | None
) -> ChannelView:
    """Return a channel as a view."""
    shown: dict[str, Any] = channels.show_channel(channel)
    seen = None
    if health is not None:
        seen = HealthView(
            circuit=health.state.value,
            succeeded=health.succeeded,
            failed=health.failed,
            unanswered=health.unanswered,
            success_bps=health.success_bps,
        )
    return ChannelView(**shown, health=seen)


def show_break(found: payments.channels.ChannelBreak) -> BreakView:
    """Return a break as a view."""
    return BreakView(
        attempt=show_id(ids.CHANNEL_ATTEMPT, found.channel_order_id),
        payment=show_id(ids.PAYMENT, found.order_id),
        channel=found.channel,
        direction=found.direction.value,
        kind=found.kind.value,
        amount=show_money(found.amount),
        entry=None if found.transfer_id is None else show_id(ids.ENTRY, found.transfer_id),
        found_at=found.found_at,
        cure=None if found.cure is None else found.cure.value,
        cured_at=found.cured_at,
    )
