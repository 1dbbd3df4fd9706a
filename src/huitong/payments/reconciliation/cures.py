"""What is done about a break when two members of staff agree, each exactly once.

A cure takes the lock on its break first, so that of two approved cures the second meets a break
that has ended. The ids of its transfers follow from the request, which is executed once.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import BREAK, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Entry, Request, TransferCode, get_transfer, post_entries
from huitong.payments.calculations import derive_id
from huitong.payments.channels import BreakKind as ChannelBreakKind
from huitong.payments.channels import ChannelAnswer, ChannelVerdict, has_break
from huitong.payments.commands.settling import record_channel_answer
from huitong.payments.queries import get_order
from huitong.payments.reconciliation import postings
from huitong.payments.reconciliation.calculations import CURES, effects
from huitong.payments.reconciliation.errors import BreakEnded, BreakNotFound, CureNotPossible
from huitong.payments.reconciliation.store import breaks, suspense
from huitong.payments.reconciliation.types import Break, BreakKind, Cure, SuspenseItem
from huitong.payments.store import channel_orders
from huitong.payments.types import ChannelDirection, ChannelState, Order

_ENDED: Final = frozenset({ChannelState.SUCCEEDED, ChannelState.FAILED})
_CURED_BY_CHANNELS: Final = (
    ChannelBreakKind.FAILURE_AFTER_SUCCESS,
    ChannelBreakKind.SUCCESS_AFTER_FAILURE,
)
_MOVES_MONEY: Final = frozenset({Cure.REVERSE, Cure.SUSPENSE})


async def get_break(uow: UnitOfWork, break_id: uuid.UUID, *, is_locked: bool = False) -> Break:
    """Return a break; raises BreakNotFound."""
    found = await breaks.find_break(uow, break_id, is_locked=is_locked)
    if found is None:
        raise BreakNotFound("there is no such break", field="break")
    return found


async def check_cure(uow: UnitOfWork, break_id: uuid.UUID, cure: Cure) -> Break:
    """Return a break that can be cured so.

    Raises BreakNotFound, BreakEnded, CureNotPossible.
    """
    found = await get_break(uow, break_id)
    await _check(uow, found, cure)
    return found


async def propose_cure(uow: UnitOfWork, break_id: uuid.UUID, cure: Cure, *, now: datetime) -> Break:
    """Write into a break's history that somebody asks for a cure; raises what `check_cure` does."""
    found = await check_cure(uow, break_id, cure)
    await breaks.add_history(uow, break_id, "proposed", details={"cure": cure.value}, now=now)
    return found


async def apply_cure(
    uow: UnitOfWork,
    *,
    break_id: uuid.UUID,
    cure: Cure,
    approval_id: uuid.UUID,
    reason: str,
    rulebook: Rulebook,
    now: datetime,
) -> Break:
    """Do what two members of staff agreed on about a break, and return it.

    Raises BreakNotFound, BreakEnded, CureNotPossible also if the ledger refuses: then nothing
    changes.
    """
    found = await get_break(uow, break_id, is_locked=True)
    await _check(uow, found, cure)
    if cure is Cure.WAIT:
        days = rulebook.integer("reconciliation.wait.days", business_day(now))
        await breaks.set_waiting(uow, break_id, due_at=now + timedelta(days=days))
    else:
        details = await _DOES[cure](uow, found, approval_id, now)
        await breaks.set_cured(uow, break_id, cure, approval_id=approval_id, now=now)
        await audit.record(
            uow,
            action="reconciliation.cure",
            subject=show_id(BREAK, break_id),
            details={"cure": cure.value, "reason": reason, **details},
        )
    act = "waits" if cure is Cure.WAIT else "cured"
    await breaks.add_history(uow, break_id, act, details={"cure": cure.value}, now=now)
    return await get_break(uow, break_id)


async def _check(uow: UnitOfWork, found: Break, cure: Cure) -> None:
    if found.is_ended:
        raise BreakEnded("nothing is left to be done about the break", field="break")
    if cure not in CURES[found.kind]:
        raise CureNotPossible(
            f"{cure.value} is no cure for {found.kind.value}",
            field="cure",
            context={"cures": [each.value for each in CURES[found.kind]]},
        )
    if cure is Cure.SUSPENSE and not effects(found.ours, found.theirs):
        raise CureNotPossible("no money is at stake on the channel's account", field="cure")
    # Staff cure it where the channel's word was taken; booked here too, it would be booked twice.
    # A late success has its money in suspense there, and its order names another entry.
    if cure in _MOVES_MONEY and found.attempt_id is not None:
        for kind in _CURED_BY_CHANNELS:
            if await has_break(uow, found.attempt_id, kind):
                raise CureNotPossible(
                    "the channel took its word back before: cure that first", field="cure"
                )


async def _replay(
    uow: UnitOfWork, found: Break, approval_id: uuid.UUID, now: datetime
) -> dict[str, object]:
    if found.kind is BreakKind.LEDGER_MISSING:
        return await _post_missing(uow, found, now)
    del approval_id
    assert found.attempt_id is not None
    assert found.order_id is not None
    order = await get_order(uow, found.order_id)
    attempt = await channel_orders.lock_channel_order(uow, found.attempt_id)
    assert attempt is not None
    if attempt.state in _ENDED:
        # The channel is asked again: what it then says is booked where all its answers are.
        await channel_orders.save_channel_order(uow, replace(attempt, recheck_at=now))
        return {"asked": True}
    theirs = found.theirs
    if theirs is None or attempt.state is not ChannelState.SENT:
        raise CureNotPossible("nothing of it was sent that could be done again", field="cure")
    said = ChannelVerdict.SUCCEEDED if theirs.is_moved else ChannelVerdict.FAILED
    if theirs.is_moved and (theirs.amount, theirs.currency, theirs.direction) != (
        order.amount.minor,
        order.amount.currency,
        attempt.direction,
    ):
        raise CureNotPossible("the channel carried another amount", field="cure")
    await record_channel_answer(
        uow,
        channel_order_id=attempt.id,
        order_id=order.id,
        answer=ChannelAnswer(verdict=said, reason="channel's file"),
        now=now,
    )
    return {"answered": said.value}


