"""What a bank's answer does to an order: post on yes, free on no, ask again on everything else."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit, limits, logs, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import PAYMENT, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import (
    Entry,
    Outcome,
    Reason,
    Request,
    TransferCode,
    TransferKind,
    post_entries,
)
from huitong.payments.channels import ChannelAnswer, ChannelVerdict, plan_recheck
from huitong.payments.commands import moving
from huitong.payments.commands.attempts import fail_and_hand_on
from huitong.payments.commands.checkouts import succeeded_event
from huitong.payments.deciding import count_pay_in
from huitong.payments.events import PaymentFailed
from huitong.payments.postings import (
    capture_entry,
    find_own_accounts,
    release_entry,
    top_up_entry,
)
from huitong.payments.store import channel_orders as store
from huitong.payments.store import orders as order_store
from huitong.payments.types import (
    ChannelDirection,
    ChannelOrder,
    ChannelState,
    Order,
    OrderKind,
    OrderStatus,
    check_move,
)

REFUSED_BY_BANK: Final = "refused_by_bank"
NOT_ATTRIBUTABLE: Final = "account_cannot_be_credited"

_RECHECK_FIRST: Final = "channel.recheck.first"
_RECHECK_LAST: Final = "channel.recheck.last"
_FIRST_PAUSE_SECONDS: Final = 0.25
_DOUBLINGS_MAX: Final = 12
_FINAL_STATES: Final = frozenset(
    {ChannelState.SUCCEEDED, ChannelState.FAILED, ChannelState.CANCELLED}
)
_CANNOT_BE_CREDITED: Final = frozenset(
    {Reason.ACCOUNT_CLOSED, Reason.ACCOUNT_FROZEN, Reason.BALANCE_TOO_LARGE}
)
_log = logs.get_logger(__name__)


async def record_channel_answer(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    order_id: uuid.UUID,
    answer: ChannelAnswer | None,
    is_counted: bool = True,
    now: datetime,
) -> Order:
    """Record what the bank said of an order, or that it said nothing (None); return the order.

    The first final answer of an attempt counts: a later one, the same or not, changes nothing. A
    failure leads to an attempt on another channel, if one can carry the order and it is not the
    payee that is refused, and otherwise ends it. Without a final answer the bank is asked again
    after a pause that doubles. Money that came in is counted for risk if `is_counted`.
    """
    order = await moving.lock_order(uow, order_id)
    sent = await store.lock_channel_order(uow, channel_order_id)
    if sent is None or sent.order_id != order_id:
        raise ValueError(f"{channel_order_id} is not the channel order of {order_id}")
    if sent.state in _FINAL_STATES:
        return order
    verdict = None if answer is None else answer.verdict
    if verdict is ChannelVerdict.SUCCEEDED:
        settled = await _settle(uow, order, sent, now)
        if is_counted and settled.is_paid and settled.kind is OrderKind.TOP_UP:
            await count_pay_in(uow, settled, now=now)
        return settled
    if answer is not None and verdict is ChannelVerdict.FAILED:
        finished = end_attempt(sent, ChannelState.FAILED, answer.reason, now)
        # The payee's account is the same wherever it is sent, so no other channel is asked.
        if answer.refusal is None and await fail_and_hand_on(uow, order, finished, now=now):
            return order
        return await fail_order(
            uow, order, finished, now, code=str(answer.refusal or REFUSED_BY_BANK)
        )
    # Unknown to the bank means that it never arrived: it is sent again, under the same id.
    state = ChannelState.TO_SEND if verdict is ChannelVerdict.UNKNOWN else ChannelState.SENT
    reason = store.NO_ANSWER if answer is None else answer.reason
    await store.save_channel_order(uow, _postpone(sent, state, reason, now))
    return order


async def _settle(uow: UnitOfWork, order: Order, sent: ChannelOrder, now: datetime) -> Order:
    paid, outcome = await book_success(uow, order, sent.direction, now)
    if paid is None:
        return await _settle_otherwise(uow, order, sent, outcome, now)
    await store.save_channel_order(uow, end_attempt(sent, ChannelState.SUCCEEDED, None, now))
    return paid


async def book_success(
    uow: UnitOfWork, order: Order, direction: ChannelDirection, now: datetime
) -> tuple[Order | None, Outcome]:
    """Post a pending order that its bank has carried, and save it; None if the ledger refuses."""
    check_move(order.status, OrderStatus.SUCCEEDED)
    transfer_id = moving.make_transfer_id(now)
    entry = await _success_entry(uow, order, direction, transfer_id, now)
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        return None, outcome
    paid = replace(order, status=OrderStatus.SUCCEEDED, transfer_id=transfer_id, completed_at=now)
    await order_store.save_order(uow, paid)
    await outbox.append(uow, [succeeded_event(paid)])
    return paid, outcome


async def _success_entry(
    uow: UnitOfWork,
    order: Order,
    direction: ChannelDirection,
    transfer_id: uuid.UUID,
    now: datetime,
) -> Entry:
    own = await find_own_accounts(uow, order.amount.currency)
    if direction is ChannelDirection.IN:
        assert order.payee_account_id is not None
        return top_up_entry(
            transfer_id=transfer_id,
            account_id=order.payee_account_id,
            amount=order.amount,
            own=own,
            effective_on=business_day(now),
        )
    assert order.transfer_id is not None
    return capture_entry(
        transfer_id=transfer_id,
        hold_id=order.transfer_id,
        payee_account_id=own.channel,
        amount=order.amount,
        fee=order.fee,
        own=own,
        code=TransferCode.WITHDRAWAL,
        effective_on=business_day(now),
    )


async def _settle_otherwise(
    uow: UnitOfWork, order: Order, sent: ChannelOrder, outcome: Outcome, now: datetime
) -> Order:
    """Handle a bank's yes that the ledger cannot book as asked.

    Money that came in is ours to account for at once, so it goes where staff will find it. Money
    that went out stays reserved until the account allows it to be booked, and we try again.
    """
    reason = str(outcome.reason)
    _log.error("channel_result_not_booked", order_id=str(order.id), reason=reason)
    if sent.direction is ChannelDirection.OUT or outcome.reason not in _CANNOT_BE_CREDITED:
        waiting = _postpone(sent, ChannelState.SENT, f"ledger: {reason}", now)
        await store.save_channel_order(uow, waiting)
        return order
    own = await find_own_accounts(uow, order.amount.currency)
    transfer_id = moving.make_transfer_id(now)
    entry = top_up_entry(
        transfer_id=transfer_id,
        account_id=own.unattributed,
        amount=order.amount,
        own=own,
        effective_on=business_day(now),
    )
    await moving.post_entry(uow, entry, now=now)
    await audit.record(
        uow,
        action="payments.keep_unattributed",
        subject=show_id(PAYMENT, order.id),
        details={"amount": order.amount.to_json(), "reason": reason},
    )
    failed = replace(
        order, status=OrderStatus.FAILED, transfer_id=transfer_id, failure_code=NOT_ATTRIBUTABLE
    )
    await _record_failure(uow, failed, end_attempt(sent, ChannelState.SUCCEEDED, reason, now), now)
    return failed


async def fail_order(
    uow: UnitOfWork,
    order: Order,
    finished: ChannelOrder,
    now: datetime,
    *,
    code: str = REFUSED_BY_BANK,
) -> Order:
    """End a pending order that no channel will carry: save both and free what was reserved."""
    if finished.direction is ChannelDirection.OUT:
        assert order.transfer_id is not None
        entry = release_entry(
            transfer_id=moving.make_transfer_id(now),
            hold_id=order.transfer_id,
            kind=TransferKind.VOID_PENDING,
            code=TransferCode.WITHDRAWAL_RETURN,
            effective_on=business_day(now),
        )
        await moving.post_entry(uow, entry, now=now)
    failed = replace(
        order,
        status=check_move(order.status, OrderStatus.FAILED),
        failure_code=code,
    )
    await _record_failure(uow, failed, finished, now)
    return replace(failed, completed_at=now)


async def _record_failure(
    uow: UnitOfWork, order: Order, finished: ChannelOrder, now: datetime
) -> None:
    assert order.failure_code is not None
    await order_store.save_order(uow, replace(order, completed_at=now))
    await store.save_channel_order(uow, finished)
    event = PaymentFailed(
        order_id=order.id,
        kind=order.kind,
        amount=order.amount,
        failure_code=order.failure_code,
        failed_at=now,
    )
    await outbox.append(uow, [event])


def end_attempt(
    sent: ChannelOrder, state: ChannelState, reason: str | None, now: datetime
) -> ChannelOrder:
    """Return an attempt that has ended, with when it is asked about again."""
    ended = replace(sent, state=state, reason=reason, due_at=now, updated_at=now)
    return replace(ended, recheck_at=find_recheck(ended, now))


def find_recheck(ended: ChannelOrder, now: datetime) -> datetime | None:
    """Return when the rulebook has an ended attempt asked about again; None for no more."""
    rulebook, day = Rulebook.load(), business_day(now)
    return plan_recheck(
        ended.updated_at,
        now=now,
        first=timedelta(hours=rulebook.integer(_RECHECK_FIRST, day)),
        last=timedelta(days=rulebook.integer(_RECHECK_LAST, day)),
    )


def _postpone(
    sent: ChannelOrder, state: ChannelState, reason: str | None, now: datetime
) -> ChannelOrder:
    doubled = _FIRST_PAUSE_SECONDS * 2 ** min(sent.attempts, _DOUBLINGS_MAX)
    pause = timedelta(seconds=min(doubled, limits.CHANNEL_RETRY_SECONDS_MAX))
    return replace(sent, state=state, reason=reason, due_at=now + pause, updated_at=now)
