"""What becomes of profit shares that risk holds: passed on, given back, given up by the merchant.

Whoever ends one locks its payment's order first, so it ends once, and never beside a refund.
"""

import uuid
from datetime import datetime

from huitong import customers, risk
from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import ENTRY, show_id
from huitong.kernel.money import Money
from huitong.payments.blocked import find_blocked
from huitong.payments.commands import moving
from huitong.payments.commands.share_holds import free_shares
from huitong.payments.commands.shares import record_shared
from huitong.payments.errors import PaymentBlocked, ShareExceedsRemainder
from huitong.payments.share_errors import HeldShareEnded, HeldShareNotFound
from huitong.payments.share_postings import pass_on_entry
from huitong.payments.share_types import HeldShare
from huitong.payments.stop_types import StopAction, StopOutcome, StopState
from huitong.payments.store import held_shares as store
from huitong.payments.store import refunds as share_store
from huitong.payments.store.disputed import find_disputed
from huitong.payments.store.receivers import find_receivers
from huitong.payments.types import Order, Share


async def get_held_share(uow: UnitOfWork, entry_id: uuid.UUID) -> HeldShare:
    """Return a sharing that was held; raises HeldShareNotFound."""
    held = await store.find_held_share(uow, entry_id)
    if held is None:
        raise HeldShareNotFound(f"there is no held share {show_id(ENTRY, entry_id)}")
    return held


async def list_held_shares(
    uow: UnitOfWork, *, after_id: uuid.UUID | None = None, limit: int
) -> list[HeldShare]:
    """Return what is held now, oldest first; raises InvalidField."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return await store.list_waiting(uow, after_id=after_id or uuid.UUID(int=0), count=limit)


async def list_held_shares_of(uow: UnitOfWork, order_id: uuid.UUID) -> list[HeldShare]:
    """Return all sharings of a payment that were held, first first."""
    return await store.list_held_of_order(uow, order_id)


async def cancel_held_share(uow: UnitOfWork, *, entry_id: uuid.UUID, now: datetime) -> HeldShare:
    """Give a held share up for its merchant: the money is free again.

    Doing it again, or after it was given back otherwise, changes nothing. Raises
    HeldShareNotFound, and HeldShareEnded if it was passed on.
    """
    held, _ = await _lock(uow, entry_id)
    if held.state is not StopState.GIVEN_BACK:
        _check_held(held)
        await free_shares(uow, held, StopOutcome.CANCELLED, now=now)
        await _audit(uow, "payments.cancel_held_share", held)
    return await get_held_share(uow, entry_id)


async def release_held_share(
    uow: UnitOfWork, *, entry_id: uuid.UUID, reason: str, now: datetime
) -> HeldShare:
    """Pass a held share on, as somebody has looked at it; it writes no label.

    Raises HeldShareNotFound, HeldShareEnded, ShareExceedsRemainder if a dispute took what it is
    of, PaymentBlocked if a party is on the block list by now, and what the ledger refuses.
    """
    note = _check_reason(reason)
    held, order = await _lock(uow, entry_id)
    _check_held(held)
    await _pass_on(uow, held, order, StopOutcome.RELEASED, note=note, now=now)
    await _audit(uow, "payments.release_held_share", held)
    return await get_held_share(uow, entry_id)


async def reject_held_share(
    uow: UnitOfWork, *, entry_id: uuid.UUID, reason: str, now: datetime
) -> HeldShare:
    """Give a held share back to its merchant as fraud: its decisions are labelled so.

    Raises HeldShareNotFound, HeldShareEnded.
    """
    note = _check_reason(reason)
    held, _ = await _lock(uow, entry_id)
    _check_held(held)
    await free_shares(uow, held, StopOutcome.REJECTED, note=note, now=now)
    for share_id in held.share_ids:
        await risk.label_rejected(uow, share_id, now=now)
    await _audit(uow, "payments.reject_held_share", held)
    return await get_held_share(uow, entry_id)


async def end_due_share(uow: UnitOfWork, *, now: datetime) -> bool:
    """End a held share whose time is over; False if there is none.

    A delayed one is passed on, one under review is given back. What cannot be passed on any more
    is given back with the cause as its outcome. Any number of workers may run.
    """
    entry_id = await store.take_due(uow, now=now)
    if entry_id is None:
        return False
    held, order = await _lock(uow, entry_id)
    if not held.is_held:
        return True
    if held.action is StopAction.REVIEW:
        await free_shares(uow, held, StopOutcome.EXPIRED, now=now)
        return True
    connection = await uow.driver()
    attempt = connection.transaction()
    await attempt.start()
    try:
        await _pass_on(uow, held, order, StopOutcome.SETTLED, now=now)
    except Refusal as refusal:
        await attempt.rollback()
        await free_shares(uow, held, refusal.code, now=now)
    else:
        await attempt.commit()
    return True


async def _lock(uow: UnitOfWork, entry_id: uuid.UUID) -> tuple[HeldShare, Order]:
    """Return a held share as it is under its order's lock."""
    found = await get_held_share(uow, entry_id)
    order = await moving.lock_order(uow, found.order_id)
    return await get_held_share(uow, entry_id), order


