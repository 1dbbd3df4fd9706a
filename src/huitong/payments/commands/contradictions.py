"""Channels that take back what they said: a break each, and no money lost or paid twice.

An attempt that has ended is asked about again after a callback that contradicts it. What the
channel then says for certain is booked here: money that moved after all goes to a suspense
account, where people find it.
"""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit, limits, logs
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import PAYMENT, show_id
from huitong.kernel.money import Money
from huitong.payments.channels import (
    BreakKind,
    ChannelAnswer,
    ChannelBreak,
    ChannelVerdict,
    Cure,
    add_break,
    has_break,
    switch_off,
)
from huitong.payments.commands import moving
from huitong.payments.commands.settling import book_success, fail_order, find_recheck
from huitong.payments.deciding import count_pay_in
from huitong.payments.postings import (
    find_own_accounts,
    find_suspense_account,
    late_payout_entry,
    top_up_entry,
)
from huitong.payments.store import channel_orders as store
from huitong.payments.types import (
    ChannelDirection,
    ChannelOrder,
    ChannelState,
    Order,
    OrderKind,
    OrderStatus,
)

OVERTAKEN: Final = "not sent: an earlier channel carried it after all"
PAID_LATE: Final = "paid_late_and_in_suspense"

_CONTRADICTS: Final = {
    (ChannelState.FAILED, ChannelVerdict.SUCCEEDED): BreakKind.SUCCESS_AFTER_FAILURE,
    (ChannelState.SUCCEEDED, ChannelVerdict.FAILED): BreakKind.FAILURE_AFTER_SUCCESS,
    # It has forgotten what it carried, which is as bad as taking it back.
    (ChannelState.SUCCEEDED, ChannelVerdict.UNKNOWN): BreakKind.FAILURE_AFTER_SUCCESS,
}
#: The files of channels tell what is older.
_SILENT_FOR_MAX: Final = timedelta(days=30)
_log = logs.get_logger(__name__)


async def record_recheck(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    order_id: uuid.UUID,
    answer: ChannelAnswer | None,
    is_counted: bool = True,
    now: datetime,
) -> None:
    """Record what a channel says of an attempt that has ended; None is silence.

    Silence and "at work" are asked about again later; what agrees, when the rulebook says; what
    contradicts is written down as a break, once. Money that came in for an order after all is
    counted for risk if `is_counted`.
    """
    order = await moving.lock_order(uow, order_id)
    ended = await store.lock_channel_order(uow, channel_order_id)
    if ended is None or ended.order_id != order_id:
        raise ValueError(f"{channel_order_id} is not the channel order of {order_id}")
    if ended.recheck_at is None:
        return
    if answer is None or answer.verdict is ChannelVerdict.ACCEPTED:
        await store.save_channel_order(uow, replace(ended, recheck_at=_ask_later(ended, now)))
        return
    await store.save_channel_order(uow, replace(ended, recheck_at=find_recheck(ended, now)))
    kind = _CONTRADICTS.get((ended.state, answer.verdict))
    if kind is None or await has_break(uow, ended.id, kind):
        return
    found = _describe(ended, kind, order.amount, now)
    if kind is BreakKind.SUCCESS_AFTER_FAILURE:
        found = await _book_late_success(uow, order, found, is_counted=is_counted)
    await _write_down(uow, found)


def _ask_later(ended: ChannelOrder, now: datetime) -> datetime | None:
    """Return when silence about what has ended is broken again; None once it is very old."""
    if now - ended.updated_at >= _SILENT_FOR_MAX:
        return None
    return now + timedelta(seconds=limits.CHANNEL_RETRY_SECONDS_MAX)


async def record_wrong_amount(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    order_id: uuid.UUID,
    stated: Money,
    now: datetime,
) -> None:
    """Write down that a channel has an order with another amount or direction.

    No money moves for it: as long as the channel says this its answer is none.
    """
    await moving.lock_order(uow, order_id)
    sent = await store.lock_channel_order(uow, channel_order_id)
    assert sent is not None, "only what was sent is answered"
    if not await has_break(uow, sent.id, BreakKind.WRONG_AMOUNT):
        await _write_down(uow, _describe(sent, BreakKind.WRONG_AMOUNT, stated, now))


