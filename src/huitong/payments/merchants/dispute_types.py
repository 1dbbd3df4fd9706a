"""Disputes: stages, whose turn it is, what may be done, and where that leads."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.calendar import BusinessCalendar
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.rulebook import Rulebook, Unit
from huitong.payments.merchants.errors import DisputeMoveRefused

_ZONE: Final = ZoneInfo(SHANGHAI)


class Origin(StrEnum):
    """Who disputes."""

    CUSTOMER = "customer"
    """A payer of ours: what is taken waits with us until the dispute is over."""
    CHANNEL = "channel"
    """A scheme or bank for a payer of theirs: it takes the money at once, and gives it back."""


class DisputeReason(StrEnum):
    """Why a payment is disputed."""

    NOT_AUTHORISED = "not_authorised"
    NOT_RECEIVED = "not_received"
    NOT_AS_DESCRIBED = "not_as_described"
    CHARGED_TWICE = "charged_twice"
    WRONG_AMOUNT = "wrong_amount"
    REFUND_NOT_RECEIVED = "refund_not_received"
    CANCELLED = "cancelled"


#: What people read for each reason, in Chinese and English.
REASONS: Final[dict[DisputeReason, tuple[str, str]]] = {
    DisputeReason.NOT_AUTHORISED: ("非本人交易", "The payer did not make the payment"),
    DisputeReason.NOT_RECEIVED: ("未收到商品或服务", "Goods or services were not received"),
    DisputeReason.NOT_AS_DESCRIBED: ("商品或服务与描述不符", "Not as it was described"),
    DisputeReason.CHARGED_TWICE: ("重复扣款", "Charged twice"),
    DisputeReason.WRONG_AMOUNT: ("金额错误", "The amount is wrong"),
    DisputeReason.REFUND_NOT_RECEIVED: ("未收到退款", "A refund did not arrive"),
    DisputeReason.CANCELLED: ("订单已取消", "The order was cancelled"),
}


class Stage(StrEnum):
    """How far a dispute has gone; it never goes back."""

    RETRIEVAL = "retrieval"
    CHARGEBACK = "chargeback"
    REPRESENTMENT = "representment"
    PRE_ARBITRATION = "pre_arbitration"
    DECISION = "decision"


class Turn(StrEnum):
    """Who has to do something before the deadline."""

    MERCHANT = "merchant"
    CLAIMANT = "claimant"
    BANK = "bank"


class Act(StrEnum):
    """What is done in a dispute."""

    OPEN = "open"
    CONTEST = "contest"
    ACCEPT = "accept"
    ESCALATE = "escalate"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    DECIDE_WON = "decide_won"
    DECIDE_LOST = "decide_lost"


class DisputeOutcome(StrEnum):
    """How a dispute ended, as the merchant sees it."""

    WON = "won"
    LOST = "lost"
    WITHDRAWN = "withdrawn"
    """Before anything was taken."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dispute is: a stage and whose turn it is, or how it ended."""

    stage: Stage
    turn: Turn | None
    outcome: DisputeOutcome | None = None


_RETRIEVAL: Final = Place(Stage.RETRIEVAL, Turn.MERCHANT)
_ANSWERED: Final = Place(Stage.RETRIEVAL, Turn.CLAIMANT)
_CHARGEBACK: Final = Place(Stage.CHARGEBACK, Turn.MERCHANT)
_REPRESENTED: Final = Place(Stage.REPRESENTMENT, Turn.CLAIMANT)
_PRE_ARBITRATION: Final = Place(Stage.PRE_ARBITRATION, Turn.MERCHANT)
_DECISION: Final = Place(Stage.DECISION, Turn.BANK)


def _over(stage: Stage, outcome: DisputeOutcome) -> Place:
    return Place(stage, None, outcome)


