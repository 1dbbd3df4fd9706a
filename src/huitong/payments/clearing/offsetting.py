"""Settling queued gross payments that are set off against each other, at intervals."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Request, post_entries
from huitong.payments.clearing import limits, offset_store, postings, store
from huitong.payments.clearing.commands import load_banks, load_gross_book
from huitong.payments.clearing.errors import SettlementRaced
from huitong.payments.clearing.netting import Item
from huitong.payments.clearing.offset_store import OffsetRun
from huitong.payments.clearing.offsets import find_groups
from huitong.payments.clearing.types import Participant, PaymentState


async def offset_gross(uow: UnitOfWork, *, rulebook: Rulebook, now: datetime) -> OffsetRun | None:
    """Set queued gross payments off if the rulebook's interval has passed since the last run.

    Each group moves money in one journal entry: through the account of clearing, first to whom is
    paid and then from who pays, so that each payment stands in it with its own amount. Returns
    what was done, None if it is not time or nothing waits. Raises SettlementRaced if a balance
    moved meanwhile.
    """
    await store.lock(uow)
    today = business_day(now)
    minutes = rulebook.integer("clearing.gross.offset_interval", today)
    last = await offset_store.find_last_run(uow)
    if last is not None and now < last + timedelta(minutes=minutes):
        return None
    queued = await store.list_queued(uow, is_gross=True)
    if not queued:
        return None
    banks = await load_banks(uow)
    book = await load_gross_book(uow, banks, queued, rulebook=rulebook, now=now)
    groups = find_groups(book)
    for group in groups:
        await _settle(uow, group, banks, now=now)
    items = [item for group in groups for item in group]
    run = OffsetRun(
        ran_at=now, groups=len(groups), count=len(items), amount=sum(item.amount for item in items)
    )
    await offset_store.add_run(uow, run)
    if groups:
        details = {"groups": run.groups, "count": run.count, "amount": run.amount}
        await audit.record(uow, action="clearing.offset", subject="gross", details=details)
    return run


async def list_offsets(uow: UnitOfWork) -> list[OffsetRun]:
    """Return the latest runs, newest first."""
    return await offset_store.list_runs(uow, limits.OFFSETS_SHOWN_MAX)


async def _settle(
    uow: UnitOfWork, group: Sequence[Item], banks: Mapping[str, Participant], *, now: datetime
) -> None:
    now_ms = int(now.timestamp() * 1_000)
    transfers: dict[uuid.UUID, uuid.UUID] = {item.id: uuid7(now_ms) for item in group}
    entry = postings.offset_entry(
        transfers,
        group,
        banks,
        clearing=await postings.find_clearing_account(uow),
        on=business_day(now),
        now_ms=now_ms,
    )
    (outcome,) = await post_entries(uow, [Request(entry)], now=now)
    if not outcome.is_posted:
        raise SettlementRaced(f"the ledger refuses what is set off: {outcome.reason}")
    await store.set_payments_state(
        uow, list(transfers), PaymentState.SETTLED, now=now, transfers=transfers
    )
