"""What clearing speaks of: participants, netting windows, payments between banks, positions.

All amounts are minor units of CNY, the currency of HVPS, BEPS and IBPS.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

#: The one currency of the systems that are modelled here.
CURRENCY: Final = "CNY"


class Rail(StrEnum):
    """A system through which banks pay each other."""

    HVPS = "hvps"
    """大额: gross, in real time, on working days."""
    BEPS = "beps"
    """小额: net, at all hours."""
    IBPS = "ibps"
    """超级网银: answered within seconds, net, at all hours."""

    @property
    def is_gross(self) -> bool:
        """Whether each payment is settled by itself, at once."""
        return self is Rail.HVPS


class WindowState(StrEnum):
    """Where a netting window is; it only moves forward."""

    OPEN = "open"
    CLOSED = "closed"
    SETTLING = "settling"
    SETTLED = "settled"


class PaymentState(StrEnum):
    """What became of a payment between two banks."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    """In the positions of a window that is not settled yet; never of a gross payment."""
    SETTLED = "settled"
    REFUSED = "refused"
    UNWOUND = "unwound"
    """Taken back out of its window: its bank could not pay."""


class OverCap(StrEnum):
    """What happens to a payment that would pass its bank's net debit cap."""

    QUEUE = "queue"
    REFUSE = "refuse"


class AtClose(StrEnum):
    """What happens to a payment that still waits when its window closes."""

    CARRY = "carry"
    REFUSE = "refuse"


class Bypass(StrEnum):
    """Who may overtake in a queue."""

    URGENT = "urgent"
    NONE = "none"


class Unwind(StrEnum):
    """Which payments of a bank that cannot pay are taken back."""

    LAST_FIRST = "last_first"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A bank that takes part; `code` is its 12-digit CNAPS bank code.

    `reserved` is what only urgent gross payments may use of its settlement account.
    """

    code: str
    name_zh: str
    name_en: str
    account_id: int
    collateral_account_id: int
    net_debit_cap: int
    reserved: int
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A netting window; `entry_id` is the one journal entry that settled it, if money moved."""

    id: uuid.UUID
    number: int
    state: WindowState
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None
    settled_at: datetime | None
    entry_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """What a bank hands in; the client makes the id."""

    id: uuid.UUID
    rail: Rail
    debtor: str
    creditor: str
    amount: int
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingPayment:
    """A payment between banks as it stands; `reason` is why it was refused or unwound."""

    id: uuid.UUID
    sequence: int
    rail: Rail
    debtor: str
    creditor: str
    amount: int
    is_urgent: bool
    state: PaymentState
    window_id: uuid.UUID | None
    transfer_id: uuid.UUID | None
    submitted_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A participant's multilateral position in a window.

    `carried` is what it owes of windows that are closed and not settled; what it receives in one
    window never covers what it owes of another one.
    """

    window_id: uuid.UUID
    participant: str
    sent: int
    received: int
    unwound_sent: int
    unwound_received: int
    carried: int
    cap: int

    @property
    def net(self) -> int:
        """Received less sent, as accepted."""
        return self.received - self.sent

    @property
    def due(self) -> int:
        """What is settled: positive if the participant receives, negative if it pays."""
        return self.net - self.unwound_received + self.unwound_sent

    @property
    def used(self) -> int:
        """How much of the cap is used."""
        return max(-self.net, 0) + self.carried


@dataclass(frozen=True, slots=True, kw_only=True)
class BilateralPosition:
    """What `debtor` sent `creditor` in a window, and how much of it was taken back."""

    debtor: str
    creditor: str
    amount: int
    unwound: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a window was settled: collateral drawn by participant, and payments taken back."""

    window: Window
    drawn: dict[str, int]
    unwound: tuple[uuid.UUID, ...]
