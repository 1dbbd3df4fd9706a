"""What the worker does for payments on its own: ask banks, close what is over, tidy up."""

import asyncio
from datetime import timedelta

from huitong.kernel import limits, logs
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database
from huitong.payments.channel import BankChannel, ChannelAnswer, ChannelFault
from huitong.payments.commands.held_withdrawals import list_ready
from huitong.payments.commands.settling import record_channel_answer
from huitong.payments.store import channel_orders as store
from huitong.payments.types import ChannelOrder, ChannelState

_log = logs.get_logger(__name__)


async def settle_channel_orders(
    database: Database,
    channel: BankChannel,
    *,
    clock: Clock,
    caller: Caller = SYSTEM,
    is_counted: bool = True,
    limit: int = limits.CHANNEL_ORDERS_AT_ONCE_MAX,
) -> int:
    """Send and ask about at most `limit` channel orders that are due; return how many.

    Three steps, each in its own transaction or in none: take the orders, speak with the bank, and
    record what it said. Any number of workers may run; a worker that dies in the middle leaves
    orders that are asked about again when their lease is over. A bank's silence is never taken for
    a yes or a no. Money that came in is counted for risk if `is_counted`.
    """
    now = clock.now()
    lease_until = now + timedelta(seconds=limits.CHANNEL_LEASE_SECONDS)
    async with database.unit_of_work(caller) as uow:
        ready = await list_ready(uow, now=now, limit=limit)
        taken = await store.take_due(
            uow, ready=ready, now=now, lease_until=lease_until, count=limit
        )
    answers = await asyncio.gather(*(_ask(channel, order) for order in taken))
    for order, answer in zip(taken, answers, strict=True):
        await _record(database, caller, order, answer, clock, is_counted=is_counted)
    return len(taken)


async def _ask(channel: BankChannel, order: ChannelOrder) -> ChannelAnswer | None:
    """Return the bank's answer, or None if there is none that can be relied on."""
    try:
        if order.state is ChannelState.TO_SEND:
            return await channel.submit(order)
        return await channel.query(order)
    except ChannelFault as fault:
        log = _log.warning if fault.retryable else _log.error
        log("channel_fault", channel_order_id=str(order.id), detail=fault.detail)
        return None


async def _record(
    database: Database,
    caller: Caller,
    order: ChannelOrder,
    answer: ChannelAnswer | None,
    clock: Clock,
    *,
    is_counted: bool,
) -> None:
    await database.run(
        lambda uow: record_channel_answer(
            uow,
            channel_order_id=order.id,
            order_id=order.order_id,
            answer=answer,
            is_counted=is_counted,
            now=clock.now(),
        ),
        caller,
    )
