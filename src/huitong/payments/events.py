"""What happened to payments, in the past tense."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from huitong.kernel.money import Money
from huitong.kernel.outbox import Event
from huitong.payments.stop_types import StopAction
from huitong.payments.types import ChannelDirection, OrderKind


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated(Event):
    """A merchant asks for a payment."""

    topic: ClassVar[str] = "payments.OrderCreated.v1"

    order_id: uuid.UUID
    kind: OrderKind
    merchant_id: uuid.UUID
    amount: Money
    expires_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorised(Event):
    """A payer's money is reserved for a merchant."""

    topic: ClassVar[str] = "payments.PaymentAuthorised.v1"

    order_id: uuid.UUID
    merchant_id: uuid.UUID
    payer_account_id: int
    amount: Money
    expires_at: datetime
    authorised_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentHeld(Event):
    """Risk holds a payment back; at `due_at` a delayed one is paid, one under review given back."""

    topic: ClassVar[str] = "payments.PaymentHeld.v1"

    order_id: uuid.UUID
    kind: OrderKind
    action: StopAction
    payer_account_id: int
    payee_account_id: int
    merchant_id: uuid.UUID | None
    amount: Money
    due_at: datetime
    held_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentGivenBack(Event):
    """A held payment was not paid; `outcome` says how it ended, or why it could not be paid."""

    topic: ClassVar[str] = "payments.PaymentGivenBack.v1"

    order_id: uuid.UUID
    kind: OrderKind
    payer_account_id: int
    amount: Money
    outcome: str
    given_back_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSucceeded(Event):
    """Money was paid; for a top-up or a withdrawal, one of the accounts is the channel's."""

    topic: ClassVar[str] = "payments.PaymentSucceeded.v1"

    order_id: uuid.UUID
    kind: OrderKind
    payer_account_id: int
    payee_account_id: int
    merchant_id: uuid.UUID | None
    amount: Money
    fee: Money
    transfer_id: uuid.UUID
    succeeded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(Event):
    """A bank channel said no; what was reserved is free again."""

    topic: ClassVar[str] = "payments.PaymentFailed.v1"

    order_id: uuid.UUID
    kind: OrderKind
    amount: Money
    failure_code: str
    failed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed(Event):
    """An order was given up; `reason` is closed, voided, expired, cancelled or stopped."""

    topic: ClassVar[str] = "payments.OrderClosed.v1"

    order_id: uuid.UUID
    kind: OrderKind
    reason: str
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(Event):
    """Money went back to the payer; `refunded` is the sum of all refunds of the order."""

    topic: ClassVar[str] = "payments.PaymentRefunded.v1"

    refund_id: uuid.UUID
    order_id: uuid.UUID
    amount: Money
    fee_returned: Money
    shares_returned: Money
    refunded: Money
    refunded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitShared(Event):
    """A merchant passed parts of a payment on; one event for each request."""

    topic: ClassVar[str] = "payments.ProfitShared.v1"

    entry_id: uuid.UUID
    order_id: uuid.UUID
    receiver_account_ids: tuple[int, ...]
    amount: Money
    shared_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrderRequested(Event):
    """A bank channel has something to do."""

    topic: ClassVar[str] = "payments.ChannelOrderRequested.v1"

    order_id: uuid.UUID
    direction: ChannelDirection
    amount: Money
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAppealed(Event):
    """A payer says that a payment which risk stopped is theirs."""

    topic: ClassVar[str] = "payments.StopAppealed.v1"

    payment_id: uuid.UUID
    payer_account_id: int
    appealed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalHeld(Event):
    """A withdrawal waits until `held_until`, or with None until somebody has looked at it."""

    topic: ClassVar[str] = "payments.WithdrawalHeld.v1"

    order_id: uuid.UUID
    amount: Money
    held_until: datetime | None
    held_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalReleased(Event):
    """Staff let a withdrawal go to the bank that was held."""

    topic: ClassVar[str] = "payments.WithdrawalReleased.v1"

    order_id: uuid.UUID
    amount: Money
    released_at: datetime
