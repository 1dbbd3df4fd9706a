"""Profit sharing (分账): a merchant passes parts of a payment on to others."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from huitong import customers, risk
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import ENTRY, PAYMENT, show_id
from huitong.kernel.money import Money
from huitong.ledger import show_account
from huitong.payments.blocked import find_blocked, refuse_blocked
from huitong.payments.calculations import derive_id
from huitong.payments.commands import moving
from huitong.payments.commands.share_holds import hold_shares
from huitong.payments.errors import (
    AccountNotFound,
    IdReused,
    NotShareable,
    OrderMoveRefused,
    ShareExceedsRemainder,
)
from huitong.payments.events import ProfitShared
from huitong.payments.postings import share_entry
from huitong.payments.share_deciding import deciding_shares
from huitong.payments.share_types import HeldShare
from huitong.payments.store import held_shares as held_store
from huitong.payments.store import orders as order_store
from huitong.payments.store import refunds as store
from huitong.payments.store.disputed import find_disputed
from huitong.payments.store.receivers import find_receivers
from huitong.payments.types import Authentication, Order, OrderStatus, Share, ShareReceiver


async def share_profit(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    entry_id: uuid.UUID,
    receivers: Sequence[ShareReceiver],
    description: str | None = None,
    decider: risk.PaymentDecider | None = None,
    authentication: Authentication = Authentication.TWO_FACTORS,
    now: datetime,
) -> tuple[Share, ...]:
    """Pass parts of a payment on from the merchant to `receivers`, all of them or none.

    Returns none if the `decider` has them held: see `held_shares`. The same entry id with the same
    content returns the shares as they are. Raises NotFound, InvalidField, NotShareable,
    OrderMoveRefused, ShareExceedsRemainder if fee, refunds, earlier and held shares leave less,
    AccountNotFound, PaymentBlocked if the merchant or a receiver is on the block list or risk
    blocks one of the shares, LimitExceeded, IdReused, and what the ledger refuses.
    """
    moving.check_id(entry_id, field="id")
    moving.check_description(description)
    order = await moving.lock_order(uow, order_id)
    earlier = await store.list_shares(uow, order_id)
    known = tuple(share for share in earlier if share.entry_id == entry_id)
    if known:
        if _facts(known) == [(r.account_id, r.amount, description) for r in receivers]:
            return known
        raise _id_reused(entry_id)
    held = await held_store.list_held_of_order(uow, order_id)
    if any(each.entry_id == entry_id for each in held):
        return _repeat(held, entry_id, receivers, description)
    disputed = await find_disputed(uow, order_id, order.amount.currency)
    taken = disputed + held_store.total_held(held, order.amount.currency)
    waiting = sum(len(each.receivers) for each in held if each.is_held)
    _check_shareable(order, receivers, len(earlier) + waiting, taken)
    payees, parties = await _find_parties(uow, order, receivers)
    shares = tuple(
        Share(
            id=derive_id(entry_id, position + 1),
            order_id=order_id,
            entry_id=entry_id,
            position=position,
            receiver_account_id=receiver.account_id,
            amount=receiver.amount,
            returned=Money.zero(order.amount.currency),
            description=description,
            created_at=now,
        )
        for position, receiver in enumerate(receivers)
    )
    if decider is None:
        await _check_not_blocked(uow, parties, now)
        return await _pass_on(uow, order, shares, now)
    assert order.payee_account_id is not None
    async with deciding_shares(
        uow,
        decider,
        shares,
        payees,
        parties,
        merchant_account_id=order.payee_account_id,
        authentication=authentication,
        now=now,
    ) as to_hold:
        if to_hold is None:
            return await _pass_on(uow, order, shares, now)
        await hold_shares(uow, to_hold, now=now)
        return ()


async def _pass_on(
    uow: UnitOfWork, order: Order, shares: tuple[Share, ...], now: datetime
) -> tuple[Share, ...]:
    if not await store.insert_shares(uow, shares):
        raise _id_reused(shares[0].entry_id)
    await _move_money(uow, order, shares, now)
    await record_shared(uow, order, shares, now=now)
    return shares


def _repeat(
    held: Sequence[HeldShare],
    entry_id: uuid.UUID,
    receivers: Sequence[ShareReceiver],
    description: str | None,
) -> tuple[Share, ...]:
    """Return what a sharing that was held has passed on, nothing, if the content is the same."""
    (known,) = [each for each in held if each.entry_id == entry_id]
    if (known.receivers, known.description) != (tuple(receivers), description):
        raise _id_reused(entry_id)
    return ()


def _facts(shares: Sequence[Share]) -> list[tuple[int, Money, str | None]]:
    return [(share.receiver_account_id, share.amount, share.description) for share in shares]


def _check_shareable(
    order: Order, receivers: Sequence[ShareReceiver], earlier: int, taken: Money
) -> None:
    shown = show_id(PAYMENT, order.id)
    if order.merchant_id is None:
        raise NotShareable(f"{shown} is not a payment to a merchant")
    if not order.is_paid or order.status is OrderStatus.REFUNDED:
        raise OrderMoveRefused(
            f"{shown} is {order.status}: there is nothing to share",
            context={"status": order.status.value},
        )
    if not receivers:
        raise InvalidField("must name at least one receiver", field="receivers")
    if earlier + len(receivers) > limits.PROFIT_SHARES_MAX:
        raise LimitExceeded(
            f"a payment is shared in at most {limits.PROFIT_SHARES_MAX} parts", field="receivers"
        )
    for position, receiver in enumerate(receivers):
        moving.check_amount(
            receiver.amount, order.amount.currency, field=f"receivers.{position}.amount"
        )
        if receiver.account_id == order.payee_account_id:
            raise NotShareable(
                "the merchant cannot share with itself", field=f"receivers.{position}.account"
            )
    total = Money.total((receiver.amount for receiver in receivers), order.amount.currency)
    shareable = order.shareable - taken
    if shareable < total:
        raise ShareExceedsRemainder(
            f"{shareable} of {shown} is left after fee, refunds, disputes and other shares",
            field="receivers",
            context={"shareable": shareable.to_json()},
        )


async def _find_parties(
    uow: UnitOfWork, order: Order, receivers: Sequence[ShareReceiver]
) -> tuple[dict[int, int], dict[int, customers.Party]]:
    """Return whose account each receiver that only collects shares settles to, and all parties."""
    assert order.payee_account_id is not None
    connection = await uow.driver()
    assert order.merchant_id is not None
    wanted = [receiver.account_id for receiver in receivers]
    settled = await find_receivers(uow, wanted, merchant_id=order.merchant_id)
    accounts = [order.payee_account_id, *(settled.get(account, account) for account in wanted)]
    parties = await customers.find_parties(connection, accounts)
    for position, receiver in enumerate(receivers):
        if settled.get(receiver.account_id, receiver.account_id) not in parties:
            raise AccountNotFound(
                f"no customer or merchant has the account {show_account(receiver.account_id)}",
                field=f"receivers.{position}.account",
            )
    return settled, parties


async def _check_not_blocked(
    uow: UnitOfWork, parties: dict[int, customers.Party], now: datetime
) -> None:
    # Not which of them: that somebody is listed is not the others' to know.
    if await find_blocked(await uow.driver(), parties.values(), now=now):
        raise refuse_blocked(field="receivers")


async def _move_money(
    uow: UnitOfWork, order: Order, shares: Sequence[Share], now: datetime
) -> None:
    assert order.payee_account_id is not None
    fields = {share.receiver_account_id: f"receivers.{share.position}.account" for share in shares}
    await moving.post_entry(
        uow,
        share_entry(
            entry_id=shares[0].entry_id,
            merchant_account_id=order.payee_account_id,
            receivers=[(share.receiver_account_id, share.amount) for share in shares],
            effective_on=business_day(now),
        ),
        fields={**fields, order.payee_account_id: "merchant"},
        now=now,
    )


async def record_shared(
    uow: UnitOfWork, order: Order, shares: Sequence[Share], *, now: datetime
) -> None:
    """Write what was passed on of an order, and tell of it."""
    total = Money.total((share.amount for share in shares), order.amount.currency)
    await order_store.save_order(uow, replace(order, shared=order.shared + total))
    entry_id = shares[0].entry_id
    await audit.record(
        uow,
        action="payments.share_profit",
        subject=show_id(PAYMENT, order.id),
        details={"entry_id": show_id(ENTRY, entry_id), "amount": total.to_json()},
    )
    event = ProfitShared(
        entry_id=entry_id,
        order_id=order.id,
        receiver_account_ids=tuple(share.receiver_account_id for share in shares),
        amount=total,
        shared_at=now,
    )
    await outbox.append(uow, [event])


def _id_reused(entry_id: uuid.UUID) -> IdReused:
    shown = show_id(ENTRY, entry_id)
    return IdReused(f"{shown} shared something else", field="id", context={"id": shown})
