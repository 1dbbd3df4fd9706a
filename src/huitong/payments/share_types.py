"""Profit shares that risk holds: who gets how much, until when, and what became of it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from huitong.kernel.money import Money
from huitong.payments.calculations import derive_id
from huitong.payments.stop_types import StopAction, StopReason, StopState
from huitong.payments.types import ShareReceiver


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldShare:
    """A sharing of a payment that risk held back; the money is reserved at the merchant.

    At `due_at` a delayed one is passed on and one under review is given back. `outcome` is a
    StopOutcome, `refunded` if a refund went first, or the code of what kept it from being passed
    on.
    """

    entry_id: uuid.UUID
    order_id: uuid.UUID
    merchant_account_id: int
    amount: Money
    receivers: tuple[ShareReceiver, ...]
    description: str | None
    action: StopAction
    state: StopState
    reasons: tuple[StopReason, ...]
    held_at: datetime
    due_at: datetime
    outcome: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    note: str | None = None

    @property
    def share_ids(self) -> list[uuid.UUID]:
        """The ids of the shares that it becomes, in their order: those of their decisions, too."""
        return [derive_id(self.entry_id, place + 1) for place in range(len(self.receivers))]

    @property
    def is_held(self) -> bool:
        """Whether the money is reserved and nobody has it."""
        return self.state is StopState.HELD
