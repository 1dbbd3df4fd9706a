"""What the worker does for payments on its own: ask channels, and write down what they said."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import limits, logs
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.channel_payees import attach_payees
from huitong.payments.channels import (
    ChannelAnswer,
    ChannelContradiction,
    ChannelFault,
    Channels,
    ChannelVerdict,
    PayeeRefusal,
    list_switched_off,
    report_health,
)
from huitong.payments.commands.attempts import record_not_sent
from huitong.payments.commands.contradictions import record_recheck, record_wrong_amount
from huitong.payments.commands.held_withdrawals import list_ready
from huitong.payments.commands.settling import record_channel_answer
from huitong.payments.store import channel_orders as store
from huitong.payments.types import ChannelOrder, ChannelState
from huitong.privacy import Vault

_ENDED: Final = frozenset({ChannelState.SUCCEEDED, ChannelState.FAILED})
_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What became of one question: an answer, a contradiction, silence, or it was not asked."""

    answer: ChannelAnswer | None = None
    stated: Money | None = None
    is_asked: bool = True


async def settle_channel_orders(
    database: Database,
    channels: Channels,
    *,
    clock: Clock,
    vault: Vault | None = None,
    caller: Caller = SYSTEM,
    is_counted: bool = True,
    limit: int = limits.CHANNEL_ORDERS_AT_ONCE_MAX,
) -> int:
    """Send and ask about at most `limit` attempts that are due on `channels`; return how many.

    Three steps, each in its own transaction or in none: take the attempts, speak with the
    channels, and record what they said. Any number of workers may run; a worker that dies in the
    middle leaves attempts that are asked about again when their lease is over. A channel's silence
    is never taken for a yes or a no. `vault` opens the accounts of payees, which no order can do
    without that names one. Money that came in is counted for risk if `is_counted`.
    """
    now = clock.now()
    async with database.unit_of_work(caller) as uow:
        taken, switched_off = await _take(uow, channels, now, limit)
        taken, unsendable = await attach_payees(uow, vault, taken)
    heard = await asyncio.gather(
        *(
            _answer_unsent(unsendable[order.id])
            if order.id in unsendable
            else _ask(channels, order, clock, is_off=order.channel in switched_off)
            for order in taken
        )
    )
    for order, said in zip(taken, heard, strict=True):
        await _record(database, caller, order, said, clock, is_counted=is_counted)
    return len(taken)


async def report_channel_health(database: Database, channels: Channels, *, now: datetime) -> None:
    """Tell the other processes and staff how this one's channels do."""
    await database.run(
        lambda uow: report_health(
            uow, process_id=channels.process_id, health=channels.describe(now), now=now
        )
    )


async def _take(
    uow: UnitOfWork, channels: Channels, now: datetime, limit: int
) -> tuple[list[ChannelOrder], frozenset[str]]:
    lease_until = now + timedelta(seconds=limits.CHANNEL_LEASE_SECONDS)
    ready: list[uuid.UUID] = await list_ready(uow, now=now, limit=limit)
    taken = await store.take_due(
        uow, channels=channels.names, ready=ready, now=now, lease_until=lease_until, count=limit
    )
    again = await store.take_rechecks(
        uow, channels=channels.names, now=now, lease_until=lease_until, count=limit - len(taken)
    )
    return [*taken, *again], await list_switched_off(uow)


async def _answer_unsent(refusal: PayeeRefusal | None) -> _Heard:
    """Return what stands for the answer to an order that no bank heard of: no, or silence."""
    if refusal is None:
        return _Heard()
    failed = ChannelVerdict.FAILED
    return _Heard(answer=ChannelAnswer(verdict=failed, reason=refusal.value, refusal=refusal))


async def _ask(channels: Channels, order: ChannelOrder, clock: Clock, *, is_off: bool) -> _Heard:
    breaker, client = channels.breaker(order.channel), channels.client(order.channel)
    is_first = order.state is ChannelState.TO_SEND and order.attempts == 1
    if is_first and (is_off or not breaker.may_send(clock.now())):
        return _Heard(is_asked=False)
    stated = None
    try:
        if order.state is ChannelState.TO_SEND:
            answer = await client.submit(order)
        else:
            answer = await client.query(order)
    except ChannelFault as fault:
        log = _log.warning if fault.retryable else _log.error
        log("channel_fault", channel_order_id=str(order.id), detail=fault.detail)
        answer = None
        if isinstance(fault, ChannelContradiction):
            stated = fault.stated
    breaker.record(answer, clock.now())
    return _Heard(answer=answer, stated=stated)


async def _record(
    database: Database,
    caller: Caller,
    order: ChannelOrder,
    heard: _Heard,
    clock: Clock,
    *,
    is_counted: bool,
) -> None:
    async def record(uow: UnitOfWork) -> None:
        now, both = clock.now(), {"channel_order_id": order.id, "order_id": order.order_id}
        if not heard.is_asked:
            await record_not_sent(uow, **both, now=now)
            return
        if heard.stated is not None:
            await record_wrong_amount(uow, **both, stated=heard.stated, now=now)
        if order.state in _ENDED:
            await record_recheck(uow, **both, answer=heard.answer, is_counted=is_counted, now=now)
            return
        await record_channel_answer(
            uow, **both, answer=heard.answer, is_counted=is_counted, now=now
        )

    await database.run(record, caller)
