"""What the worker does: screen what was begun, send what may go, credit what came.

Each step is a transaction of its own that looks at the state again, and nothing outside is called
within one. A lease keeps workers apart; one that dies leaves a payment to whoever comes after it.
"""

import base64
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from huitong import customers
from huitong.kernel import audit
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import CROSS_BORDER, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.payments.channels import (
    ChannelAnswer,
    ChannelContradiction,
    ChannelFault,
    ChannelVerdict,
    CrossBorderChannel,
)
from huitong.payments.crossborder import limits, record_store, store
from huitong.payments.crossborder.errors import ScreenerFault
from huitong.payments.crossborder.giving_back import end_step, give_back
from huitong.payments.crossborder.messages import (
    name_message,
    write_confirmation,
    write_return,
    write_transfer,
)
from huitong.payments.crossborder.ordering import open_counterparty
from huitong.payments.crossborder.receiving import credit
from huitong.payments.crossborder.screening import Hit, ScreenedName, Screener
from huitong.payments.crossborder.types import (
    Direction,
    Payment,
    PaymentState,
    Reason,
)
from huitong.payments.iso20022 import InvalidMessage
from huitong.payments.types import ChannelDirection, ChannelOrder, ChannelState
from huitong.privacy import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What work on payments abroad needs: who screens, who carries, and the rules."""

    vault: Vault
    screener: Screener
    channel: CrossBorderChannel
    rulebook: Rulebook
    clock: Clock


async def work_payments(database: Database, desk: Desk) -> int:
    """Do one step of each payment that is due, at most so many; return how many were taken."""
    now = desk.clock.now()
    async with database.reading() as uow:
        due = await store.list_due(uow, now=now, limit=limits.PAYMENTS_AT_ONCE_MAX)
    taken = 0
    for payment in due:
        is_mine = await _take(database, payment.id, now)
        if is_mine:
            taken += 1
            await _work(database, desk, payment)
    return taken


async def _take(database: Database, payment_id: uuid.UUID, now: datetime) -> bool:
    until = now + timedelta(seconds=limits.LEASE_SECONDS)
    return await database.run(lambda uow: store.take_payment(uow, payment_id, until=until, now=now))


async def _work(database: Database, desk: Desk, payment: Payment) -> None:
    try:
        if payment.state is PaymentState.INITIATED:
            await _screen(database, desk, payment)
        elif payment.state is PaymentState.REFUSED:
            await _send_back(database, desk, payment)
        elif payment.state is PaymentState.CREDITED:
            await _confirm(database, desk, payment)
        elif payment.direction is Direction.IN:
            await database.run(lambda uow: _credit(uow, desk, payment.id))
        else:
            await _send(database, desk, payment)
    except (ScreenerFault, ChannelFault, ChannelContradiction) as fault:
        why = type(fault).__name__
        await database.run(lambda uow: _wait(uow, desk, payment.id, why))


async def _wait(uow: UnitOfWork, desk: Desk, payment_id: uuid.UUID, why: str) -> None:
    """Try again later, the longer the more often nobody answered."""
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    assert payment is not None
    seconds = min(2 ** min(payment.attempts, 10), limits.RETRY_SECONDS_MAX)
    due_at = desk.clock.now() + timedelta(seconds=seconds)
    await store.change_payment(uow, replace(payment, due_at=due_at))
    await audit.record(
        uow,
        action="payments.wait_for_outside",
        subject=show_id(CROSS_BORDER, payment_id),
        details={"why": why, "seconds": seconds},
    )


async def _screen(database: Database, desk: Desk, payment: Payment) -> None:
    async with database.reading() as uow:
        names = await _read_names(uow, desk.vault, payment)
    hits = await desk.screener.screen(names, now=desk.clock.now())
    await database.run(lambda uow: _take_hits(uow, desk, payment.id, hits))


async def _read_names(uow: UnitOfWork, vault: Vault, payment: Payment) -> list[ScreenedName]:
    theirs = await open_counterparty(uow, vault, payment)
    names = [ScreenedName(side="theirs", name=theirs.name)]
    if payment.fee_account_id is not None:
        ours = await customers.find_holder_names(uow, vault, [payment.fee_account_id])
        names += [ScreenedName(side="ours", name=name) for name in ours.values()]
    return names


async def _take_hits(
    uow: UnitOfWork, desk: Desk, payment_id: uuid.UUID, hits: Sequence[Hit]
) -> None:
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    assert payment is not None
    if payment.state is not PaymentState.INITIATED:
        return
    now = desk.clock.now()
    await record_store.add_hits(uow, payment_id, hits[: limits.HITS_PER_PAYMENT_MAX])
    reasons = payment.reasons + ((Reason.NAME_HIT.value,) if hits else ())
    state = PaymentState.HELD if reasons else PaymentState.SCREENED
    changed = replace(payment, state=state, reasons=reasons, attempts=0, due_at=now, changed_at=now)
    await store.change_payment(uow, changed)
    await end_step(uow, changed, happened_at=now, now=now)


async def _credit(uow: UnitOfWork, desk: Desk, payment_id: uuid.UUID) -> None:
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    assert payment is not None
    if payment.state is PaymentState.SCREENED:
        await credit(uow, payment, rulebook=desk.rulebook, now=desk.clock.now())


async def _send(database: Database, desk: Desk, payment: Payment) -> None:
    """Send what may go; ask first where an earlier attempt has no outcome yet."""
    is_first = payment.state is PaymentState.SCREENED
    message = await database.run(lambda uow: _prepare(uow, desk, payment.id))
    if message is None:
        return
    order = _make_order(payment)
    if not is_first:
        answer = await desk.channel.query_uetr(order, uetr=payment.uetr)
        if answer.verdict is not ChannelVerdict.UNKNOWN:
            await database.run(lambda uow: _take_answer(uow, desk, payment.id, answer))
            return
    answer = await desk.channel.send(order, message=message, uetr=payment.uetr)
    await database.run(lambda uow: _take_answer(uow, desk, payment.id, answer))


async def _prepare(uow: UnitOfWork, desk: Desk, payment_id: uuid.UUID) -> bytes | None:
    """Return the message, made once: a payment is SENDING before anybody hears of it."""
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    assert payment is not None
    if payment.state is PaymentState.SENDING:
        return await _open_message(uow, desk.vault, payment)
    if payment.state is not PaymentState.SCREENED:
        return None
    now = desk.clock.now()
    try:
        message = await _write(uow, desk, payment, now)
    except InvalidMessage as refusal:
        await give_back(
            uow,
            payment,
            PaymentState.REFUSED,
            Reason.TRAVEL_RULE,
            rulebook=desk.rulebook,
            happened_at=now,
            now=now,
            detail=refusal.detail[: limits.REASON_LENGTH_MAX],
        )
        return None
    await _keep_message(uow, desk.vault, payment, message)
    sending = replace(
        payment,
        state=PaymentState.SENDING,
        message_id=name_message(payment, "A"),
        changed_at=now,
    )
    await store.change_payment(uow, sending)
    return message


async def _write(uow: UnitOfWork, desk: Desk, payment: Payment, now: datetime) -> bytes:
    assert payment.fee_account_id is not None
    names = await customers.find_holder_names(uow, desk.vault, [payment.fee_account_id])
    theirs = await open_counterparty(uow, desk.vault, payment)
    # A payer who left meanwhile has no name any more, and nothing travels without one.
    name = names.get(payment.fee_account_id, "")
    return write_transfer(payment, theirs, name, rulebook=desk.rulebook, now=now)


async def _keep_message(uow: UnitOfWork, vault: Vault, payment: Payment, message: bytes) -> None:
    text = base64.b64encode(message).decode()
    sealed = await vault.seal(uow, payment.id, {store.MESSAGE_FIELD: text})
    await store.set_message(uow, payment.id, sealed[store.MESSAGE_FIELD])


async def _open_message(uow: UnitOfWork, vault: Vault, payment: Payment) -> bytes:
    sealed = await store.find_message(uow, payment.id)
    assert sealed is not None, "a payment on its way has its message"
    opened = await vault.open(uow, payment.id, {store.MESSAGE_FIELD: sealed})
    return base64.b64decode(opened[store.MESSAGE_FIELD])


async def _take_answer(
    uow: UnitOfWork, desk: Desk, payment_id: uuid.UUID, answer: ChannelAnswer
) -> None:
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    assert payment is not None
    if payment.state is not PaymentState.SENDING or answer.verdict is ChannelVerdict.UNKNOWN:
        return
    now = desk.clock.now()
    if answer.verdict is ChannelVerdict.FAILED:
        await give_back(
            uow,
            payment,
            PaymentState.REJECTED,
            Reason.REJECTED_ON_THE_WAY,
            rulebook=desk.rulebook,
            happened_at=now,
            now=now,
            detail=answer.reason,
        )
        return
    sent = replace(payment, state=PaymentState.SENT, changed_at=now)
    await store.change_payment(uow, sent)
    await end_step(uow, sent, happened_at=now, now=now)


async def _send_back(database: Database, desk: Desk, payment: Payment) -> None:
    """Send the message that returns a refused receipt; its money left our books already."""
    message = await database.run(lambda uow: _prepare_reply(uow, desk, payment.id, write_return))
    answer = await desk.channel.send(_make_order(payment), message=message, uetr=payment.uetr)
    if answer.verdict in {ChannelVerdict.FAILED, ChannelVerdict.UNKNOWN}:
        raise ChannelFault("the return was not taken")
    await database.run(lambda uow: _end_reply(uow, desk, payment.id, "return_sent"))


async def _confirm(database: Database, desk: Desk, payment: Payment) -> None:
    """Tell the bank that a receipt came from that it is on its payee's account."""
    message = await database.run(
        lambda uow: _prepare_reply(uow, desk, payment.id, write_confirmation)
    )
    await desk.channel.report(payment.id, message=message)
    await database.run(lambda uow: _end_reply(uow, desk, payment.id, "confirmation_sent"))


