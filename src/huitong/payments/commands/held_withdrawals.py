"""Withdrawals that risk has held back: cancelled by the customer, released or stopped by staff.

The money stays reserved meanwhile. Whoever comes first counts: once a withdrawal was handed to the
bank, only the bank's answer ends it.
"""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong import customers, ledger, risk
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import PAYMENT, show_id
from huitong.ledger import AccountState, TransferCode, TransferKind
from huitong.payments.blocked import find_blocked
from huitong.payments.commands import moving
from huitong.payments.errors import (
    AccountFrozen,
    OrderMoveRefused,
    PaymentBlocked,
    WithdrawalNotHeld,
)
from huitong.payments.events import OrderClosed, WithdrawalReleased
from huitong.payments.postings import release_entry
from huitong.payments.store import channel_orders as store
from huitong.payments.store import orders as order_store
from huitong.payments.types import (
    ChannelOrder,
    ChannelState,
    HeldWithdrawal,
    Order,
    OrderKind,
    OrderStatus,
    check_move,
)

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)


async def cancel_withdrawal(uow: UnitOfWork, *, order_id: uuid.UUID, now: datetime) -> Order:
    """Give up a withdrawal that is held: the money is free again; return the closed order.

    For the customer. Doing it again changes nothing. Raises NotFound, OrderMoveRefused if it is no
    withdrawal, WithdrawalNotHeld if it was sent, or never waited.
    """
    order, held = await _lock(uow, order_id)
    if held.state is ChannelState.CANCELLED:
        return order
    return await _give_up(uow, order, held, "cancelled", now)


async def stop_withdrawal(uow: UnitOfWork, *, order_id: uuid.UUID, now: datetime) -> Order:
    """Give up a withdrawal that is held, as staff who found fraud; return the closed order.

    Its decision is labelled so (source `rejection`), unless two people overturned it. The money is
    free again on the account, which should be frozen first if it must stay. Raises as
    `cancel_withdrawal`, and WithdrawalNotHeld for one that was cancelled.
    """
    order, held = await _lock(uow, order_id)
    closed = await _give_up(uow, order, held, "stopped", now)
    await risk.label_rejected(uow, order_id, now=now)
    await _record(uow, "payments.stop_withdrawal", order)
    return closed


async def release_withdrawal(uow: UnitOfWork, *, order_id: uuid.UUID, now: datetime) -> Order:
    """Let a withdrawal go to the bank that is held; return the order, which stays pending.

    It writes no label, as releasing a payment does not. Raises NotFound, OrderMoveRefused if it is
    no withdrawal, WithdrawalNotHeld if it was sent, cancelled, or never waited, AccountFrozen,
    PaymentBlocked if the customer is on the list of those who are blocked by now.
    """
    order, held = await _lock(uow, order_id)
    _check_held(order, held)
    assert order.payer_account_id is not None
    if not await _is_open(uow, order.payer_account_id):
        raise AccountFrozen(
            f"{ledger.show_account(order.payer_account_id)} is frozen: nothing may leave it"
        )
    if await _is_blocked(uow, order.payer_account_id, now):
        raise PaymentBlocked("the customer is on the list of those who are blocked by now")
    released = replace(held, state=ChannelState.TO_SEND, due_at=now, updated_at=now)
    await store.save_channel_order(uow, released)
    await _record(uow, "payments.release_withdrawal", order)
    event = WithdrawalReleased(order_id=order.id, amount=order.amount, released_at=now)
    await outbox.append(uow, [event])
    return order


async def list_ready(uow: UnitOfWork, *, now: datetime, limit: int) -> list[uuid.UUID]:
    """Return the channel orders of held withdrawals whose delay is over, locked.

    Those of accounts that were frozen meanwhile, or whose customers were blocked, wait on, and are
    looked at again later: money that has gone to a bank is not fetched back.
    """
    ready = []
    for held, account_id in await store.lock_over(uow, now=now, count=limit):
        if await _is_open(uow, account_id) and not await _is_blocked(uow, account_id, now):
            ready.append(held.id)
        else:
            later = now + timedelta(seconds=limits.CHANNEL_RETRY_SECONDS_MAX)
            await store.save_channel_order(uow, replace(held, due_at=later))
    return ready


async def _is_open(uow: UnitOfWork, account_id: int) -> bool:
    return (await ledger.get_balance(uow, account_id)).state is AccountState.OPEN


async def _is_blocked(uow: UnitOfWork, account_id: int, now: datetime) -> bool:
    connection = await uow.driver()
    parties = await customers.find_parties(connection, [account_id])
    return bool(await find_blocked(connection, parties.values(), now=now))


async def find_hold(uow: UnitOfWork, order: Order) -> HeldWithdrawal | None:
    """Return how a withdrawal is held, or None if it is not."""
    sent = await store.find_channel_order(uow, order.id)
    return _view(sent) if sent is not None and sent.state is ChannelState.HELD else None


async def list_held_withdrawals(
    uow: UnitOfWork,
    *,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[HeldWithdrawal]:
    """Return withdrawals that are held, newest first; raises InvalidField."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    found = await store.list_held(uow, before_id=before_id or _AFTER_ALL_IDS, count=limit)
    return [_view(each) for each in found]


def _view(held: ChannelOrder) -> HeldWithdrawal:
    return HeldWithdrawal(
        order_id=held.order_id,
        amount=held.amount,
        held_at=held.updated_at,
        held_until=held.held_until,
    )


async def _lock(uow: UnitOfWork, order_id: uuid.UUID) -> tuple[Order, ChannelOrder]:
    """Return a withdrawal under lock: the order first, as whoever records the bank's answer."""
    order = await moving.lock_order(uow, order_id)
    if order.kind is not OrderKind.WITHDRAWAL:
        raise OrderMoveRefused(
            f"{show_id(PAYMENT, order.id)} is not a withdrawal", context={"kind": order.kind.value}
        )
    found = await store.find_channel_order(uow, order_id)
    assert found is not None, "a withdrawal has a channel order from the start"
    held = await store.lock_channel_order(uow, found.id)
    assert held is not None
    return order, held


def _check_held(order: Order, held: ChannelOrder) -> None:
    if held.state is not ChannelState.HELD:
        raise WithdrawalNotHeld(f"{show_id(PAYMENT, order.id)} does not wait: it is {order.status}")


async def _give_up(
    uow: UnitOfWork, order: Order, held: ChannelOrder, reason: str, now: datetime
) -> Order:
    _check_held(order, held)
    assert order.transfer_id is not None
    entry = release_entry(
        transfer_id=moving.make_transfer_id(now),
        hold_id=order.transfer_id,
        kind=TransferKind.VOID_PENDING,
        code=TransferCode.WITHDRAWAL_RETURN,
        effective_on=business_day(now),
    )
    await moving.post_entry(uow, entry, now=now)
    closed = replace(order, status=check_move(order.status, OrderStatus.CLOSED), completed_at=now)
    await order_store.save_order(uow, closed)
    await store.save_channel_order(
        uow, replace(held, state=ChannelState.CANCELLED, reason=reason, due_at=now, updated_at=now)
    )
    event = OrderClosed(order_id=order.id, kind=order.kind, reason=reason, closed_at=now)
    await outbox.append(uow, [event])
    return closed


async def _record(uow: UnitOfWork, action: str, order: Order) -> None:
    await audit.record(
        uow,
        action=action,
        subject=show_id(PAYMENT, order.id),
        details={"amount": order.amount.to_json()},
    )