async def _post_missing(uow: UnitOfWork, found: Break, now: datetime) -> dict[str, object]:
    """Post the entry that an order names and the journal does not have."""
    assert found.order_id is not None
    order = await get_order(uow, found.order_id)
    if not order.is_paid or order.transfer_id is None or found.theirs is None:
        raise CureNotPossible("the order is not paid by an entry that it names", field="cure")
    customer = _customer_account(order, found.theirs.direction)
    channel = await postings.find_account(uow, postings.Own.CHANNEL, order.amount.currency)
    is_in = found.theirs.direction is ChannelDirection.IN
    entry = Entry(
        (
            postings.move(
                order.transfer_id,
                channel if is_in else customer,
                customer if is_in else channel,
                order.amount.minor,
                currency=order.amount.currency,
                code=TransferCode.TOP_UP if is_in else TransferCode.WITHDRAWAL,
                on=business_day(now),
            ),
        )
    )
    await post(uow, entry, now)
    return {"amount": order.amount.to_json()}


async def _reverse(
    uow: UnitOfWork, found: Break, approval_id: uuid.UUID, now: datetime
) -> dict[str, object]:
    """Post our entry the other way round: the customer is as if it had never been."""
    ours = found.ours
    if ours is None or not ours.is_moved:
        raise CureNotPossible("we booked nothing that could be undone", field="cure")
    transfer_id = found.transfer_id
    if transfer_id is None:
        assert found.order_id is not None
        transfer_id = (await get_order(uow, found.order_id)).transfer_id
    assert transfer_id is not None
    posted = await get_transfer(uow, transfer_id)
    is_in = ours.direction is ChannelDirection.IN
    entry = Entry(
        (
            postings.move(
                derive_id(approval_id, 1),
                posted.credit_account_id,
                posted.debit_account_id,
                posted.amount.minor,
                currency=posted.amount.currency,
                code=TransferCode.TOP_UP_REVERSAL if is_in else TransferCode.WITHDRAWAL_RETURN,
                on=business_day(now),
                corrects_id=transfer_id,
            ),
        )
    )
    await post(uow, entry, now)
    return {"amount": posted.amount.to_json()}


async def _write_to_suspense(
    uow: UnitOfWork, found: Break, approval_id: uuid.UUID, now: datetime
) -> dict[str, object]:
    """Bring our account with the channel to what it has, the difference being in suspense."""
    moves, items = [], []
    due = effects(found.ours, found.theirs)
    for number, (currency, minor) in enumerate(sorted(due.items()), 1):
        moved, side = await postings.suspense_move(
            uow, derive_id(approval_id, number), currency=currency, due=minor, on=business_day(now)
        )
        moves.append(moved)
        account = moved.credit_account_id if minor > 0 else moved.debit_account_id
        items.append(
            SuspenseItem(
                id=moved.id,
                break_id=found.id,
                account_id=account,
                side=side,
                amount=Money(abs(minor), currency),
                opened_at=now,
            )
        )
    await post(uow, Entry(tuple(moves), approval_id if len(moves) > 1 else None), now)
    for item in items:
        await suspense.add_item(uow, item)
    return {"amounts": [item.amount.to_json() for item in items]}


async def _accept_fee(
    uow: UnitOfWork, found: Break, approval_id: uuid.UUID, now: datetime
) -> dict[str, object]:
    assert found.theirs is not None
    return await _book_fee(uow, approval_id, found.theirs.currency, found.theirs.fee or 0, now=now)


async def _accept(
    uow: UnitOfWork, found: Break, approval_id: uuid.UUID, now: datetime
) -> dict[str, object]:
    """Leave our books as they are; of two fees ours then counts."""
    if found.kind is not BreakKind.FEE_DIFFERS:
        return {}
    assert found.ours is not None
    return await _book_fee(uow, approval_id, found.ours.currency, found.ours.fee or 0, now=now)


async def _book_fee(
    uow: UnitOfWork, approval_id: uuid.UUID, currency: str, fee: int, *, now: datetime
) -> dict[str, object]:
    entry = await postings.fees_entry(uow, approval_id, {currency: fee}, business_day(now))
    if entry is not None:
        await post(uow, entry, now)
    return {"fee": Money(fee, currency).to_json()}


async def post(uow: UnitOfWork, entry: Entry, now: datetime) -> None:
    """Post a cure's entry; raises CureNotPossible with the ledger's reason if it is refused."""
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        reason = "unknown" if outcome.reason is None else outcome.reason.value
        raise CureNotPossible(
            f"the ledger refuses the entry: {reason}", field="cure", context={"reason": reason}
        )


def _customer_account(order: Order, direction: ChannelDirection) -> int:
    account = order.payee_account_id if direction is ChannelDirection.IN else order.payer_account_id
    assert account is not None, "an order over a channel has a customer"
    return account


_Do = Callable[[UnitOfWork, Break, uuid.UUID, datetime], Awaitable[dict[str, object]]]
_DOES: Final[Mapping[Cure, _Do]] = {
    Cure.REPLAY: _replay,
    Cure.REVERSE: _reverse,
    Cure.SUSPENSE: _write_to_suspense,
    Cure.ACCEPT_FEE: _accept_fee,
    Cure.ACCEPT: _accept,
}