async def _prepare_reply(
    uow: UnitOfWork, desk: Desk, payment_id: uuid.UUID, write: Callable[..., bytes]
) -> bytes:
    """Return what a receipt is answered with: made once, and the same each time."""
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    assert payment is not None
    if await store.find_message(uow, payment_id) is not None:
        return await _open_message(uow, desk.vault, payment)
    original = await store.find_original(uow, payment_id)
    message = write(payment, original=original, now=desk.clock.now())
    await _keep_message(uow, desk.vault, payment, message)
    return message


async def _end_reply(uow: UnitOfWork, desk: Desk, payment_id: uuid.UUID, step: str) -> None:
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    assert payment is not None
    now = desk.clock.now()
    answered = replace(payment, is_return_due=False, is_report_due=False, changed_at=now)
    await store.change_payment(uow, answered)
    await record_store.add_event(uow, payment_id, step, happened_at=now, now=now)


def _make_order(payment: Payment) -> ChannelOrder:
    return ChannelOrder(
        id=payment.id,
        order_id=payment.id,
        direction=ChannelDirection.OUT,
        state=ChannelState.SENT,
        attempts=payment.attempts,
        due_at=payment.due_at,
        updated_at=payment.changed_at,
        reason=None,
        amount=payment.settled,
        channel="crossborder",
    )
