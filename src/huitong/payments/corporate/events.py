"""What happened on corporate accounts, in the past tense."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from huitong.kernel.money import Money
from huitong.kernel.outbox import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateMandateSet(Event):
    """Another mandate of a business is in force."""

    topic: ClassVar[str] = "payments.CorporateMandateSet.v1"

    merchant_id: uuid.UUID
    mandate_id: uuid.UUID
    set_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionWaiting(Event):
    """Somebody of a business wants a payment that others are to approve."""

    topic: ClassVar[str] = "payments.InstructionWaiting.v1"

    instruction_id: uuid.UUID
    merchant_id: uuid.UUID
    amount: Money
    approvers: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionDecided(Event):
    """An instruction was approved, rejected, withdrawn, or its time is over."""

    topic: ClassVar[str] = "payments.InstructionDecided.v1"

    instruction_id: uuid.UUID
    merchant_id: uuid.UUID
    state: str
    order_id: uuid.UUID | None
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingPaymentMade(Event):
    """A due date of a standing order was paid, or handed to a channel."""

    topic: ClassVar[str] = "payments.StandingPaymentMade.v1"

    standing_order_id: uuid.UUID
    merchant_id: uuid.UUID
    number: int
    due_on: date
    order_id: uuid.UUID
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingPaymentSkipped(Event):
    """A due date of a standing order was given up: the business is told why."""

    topic: ClassVar[str] = "payments.StandingPaymentSkipped.v1"

    standing_order_id: uuid.UUID
    merchant_id: uuid.UUID
    number: int
    due_on: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSwept(Event):
    """A pool was swept; both sums are in minor units of its currency."""

    topic: ClassVar[str] = "payments.PoolSwept.v1"

    pool_id: uuid.UUID
    sweep_id: uuid.UUID
    number: int
    up: Money
    down: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInReceived(Event):
    """Money came in for a business; `finding` says whether it is what was expected."""

    topic: ClassVar[str] = "payments.PayInReceived.v1"

    pay_in_id: uuid.UUID
    merchant_id: uuid.UUID | None
    virtual_account_id: uuid.UUID | None
    amount: Money
    finding: str
