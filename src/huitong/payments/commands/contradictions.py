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
from huitong.payments.channels import BreakKind, ChannelAnswer, ChannelVerdict, add_break, has_break
from huitong.payments.commands import moving
from huitong.payments.commands.settling import book_success, fail_order
from huitong.payments.postings import (
    find_own_accounts,
    find_suspense_account,
    late_payout_entry,
    top_up_entry,
)
from huitong.payments.store import channel_orders as store
from huitong.payments.types import ChannelDirection, ChannelOrder, ChannelState, Order, OrderStatus

OVERTAKEN: Final = "not sent: an earlier channel carried it after all"
PAID_LATE: Final = "paid_late_and_in_suspense"

_CONTRADICTS: Final = {
    (ChannelState.FAILED, ChannelVerdict.SUCCEEDED): BreakKind.SUCCESS_AFTER_FAILURE,
    (ChannelState.SUCCEEDED, ChannelVerdict.FAILED): BreakKind.FAILURE_AFTER_SUCCESS,
    # It has forgotten what it carried, which is as bad as taking it back.
    (ChannelState.SUCCEEDED, ChannelVerdict.UNKNOWN): BreakKind.FAILURE_AFTER_SUCCESS,
}
_log = logs.get_logger(__name__)


async def record_recheck(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    order_id: uuid.UUID,
    answer: ChannelAnswer | None,
    now: datetime,
) -> None:
    """Record what a channel says of an attempt that has ended; None is silence.

    Silence and "at work" are asked about again later; what agrees ends it; what contradicts is
    written down as a break, once.
    """
    order = await moving.lock_order(uow, order_id)
    ended = await store.lock_channel_order(uow, channel_order_id)
    if ended is None or ended.order_id != order_id:
        raise ValueError(f"{channel_order_id} is not the channel order of {order_id}")
    if ended.recheck_at is None:
        return
    if answer is None or answer.verdict is ChannelVerdict.ACCEPTED:
        pause = timedelta(seconds=limits.CHANNEL_RETRY_SECONDS_MAX)
        await store.save_channel_order(uow, replace(ended, recheck_at=now + pause))
        return
    await store.save_channel_order(uow, replace(ended, recheck_at=None))
    kind = _CONTRADICTS.get((ended.state, answer.verdict))
    if kind is None or await has_break(uow, ended.id, kind):
        return
    transfer_id = None
    if kind is BreakKind.SUCCESS_AFTER_FAILURE:
        transfer_id = await _book_late_success(uow, order, ended, now)
    await _write_down(
        uow, order, ended, kind, amount=order.amount, transfer_id=transfer_id, now=now
    )


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
    order = await moving.lock_order(uow, order_id)
    sent = await store.lock_channel_order(uow, channel_order_id)
    assert sent is not None, "only what was sent is answered"
    if not await has_break(uow, sent.id, BreakKind.WRONG_AMOUNT):
        await _write_down(
            uow, order, sent, BreakKind.WRONG_AMOUNT, amount=stated, transfer_id=None, now=now
        )


async def _book_late_success(
    uow: UnitOfWork, order: Order, ended: ChannelOrder, now: datetime
) -> uuid.UUID:
    """Book money that moved after the failure: for the order if it still waits, or in suspense.

    An order whose money cannot be booked for it ends as failed: nobody would try it again.
    """
    stopped = None
    if order.status is OrderStatus.PENDING:
        stopped = await _stop_unsent(uow, order, ended, now)
    if stopped is None:
        return await _keep_in_suspense(uow, order, ended, now)
    paid, outcome = await book_success(uow, order, ended, now)
    if paid is not None:
        assert paid.transfer_id is not None
        return paid.transfer_id
    _log.error("channel_result_not_booked", order_id=str(order.id), reason=str(outcome.reason))
    transfer_id = await _keep_in_suspense(uow, order, ended, now)
    if ended.direction is ChannelDirection.IN:
        order = replace(order, transfer_id=transfer_id)
    await fail_order(uow, order, stopped, now, code=PAID_LATE)
    return transfer_id


async def _keep_in_suspense(
    uow: UnitOfWork, order: Order, ended: ChannelOrder, now: datetime
) -> uuid.UUID:
    own = await find_own_accounts(uow, order.amount.currency)
    transfer_id = moving.make_transfer_id(now)
    if ended.direction is ChannelDirection.IN:
        entry = top_up_entry(
            transfer_id=transfer_id,
            account_id=own.unattributed,
            amount=order.amount,
            own=own,
            effective_on=business_day(now),
        )
    else:
        entry = late_payout_entry(
            transfer_id=transfer_id,
            suspense_account_id=await find_suspense_account(uow, order.amount.currency),
            amount=order.amount,
            own=own,
            effective_on=business_day(now),
        )
    await moving.post_entry(uow, entry, now=now)
    return transfer_id


async def _stop_unsent(
    uow: UnitOfWork, order: Order, ended: ChannelOrder, now: datetime
) -> ChannelOrder | None:
    """Take back the attempt that follows and return it; None if it may have been sent."""
    last = await store.find_channel_order(uow, order.id)
    assert last is not None
    last = await store.lock_channel_order(uow, last.id)
    assert last is not None
    if last.id == ended.id or (last.state, last.attempts) != (ChannelState.TO_SEND, 0):
        return None
    stopped = replace(last, state=ChannelState.FAILED, reason=OVERTAKEN, due_at=now, updated_at=now)
    await store.save_channel_order(uow, stopped)
    return stopped


async def _write_down(
    uow: UnitOfWork,
    order: Order,
    attempt: ChannelOrder,
    kind: BreakKind,
    *,
    amount: Money,
    transfer_id: uuid.UUID | None,
    now: datetime,
) -> None:
    await add_break(uow, attempt.id, kind, amount=amount, transfer_id=transfer_id, now=now)
    _log.error("channel_break", order_id=str(order.id), kind=kind.value, channel=attempt.channel)
    await audit.record(
        uow,
        action="payments.find_channel_break",
        subject=show_id(PAYMENT, order.id),
        details={"kind": kind.value, "channel": attempt.channel, "amount": amount.to_json()},
    )
