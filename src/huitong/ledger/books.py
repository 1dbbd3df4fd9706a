"""The part of the ledger that a batch touches, in memory and under locks, while it is decided."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime

from huitong.ledger.types import AccountState, BalanceLimit, Reason, TransferKind


@dataclass(slots=True)
class AccountBook:
    """An account's totals as they stand at this point of the batch, in minor units."""

    currency: str
    state: AccountState
    limits: BalanceLimit
    balance_max: int | None
    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0

    @property
    def totals(self) -> tuple[int, int, int, int]:
        """The four totals: debits posted, credits posted, debits pending, credits pending."""
        return (
            self.debits_posted,
            self.credits_posted,
            self.debits_pending,
            self.credits_pending,
        )


@dataclass(slots=True)
class HoldBook:
    """A pending transfer and what became of it; `resolution` is None while it is pending."""

    debit_account_id: int
    credit_account_id: int
    amount: int
    currency: str
    expires_at: datetime | None
    resolution: TransferKind | None = None
    posted_amount: int = 0
    resolved_by: uuid.UUID | None = None


@dataclass(slots=True)
class MeterBook:
    """What an account has used of one meter, in the day and year of `on_day` and in all."""

    on_day: date
    day_used: int = 0
    day_count: int = 0
    year_used: int = 0
    total_used: int = 0


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A transfer as it stands in the journal, without its place and time there."""

    id: uuid.UUID
    debit_account_id: int
    credit_account_id: int
    amount: int
    effective_on: date
    currency: str
    code: int
    kind: TransferKind
    entry_id: uuid.UUID | None
    pending_id: uuid.UUID | None
    corrects_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class KnownTransfer:
    """A journal row found by its id; `recorded_at` is None if this very batch wrote it."""

    row: JournalRow
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """An identifier that was refused before, and the content that it came with."""

    fingerprint: bytes
    reason: Reason
    index: int | None
    account_id: int | None


@dataclass(slots=True)
class Books:
    """Everything that deciding a batch may look at. Reads of the database end here."""

    accounts: dict[int, AccountBook] = field(default_factory=dict)
    holds: dict[uuid.UUID, HoldBook] = field(default_factory=dict)
    meters: dict[tuple[int, int], MeterBook] = field(default_factory=dict)
    transfers: dict[uuid.UUID, KnownTransfer] = field(default_factory=dict)
    refusals: dict[uuid.UUID, KnownRefusal] = field(default_factory=dict)
