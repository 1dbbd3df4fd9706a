"""Payment orders and what belongs to them: frozen facts, and the moves of one life cycle."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

from huitong.kernel.money import Money
from huitong.payments.errors import OrderMoveRefused


class OrderKind(StrEnum):
    """How a payment comes about."""

    TRANSFER = "transfer"
    #: Straight to a merchant's account.
    PAYMENT = "payment"
    CHECKOUT = "checkout"
    STATIC_QR = "static_qr"
    DYNAMIC_QR = "dynamic_qr"
    CUSTOMER_CODE = "customer_code"
    AUTHORISATION = "authorisation"
    TOP_UP = "top_up"
    WITHDRAWAL = "withdrawal"


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    #: It waits for somebody to pay.
    CREATED = "created"
    #: Risk holds it back: the money is reserved, and nobody has it (see `stops`).
    HELD = "held"
    #: Money is reserved, or a channel is at work.
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: Given up before any money moved: by the merchant, or because time ran out.
    CLOSED = "closed"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


_MOVES: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.CREATED: frozenset(
        {OrderStatus.PENDING, OrderStatus.SUCCEEDED, OrderStatus.FAILED, OrderStatus.CLOSED}
    ),
    OrderStatus.HELD: frozenset({OrderStatus.SUCCEEDED, OrderStatus.CLOSED}),
    OrderStatus.PENDING: frozenset({OrderStatus.SUCCEEDED, OrderStatus.FAILED, OrderStatus.CLOSED}),
    OrderStatus.SUCCEEDED: frozenset({OrderStatus.PARTLY_REFUNDED, OrderStatus.REFUNDED}),
    OrderStatus.PARTLY_REFUNDED: frozenset({OrderStatus.PARTLY_REFUNDED, OrderStatus.REFUNDED}),
    OrderStatus.FAILED: frozenset(),
    OrderStatus.CLOSED: frozenset(),
    OrderStatus.REFUNDED: frozenset(),
}
PAID_STATUSES: Final = frozenset(
    {OrderStatus.SUCCEEDED, OrderStatus.PARTLY_REFUNDED, OrderStatus.REFUNDED}
)


def check_move(current: OrderStatus, wanted: OrderStatus) -> OrderStatus:
    """Return `wanted`; raises OrderMoveRefused if an order cannot go there from `current`."""
    if wanted not in _MOVES[current]:
        raise OrderMoveRefused(
            f"an order that is {current} cannot become {wanted}",
            context={"status": current.value, "wanted": wanted.value},
        )
    return wanted


class Authentication(StrEnum):
    """How surely the payer was recognised; day caps depend on it."""

    ONE_FACTOR = "one_factor"
    TWO_FACTORS = "two_factors"
    #: Two factors, one of them a digital certificate or an electronic signature.
    CERTIFICATE = "certificate"


class Meter(IntEnum):
    """What the ledger counts against caps; numbers as stored, never given a second meaning."""

    BALANCE_PAYMENTS = 1
    STATIC_CODE = 2
    DYNAMIC_CODE = 3
    #: What a business pays by its mandate.
    CORPORATE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment order as it stands.

    `amount` is what is to be paid, or was; a capture of less than was `authorised` lowers it.
    `fee` is what the merchant was charged and `fee_returned` what it got back with refunds;
    `shared` is what receivers of profit shares still have. `transfer_id` is the transfer that
    paid, or the hold of an authorisation or withdrawal that is pending, or of a held payment.
    """

    id: uuid.UUID
    kind: OrderKind
    status: OrderStatus
    amount: Money
    authorised: Money | None
    fee: Money
    fee_returned: Money
    refunded: Money
    refunds: int
    shared: Money
    payer_account_id: int | None
    payee_account_id: int | None
    merchant_id: uuid.UUID | None
    reference: str | None
    description: str | None
    transfer_id: uuid.UUID | None
    created_at: datetime
    expires_at: datetime | None
    completed_at: datetime | None
    failure_code: str | None

    @property
    def is_paid(self) -> bool:
        """Whether money was paid, even if some or all of it was refunded since."""
        return self.status in PAID_STATUSES

    @property
    def refundable(self) -> Money:
        """What may still be refunded."""
        return self.amount - self.refunded if self.is_paid else Money.zero(self.amount.currency)

    @property
    def shareable(self) -> Money:
        """What is left to the merchant after fee, refunds and shares."""
        if not self.is_paid:
            return Money.zero(self.amount.currency)
        return self.amount - self.refunded - (self.fee - self.fee_returned) - self.shared

    def is_over(self, now: datetime) -> bool:
        """Whether its time has run out; the first instant that is too late is `expires_at`."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money given back to the payer; its identifier is that of the journal entry too."""

    id: uuid.UUID
    order_id: uuid.UUID
    amount: Money
    fee_returned: Money
    shares_returned: Money
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a payment that the merchant passed on; `returned` went back with refunds."""

    id: uuid.UUID
    order_id: uuid.UUID
    entry_id: uuid.UUID
    position: int
    receiver_account_id: int
    amount: Money
    returned: Money
    description: str | None
    created_at: datetime

    @property
    def outstanding(self) -> Money:
        """What the receiver still has of it."""
        return self.amount - self.returned


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareReceiver:
    """Who gets how much of a payment."""

    account_id: int
    amount: Money


class CodeKind(StrEnum):
    """Whether a merchant's code is a sticker, or stands for one order."""

    STATIC = "static"
    DYNAMIC = "dynamic"


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantCode:
    """A code that a merchant shows; a dynamic one belongs to an order with an amount."""

    id: uuid.UUID
    merchant_id: uuid.UUID
    kind: CodeKind
    order_id: uuid.UUID | None
    payload: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReading:
    """What a scanned code asks for; `amount` is None if the payer names it."""

    code_id: uuid.UUID
    kind: CodeKind
    merchant_id: uuid.UUID
    merchant_name: str
    payee_account_id: int
    currency: str
    amount: Money | None
    order_id: uuid.UUID | None
    order_status: OrderStatus | None


