"""Orders that wait to be paid: create, pay, close."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from huitong import customers, risk
from huitong.kernel import limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import PAYMENT, show_id, uuid7
from huitong.kernel.money import Money
from huitong.ledger import MeterUse, TransferCode
from huitong.payments.calculations import calculate_fee
from huitong.payments.commands import moving
from huitong.payments.deciding import deciding
from huitong.payments.errors import OrderAlreadyPaid, OrderExpired, OrderMoveRefused
from huitong.payments.events import OrderClosed, OrderCreated, PaymentSucceeded
from huitong.payments.postings import find_own_accounts, payment_entry
from huitong.payments.store import orders as store
from huitong.payments.types import Authentication, Order, OrderKind, OrderStatus, check_move

_WAITING_KINDS = frozenset({OrderKind.CHECKOUT, OrderKind.DYNAMIC_QR})


async def create_checkout(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    merchant_id: uuid.UUID,
    amount: Money,
    reference: str | None = None,
    description: str | None = None,
    expires_in_seconds: int | None = None,
    now: datetime,
) -> Order:
    """Create an order that a customer can pay in an app until it expires, and return it.

    The same id with the same content returns the order as it is now. Raises NotFound for the
    merchant, InvalidField, CurrencyMismatch, ReferenceUsed, IdReused.
    """
    return await create_order(
        uow,
        order_id=order_id,
        kind=OrderKind.CHECKOUT,
        merchant=await customers.get_merchant(uow, merchant_id),
        amount=amount,
        reference=reference,
        description=description,
        expires_in_seconds=expires_in_seconds,
        now=now,
    )


async def create_order(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    kind: OrderKind,
    merchant: customers.Merchant,
    amount: Money,
    reference: str | None,
    description: str | None,
    expires_in_seconds: int | None,
    now: datetime,
) -> Order:
    """Create an order of `kind` that waits for a payer."""
    seconds = moving.check_seconds(
        expires_in_seconds, limits.CHECKOUT_SECONDS_DEFAULT, limits.CHECKOUT_SECONDS_MAX
    )
    order = new_order(
        order_id=order_id,
        kind=kind,
        merchant=merchant,
        amount=moving.check_amount(amount, merchant.currency),
        reference=moving.check_reference(reference),
        description=moving.check_description(description),
        expires_at=now + timedelta(seconds=seconds),
        now=now,
    )
    known = await moving.add_order(uow, order)
    if known is not None:
        return known
    event = OrderCreated(
        order_id=order.id,
        kind=kind,
        merchant_id=merchant.id,
        amount=amount,
        expires_at=order.expires_at,
        created_at=now,
    )
    await outbox.append(uow, [event])
    return order


def new_order(
    *,
    order_id: uuid.UUID,
    kind: OrderKind,
    merchant: customers.Merchant,
    amount: Money,
    reference: str | None,
    description: str | None,
    expires_at: datetime | None,
    now: datetime,
) -> Order:
    """Return an order to a merchant as it begins."""
    nothing = Money.zero(amount.currency)
    return Order(
        id=order_id,
        kind=kind,
        status=OrderStatus.CREATED,
        amount=amount,
        authorised=None,
        fee=nothing,
        fee_returned=nothing,
        refunded=nothing,
        refunds=0,
        shared=nothing,
        payer_account_id=None,
        payee_account_id=merchant.account_id,
        merchant_id=merchant.id,
        reference=reference,
        description=description,
        transfer_id=None,
        created_at=now,
        expires_at=expires_at,
        completed_at=None,
        failure_code=None,
    )


async def pay_order(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    payer_account_id: int,
    authentication: Authentication = Authentication.TWO_FACTORS,
    decider: risk.PaymentDecider | None = None,
    attempt_id: uuid.UUID | None = None,
    now: datetime,
) -> Order:
    """Pay a checkout or the order behind a dynamic code, from an account; return it.

    Paying again from the same account returns the order as it is. `attempt_id` names this try, for
    a decision that refuses it: the order may then be paid by another try, or by somebody else.
    Raises NotFound, OrderAlreadyPaid if somebody else paid, OrderExpired, OrderMoveRefused,
    PaymentBlocked, PaymentNeedsStepUp, IdReused for a try that was refused before, and what the
    ledger refuses (InsufficientFunds, DayLimitExceeded, …).
    """
    order = await moving.lock_order(uow, order_id)
    if order.kind not in _WAITING_KINDS:
        raise OrderMoveRefused(
            f"{show_id(PAYMENT, order.id)} is not an order that waits to be paid",
            context={"kind": order.kind.value},
        )
    if order.is_paid:
        if order.payer_account_id == payer_account_id:
            return order
        raise OrderAlreadyPaid(f"{show_id(PAYMENT, order.id)} was paid already")
    check_move(order.status, OrderStatus.SUCCEEDED)
    if order.is_over(now):
        raise OrderExpired(f"{show_id(PAYMENT, order.id)} could be paid until {order.expires_at}")
    payer = await moving.get_party(uow, payer_account_id, field="payer")
    uses = moving.list_uses(payer, order.kind, order.amount, authentication, now)
    async with deciding(
        uow,
        decider,
        order,
        payer,
        authentication=authentication,
        attempt_id=attempt_id or uuid7(),
        now=now,
    ):
        return await pay(uow, order, payer, uses=uses, now=now)


async def pay(
    uow: UnitOfWork,
    order: Order,
    payer: customers.Party,
    *,
    uses: Sequence[MeterUse],
    now: datetime,
) -> Order:
    """Move the money of a locked order from `payer` to its merchant, and return the order."""
    assert order.merchant_id is not None
    merchant = await customers.get_merchant(uow, order.merchant_id)
    transfer_id = moving.make_transfer_id(now)
    fee = calculate_fee(order.amount, merchant.fee_rate, merchant.fee_max)
    await moving.post_entry(
        uow,
        payment_entry(
            transfer_id=transfer_id,
            payer_account_id=payer.account_id,
            payee_account_id=merchant.account_id,
            amount=order.amount,
            fee=fee,
            own=await find_own_accounts(uow, order.amount.currency),
            code=TransferCode.PAYMENT,
            effective_on=business_day(now),
        ),
        uses=uses,
        fields={payer.account_id: "payer", merchant.account_id: "merchant"},
        now=now,
    )
    paid = replace(
        order,
        status=check_move(order.status, OrderStatus.SUCCEEDED),
        payer_account_id=payer.account_id,
        fee=fee,
        transfer_id=transfer_id,
        completed_at=now,
    )
    await store.save_order(uow, paid)
    await outbox.append(uow, [succeeded_event(paid)])
    return paid


def succeeded_event(order: Order) -> PaymentSucceeded:
    """Return the event of an order that was just paid."""
    assert order.payer_account_id is not None
    assert order.payee_account_id is not None
    assert order.transfer_id is not None
    assert order.completed_at is not None
    return PaymentSucceeded(
        order_id=order.id,
        kind=order.kind,
        payer_account_id=order.payer_account_id,
        payee_account_id=order.payee_account_id,
        merchant_id=order.merchant_id,
        amount=order.amount,
        fee=order.fee,
        transfer_id=order.transfer_id,
        succeeded_at=order.completed_at,
    )


async def close_order(uow: UnitOfWork, *, order_id: uuid.UUID, now: datetime) -> Order:
    """Close an order that nobody has paid yet, so that nobody can; return it.

    Closing it again changes nothing. Raises NotFound, OrderAlreadyPaid, OrderMoveRefused for
    orders that do not wait for a payer.
    """
    order = await moving.lock_order(uow, order_id)
    if order.kind not in _WAITING_KINDS:
        raise OrderMoveRefused(
            f"{show_id(PAYMENT, order.id)} is not an order that waits to be paid",
            context={"kind": order.kind.value},
        )
    if order.status is OrderStatus.CLOSED:
        return order
    if order.is_paid:
        raise OrderAlreadyPaid(f"{show_id(PAYMENT, order.id)} was paid already")
    closed = replace(order, status=check_move(order.status, OrderStatus.CLOSED), completed_at=now)
    await store.save_order(uow, closed)
    event = OrderClosed(order_id=order.id, kind=order.kind, reason="closed", closed_at=now)
    await outbox.append(uow, [event])
    return closed
