"""Breaks of channels are cured by two people: money leaves suspense, or goes back where it was."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Final

from huitong.kernel import audit, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import PAYMENT, show_id
from huitong.ledger import Entry, TransferCode
from huitong.payments.channels import (
    BreakKind,
    BreakNotOpen,
    ChannelBreak,
    Cure,
    cure_break,
    find_break,
)
from huitong.payments.commands import moving
from huitong.payments.commands.checkouts import succeeded_event
from huitong.payments.commands.settling import end_attempt, fail_order
from huitong.payments.deciding import count_pay_in
from huitong.payments.postings import (
    capture_entry,
    cure_entry,
    find_own_accounts,
    find_suspense_account,
)
from huitong.payments.store import channel_orders as store
from huitong.payments.store import orders as order_store
from huitong.payments.types import ChannelDirection, ChannelState, Order, OrderStatus

RETURNED: Final = "returned_by_channel"
_ALIVE: Final = frozenset({ChannelState.HELD, ChannelState.TO_SEND, ChannelState.SENT})
_CURES: Final = {
    BreakKind.SUCCESS_AFTER_FAILURE: frozenset({Cure.BOOK, Cure.UNDO}),
    BreakKind.FAILURE_AFTER_SUCCESS: frozenset({Cure.UNDO, Cure.CLOSE}),
    BreakKind.WRONG_AMOUNT: frozenset({Cure.UNDO, Cure.CLOSE}),
}


async def check_cure(
    uow: UnitOfWork, *, channel_order_id: uuid.UUID, kind: BreakKind, cure: Cure
) -> ChannelBreak:
    """Return a break that may be cured like this; raises NotFound, BreakNotOpen.

    `BOOK` is for money that moved after all, `UNDO` for money that the channel has given or taken
    back, `CLOSE` for what needs none to move.
    """
    found = await find_break(uow, channel_order_id, kind)
    if found is None:
        raise NotFound("the attempt has no such break", field="attempt")
    if found.cure is not None:
        raise BreakNotOpen("the break is cured", context={"cure": found.cure.value})
    if cure not in _CURES[kind]:
        fitting = sorted(each.value for each in _CURES[kind])
        raise BreakNotOpen(
            f"{cure.value} does not cure {kind.value}", field="cure", context={"cures": fitting}
        )
    attempts = [each.order for each in await store.list_attempts(uow, found.order_id)]
    alive = {each.id for each in attempts if each.state in _ALIVE}
    # What a channel carried with another amount has no end yet, and everything else has one.
    wanted = {channel_order_id} if kind is BreakKind.WRONG_AMOUNT else set()
    if cure is not Cure.CLOSE and alive != wanted:
        raise BreakNotOpen("an attempt of the order goes on, or this one has ended by itself")
    return found


async def resolve_break(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    kind: BreakKind,
    cure: Cure,
    reason: str,
    now: datetime,
) -> ChannelBreak:
    """Cure a break as two people agreed, and return it so.

    Raises as `check_cure`, and what the ledger refuses, such as InsufficientFunds.
    """
    seen = await check_cure(uow, channel_order_id=channel_order_id, kind=kind, cure=cure)
    order = await moving.lock_order(uow, seen.order_id)
    attempt = await store.lock_channel_order(uow, channel_order_id)
    assert attempt is not None
    found = await check_cure(uow, channel_order_id=channel_order_id, kind=kind, cure=cure)
    transfer_id = None
    if cure is Cure.UNDO and kind is BreakKind.WRONG_AMOUNT:
        failed = end_attempt(attempt, ChannelState.FAILED, RETURNED, now)
        await fail_order(uow, order, failed, now, code=RETURNED)
    elif cure is not Cure.CLOSE:
        transfer_id = await _move(uow, order, found, cure, now)
    cured = await cure_break(uow, found, cure, transfer_id=transfer_id, now=now)
    await audit.record(
        uow,
        action="payments.cure_channel_break",
        subject=show_id(PAYMENT, order.id),
        details={
            "kind": kind.value,
            "cure": cure.value,
            "channel": found.channel,
            "amount": found.amount.to_json(),
            "reason": reason,
        },
    )
    return cured


async def _move(
    uow: UnitOfWork, order: Order, found: ChannelBreak, cure: Cure, now: datetime
) -> uuid.UUID:
    transfer_id = moving.make_transfer_id(now)
    is_waiting = order.status is OrderStatus.PENDING
    if is_waiting and cure is Cure.BOOK:
        await _capture(uow, order, found, transfer_id, now)
        return transfer_id
    payer_id, payee_id, code = await _find_sides(uow, order, found, cure)
    entry = cure_entry(
        transfer_id=transfer_id,
        payer_account_id=payer_id,
        payee_account_id=payee_id,
        amount=found.amount,
        code=code,
        effective_on=business_day(now),
    )
    await moving.post_entry(uow, entry, now=now)
    if is_waiting:
        last = await store.find_channel_order(uow, order.id)
        assert last is not None
        await fail_order(uow, order, last, now, code=RETURNED)
    elif cure is Cure.BOOK and found.direction is ChannelDirection.IN:
        await count_pay_in(uow, order, now=now)
    return transfer_id


async def _capture(
    uow: UnitOfWork, order: Order, found: ChannelBreak, transfer_id: uuid.UUID, now: datetime
) -> None:
    """Take what a withdrawal still reserves, and as much out of suspense."""
    assert order.transfer_id is not None
    own = await find_own_accounts(uow, order.amount.currency)
    taken = capture_entry(
        transfer_id=transfer_id,
        hold_id=order.transfer_id,
        payee_account_id=own.channel,
        amount=order.amount,
        fee=order.fee,
        own=own,
        code=TransferCode.WITHDRAWAL,
        effective_on=business_day(now),
    )
    emptied = cure_entry(
        transfer_id=moving.make_transfer_id(now),
        payer_account_id=own.channel,
        payee_account_id=await find_suspense_account(uow, order.amount.currency),
        amount=found.amount,
        code=TransferCode.WITHDRAWAL_RETURN,
        effective_on=business_day(now),
    )
    entry = Entry((*taken.transfers, *emptied.transfers), transfer_id)
    await moving.post_entry(uow, entry, now=now)
    paid = replace(order, status=OrderStatus.SUCCEEDED, transfer_id=transfer_id, completed_at=now)
    await order_store.save_order(uow, paid)
    await outbox.append(uow, [succeeded_event(paid)])


async def _find_sides(
    uow: UnitOfWork, order: Order, found: ChannelBreak, cure: Cure
) -> tuple[int, int, TransferCode]:
    """Return who is debited and who is credited, and as what."""
    own = await find_own_accounts(uow, found.amount.currency)
    is_in = found.direction is ChannelDirection.IN
    customer_id = order.payee_account_id if is_in else order.payer_account_id
    assert customer_id is not None
    if found.kind is BreakKind.FAILURE_AFTER_SUCCESS:
        if is_in:
            return customer_id, own.channel, TransferCode.TOP_UP_REVERSAL
        return own.channel, customer_id, TransferCode.WITHDRAWAL_RETURN
    if is_in:
        if cure is Cure.BOOK:
            return own.unattributed, customer_id, TransferCode.TOP_UP
        return own.unattributed, own.channel, TransferCode.TOP_UP_REVERSAL
    suspense_id = await find_suspense_account(uow, found.amount.currency)
    if cure is Cure.BOOK:
        return customer_id, suspense_id, TransferCode.WITHDRAWAL
    return own.channel, suspense_id, TransferCode.WITHDRAWAL_RETURN
