"""Authorise, capture, void: money that is reserved first and paid later, in full or in part."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from huitong import customers, risk
from huitong.kernel import limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import PAYMENT, show_id
from huitong.kernel.money import Money
from huitong.ledger import (
    Entry,
    MeterUse,
    Reason,
    Request,
    TransferCode,
    TransferKind,
    post_entries,
)
from huitong.payments.calculations import calculate_fee
from huitong.payments.commands import moving
from huitong.payments.commands.checkouts import new_order, succeeded_event
from huitong.payments.deciding import deciding
from huitong.payments.errors import (
    AmountExceedsHold,
    OrderAlreadyPaid,
    OrderExpired,
    OrderMoveRefused,
    make_refusal,
)
from huitong.payments.events import OrderClosed, PaymentAuthorised
from huitong.payments.postings import capture_entry, find_own_accounts, hold_entry, release_entry
from huitong.payments.store import orders as store
from huitong.payments.types import Authentication, Order, OrderKind, OrderStatus, check_move


async def authorise(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    payer_account_id: int,
    merchant_id: uuid.UUID,
    amount: Money,
    expires_in_seconds: int | None = None,
    reference: str | None = None,
    description: str | None = None,
    authentication: Authentication = Authentication.TWO_FACTORS,
    decider: risk.PaymentDecider | None = None,
    now: datetime,
) -> Order:
    """Reserve a payer's money for a merchant and return the order, which is then pending.

    Risk decides about it, and it counts against the payer's limits, now, whatever is captured
    later. The same id with the same content returns the order as it is. Raises NotFound,
    InvalidField, CurrencyMismatch, ReferenceUsed, IdReused, PaymentBlocked, PaymentNeedsStepUp, and
    what the ledger refuses.
    """
    seconds = moving.check_seconds(
        expires_in_seconds, limits.AUTHORISATION_SECONDS_DEFAULT, limits.AUTHORISATION_SECONDS_MAX
    )
    merchant = await customers.get_merchant(uow, merchant_id)
    payer = await moving.get_party(uow, payer_account_id, field="payer")
    expires_at = now + timedelta(seconds=seconds)
    order = new_order(
        order_id=order_id,
        kind=OrderKind.AUTHORISATION,
        merchant=merchant,
        amount=moving.check_amount(amount, merchant.currency),
        reference=moving.check_reference(reference),
        description=moving.check_description(description),
        expires_at=expires_at,
        now=now,
    )
    order = replace(
        order,
        status=check_move(order.status, OrderStatus.PENDING),
        authorised=amount,
        payer_account_id=payer_account_id,
        transfer_id=moving.make_transfer_id(now),
    )
    known = await moving.add_order(uow, order)
    if known is not None:
        return known
    uses = moving.list_uses(payer, order.kind, order.amount, authentication, now)
    async with deciding(uow, decider, order, payer, authentication=authentication, now=now):
        await _reserve(uow, order, payer, uses, now)
    event = PaymentAuthorised(
        order_id=order.id,
        merchant_id=merchant.id,
        payer_account_id=payer_account_id,
        amount=amount,
        expires_at=expires_at,
        authorised_at=now,
    )
    await outbox.append(uow, [event])
    return order


async def _reserve(
    uow: UnitOfWork,
    order: Order,
    payer: customers.Party,
    uses: Sequence[MeterUse],
    now: datetime,
) -> None:
    assert order.transfer_id is not None
    assert order.payee_account_id is not None
    await moving.post_entry(
        uow,
        hold_entry(
            transfer_id=order.transfer_id,
            payer_account_id=payer.account_id,
            payee_account_id=order.payee_account_id,
            amount=order.amount,
            code=TransferCode.PAYMENT_HOLD,
            effective_on=business_day(now),
            expires_at=order.expires_at,
        ),
        uses=uses,
        fields={payer.account_id: "payer", order.payee_account_id: "merchant"},
        now=now,
    )


async def capture(
    uow: UnitOfWork, *, order_id: uuid.UUID, amount: Money | None = None, now: datetime
) -> Order:
    """Pay what was authorised, or `amount` of it, to the merchant; the rest is free again.

    The fee is on what is captured. Capturing the same again returns the order as it is. Raises
    NotFound, AmountExceedsHold, OrderAlreadyPaid, OrderExpired, OrderMoveRefused, and what the
    ledger refuses.
    """
    order = await _lock_authorisation(uow, order_id)
    assert order.authorised is not None
    wanted = order.authorised if amount is None else amount
    moving.check_amount(wanted, order.amount.currency)
    if order.is_paid:
        if wanted == order.amount:
            return order
        raise OrderAlreadyPaid(f"{show_id(PAYMENT, order.id)} was captured with another amount")
    check_move(order.status, OrderStatus.SUCCEEDED)
    if order.is_over(now):
        raise OrderExpired(f"{show_id(PAYMENT, order.id)} could be captured until then")
    if order.authorised < wanted:
        raise AmountExceedsHold(
            f"{order.authorised} was authorised", field="amount", context=_shown(order.authorised)
        )
    captured = await _capture(uow, order, wanted, now)
    await store.save_order(uow, captured)
    await outbox.append(uow, [succeeded_event(captured)])
    return captured


async def _capture(uow: UnitOfWork, order: Order, amount: Money, now: datetime) -> Order:
    assert order.merchant_id is not None
    assert order.transfer_id is not None
    assert order.payer_account_id is not None
    merchant = await customers.get_merchant(uow, order.merchant_id)
    transfer_id = moving.make_transfer_id(now)
    fee = calculate_fee(amount, merchant.fee_rate, merchant.fee_max)
    await moving.post_entry(
        uow,
        capture_entry(
            transfer_id=transfer_id,
            hold_id=order.transfer_id,
            payee_account_id=merchant.account_id,
            amount=amount,
            fee=fee,
            own=await find_own_accounts(uow, amount.currency),
            code=TransferCode.PAYMENT_CAPTURE,
            effective_on=business_day(now),
        ),
        fields={order.payer_account_id: "payer", merchant.account_id: "merchant"},
        now=now,
    )
    return replace(
        order,
        status=OrderStatus.SUCCEEDED,
        amount=amount,
        fee=fee,
        transfer_id=transfer_id,
        completed_at=now,
    )


async def void(uow: UnitOfWork, *, order_id: uuid.UUID, now: datetime) -> Order:
    """Give up an authorisation: the payer's money is free again; return the closed order.

    Doing it again changes nothing. Raises NotFound, OrderAlreadyPaid, OrderMoveRefused.
    """
    order = await _lock_authorisation(uow, order_id)
    if order.status is OrderStatus.CLOSED:
        return order
    if order.is_paid:
        raise OrderAlreadyPaid(f"{show_id(PAYMENT, order.id)} was captured: refund it instead")
    check_move(order.status, OrderStatus.CLOSED)
    reason = "expired" if order.is_over(now) else "voided"
    await release_holds(uow, [order], now=now)
    closed = replace(order, status=OrderStatus.CLOSED, completed_at=now)
    await store.save_order(uow, closed)
    event = OrderClosed(order_id=order.id, kind=order.kind, reason=reason, closed_at=now)
    await outbox.append(uow, [event])
    return closed


async def release_holds(uow: UnitOfWork, orders: list[Order], *, now: datetime) -> None:
    """Free what pending authorisations reserve: expired ones by expiry, others by a void.

    The ledger's own sweeper may have been there first; that is what was wanted.
    """
    requests = [Request(_release(order, now)) for order in orders]
    for outcome in await post_entries(uow, requests, now=now):
        if not outcome.is_posted and outcome.reason is not Reason.HOLD_EXPIRED:
            raise make_refusal(outcome)


def _release(order: Order, now: datetime) -> Entry:
    assert order.transfer_id is not None
    is_over = order.is_over(now)
    return release_entry(
        transfer_id=moving.make_transfer_id(now),
        hold_id=order.transfer_id,
        kind=TransferKind.EXPIRE_PENDING if is_over else TransferKind.VOID_PENDING,
        code=TransferCode.HOLD_EXPIRY if is_over else TransferCode.PAYMENT_VOID,
        effective_on=business_day(now),
    )


async def _lock_authorisation(uow: UnitOfWork, order_id: uuid.UUID) -> Order:
    order = await moving.lock_order(uow, order_id)
    if order.kind is not OrderKind.AUTHORISATION:
        raise OrderMoveRefused(
            f"{show_id(PAYMENT, order.id)} is not an authorisation",
            context={"kind": order.kind.value},
        )
    return order


def _shown(amount: Money) -> dict[str, object]:
    return {"authorised": amount.to_json()}
