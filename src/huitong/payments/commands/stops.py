"""What becomes of payments that risk holds: cancelled, released, rejected, settled or expired.

Whoever ends one locks its order first, so it ends once: what comes later finds it ended. The hold
in the ledger has no end of its own, so that only these commands end it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from huitong import customers, risk
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import PAYMENT, show_id
from huitong.kernel.money import Money
from huitong.kernel.outbox import Event
from huitong.ledger import Entry, Request, TransferCode, TransferKind, post_entries
from huitong.payments.blocked import find_blocked
from huitong.payments.calculations import calculate_fee
from huitong.payments.commands import moving
from huitong.payments.errors import (
    AccountNotFound,
    OrderAlreadyPaid,
    OrderExpired,
    OrderMoveRefused,
    PaymentBlocked,
    make_refusal,
)
from huitong.payments.events import PaymentGivenBack, PaymentSucceeded
from huitong.payments.postings import capture_entry, find_own_accounts, release_entry
from huitong.payments.queries import get_stopped_payment
from huitong.payments.stop_types import StopAction, StopOutcome, StoppedPayment, StopState
from huitong.payments.store import orders as order_store
from huitong.payments.store import stops as store
from huitong.payments.types import OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How one held payment ends: `fee` and `transfer_id` are those of its order from now on."""

    stop: StoppedPayment
    outcome: str
    fee: Money
    transfer_id: uuid.UUID

    @property
    def is_paid(self) -> bool:
        return self.outcome in (StopOutcome.RELEASED, StopOutcome.SETTLED)


async def cancel_held_payment(
    uow: UnitOfWork, *, payment_id: uuid.UUID, now: datetime
) -> StoppedPayment:
    """Give a held payment up for its payer: the money is free again.

    Doing it again, or after it was given back otherwise, changes nothing. What it counted against
    the caps stays counted, as with every hold. It says nothing about fraud, so it is not labelled.
    Raises StoppedPaymentNotFound, OrderAlreadyPaid, OrderMoveRefused for a payment that was
    blocked.
    """
    stop = await _lock(uow, payment_id)
    if stop.state is StopState.GIVEN_BACK:
        return stop
    _check_held(stop)
    await _write(uow, await _give_back(uow, [(stop, StopOutcome.CANCELLED)], now=now), now=now)
    await _audit(uow, "payments.cancel_held_payment", stop)
    return await get_stopped_payment(uow, payment_id)


async def release_held_payment(
    uow: UnitOfWork, *, payment_id: uuid.UUID, reason: str, now: datetime
) -> StoppedPayment:
    """Pay a held payment, as somebody has looked at it, and return it.

    It writes no label: nothing bad was found, which is less than that the payment is genuine. Who
    knows that closes its case so; a payment that nobody labels counts as genuine in time anyway.

    Raises StoppedPaymentNotFound, OrderAlreadyPaid, OrderMoveRefused, OrderExpired for one that
    nobody looked at in time, PaymentBlocked if a party is on the block list by now, and what the
    ledger refuses.
    """
    note = _check_reason(reason)
    stop = await _lock(uow, payment_id)
    _check_held(stop)
    if stop.give_back_at is not None and stop.give_back_at <= now:
        raise OrderExpired(f"{_show(stop)} could be released until then")
    paid = (await _pay(uow, [stop], StopOutcome.RELEASED, now=now))[stop.id]
    if isinstance(paid, Refusal):
        raise paid
    await _write(uow, [paid], note=note, now=now)
    await _audit(uow, "payments.release_held_payment", stop)
    return await get_stopped_payment(uow, payment_id)


async def reject_held_payment(
    uow: UnitOfWork, *, payment_id: uuid.UUID, reason: str, now: datetime
) -> StoppedPayment:
    """Give a held payment back to its payer, as somebody found it to be fraud, and return it.

    Its decision is labelled so (source `rejection`), unless two people overturned it. Raises
    StoppedPaymentNotFound, OrderAlreadyPaid, OrderMoveRefused.
    """
    note = _check_reason(reason)
    stop = await _lock(uow, payment_id)
    _check_held(stop)
    ends = await _give_back(uow, [(stop, StopOutcome.REJECTED)], now=now)
    await _write(uow, ends, note=note, now=now)
    await risk.label_rejected(uow, payment_id, now=now)
    await _audit(uow, "payments.reject_held_payment", stop)
    return await get_stopped_payment(uow, payment_id)


