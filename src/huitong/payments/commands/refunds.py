"""Refunds: in part and in full, never above what was paid, with fee and shares in proportion."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict, Refusal
from huitong.kernel.ids import PAYMENT, REFUND, show_id
from huitong.kernel.money import Money
from huitong.ledger import Outcome, Reason, Request, post_entries, show_account
from huitong.payments.calculations import RefundSplit, split_refund
from huitong.payments.commands import moving
from huitong.payments.commands.refund_covers import (
    Cover,
    find_cover,
    lock_cover_terms,
    save_cover,
)
from huitong.payments.commands.share_holds import free_for_refund
from huitong.payments.errors import (
    IdReused,
    NotRefundable,
    OrderMoveRefused,
    RefundExceedsPayment,
    ShareReceiverShort,
    TooManyRefunds,
    make_refusal,
)
from huitong.payments.events import PaymentRefunded
from huitong.payments.postings import find_own_accounts, refund_entry
from huitong.payments.store import orders as order_store
from huitong.payments.store import refunds as store
from huitong.payments.store.disputed import find_disputed
from huitong.payments.types import Order, OrderStatus, Refund, Share, check_move


async def refund(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    refund_id: uuid.UUID,
    amount: Money | None = None,
    reason: str | None = None,
    now: datetime,
) -> Refund:
    """Give `amount` of a payment, or all that is left of it, back to the payer.

    Our fee and the profit shares go back to the merchant in proportion, and from the merchant the
    money goes to the payer; what its balance lacks comes out of its reserve and then as a debt, as
    far as its fee plan lets it. The same id with the same content returns the refund as made.
    Raises NotFound, NotRefundable, OrderMoveRefused, RefundExceedsPayment, TooManyRefunds,
    IdReused, ShareReceiverShort if a receiver of a share has spent it, InsufficientFunds if the
    merchant has, and what else the ledger refuses.
    """
    moving.check_id(refund_id, field="id")
    moving.check_text(reason, limits.DESCRIPTION_LENGTH_MAX, field="reason")
    order = await moving.lock_order(uow, order_id)
    known = await store.find_refund(uow, refund_id)
    if known is not None:
        is_same_amount = amount is None or amount == known.amount
        if (known.order_id, known.reason) == (order_id, reason) and is_same_amount:
            return known
        raise _id_reused(refund_id)
    disputed = await find_disputed(uow, order_id, order.amount.currency)
    wanted = _check_refundable(order, amount, disputed)
    shares = await store.list_shares(uow, order_id)
    split = split_refund(
        paid=order.amount,
        fee=order.fee,
        refunded_before=order.refunded,
        fee_returned_before=order.fee_returned,
        shares_outstanding=[share.outstanding for share in shares],
        refund=wanted,
    )
    made = Refund(
        id=refund_id,
        order_id=order_id,
        amount=wanted,
        fee_returned=split.fee_returned,
        shares_returned=Money.total(split.share_returns, wanted.currency),
        reason=reason,
        created_at=now,
    )
    if not await store.insert_refund(uow, made):
        raise _id_reused(refund_id)
    cover = await _move_money(uow, order, shares, split, made)
    if cover is not None:
        await save_cover(uow, cover, made.id)
    await _record(uow, order, shares, split, made)
    return made


def _check_refundable(order: Order, amount: Money | None, disputed: Money) -> Money:
    shown = show_id(PAYMENT, order.id)
    if order.merchant_id is None:
        raise NotRefundable(f"{shown} is not a payment to a merchant")
    if not order.is_paid:
        raise OrderMoveRefused(
            f"{shown} is {order.status}: there is nothing to refund",
            context={"status": order.status.value},
        )
    # What is in dispute goes back by the dispute, or not at all.
    refundable = order.refundable - disputed
    wanted = refundable if amount is None else amount
    context: dict[str, object] = {"refundable": refundable.to_json()}
    if order.refundable.is_zero:
        raise RefundExceedsPayment(f"{shown} was refunded in full", context=context)
    if not refundable.is_positive:
        raise RefundExceedsPayment(f"what is left of {shown} is in dispute", context=context)
    moving.check_amount(wanted, order.amount.currency)
    if refundable < wanted:
        raise RefundExceedsPayment(
            f"{refundable} of {shown} may still be refunded", field="amount", context=context
        )
    if order.refunds >= limits.REFUNDS_PER_PAYMENT_MAX:
        raise TooManyRefunds(
            f"{shown} was refunded {order.refunds} times; refund the rest by a transfer"
        )
    return wanted


async def _move_money(
    uow: UnitOfWork,
    order: Order,
    shares: Sequence[Share],
    split: RefundSplit,
    made: Refund,
) -> Cover | None:
    """Post a refund; return what it took from elsewhere, or None if that was nothing.

    What may cover a refund is locked before the ledger is. The balance may move until the posting,
    and then what is lacking is worked out again.
    """
    assert order.payee_account_id is not None
    on = business_day(made.created_at)
    terms = await lock_cover_terms(uow, order.payee_account_id, on=on)
    # After that lock, because it moves money: a settlement takes the two in this order, too.
    await free_for_refund(uow, order.id, now=made.created_at)
    needed = made.amount - split.fee_returned - made.shares_returned
    if terms is None:
        outcome = await _post(uow, order, shares, split, made, cover=None)
        if outcome.is_posted:
            return None
        raise _refuse(order, shares, split, made, outcome)
    tries = 0
    while True:
        cover = await find_cover(uow, terms, needed=needed.minor)
        outcome = await _try(uow, order, shares, split, made, cover=cover)
        if outcome.is_posted:
            return cover
        tries += 1
        is_short = outcome.reason is Reason.INSUFFICIENT_FUNDS
        if cover is None or not is_short or tries >= limits.REFUND_COVER_TRIES_MAX:
            raise _refuse(order, shares, split, made, outcome)


async def _try(
    uow: UnitOfWork,
    order: Order,
    shares: Sequence[Share],
    split: RefundSplit,
    made: Refund,
    *,
    cover: Cover | None,
) -> Outcome:
    """Post a refund, or leave no trace: refused entries are remembered, and it is tried again."""
    connection = await uow.driver()
    attempt = connection.transaction()
    await attempt.start()
    outcome = await _post(uow, order, shares, split, made, cover=cover)
    if outcome.is_posted:
        await attempt.commit()
    else:
        await attempt.rollback()
    return outcome


async def _post(
    uow: UnitOfWork,
    order: Order,
    shares: Sequence[Share],
    split: RefundSplit,
    made: Refund,
    *,
    cover: Cover | None,
) -> Outcome:
    assert order.payer_account_id is not None
    assert order.payee_account_id is not None
    assert order.transfer_id is not None
    entry = refund_entry(
        refund_id=made.id,
        paid_transfer_id=order.transfer_id,
        merchant_account_id=order.payee_account_id,
        payer_account_id=order.payer_account_id,
        amount=made.amount,
        fee_returned=split.fee_returned,
        share_returns=_list_returns(shares, split),
        covers=() if cover is None else cover.parts,
        own=await find_own_accounts(uow, made.amount.currency),
        effective_on=business_day(made.created_at),
    )
    return (await post_entries(uow, [Request(entry)], now=made.created_at))[0]


def _list_returns(shares: Sequence[Share], split: RefundSplit) -> list[tuple[int, Money]]:
    return [
        (share.receiver_account_id, returned)
        for share, returned in zip(shares, split.share_returns, strict=True)
    ]


def _refuse(
    order: Order, shares: Sequence[Share], split: RefundSplit, made: Refund, outcome: Outcome
) -> Refusal:
    receiver = outcome.account_id
    if (
        outcome.reason is Reason.INSUFFICIENT_FUNDS
        and receiver is not None
        and receiver != order.payee_account_id
    ):
        returns = _list_returns(shares, split)
        owed = Money.total(
            (money for account, money in returns if account == receiver), made.amount.currency
        )
        return ShareReceiverShort(
            f"{show_account(receiver)} would have to give back {owed} of its share and has less",
            context={"account": show_account(receiver), "share": owed.to_json()},
        )
    assert order.payee_account_id is not None
    assert order.payer_account_id is not None
    return make_refusal(
        outcome, {order.payee_account_id: "merchant", order.payer_account_id: "payer"}
    )


async def _record(
    uow: UnitOfWork,
    order: Order,
    shares: Sequence[Share],
    split: RefundSplit,
    made: Refund,
) -> None:
    refunded = order.refunded + made.amount
    status = OrderStatus.REFUNDED if refunded == order.amount else OrderStatus.PARTLY_REFUNDED
    changed = replace(
        order,
        status=check_move(order.status, status),
        refunded=refunded,
        refunds=order.refunds + 1,
        fee_returned=order.fee_returned + split.fee_returned,
        shared=order.shared - made.shares_returned,
    )
    await order_store.save_order(uow, changed)
    returned = {
        share.id: share.returned + back
        for share, back in zip(shares, split.share_returns, strict=True)
        if back.is_positive
    }
    if returned:
        await store.save_returns(uow, returned)
    await audit.record(
        uow,
        action="payments.refund",
        subject=show_id(PAYMENT, order.id),
        details={"refund_id": show_id(REFUND, made.id), "amount": made.amount.to_json()},
    )
    event = PaymentRefunded(
        refund_id=made.id,
        order_id=order.id,
        amount=made.amount,
        fee_returned=made.fee_returned,
        shares_returned=made.shares_returned,
        refunded=refunded,
        refunded_at=made.created_at,
    )
    await outbox.append(uow, [event])


def _id_reused(refund_id: uuid.UUID) -> Conflict:
    shown = show_id(REFUND, refund_id)
    return IdReused(f"{shown} is another refund", field="id", context={"id": shown})
