"""What reconciliation compares and finds: sides, breaks, cures, files, suspense. Pure data."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from huitong.kernel.money import Money
from huitong.payments.types import ChannelDirection


class BreakKind(StrEnum):
    """What does not agree."""

    #: We carried it, the channel's file does not have it.
    MISSING_AT_CHANNEL = "missing_at_channel"
    #: The file has it under an id of our shape that we do not know.
    MISSING_WITH_US = "missing_with_us"
    #: The file has it under nothing that could be ours.
    UNKNOWN_REFERENCE = "unknown_reference"
    AMOUNT_DIFFERS = "amount_differs"
    FEE_DIFFERS = "fee_differs"
    CURRENCY_DIFFERS = "currency_differs"
    DIRECTION_DIFFERS = "direction_differs"
    #: One side carried it and the other did not, or the order says other than its attempt.
    STATE_DIFFERS = "state_differs"
    #: The channel has it more than once, in a file or in two.
    DOUBLED_IN_FILE = "doubled_in_file"
    #: The journal has a second entry like that of a payment.
    DOUBLED_WITH_US = "doubled_with_us"
    LEDGER_MISSING = "ledger_missing"
    #: The entry is of another amount, currency or side than its order.
    LEDGER_AMOUNT_DIFFERS = "ledger_amount_differs"
    LEDGER_WITHOUT_ORDER = "ledger_without_order"
    #: Both have it, on days further apart than midnight explains.
    LATE = "late"


class BreakState(StrEnum):
    """How far a break has come."""

    #: The next day's file may have it still.
    TIMING = "timing"
    OPEN = "open"
    #: Two members of staff did something about it.
    CURED = "cured"
    #: It went by itself: the other side came.
    MATCHED = "matched"


class Cure(StrEnum):
    """What can be done about a break."""

    #: Do again what did not reach one side: ask the channel, or post the missing entry.
    REPLAY = "replay"
    #: Undo what we booked.
    REVERSE = "reverse"
    #: Book what the channel has, the difference being in suspense.
    SUSPENSE = "suspense"
    #: Take the channel's fee.
    ACCEPT_FEE = "accept_fee"
    #: Leave it for some days.
    WAIT = "wait"
    #: Nothing has to be booked: a difference of words, or one that the channel took back.
    ACCEPT = "accept"


class FileState(StrEnum):
    """How far a channel's file has come."""

    LOADING = "loading"
    LOADED = "loaded"
    MATCHED = "matched"
    #: Next to nothing of it agrees: it is of another day or of another house.
    REFUSED = "refused"
    #: The rest of it never came, and another file took its day.
    ABANDONED = "abandoned"


class FileFormat(StrEnum):
    """What a file is written in."""

    CSV = "csv"
    CAMT_053 = "camt.053"


class PairRule(StrEnum):
    """By what a line was matched that has no known id, or is of another day."""

    REFERENCE = "reference"
    AMOUNT_AND_TIME = "amount_and_time"
    OTHER_DAY = "other_day"


class SuspenseSide(StrEnum):
    """Whom the money in suspense is due to: we owe it, or somebody owes it to us."""

    PAYABLE = "payable"
    RECEIVABLE = "receivable"


class ClearedTo(StrEnum):
    """Where money goes from suspense, or comes from to it."""

    CUSTOMER = "customer"
    CHANNEL = "channel"
    #: Our own result: income that nobody claims, or a loss.
    RESULT = "result"


class Side(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one side says of a payment; amount and fee in minor units.

    `is_moved` says whether money moved by it.
    """

    amount: int
    currency: str
    direction: ChannelDirection
    is_moved: bool
    state: str
    at: datetime
    fee: int | None = None

    @property
    def effect(self) -> int:
        """What it adds to what the channel holds for us, in minor units of `currency`."""
        if not self.is_moved:
            return 0
        return self.amount if self.direction is ChannelDirection.IN else -self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A line of a channel's file; `attempt_id` is None where the channel gives none."""

    number: int
    attempt_id: uuid.UUID | None
    reference: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class OurPayment:
    """An attempt of ours that has ended or may have: its channel, order and side."""

    attempt_id: uuid.UUID
    order_id: uuid.UUID
    channel: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference as it was found, before it is a break with an owner and a history."""

    kind: BreakKind
    #: What it is about: the same thing is found once.
    key: str
    channel: str | None
    day: date
    ours: Side | None
    theirs: Side | None
    attempt_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    transfer_id: uuid.UUID | None = None
    line: int | None = None
    reference: str | None = None
    differs: tuple[str, ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A difference with its state, age, owner and cure; `amount` is what is at stake."""

    id: uuid.UUID
    kind: BreakKind
    channel: str | None
    day: date
    attempt_id: uuid.UUID | None
    order_id: uuid.UUID | None
    transfer_id: uuid.UUID | None
    line: int | None
    reference: str | None
    amount: Money
    differs: tuple[str, ...]
    ours: Side | None
    theirs: Side | None
    proposed: Cure
    state: BreakState
    owner_id: uuid.UUID | None
    found_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    cure: Cure | None
    approval_id: uuid.UUID | None

    @property
    def is_ended(self) -> bool:
        """Whether nothing is left to be done about it."""
        return self.state in (BreakState.CURED, BreakState.MATCHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """What somebody, or the machine, did about a break."""

    act: str
    actor: str
    at: datetime
    details: dict[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFile:
    """A channel's file as it stands; `matched` lines agree in everything on their own day."""

    id: uuid.UUID
    number: int
    channel: str
    day: date
    format: FileFormat
    digest: bytes
    line_count: int
    loaded: int
    state: FileState
    matched: int
    tolerated: int
    received_at: datetime
    matched_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseItem:
    """Money in suspense because of a break; the id is that of its transfer."""

    id: uuid.UUID
    break_id: uuid.UUID
    account_id: int
    side: SuspenseSide
    amount: Money
    opened_at: datetime
    cleared_id: uuid.UUID | None = None
    cleared_to: ClearedTo | None = None
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """How many breaks of a kind there are in a state, and what is at stake in a currency."""

    kind: BreakKind
    state: BreakState
    currency: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a line of a file: the line's number, the field, and a word for it."""

    number: int
    field: str
    code: str
