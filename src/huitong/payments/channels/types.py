"""What channels are and say: capabilities, fees, rules, health, answers, breaks. Pure data."""

import uuid
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum

from huitong.kernel.money import Money
from huitong.payments.types import ChannelDirection, ChannelKind

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTier:
    """What a payment from `amount_from` on costs us: fixed + rate × amount, at most `maximum`.

    All sums are minor units of `currency`.
    """

    currency: str
    amount_from: int
    fixed: int
    rate: Decimal
    maximum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way out of the house and what it can do.

    `currencies` is empty for all; amounts are minor units of the currency that is paid; hours are
    of Asia/Shanghai, `opens_at` included and `closes_at` not, None for always. `rail` is the system
    (`hvps`, `beps`, `ibps`) that it always takes, None if amount, urgency and hours decide.
    """

    name: str
    kind: ChannelKind
    name_zh: str
    name_en: str
    directions: frozenset[ChannelDirection]
    currencies: frozenset[str]
    amount_min: int = 1
    amount_max: int | None = None
    opens_at: time | None = None
    closes_at: time | None = None
    rail: str | None = None
    is_enabled: bool = True
    fees: tuple[FeeTier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRule:
    """The channel that goes first where everything that is given fits; smallest priority wins."""

    priority: int
    channel: str
    kind: ChannelKind | None = None
    currency: str | None = None
    amount_from: int = 0
    amount_below: int | None = None
    #: First three digits of the other bank's code.
    bank: str | None = None


class CircuitState(StrEnum):
    """Whether a channel is called: yes, no, or once to see whether it is well again."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a channel did in the last minutes, as one process saw it or as all did together."""

    state: CircuitState = CircuitState.CLOSED
    succeeded: int = 0
    failed: int = 0
    unanswered: int = 0

    @property
    def success_bps(self) -> int:
        """Return the share of successes in basis points; a channel without a past has all."""
        asked = self.succeeded + self.failed + self.unanswered
        return 10_000 if asked == 0 else 10_000 * self.succeeded // asked


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRequest:
    """What is to be carried; `tried` are channels that are known to have failed."""

    kind: ChannelKind
    direction: ChannelDirection
    amount: Money
    at: datetime
    bank: str | None = None
    tried: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The channel that was chosen, what it will cost us, and why it was this one."""

    channel: str
    fee: Money
    because: JsonObject
    #: Whether its circuit is open, as are those of all others that could carry it.
    is_ill: bool


class ChannelVerdict(StrEnum):
    """What a bank says of an order."""

    #: It has the order and is at work.
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: It has never heard of the order, so that it can be sent again.
    UNKNOWN = "unknown"


class PayeeRefusal(StrEnum):
    """Why nobody can pay this payee, on whatever channel; the failure code of the order."""

    ACCOUNT_UNKNOWN = "payee_account_unknown"
    NAME_DIFFERS = "payee_name_differs"
    #: Ours: what was sealed cannot be opened any more, so that it was not sent.
    UNREADABLE = "payee_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAnswer:
    """A bank's answer about one order; `refusal` says what is wrong with its payee."""

    verdict: ChannelVerdict
    reason: str | None = None
    refusal: PayeeRefusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRefund:
    """All or part of what a channel brought in by an attempt, given back on the same way."""

    id: uuid.UUID
    #: The attempt, as the channel knows it.
    order_id: uuid.UUID
    amount: Money


class BreakKind(StrEnum):
    """How a channel contradicts our books."""

    SUCCESS_AFTER_FAILURE = "success_after_failure"
    FAILURE_AFTER_SUCCESS = "failure_after_success"
    WRONG_AMOUNT = "wrong_amount"


class Cure(StrEnum):
    """What ends a break."""

    #: The customer bears what moved, or gets it: the order is done after all.
    BOOK = "book"
    #: The channel has given back or taken back what moved: as if the order had not been.
    UNDO = "undo"
    #: It was agreed with the channel, and no money of ours has to move.
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBreak:
    """A contradiction: what the channel says, the entry that booked it, and what cured it.

    Money of an open `SUCCESS_AFTER_FAILURE` lies in suspense.
    """

    channel_order_id: uuid.UUID
    order_id: uuid.UUID
    channel: str
    direction: ChannelDirection
    kind: BreakKind
    amount: Money
    transfer_id: uuid.UUID | None
    found_at: datetime
    cure: Cure | None = None
    cure_transfer_id: uuid.UUID | None = None
    cured_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A channel's call: its id, when it was signed, and which order of the channel it is about."""

    id: str
    channel: str
    channel_order_id: uuid.UUID
    said: ChannelVerdict
    direction: ChannelDirection
    amount: Money
    digest: bytes
