"""Paying an approved file, a bounded step at a time, each in one transaction.

A step moves money and writes down that it did, or neither. So a worker may be killed anywhere, and
two may run at once: the file's row is locked, and a line that is decided cannot be decided again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from huitong import ledger, risk
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import BULK_FILE, show_id
from huitong.ledger import TransferKind
from huitong.payments.assessing import list_decisions
from huitong.payments.bulk import store
from huitong.payments.bulk.events import paid_event, stopped_event
from huitong.payments.bulk.postings import (
    end_hold,
    find_transit_account,
    give_back,
    pay_lines,
)
from huitong.payments.bulk.preparing import ReadyBatch, make_ready
from huitong.payments.bulk.types import BulkFile, FileState
from huitong.payments.commands.moving import make_transfer_id
from huitong.payments.deciding import DecidedPayment
from huitong.payments.postings import find_own_accounts

#: Why a line failed where risk did not let it through: blocked, or somebody would have to look.
STOPPED_BY_RISK: Final = "stopped_by_risk"
CONTENT_CHANGED: Final = "content_changed"
FUNDS_NOT_TAKEN: Final = "funds_not_taken"


async def is_any_waiting(uow: UnitOfWork) -> bool:
    """Whether any file has something left to do: cheap, for a worker that asks all the time."""
    return await store.is_any_waiting(uow)


async def pay_next_batch(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    *,
    ahead: ReadyBatch | None = None,
    batch_lines: int = limits.BULK_BATCH_LINES_MAX,
    now: datetime,
) -> bool:
    """Do the next step of the file that has waited longest; False if none waits.

    An approved file's money is taken out of the payer's account; then lines are paid, at most
    `batch_lines` at once; and in the end the money of those that failed is given back. Lines that
    were made ready `ahead` are paid so if it is their turn.
    """
    file = await store.take_next(uow)
    if file is None:
        return False
    if file.state is FileState.APPROVED:
        await _take_funds(uow, file, now)
        return True
    first = file.next_number
    if ahead is None or not ahead.is_for(file, first, now):
        ahead = await make_ready(uow, decider, file, first, count=batch_lines, now=now)
    if ahead.lines:
        reasons = await _pay(uow, decider, ahead, now)
        await store.end_lines(uow, file, ahead.lines, reasons)
    else:
        await _finish(uow, file, now)
    return True


async def _take_funds(uow: UnitOfWork, file: BulkFile, now: datetime) -> None:
    found = await store.read_content(uow, file.id)
    is_same = found == (file.lines_digest, file.line_count, file.total.minor)
    if is_same and await _end_hold(uow, file, TransferKind.POST_PENDING, now):
        await store.set_state(uow, file, FileState.PAYING)
        return
    # A hold of a frozen account can still be freed.
    is_freed = await _end_hold(uow, file, TransferKind.VOID_PENDING, now)
    assert is_freed, "a hold without an end that nobody else ends"
    reason = FUNDS_NOT_TAKEN if is_same else CONTENT_CHANGED
    await store.set_state(uow, file, FileState.STOPPED, reason=reason, done_at=now)
    await outbox.append(uow, [stopped_event(file, reason, now)])
    await _record(uow, "stop_bulk_file", file, {"reason": reason})


async def _end_hold(uow: UnitOfWork, file: BulkFile, kind: TransferKind, now: datetime) -> bool:
    assert file.pay_id is not None
    end = end_hold(make_transfer_id(now), file.pay_id, kind, business_day(now))
    (outcome,) = await ledger.post_entries(uow, [end], now=now)
    return outcome.is_posted


async def _pay(
    uow: UnitOfWork, decider: risk.PaymentDecider | None, ready: ReadyBatch, now: datetime
) -> list[str | None]:
    """Pay what risk and the ledger let through; returns for each line why it failed, or None."""
    file, lines, asked = ready.file, ready.lines, ready.payments
    transit = await find_transit_account(uow, file.total.currency)
    reasons: list[str | None] = [STOPPED_BY_RISK if each else None for each in ready.refused]
    paying = [at for at, reason in enumerate(reasons) if reason is None]
    # What is written if all are posted is made ready meanwhile: mostly all are.
    making = asyncio.create_task(asyncio.to_thread(_list_written, decider, asked, tuple(reasons)))
    if paying:
        ids = [asked[at].order_id for at in paying]
        columns = pay_lines(file, [lines[at] for at in paying], ids, transit, business_day(now))
        outcomes = await ledger.post_columns_within(uow, columns, now=now)
        for at, outcome in zip(paying, outcomes, strict=True):
            if not outcome.is_posted:
                assert outcome.reason is not None
                reasons[at] = outcome.reason.value
    written = await making
    if any(reasons[at] is not None for at in paying):
        written = _list_written(decider, asked, reasons)
    await uow.write(written)
    return reasons


def _list_written(
    decider: risk.PaymentDecider | None,
    asked: Sequence[DecidedPayment],
    reasons: Sequence[str | None],
) -> list[Statement]:
    """Return what records the decisions, and counts the lines that no reason speaks against."""
    if decider is None:
        return []
    posted = [each for each, why in zip(asked, reasons, strict=True) if why is None]
    others = [each for each, why in zip(asked, reasons, strict=True) if why is not None]
    return list_decisions(posted, others)


async def _finish(uow: UnitOfWork, file: BulkFile, now: datetime) -> None:
    """Give back what was not paid; for a payer who cannot take it, it is kept apart."""
    if file.failed.is_positive and not await _give_back(uow, file, file.payer_account_id, now):
        own = await find_own_accounts(uow, file.total.currency)
        is_kept = await _give_back(uow, file, own.unattributed, now)
        assert is_kept, "our own account has no limit, and no state but open"
    await store.set_state(uow, file, FileState.DONE, done_at=now)
    await outbox.append(uow, [paid_event(file, now)])
    details = {"paid": file.paid_count, "failed": file.failed_count}
    await _record(uow, "finish_bulk_file", file, details)


async def _give_back(uow: UnitOfWork, file: BulkFile, receiver: int, now: datetime) -> bool:
    transit = await find_transit_account(uow, file.total.currency)
    back = give_back(make_transfer_id(now), file.failed, transit, receiver, business_day(now))
    (outcome,) = await ledger.post_entries(uow, [back], now=now)
    return outcome.is_posted


async def _record(
    uow: UnitOfWork, verb: str, file: BulkFile, details: Mapping[str, object]
) -> None:
    await audit.record(
        uow, action=f"payments.{verb}", subject=show_id(BULK_FILE, file.id), details=details
    )