#: Where a dispute may begin: a scheme may begin with the chargeback.
STARTS: Final = {Stage.RETRIEVAL: _RETRIEVAL, Stage.CHARGEBACK: _CHARGEBACK}
_MOVES: Final[dict[tuple[Place, Act], Place]] = {
    (_RETRIEVAL, Act.CONTEST): _ANSWERED,
    (_RETRIEVAL, Act.ACCEPT): _over(Stage.CHARGEBACK, DisputeOutcome.LOST),
    (_RETRIEVAL, Act.WITHDRAW): _over(Stage.RETRIEVAL, DisputeOutcome.WITHDRAWN),
    (_RETRIEVAL, Act.EXPIRE): _CHARGEBACK,
    (_ANSWERED, Act.ESCALATE): _CHARGEBACK,
    (_ANSWERED, Act.WITHDRAW): _over(Stage.RETRIEVAL, DisputeOutcome.WITHDRAWN),
    (_ANSWERED, Act.EXPIRE): _over(Stage.RETRIEVAL, DisputeOutcome.WITHDRAWN),
    (_CHARGEBACK, Act.CONTEST): _REPRESENTED,
    (_CHARGEBACK, Act.ACCEPT): _over(Stage.CHARGEBACK, DisputeOutcome.LOST),
    (_CHARGEBACK, Act.WITHDRAW): _over(Stage.CHARGEBACK, DisputeOutcome.WON),
    (_CHARGEBACK, Act.EXPIRE): _over(Stage.CHARGEBACK, DisputeOutcome.LOST),
    (_REPRESENTED, Act.ESCALATE): _PRE_ARBITRATION,
    (_REPRESENTED, Act.WITHDRAW): _over(Stage.REPRESENTMENT, DisputeOutcome.WON),
    (_REPRESENTED, Act.EXPIRE): _over(Stage.REPRESENTMENT, DisputeOutcome.WON),
    (_PRE_ARBITRATION, Act.CONTEST): _DECISION,
    (_PRE_ARBITRATION, Act.ACCEPT): _over(Stage.PRE_ARBITRATION, DisputeOutcome.LOST),
    (_PRE_ARBITRATION, Act.WITHDRAW): _over(Stage.PRE_ARBITRATION, DisputeOutcome.WON),
    (_PRE_ARBITRATION, Act.EXPIRE): _over(Stage.PRE_ARBITRATION, DisputeOutcome.LOST),
    (_DECISION, Act.WITHDRAW): _over(Stage.DECISION, DisputeOutcome.WON),
    (_DECISION, Act.DECIDE_WON): _over(Stage.DECISION, DisputeOutcome.WON),
    (_DECISION, Act.DECIDE_LOST): _over(Stage.DECISION, DisputeOutcome.LOST),
    (_DECISION, Act.EXPIRE): _over(Stage.DECISION, DisputeOutcome.LOST),
}
_SIDES: Final = {Turn.MERCHANT: "answer", Turn.CLAIMANT: "claim", Turn.BANK: "bank"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute as it stands; amounts in minor units.

    `from_payable`, `from_reserve` and `from_owed` are what bore `amount` and `fee` when it became
    a chargeback. `due_at` is the first instant that is too late.
    """

    id: uuid.UUID
    order_id: uuid.UUID
    merchant_id: uuid.UUID
    account_id: int
    origin: Origin
    reason: DisputeReason
    statement: str | None
    channel_reference: str | None
    currency: str
    amount: int
    stage: Stage
    turn: Turn | None
    due_at: datetime | None
    outcome: DisputeOutcome | None
    is_charged: bool
    from_payable: int
    from_reserve: int
    from_owed: int
    fee: int
    steps: int
    opened_at: datetime
    closed_at: datetime | None

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.stage, self.turn, self.outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeStep:
    """What was done in a dispute and where it stood after; `entry_id` moved money, if any."""

    number: int
    act: Act
    stage: Stage
    outcome: DisputeOutcome | None
    due_at: datetime | None
    entry_id: uuid.UUID | None
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that was handed in, without its content; `digest` is its SHA-256."""

    id: uuid.UUID
    dispute_id: uuid.UUID
    name: str
    media_type: str
    size: int
    digest: bytes
    added_at: datetime


def move(place: Place, act: Act) -> Place:
    """Return where an act leads; raises DisputeMoveRefused where it is not open."""
    if (place, act) not in _MOVES:
        where = place.stage if place.outcome is None else f"over: {place.outcome}"
        raise DisputeMoveRefused(
            f"a dispute that is {where} does not take {act}",
            context={"stage": place.stage.value, "act": act.value},
        )
    return _MOVES[place, act]


def find_deadline(
    place: Place, *, rulebook: Rulebook, calendar: BusinessCalendar, now: datetime
) -> datetime | None:
    """Return the first instant that is too late for whoever has to do something; None when over.

    The rulebook's days, calendar or working ones, count from the day after today in Shanghai and
    end at midnight: 7 working days on Monday, 2026-11-23 end with Wednesday, 2026-12-02. Raises
    CalendarNotCovered.
    """
    if place.turn is None:
        return None
    today = business_day(now)
    rule = rulebook.rule(f"merchant.dispute.{place.stage}.{_SIDES[place.turn]}", today)
    assert isinstance(rule.value, int)
    if rule.unit == Unit.WORKING_DAYS:
        last = calendar.add_business_days(today, rule.value)
    else:
        last = today + timedelta(days=rule.value)
    return datetime.combine(last + timedelta(days=1), time(), _ZONE).astimezone(UTC)