async def end_due_payments(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.HELD_PAYMENTS_ENDED_AT_ONCE_MAX
) -> int:
    """End at most `limit` held payments whose time is over; return how many.

    Delayed ones are paid, those under review are given back. A delayed one that cannot be paid any
    more (an account was frozen or closed, a party is on the block list) is given back with that as
    its outcome. Any number of workers may run; payments that somebody is just ending are left out.
    """
    due = await store.take_due(uow, now=now, count=limit)
    if not due:
        return 0
    delayed = [stop for stop in due if stop.action is StopAction.DELAY]
    settled = await _pay(uow, delayed, StopOutcome.SETTLED, now=now)
    ends = [end for end in settled.values() if isinstance(end, _End)]
    back = [(stop, StopOutcome.EXPIRED) for stop in due if stop.action is StopAction.REVIEW]
    back_for_cause = [
        (stop, refusal.code) for stop in delayed if isinstance(refusal := settled[stop.id], Refusal)
    ]
    ends += await _give_back(uow, [*back, *back_for_cause], now=now)
    await _write(uow, ends, now=now)
    return len(due)


async def _lock(uow: UnitOfWork, payment_id: uuid.UUID) -> StoppedPayment:
    # Not there for a payment that was blocked, which has nothing to lock either.
    await order_store.lock_order(uow, payment_id)
    return await get_stopped_payment(uow, payment_id)


def _check_held(stop: StoppedPayment) -> None:
    if stop.state is StopState.PAID:
        raise OrderAlreadyPaid(f"{_show(stop)} was paid", context={"outcome": stop.outcome})
    if not stop.is_held:
        raise OrderMoveRefused(
            f"{_show(stop)} is not held any more"
            if stop.state is StopState.GIVEN_BACK
            else f"{_show(stop)} was blocked: nothing is held",
            context={"state": stop.state.value},
        )


def _check_reason(reason: str) -> str:
    note = moving.check_text(reason, limits.DESCRIPTION_LENGTH_MAX, field="reason")
    if note is None or not note.strip():
        raise InvalidField("must say why", field="reason")
    return note


async def _pay(
    uow: UnitOfWork, stops: Sequence[StoppedPayment], outcome: StopOutcome, *, now: datetime
) -> dict[uuid.UUID, "_End | Refusal"]:
    """Post held payments to their payees; returns how each ended, or why it cannot be paid."""
    accounts = {each.payer_account_id for each in stops} | {each.payee_account_id for each in stops}
    parties = await customers.find_parties(await uow.driver(), list(accounts)) if stops else {}
    results = await _find_refusals(uow, stops, parties, now=now)
    payable = [stop for stop in stops if stop.id not in results]
    ends = [_make_end(stop, parties[stop.payee_account_id], outcome, now) for stop in payable]
    own = {
        currency: await find_own_accounts(uow, currency)
        for currency in sorted({end.fee.currency for end in ends})
    }
    requests = [
        Request(
            capture_entry(
                transfer_id=end.transfer_id,
                hold_id=end.stop.id,
                payee_account_id=end.stop.payee_account_id,
                amount=end.stop.amount,
                fee=end.fee,
                own=own[end.fee.currency],
                code=TransferCode.TRANSFER
                if end.stop.merchant_id is None
                else TransferCode.PAYMENT,
                effective_on=business_day(now),
            )
        )
        for end in ends
    ]
    outcomes = await post_entries(uow, requests, now=now)
    for end, posted in zip(ends, outcomes, strict=True):
        results[end.stop.id] = end if posted.is_posted else make_refusal(posted)
    return results


def _make_end(
    stop: StoppedPayment, payee: customers.Party, outcome: StopOutcome, now: datetime
) -> _End:
    currency = stop.amount.currency
    fee_max = None if payee.fee_max is None else Money(payee.fee_max, currency)
    return _End(
        stop=stop,
        outcome=outcome.value,
        fee=calculate_fee(stop.amount, payee.fee_rate, fee_max),
        transfer_id=moving.make_transfer_id(now),
    )


