"""Attempts of an order, one after another: the first channel, and the next on a known failure."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.calculations import derive_id
from huitong.payments.channels import (
    ChannelKind,
    Route,
    RouteRequest,
    find_route,
    get_route,
)
from huitong.payments.commands import moving
from huitong.payments.commands.rails import keep_rail
from huitong.payments.store import channel_orders as store
from huitong.payments.store import payees as payee_store
from huitong.payments.store import rails as rail_store
from huitong.payments.types import ChannelDirection, ChannelOrder, ChannelState, Order

#: What rules of routing name a bank by: the first digits of its code.
_BANK_DIGITS: Final = 3
NOT_SENT: Final = "not sent: the channel was switched off or ill"


async def add_first_attempt(
    uow: UnitOfWork,
    order: Order,
    direction: ChannelDirection,
    *,
    state: ChannelState = ChannelState.TO_SEND,
    held_until: datetime | None = None,
    is_urgent: bool = False,
    kind: ChannelKind = ChannelKind.BANK_TRANSFER,
    instrument: str | None = None,
    now: datetime,
) -> None:
    """Choose a channel for an order and queue the first attempt; raises NoChannel."""
    bank = await payee_store.find_bank_code(uow, order.id)
    asked = _ask_for(order, kind, direction, now, bank=bank)
    await _insert(
        uow,
        order,
        direction,
        await get_route(uow, asked),
        number=1,
        kind=kind,
        instrument=instrument,
        state=state,
        held_until=held_until,
        is_urgent=is_urgent,
        now=now,
    )


async def fail_and_hand_on(
    uow: UnitOfWork,
    order: Order,
    failed: ChannelOrder,
    *,
    now: datetime,
    needs_health: bool = False,
) -> bool:
    """Save an attempt that is known to have failed and queue the next one, on another channel.

    Returns False, having changed nothing, if no other channel can carry the order, or with
    `needs_health` if the best one has an open circuit. A card's token and a code that a wallet
    showed mean something to one channel only.
    """
    if failed.instrument is not None:
        return False
    attempts = await store.list_attempts(uow, order.id)
    if len(attempts) >= limits.CHANNEL_ATTEMPTS_OF_ORDER_MAX:
        return False
    tried = frozenset(each.order.channel for each in attempts)
    bank = await payee_store.find_bank_code(uow, order.id)
    asked = _ask_for(order, failed.kind, failed.direction, now, bank=bank, tried=tried)
    route = await find_route(uow, asked)
    if route is None or (needs_health and route.is_ill):
        return False
    # First the failure: the database has no room for two attempts that are not known to have
    # failed.
    await store.save_channel_order(uow, failed)
    planned = await rail_store.find_last_rail(uow, order.id)
    await _insert(
        uow,
        order,
        failed.direction,
        route,
        number=len(attempts) + 1,
        kind=failed.kind,
        is_urgent=planned is not None and planned.is_urgent,
        now=now,
    )
    return True


async def record_not_sent(
    uow: UnitOfWork, *, channel_order_id: uuid.UUID, order_id: uuid.UUID, now: datetime
) -> None:
    """Record that an attempt that was taken for the first time has not been sent after all.

    It goes to another channel that is well, or waits. Nothing is done if somebody else has taken
    it since: then it may have been sent.
    """
    order = await moving.lock_order(uow, order_id)
    taken = await store.lock_channel_order(uow, channel_order_id)
    if taken is None or (taken.state, taken.attempts) != (ChannelState.SENT, 1):
        return
    failed = replace(
        taken, state=ChannelState.FAILED, attempts=0, reason=NOT_SENT, due_at=now, updated_at=now
    )
    if await fail_and_hand_on(uow, order, failed, now=now, needs_health=True):
        return
    pause = timedelta(seconds=limits.CHANNEL_CIRCUIT_OPEN_SECONDS)
    waiting = replace(failed, state=ChannelState.TO_SEND, due_at=now + pause)
    await store.save_channel_order(uow, waiting)


def _ask_for(
    order: Order,
    kind: ChannelKind,
    direction: ChannelDirection,
    now: datetime,
    *,
    bank: str | None,
    tried: frozenset[str] = frozenset(),
) -> RouteRequest:
    return RouteRequest(
        kind=kind,
        direction=direction,
        amount=order.amount,
        at=now,
        bank=None if bank is None else bank[:_BANK_DIGITS],
        tried=tried,
    )


async def _insert(
    uow: UnitOfWork,
    order: Order,
    direction: ChannelDirection,
    route: Route,
    *,
    number: int,
    kind: ChannelKind,
    instrument: str | None = None,
    state: ChannelState = ChannelState.TO_SEND,
    held_until: datetime | None = None,
    is_urgent: bool,
    now: datetime,
) -> None:
    channel_order_id = derive_id(order.id, number)
    await store.insert_channel_order(
        uow,
        channel_order_id=channel_order_id,
        order_id=order.id,
        direction=direction,
        channel=route.channel,
        number=number,
        kind=kind,
        instrument=instrument,
        fee=route.fee,
        chosen=route.because,
        state=state,
        held_until=held_until,
        now=now,
    )
    if direction is ChannelDirection.OUT and kind is ChannelKind.BANK_TRANSFER:
        await keep_rail(
            uow,
            channel_order_id=channel_order_id,
            channel=route.channel,
            amount=order.amount,
            is_urgent=is_urgent,
            at=held_until or now,
        )
