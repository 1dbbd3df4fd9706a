"""What a business may pay by whose word: mandates, payees, instructions."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from huitong.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """From `amount_from` on a payment takes so many approvers."""

    amount_from: Money
    approvers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMandate:
    """What a business may pay: at most so much at once, on one day, and in all (None: no cap)."""

    merchant_id: uuid.UUID
    payment_max: Money
    day_max: Money
    total_max: Money | None
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate(NewMandate):
    """A mandate in force since `set_at`; never changed, only followed by another."""

    id: uuid.UUID
    set_at: datetime

    def approvers_for(self, amount: Money) -> int:
        """Return how many approvers a payment takes: those of the last band that it reaches."""
        reached = [band.approvers for band in self.bands if band.amount_from <= amount]
        return reached[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayee:
    """Who is to be paid: an account with us, or a number at the bank with a CNAPS code."""

    name: str
    account_id: int | None = None
    bank_code: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """A payee as stored; a bank account's name and number are sealed."""

    id: uuid.UUID
    merchant_id: uuid.UUID
    account_id: int | None
    bank_code: str | None

    @property
    def is_at_a_bank(self) -> bool:
        """Whether the money leaves the house."""
        return self.account_id is None


class InstructionKind(StrEnum):
    """What an instruction is about."""

    #: One payment, made when the last approver has approved.
    PAYMENT = "payment"
    #: A standing order (定期付款) or a payment at a later time (预约付款).
    SCHEDULE = "schedule"


class InstructionState(StrEnum):
    """Where an instruction is in its life."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    #: Taken back by a submitter before it was approved.
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What somebody wants to be paid, and who has approved it.

    `content` is canonical JSON and `digest` its SHA-256, by which it is approved. `amount` is the
    most that one payment of it can be. `order_id` is the payment that it became.
    """

    id: uuid.UUID
    merchant_id: uuid.UUID
    mandate_id: uuid.UUID
    payee: Payee
    kind: InstructionKind
    content: str
    amount: Money
    approvers: int
    made_by: uuid.UUID
    made_at: datetime
    expires_at: datetime
    state: InstructionState = InstructionState.WAITING
    approved_by: tuple[uuid.UUID, ...] = ()
    decided_at: datetime | None = None
    rejected_by: uuid.UUID | None = None
    order_id: uuid.UUID | None = None

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what is instructed, with its payer's business and its payee."""
        return hashlib.sha256(self.content.encode()).digest()
