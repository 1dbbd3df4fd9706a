"""Payments that risk stops: held for a time, or blocked; what the payer is told and says to it."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from huitong.kernel.money import Money
from huitong.payments.types import OrderKind


class StopAction(StrEnum):
    """What risk asked for."""

    #: Held until somebody has looked at it; given back if nobody does in time.
    REVIEW = "review"
    #: Held for a time in which the payer may change their mind, then paid.
    DELAY = "delay"
    #: Refused; there is no order.
    BLOCK = "block"


class StopState(StrEnum):
    """How far a stopped payment has come; all but the first are for ever."""

    HELD = "held"
    PAID = "paid"
    GIVEN_BACK = "given_back"
    BLOCKED = "blocked"


class StopOutcome(StrEnum):
    """How a held payment ended, besides the codes of refusals that kept it from being paid."""

    #: Staff let it go.
    RELEASED = "released"
    #: Its delay was over.
    SETTLED = "settled"
    #: The payer gave it up.
    CANCELLED = "cancelled"
    #: Staff gave it back.
    REJECTED = "rejected"
    #: Nobody looked at it in time.
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReason:
    """Why, in plain words for the payer."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedPayment:
    """A payment that risk stopped; `id` is that of the payment and of its decision.

    At `due_at` a delayed one is paid and one under review is given back; a blocked one has none.
    `outcome` is a StopOutcome or the code of the refusal that kept it from being paid. `note` is
    why staff decided so; `appeal` what the payer said, and `answer` what staff said to that.
    """

    id: uuid.UUID
    kind: OrderKind
    action: StopAction
    state: StopState
    payer_account_id: int
    payee_account_id: int
    merchant_id: uuid.UUID | None
    amount: Money
    reasons: tuple[StopReason, ...]
    stopped_at: datetime
    due_at: datetime | None = None
    outcome: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    note: str | None = None
    appeal: str | None = None
    appealed_at: datetime | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None

    @property
    def is_held(self) -> bool:
        """Whether its money is reserved and nobody has it."""
        return self.state is StopState.HELD

    @property
    def release_at(self) -> datetime | None:
        """When it is paid by itself, unless the payer or staff end it before."""
        return self.due_at if self.action is StopAction.DELAY else None

    @property
    def give_back_at(self) -> datetime | None:
        """When it is given back by itself if nobody has looked at it."""
        return self.due_at if self.action is StopAction.REVIEW else None
