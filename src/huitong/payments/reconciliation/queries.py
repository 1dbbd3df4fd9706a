"""Reading breaks, files and suspense; the report of a day."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import get_transfer
from huitong.payments.channels import ChannelBreak, list_channel_breaks
from huitong.payments.queries import get_order
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.store import breaks, files, suspense
from huitong.payments.reconciliation.types import (
    Break,
    BreakKind,
    ChannelFile,
    HistoryLine,
    KindCount,
    SuspenseItem,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """How a day stands: its files, and the breaks of the day by kind and state."""

    day: date
    files: list[ChannelFile]
    counts: list[KindCount]

    @property
    def waiting(self) -> int:
        """How many breaks of the day have not ended."""
        return sum(each.count for each in self.counts if each.state in ("timing", "open"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakDetails:
    """A break with its history and its items of suspense."""

    found: Break
    history: list[HistoryLine]
    items: list[SuspenseItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseReport:
    """What each account of suspense holds, channels' own included, and the first open items."""

    balances: list[tuple[str, Money]]
    items: list[SuspenseItem]


async def report_day(uow: UnitOfWork, day: date, *, channel: str | None = None) -> DayReport:
    """Return how a day stands, for one channel or all; breaks of the books are in both."""
    return DayReport(
        day=day,
        files=await files.list_files_of_day(uow, day, channel),
        counts=await breaks.count_breaks(uow, day=day, channel=channel),
    )


async def describe_break(uow: UnitOfWork, found: Break) -> BreakDetails:
    """Return a break with its history and its items of suspense."""
    return BreakDetails(
        found=found,
        history=await breaks.list_history(uow, found.id, limit=limits.HISTORY_MAX),
        items=await suspense.list_items_of(uow, found.id),
    )


async def list_accounts(uow: UnitOfWork, found: Break) -> frozenset[int]:
    """Return the accounts that a break is about: those of its order and of its entry."""
    accounts: set[int | None] = set()
    if found.order_id is not None:
        order = await get_order(uow, found.order_id)
        accounts |= {order.payer_account_id, order.payee_account_id}
    if found.transfer_id is not None and found.kind is not BreakKind.LEDGER_MISSING:
        posted = await get_transfer(uow, found.transfer_id)
        accounts |= {posted.debit_account_id, posted.credit_account_id}
    return frozenset(each for each in accounts if each is not None)


async def list_breaks(
    uow: UnitOfWork,
    *,
    after: uuid.UUID | None = None,
    limit: int = limits.BREAKS_PAGE_MAX,
    kind: BreakKind | None = None,
    day: date | None = None,
    is_ended: bool = False,
) -> list[Break]:
    """Return a page of the breaks that wait, or of those that have ended, the oldest first."""
    return await breaks.list_breaks(
        uow, after=after, limit=limit, kind=kind, day=day, is_ended=is_ended
    )


async def list_contradictions(uow: UnitOfWork) -> list[ChannelBreak]:
    """Return where channels took back what they said and nobody cured it; `channels` does."""
    return await list_channel_breaks(uow, is_open=True)


async def list_files(
    uow: UnitOfWork, *, before: date | None = None, limit: int = limits.BREAKS_PAGE_MAX
) -> list[ChannelFile]:
    """Return a page of files, the latest day first."""
    return await files.list_files(uow, before=before, limit=limit)


async def report_suspense(
    uow: UnitOfWork, *, after: uuid.UUID | None = None, limit: int = limits.BREAKS_PAGE_MAX
) -> SuspenseReport:
    """Return what is in suspense, with a page of the open items, the oldest first."""
    return SuspenseReport(
        balances=await suspense.list_balances(uow),
        items=await suspense.list_open_items(uow, after=after, limit=limit),
    )


async def count_waiting(uow: UnitOfWork, *, rulebook: Rulebook, now: datetime) -> tuple[int, int]:
    """Return how many breaks wait, and how many of them are overdue."""
    days = rulebook.integer("reconciliation.overdue.days", business_day(now))
    return await breaks.count_waiting(uow, before=now - timedelta(days=days))
