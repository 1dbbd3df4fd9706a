"""What the ledger is made of: accounts, transfers, entries, and the answers to posting.

What is made for every single payment is a `msgspec.Struct`: as frozen as a frozen dataclass, and
some thirteen times as fast to make (0.28 µs against 3.8 µs for a transfer).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Final

import msgspec

from huitong.kernel.money import Money


class Side(StrEnum):
    """The two sides of an account."""

    DEBIT = "debit"
    CREDIT = "credit"


class AccountState(IntEnum):
    """What an account allows; numbers as stored, in growing order of strictness."""

    OPEN = 0
    #: 只收不付: money may come in, none may go out.
    DEBITS_FROZEN = 1
    #: 不收不付: nothing moves. Holds may still be voided and may expire.
    FROZEN = 2
    CLOSED = 3


class BalanceLimit(IntEnum):
    """Which side may not outgrow the other; pending totals count against the limit."""

    NONE = 0
    DEBITS_MUST_NOT_EXCEED_CREDITS = 1
    CREDITS_MUST_NOT_EXCEED_DEBITS = 2


class TransferKind(IntEnum):
    """What a line of the journal does, as stored."""

    POSTED = 0
    PENDING = 1
    POST_PENDING = 2
    VOID_PENDING = 3
    EXPIRE_PENDING = 4


RESOLVING_KINDS: Final = frozenset(
    {TransferKind.POST_PENDING, TransferKind.VOID_PENDING, TransferKind.EXPIRE_PENDING}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as opened; its number is its identity and carries two check digits."""

    id: int
    chart_code: str
    currency: str
    name: str
    owner_id: uuid.UUID | None
    system_key: str | None
    normal_side: Side
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An account's totals in minor units, its state and its limits."""

    account_id: int
    currency: str
    state: AccountState
    limits: BalanceLimit
    balance_max: int | None
    normal_side: Side
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int

    @property
    def posted(self) -> Money:
        """The balance on the account's normal side; what holds reserve is still in it."""
        net = self.credits_posted - self.debits_posted
        return Money(net if self.normal_side is Side.CREDIT else -net, self.currency)

    @property
    def available(self) -> Money:
        """What may still go out: the posted balance less what holds reserve."""
        if self.normal_side is Side.CREDIT:
            return Money(
                self.credits_posted - self.debits_posted - self.debits_pending, self.currency
            )
        return Money(self.debits_posted - self.credits_posted - self.credits_pending, self.currency)


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One movement between two accounts, with an identifier that its client made.

    `amount` counts minor units. For POST_PENDING it may be less than the hold's amount, or None
    for all of it; for VOID_PENDING and EXPIRE_PENDING it is None, and the accounts and currency
    of all three are those of the hold, so they may be left out.
    """

    id: uuid.UUID
    debit_account_id: int = 0
    credit_account_id: int = 0
    amount: int | None
    currency: str = ""
    code: int
    effective_on: date
    kind: TransferKind = TransferKind.POSTED
    pending_id: uuid.UUID | None = None
    expires_at: datetime | None = None
    corrects_id: uuid.UUID | None = None


class Entry(msgspec.Struct, frozen=True):
    """One or more linked transfers that succeed or fail together.

    `id` is None for a single transfer, which is then its own entry.
    """

    transfers: tuple[Transfer, ...]
    id: uuid.UUID | None = None

    def __post_init__(self) -> None:
        """Refuse with ValueError an entry that moves nothing: it would be posted for ever."""
        if not self.transfers:
            raise ValueError("an entry has at least one transfer")


class MeterUse(msgspec.Struct, frozen=True, kw_only=True):
    """That a movement counts against the caps of one meter of one account, in minor units.

    A cap of None does not bind. Days and years are those of `on_day` (Asia/Shanghai); the total
    counts from the opening of the account.
    """

    account_id: int
    meter: int
    amount: int
    on_day: date
    day_max: int | None = None
    day_count_max: int | None = None
    year_max: int | None = None
    total_max: int | None = None


class Verdict(StrEnum):
    """What became of an entry."""

    POSTED = "posted"
    #: The same entry was posted before; this is the first answer again.
    REPLAYED = "replayed"
    REFUSED = "refused"


class Reason(StrEnum):
    """Why the ledger refuses an entry; stable, and part of the public API."""

    ACCOUNT_NOT_FOUND = "account_not_found"
    ACCOUNT_FROZEN = "account_frozen"
    ACCOUNT_CLOSED = "account_closed"
    SAME_ACCOUNT = "same_account"
    CURRENCY_MISMATCH = "currency_mismatch"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    AMOUNT_TOO_LARGE = "amount_too_large"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CREDITS_EXCEED_DEBITS = "credits_exceed_debits"
    BALANCE_TOO_LARGE = "balance_too_large"
    ID_REUSED = "id_reused"
    ID_TIME_OUT_OF_RANGE = "id_time_out_of_range"
    HOLD_NOT_FOUND = "hold_not_found"
    HOLD_POSTED = "hold_posted"
    HOLD_VOIDED = "hold_voided"
    HOLD_EXPIRED = "hold_expired"
    HOLD_NOT_EXPIRED = "hold_not_expired"
    HOLD_DIFFERS = "hold_differs"
    AMOUNT_EXCEEDS_HOLD = "amount_exceeds_hold"
    EXPIRY_IN_PAST = "expiry_in_past"
    DAY_LIMIT_EXCEEDED = "day_limit_exceeded"
    DAY_COUNT_EXCEEDED = "day_count_exceeded"
    YEAR_LIMIT_EXCEEDED = "year_limit_exceeded"
    TOTAL_LIMIT_EXCEEDED = "total_limit_exceeded"


class Outcome(msgspec.Struct, frozen=True):
    """The answer for one entry. `index` says which of its transfers was refused."""

    verdict: Verdict
    recorded_at: datetime | None = None
    reason: Reason | None = None
    index: int | None = None
    account_id: int | None = None

    @property
    def is_posted(self) -> bool:
        """Whether the entry stands in the journal, from now or from before."""
        return self.verdict is not Verdict.REFUSED


class Request(msgspec.Struct, frozen=True):
    """What the posting engine takes: one entry, and what it counts against."""

    entry: Entry
    meters: Sequence[MeterUse] = ()
