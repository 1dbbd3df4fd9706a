"""What the ledger's reads return: frozen views, and pages of them."""

import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Generic, TypeVar

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.ledger.types import Side, TransferKind

Item = TypeVar("Item")

_CURSOR_SHAPE: Final = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list; `next_cursor` leads to those that follow, None if there are none."""

    items: tuple[Item, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTransfer:
    """A transfer as it stands in the journal.

    `amount` is nothing for a void or an expiry: they give back what the hold reserved.
    """

    id: uuid.UUID
    sequence: int
    recorded_at: datetime
    debit_account_id: int
    credit_account_id: int
    amount: Money
    effective_on: date
    code: int
    kind: TransferKind
    entry_id: uuid.UUID | None
    pending_id: uuid.UUID | None
    corrects_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """What an account has used of a meter: on `on_day`, the last day of use, in its year, in all.

    Minor units; on a later day, or in a later year, nothing of that day or year is used.
    """

    on_day: date
    day_used: int
    year_used: int
    total_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A pending transfer and what became of it; `resolution` is None while it still reserves."""

    id: uuid.UUID
    debit_account_id: int
    credit_account_id: int
    amount: Money
    posted: Money
    expires_at: datetime | None
    resolution: TransferKind | None
    resolved_by: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One line of an account's statement.

    Lines are numbered from 1 in the order in which they were recorded, without gaps, and a
    line's number never changes. `balance_after` is on the account's normal side.
    """

    line: int
    transfer_id: uuid.UUID
    side: Side
    amount: Money
    balance_after: Money
    other_account_id: int
    code: int
    effective_on: date
    recorded_at: datetime


def check_limit(limit: int) -> int:
    """Return `limit`; raises InvalidField unless it is from 1 to `limits.PAGE_SIZE_MAX`."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"limit must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return limit


def read_cursor(cursor: str) -> int:
    """Return the number behind the cursor of an earlier page; raises InvalidField."""
    if _CURSOR_SHAPE.fullmatch(cursor) is None:
        raise InvalidField("cursor must be the next_cursor of an earlier page", field="cursor")
    return int(cursor)