async def _find_refusals(
    uow: UnitOfWork,
    stops: Sequence[StoppedPayment],
    parties: Mapping[int, customers.Party],
    *,
    now: datetime,
) -> dict[uuid.UUID, "_End | Refusal"]:
    """Return why payments must not be paid whatever the ledger says, for those that must not.

    Somebody may have been blocked since it was held: that is what the time was for.
    """
    refusals: dict[uuid.UUID, _End | Refusal] = {}
    blocked = await find_blocked(await uow.driver(), parties.values(), now=now)
    for stop in stops:
        accounts = {stop.payer_account_id, stop.payee_account_id}
        if not accounts <= parties.keys():
            refusals[stop.id] = AccountNotFound("no customer or merchant has one of its accounts")
        elif accounts & blocked:
            refusals[stop.id] = PaymentBlocked(
                "a party of it was put on the block list while it was held"
            )
    return refusals


async def _give_back(
    uow: UnitOfWork, ends: Sequence[tuple[StoppedPayment, str]], *, now: datetime
) -> list[_End]:
    """Free what held payments reserve; a hold whose order is locked is open, so it can be."""
    requests = [Request(_free(stop, now)) for stop, _ in ends]
    for posted in await post_entries(uow, requests, now=now):
        if not posted.is_posted:
            raise make_refusal(posted)
    return [
        _End(
            stop=stop,
            outcome=str(outcome),
            fee=Money.zero(stop.amount.currency),
            transfer_id=stop.id,
        )
        for stop, outcome in ends
    ]


def _free(stop: StoppedPayment, now: datetime) -> Entry:
    return release_entry(
        transfer_id=moving.make_transfer_id(now),
        hold_id=stop.id,
        kind=TransferKind.VOID_PENDING,
        code=TransferCode.PAYMENT_GIVEN_BACK,
        effective_on=business_day(now),
    )


async def _write(
    uow: UnitOfWork, ends: Sequence[_End], *, note: str | None = None, now: datetime
) -> None:
    """Write what held payments and their orders have become, and tell of it."""
    orders = await store.end_orders(
        uow,
        [
            (
                end.stop.id,
                (OrderStatus.SUCCEEDED if end.is_paid else OrderStatus.CLOSED).value,
                end.fee.minor,
                end.transfer_id,
                None if end.is_paid else end.outcome,
            )
            for end in ends
        ],
        now=now,
    )
    stops = await store.end_stops(
        uow,
        [
            (end.stop.id, StopState.PAID if end.is_paid else StopState.GIVEN_BACK, end.outcome)
            for end in ends
        ],
        note=note,
        now=now,
    )
    if (orders, stops) != (len(ends), len(ends)):
        raise AssertionError("an order and what held it back end together")
    await outbox.append(uow, [_make_event(end, now) for end in ends])


def _make_event(end: _End, now: datetime) -> Event:
    stop = end.stop
    if not end.is_paid:
        return PaymentGivenBack(
            order_id=stop.id,
            kind=stop.kind,
            payer_account_id=stop.payer_account_id,
            amount=stop.amount,
            outcome=end.outcome,
            given_back_at=now,
        )
    return PaymentSucceeded(
        order_id=stop.id,
        kind=stop.kind,
        payer_account_id=stop.payer_account_id,
        payee_account_id=stop.payee_account_id,
        merchant_id=stop.merchant_id,
        amount=stop.amount,
        fee=end.fee,
        transfer_id=end.transfer_id,
        succeeded_at=now,
    )


async def _audit(uow: UnitOfWork, action: str, stop: StoppedPayment) -> None:
    # The reason stands with the payment: it may name people, and the trail keeps everything.
    details = {"asked_for": stop.action.value, "amount": stop.amount.to_json()}
    await audit.record(uow, action=action, subject=show_id(PAYMENT, stop.id), details=details)


def _show(stop: StoppedPayment) -> str:
    return show_id(PAYMENT, stop.id)