async def _book_late_success(
    uow: UnitOfWork, order: Order, found: ChannelBreak, *, is_counted: bool
) -> ChannelBreak:
    """Book money that moved after the failure: for the order if it still waits, or in suspense.

    A top-up whose money cannot be booked for it ends as failed: nobody would try it again. A
    withdrawal keeps what it reserved until two people have cured the break: it was paid out, and
    the customer must not spend it a second time.
    """
    now = found.found_at
    stopped = None
    if order.status is OrderStatus.PENDING:
        stopped = await _stop_unsent(uow, order, found.channel_order_id, now)
    if stopped is None:
        return await _keep_in_suspense(uow, found)
    paid, outcome = await book_success(uow, order, found.direction, now)
    if paid is not None:
        if is_counted and paid.kind is OrderKind.TOP_UP:
            await count_pay_in(uow, paid, now=now)
        booked = replace(found, transfer_id=paid.transfer_id)
        return replace(booked, cure=Cure.BOOK, cure_transfer_id=paid.transfer_id, cured_at=now)
    _log.error("channel_result_not_booked", order_id=str(order.id), reason=str(outcome.reason))
    kept = await _keep_in_suspense(uow, found)
    if found.direction is ChannelDirection.IN:
        failed = replace(order, transfer_id=kept.transfer_id)
        await fail_order(uow, failed, stopped, now, code=PAID_LATE)
    return kept


async def _keep_in_suspense(uow: UnitOfWork, found: ChannelBreak) -> ChannelBreak:
    own = await find_own_accounts(uow, found.amount.currency)
    transfer_id = moving.make_transfer_id(found.found_at)
    if found.direction is ChannelDirection.IN:
        entry = top_up_entry(
            transfer_id=transfer_id,
            account_id=own.unattributed,
            amount=found.amount,
            own=own,
            effective_on=business_day(found.found_at),
        )
    else:
        entry = late_payout_entry(
            transfer_id=transfer_id,
            suspense_account_id=await find_suspense_account(uow, found.amount.currency),
            amount=found.amount,
            own=own,
            effective_on=business_day(found.found_at),
        )
    await moving.post_entry(uow, entry, now=found.found_at)
    return replace(found, transfer_id=transfer_id)


async def _stop_unsent(
    uow: UnitOfWork, order: Order, ended_id: uuid.UUID, now: datetime
) -> ChannelOrder | None:
    """Take back the attempt that follows and return it; None if it may have been sent."""
    last = await store.find_channel_order(uow, order.id)
    assert last is not None
    last = await store.lock_channel_order(uow, last.id)
    assert last is not None
    if last.id == ended_id or (last.state, last.attempts) != (ChannelState.TO_SEND, 0):
        return None
    stopped = replace(last, state=ChannelState.FAILED, reason=OVERTAKEN, due_at=now, updated_at=now)
    await store.save_channel_order(uow, stopped)
    return stopped


def _describe(attempt: ChannelOrder, kind: BreakKind, amount: Money, now: datetime) -> ChannelBreak:
    return ChannelBreak(
        channel_order_id=attempt.id,
        order_id=attempt.order_id,
        channel=attempt.channel,
        direction=attempt.direction,
        kind=kind,
        amount=amount,
        transfer_id=None,
        found_at=now,
    )


async def _write_down(uow: UnitOfWork, found: ChannelBreak) -> None:
    await add_break(uow, found)
    _log.error(
        "channel_break",
        order_id=str(found.order_id),
        kind=found.kind.value,
        channel=found.channel,
    )
    details = {
        "kind": found.kind.value,
        "channel": found.channel,
        "amount": found.amount.to_json(),
    }
    await audit.record(
        uow,
        action="payments.find_channel_break",
        subject=show_id(PAYMENT, found.order_id),
        details=details,
    )
    if found.kind is BreakKind.SUCCESS_AFTER_FAILURE:
        # Its no is not final, so an order that it refuses could be paid twice by handing it on.
        await switch_off(uow, name=found.channel, reason=found.kind.value, now=found.found_at)
