"""What exchange and payments abroad are made of: frozen facts. A rate is CNY for one unit."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from huitong.kernel.money import Money

#: The currency of the books, in which positions are valued.
HOME: Final = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person or a business; `account_id` is the account in CNY."""

    id: uuid.UUID
    is_business: bool
    account_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a source of rates says of a currency; nobody has checked it yet."""

    currency: str
    bid: Decimal
    ask: Decimal
    quoted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate that was believed: the market buys at `bid` and sells at `ask`."""

    currency: str
    bid: Decimal
    ask: Decimal
    quoted_at: datetime
    taken_at: datetime

    @property
    def mid(self) -> Decimal:
        """The middle of both, exactly."""
        return (self.bid + self.ask) / 2


class RateRefusal(StrEnum):
    """Why a reading was not believed."""

    MISSING = "missing"
    NOT_POSITIVE = "not_positive"
    CROSSED = "crossed"
    STALE = "stale"
    FROM_THE_FUTURE = "from_the_future"
    OLDER_THAN_LAST = "older_than_last"
    OUTLIER = "outlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateState:
    """A currency's last rate, and the last refusal of one, if there are."""

    currency: str
    rate: Rate | None
    refusal: RateRefusal | None
    refused_at: datetime | None
    refused_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An offer: sell exactly this for exactly that, once, before it expires.

    `rate` is how many units of `buy`'s currency one of `sell`'s brings, as shown; `cny` what the
    exchange is worth in CNY, which is the way between two foreign currencies.
    """

    id: uuid.UUID
    party_id: uuid.UUID
    is_business: bool
    asked_by: uuid.UUID
    sell: Money
    buy: Money
    is_sell_fixed: bool
    rate: Decimal
    margin: Decimal
    cny: Money
    made_at: datetime
    expires_at: datetime
    taken_at: datetime | None = None


class DealKind(StrEnum):
    """Whom an exchange was with, or that it undid one."""

    CUSTOMER = "customer"
    COVER = "cover"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """An exchange that was done; the other side sells `sell` and buys `buy`."""

    id: uuid.UUID
    kind: DealKind
    sell: Money
    buy: Money
    cny: Money
    realised: Money
    entry_id: uuid.UUID
    on_day: date
    made_at: datetime
    quote_id: uuid.UUID | None = None
    reverses: uuid.UUID | None = None
    party_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What we are long (above zero) or short of a currency, in minor units; fen for the rest."""

    currency: str
    amount: int = 0
    cost: int = 0
    realised: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedPosition:
    """A position at the mid rate of a day; `unrealised` is value less cost."""

    position: Position
    mid: Decimal
    value: Money
    unrealised: Money


class QuotaDirection(StrEnum):
    """购汇 and 结汇: a person buys or sells foreign currency for CNY."""

    PURCHASE = "purchase"
    SETTLEMENT = "settlement"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """How much of a year's quota is used, in US dollars."""

    direction: QuotaDirection
    year: int
    used: Money
    cap: Money

    @property
    def left(self) -> Money:
        """What may still be exchanged."""
        return Money(max(0, self.cap.minor - self.used.minor), "USD")


class Direction(StrEnum):
    """Out of the house, or in."""

    OUT = "out"
    IN = "in"


class ChargeBearer(StrEnum):
    """Who bears the fees, by ISO 20022: the payer, both, the payee."""

    DEBT = "DEBT"
    SHAR = "SHAR"
    CRED = "CRED"


class PaymentState(StrEnum):
    """Where a payment abroad is; it only moves forward."""

    AWAITING_APPROVAL = "awaiting_approval"
    """A business's, until its second user approves."""
    INITIATED = "initiated"
    HELD = "held"
    """A person has to look at it: names on lists, or a pattern of splitting."""
    SCREENED = "screened"
    SENDING = "sending"
    SENT = "sent"
    ACCEPTED = "accepted"
    CREDITED = "credited"
    RETURNED = "returned"
    REJECTED = "rejected"
    """A bank on the way did not do it: all of the money is given back."""
    REFUSED = "refused"
    """We did not do it."""
    WITHDRAWN = "withdrawn"


#: States in which an outgoing payment's money may still come back by a report or a return.
ON_ITS_WAY: Final = frozenset({PaymentState.SENDING, PaymentState.SENT, PaymentState.ACCEPTED})


class Reason(StrEnum):
    """Why a payment waits for a person, or was not done."""

    NAME_HIT = "name_hit"
    NAME_DIFFERS = "name_differs"
    SPLIT_SUSPECTED = "split_suspected"
    #: Risk would look at it before it goes.
    RISK_REVIEW = "risk_review"
    #: A person buys more than the year's quota, with papers that somebody looks at first.
    BEYOND_QUOTA = "beyond_quota"
    TRAVEL_RULE = "travel_rule"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_REFUSES = "account_refuses"
    REFUSED_BY_STAFF = "refused_by_staff"
    REJECTED_ON_THE_WAY = "rejected_on_the_way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterparty:
    """The other side, in plain text: never stored or logged so."""

    name: str = field(repr=False)
    account: str = field(repr=False)
    country: str
    #: None where a message did not say which bank it was.
    agent_bic: str | None
    address: str | None = field(default=None, repr=False)
    note: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment abroad as it stands.

    `amount` is given for the payee; `settled` goes between the banks: less our fee where the payee
    bears it. `account_id` is ours: the payer's or the payee's.
    """

    id: uuid.UUID
    direction: Direction
    uetr: uuid.UUID
    party_id: uuid.UUID | None
    is_business: bool
    ordered_by: uuid.UUID | None = None
    approved_by: uuid.UUID | None = None
    state: PaymentState
    reasons: tuple[str, ...] = ()
    amount: Money
    settled: Money
    charge_bearer: ChargeBearer
    fee: Money
    account_id: int | None
    fee_account_id: int | None
    quote_id: uuid.UUID | None = None
    deal_id: uuid.UUID | None = None
    purpose: str
    usd: Money
    country: str
    agent_bic: str | None
    sealed: dict[str, bytes] = field(repr=False)
    counterparty_index: bytes = field(repr=False)
    message_id: str | None = None
    entry_id: uuid.UUID | None = None
    settled_entry: uuid.UUID | None = None
    ended_entry: uuid.UUID | None = None
    returned: Money | None = None
    attempts: int = 0
    due_at: datetime
    created_at: datetime
    changed_at: datetime
    #: Of receipts that we refused: the message that sends the money back is still to be sent.
    is_return_due: bool = False
    #: Of receipts that were credited: the message that says so is still to be sent.
    is_report_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A step of the tracker."""

    step: str
    happened_at: datetime
    recorded_at: datetime
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegCharge:
    """What a bank on the way took, on the way out, back, or in."""

    leg: str
    agent: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper that proves what a payment is for; its bytes are sealed."""

    id: uuid.UUID
    party_id: uuid.UUID
    kind: str
    digest: bytes
    size: int
    added_at: datetime
    payment_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The balance-of-payments record of a payment (国际收支申报)."""

    payment_id: uuid.UUID
    direction: Direction
    bop_code: str
    country: str
    amount: Money
    usd: Money
    is_business: bool
    needs_return: bool
    on_day: date