def _check_held(held: HeldShare) -> None:
    if not held.is_held:
        raise HeldShareEnded(
            f"{show_id(ENTRY, held.entry_id)} is not held any more: {held.outcome}",
            context={"outcome": held.outcome},
        )


def _check_reason(reason: str) -> str:
    note = moving.check_text(reason, limits.DESCRIPTION_LENGTH_MAX, field="reason")
    if note is None or not note.strip():
        raise InvalidField("must say why", field="reason")
    return note


async def _pass_on(
    uow: UnitOfWork,
    held: HeldShare,
    order: Order,
    outcome: StopOutcome,
    *,
    note: str | None = None,
    now: datetime,
) -> None:
    await _check_parties(uow, held, order, now)
    disputed = await find_disputed(uow, order.id, order.amount.currency)
    if order.shareable - disputed < held.amount:
        raise ShareExceedsRemainder("what is left of the payment by now is less", field="receivers")
    shares = tuple(
        Share(
            id=held.share_ids[place],
            order_id=order.id,
            entry_id=held.entry_id,
            position=place,
            receiver_account_id=receiver.account_id,
            amount=receiver.amount,
            returned=Money.zero(order.amount.currency),
            description=held.description,
            created_at=now,
        )
        for place, receiver in enumerate(held.receivers)
    )
    is_new = await share_store.insert_shares(uow, shares)
    assert is_new, "a held share was never passed on before"
    entry = pass_on_entry(
        entry_id=held.entry_id,
        amounts=[share.amount for share in shares],
        effective_on=business_day(now),
    )
    await moving.post_entry(uow, entry, now=now)
    await record_shared(uow, order, shares, now=now)
    is_ended = await store.end_held_share(
        uow, held.entry_id, StopState.PAID, outcome.value, note=note, now=now
    )
    assert is_ended, "a held share ends under its order's lock"


async def _check_parties(uow: UnitOfWork, held: HeldShare, order: Order, now: datetime) -> None:
    """Refuse who was blocked while it was held: that is what the time was for."""
    assert order.merchant_id is not None
    wanted = [each.account_id for each in held.receivers]
    settled = await find_receivers(uow, wanted, merchant_id=order.merchant_id)
    accounts = [held.merchant_account_id, *(settled.get(each, each) for each in wanted)]
    connection = await uow.driver()
    parties = await customers.find_parties(connection, accounts)
    if await find_blocked(connection, parties.values(), now=now):
        raise PaymentBlocked("a party of it was put on the block list while it was held")


async def _audit(uow: UnitOfWork, action: str, held: HeldShare) -> None:
    await audit.record(
        uow,
        action=action,
        subject=show_id(ENTRY, held.entry_id),
        details={"amount": held.amount.to_json(), "asked_for": held.action.value},
    )
