"""One payment of a business: to an account with us at once, to a bank by a channel.

Where risk would hold an internal payment back it is not made: the business sees why and asks again.
"""

import uuid
from datetime import datetime
from typing import Final

from huitong import customers, risk
from huitong.kernel import outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger import MeterUse, TransferCode
from huitong.payments.commands import moving
from huitong.payments.commands.channel_orders import place_withdrawal
from huitong.payments.commands.checkouts import succeeded_event
from huitong.payments.corporate.mandates import check_payment
from huitong.payments.corporate.payees import find_sealed_payee
from huitong.payments.corporate.types import Mandate, Payee
from huitong.payments.deciding import deciding
from huitong.payments.errors import PaymentBlocked
from huitong.payments.postings import find_own_accounts, payment_entry
from huitong.payments.types import Authentication, Meter, Order, OrderKind, OrderStatus

_HOLDING: Final = frozenset({risk.Action.REVIEW, risk.Action.DELAY})


async def pay(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    *,
    order_id: uuid.UUID,
    mandate: Mandate,
    payee: Payee,
    amount: Money,
    description: str | None,
    now: datetime,
) -> Order:
    """Pay from a business's settlement account, counted against its mandate; return the order.

    It has succeeded for an account with us, and is pending for one at a bank. Raises
    MandateExceeded, DayLimitExceeded and TotalLimitExceeded for the mandate's sums, PaymentBlocked,
    NoChannel, and what the ledger refuses (InsufficientFunds, AccountFrozen, …).
    """
    check_payment(mandate, amount)
    merchant = await customers.get_merchant(uow, mandate.merchant_id)
    payer = await moving.get_party(uow, merchant.account_id, field="payer")
    own = await find_own_accounts(uow, amount.currency)
    order = _new_order(
        order_id,
        (merchant.account_id, own.channel if payee.account_id is None else payee.account_id),
        kind=OrderKind.WITHDRAWAL if payee.is_at_a_bank else OrderKind.TRANSFER,
        amount=amount,
        description=description,
        now=now,
    )
    uses = [count_payment(merchant.account_id, mandate, amount, now)]
    # More than one person stands behind it, each with a factor of their own.
    proof = Authentication.TWO_FACTORS
    if payee.is_at_a_bank:
        return await place_withdrawal(
            uow,
            order,
            payer,
            authentication=proof,
            decider=decider,
            uses=uses,
            bank_account=await find_sealed_payee(uow, payee),
            now=now,
        )
    known = await moving.add_order(uow, order)
    assert known is None, "an order of an instruction or a due date is made once, under its lock"
    async with deciding(uow, decider, order, payer, authentication=proof, now=now) as said:
        if said in _HOLDING:
            raise PaymentBlocked("risk would hold this payment back, so it was not made")
        await _move(uow, order, uses, now)
    await outbox.append(uow, [succeeded_event(order)])
    return order


async def _move(uow: UnitOfWork, order: Order, uses: list[MeterUse], now: datetime) -> None:
    assert order.transfer_id is not None
    assert order.payer_account_id is not None
    assert order.payee_account_id is not None
    entry = payment_entry(
        transfer_id=order.transfer_id,
        payer_account_id=order.payer_account_id,
        payee_account_id=order.payee_account_id,
        amount=order.amount,
        fee=order.fee,
        own=await find_own_accounts(uow, order.amount.currency),
        code=TransferCode.CORPORATE_PAYMENT,
        effective_on=business_day(now),
    )
    fields = {order.payer_account_id: "payer", order.payee_account_id: "payee"}
    await moving.post_entry(uow, entry, uses=uses, fields=fields, now=now)


def count_payment(account_id: int, mandate: Mandate, amount: Money, now: datetime) -> MeterUse:
    """Return how an amount that leaves a business's account counts against its mandate's sums."""
    return MeterUse(
        account_id=account_id,
        meter=int(Meter.CORPORATE),
        amount=amount.minor,
        on_day=business_day(now),
        day_max=mandate.day_max.minor,
        total_max=None if mandate.total_max is None else mandate.total_max.minor,
    )


def _new_order(
    order_id: uuid.UUID,
    accounts: tuple[int, int],
    *,
    kind: OrderKind,
    amount: Money,
    description: str | None,
    now: datetime,
) -> Order:
    nothing = Money.zero(amount.currency)
    is_paid = kind is OrderKind.TRANSFER
    return Order(
        id=order_id,
        kind=kind,
        status=OrderStatus.SUCCEEDED if is_paid else OrderStatus.PENDING,
        amount=amount,
        authorised=None,
        fee=nothing,
        fee_returned=nothing,
        refunded=nothing,
        refunds=0,
        shared=nothing,
        payer_account_id=accounts[0],
        payee_account_id=accounts[1],
        merchant_id=None,
        reference=None,
        description=description,
        transfer_id=moving.make_transfer_id(now),
        created_at=now,
        expires_at=None,
        completed_at=now if is_paid else None,
        failure_code=None,
    )