class ChannelDirection(StrEnum):
    """Whether a bank channel brings money in or takes it out."""

    IN = "in"
    OUT = "out"


class ChannelKind(StrEnum):
    """What sort of way a channel is; each has a protocol of its own in `channels`."""

    BANK_TRANSFER = "bank_transfer"
    CARD_ACQUIRING = "card_acquiring"
    WALLET_QR = "wallet_qr"
    CROSS_BORDER = "cross_border"


class ChannelState(StrEnum):
    """How far a channel order has come; the last three are for ever."""

    #: Risk wants it to wait, for a time or for somebody's word; nothing was sent.
    HELD = "held"
    TO_SEND = "to_send"
    #: It may have reached the bank: from here on the bank is asked, never assumed.
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: Given up while it was held.
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPayee:
    """An account at a bank that money goes to, in full; no repr shows whose it is.

    `bank_code` is the bank's CNAPS code of 12 digits.
    """

    bank_code: str
    name: str = field(repr=False)
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPayee:
    """A `ChannelPayee` at rest: sealed with the key of `subject_id`, as fields of `sealed_as`."""

    subject_id: uuid.UUID
    bank_code: str
    name: bytes
    number: bytes
    #: The `room.table` in the names of the sealed fields.
    sealed_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrder:
    """An attempt: what we asked of one channel for an order, and what it last said.

    A held one is sent at `held_until`, or if that is None when somebody releases it.
    """

    id: uuid.UUID
    order_id: uuid.UUID
    direction: ChannelDirection
    state: ChannelState
    attempts: int
    due_at: datetime
    updated_at: datetime
    reason: str | None
    amount: Money
    held_until: datetime | None = None
    channel: str = "bank"
    #: The first, second … attempt of the order; one follows only on a known failure.
    number: int = 1
    #: When the channel is asked again although the attempt has ended.
    recheck_at: datetime | None = None
    kind: ChannelKind = ChannelKind.BANK_TRANSFER
    #: What is charged: an acquirer's token of a card, or the one-time code that a wallet showed.
    instrument: str | None = None
    #: Whom the bank is to pay: there only while the order is being sent.
    payee: ChannelPayee | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt with what it was expected to cost us, and why its channel was chosen."""

    order: ChannelOrder
    fee: Money | None
    chosen: dict[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWithdrawal:
    """A withdrawal that waits: until `held_until`, or with None until staff have looked at it."""

    order_id: uuid.UUID
    amount: Money
    held_at: datetime
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterparty:
    """That an account paid another one (`is_payer`), or was paid by it."""

    account_id: int
    other_account_id: int
    is_payer: bool
    times: int
    first_at: datetime
    last_at: datetime
