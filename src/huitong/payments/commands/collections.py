"""A merchant scans the one-time code that a customer shows, and is paid."""

import uuid
from dataclasses import replace
from datetime import datetime

from huitong import customers, risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments import qr
from huitong.payments.commands import moving
from huitong.payments.commands.checkouts import new_order, pay
from huitong.payments.deciding import deciding
from huitong.payments.errors import CodeExpired, CodeNotFound, CodeUsed
from huitong.payments.store import codes as store
from huitong.payments.types import Authentication, Order, OrderKind


async def collect_by_code(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    merchant_id: uuid.UUID,
    code: str,
    amount: Money,
    reference: str | None = None,
    description: str | None = None,
    authentication: Authentication = Authentication.TWO_FACTORS,
    decider: risk.PaymentDecider | None = None,
    now: datetime,
) -> Order:
    """Take `amount` from the customer who showed `code`, once, and return the order.

    Of two merchants that scan one code at once, one is paid. A refusal leaves the code as it was.
    The same id with the same content returns the order as it is. Raises NotFound, InvalidField,
    CodeNotFound, CodeUsed, CodeExpired, ReferenceUsed, IdReused, PaymentBlocked,
    PaymentNeedsStepUp, and what the ledger refuses.
    """
    digest = qr.read_code(code)
    merchant = await customers.get_merchant(uow, merchant_id)
    # The code's lock comes first, so that whoever loses has nothing to take back.
    issued = await store.lock_issued_code(uow, digest)
    if issued is None:
        raise CodeNotFound("no such code was issued, or it is long gone", field="code")
    if issued.used_by not in (None, order_id):
        raise CodeUsed("this code has paid already; ask for a new one", field="code")
    is_repeated = issued.used_by == order_id
    if not is_repeated and issued.expires_at <= now:
        raise CodeExpired("this code has expired; ask for a new one", field="code")
    customer = await customers.get_customer(uow, issued.customer_id)
    order = new_order(
        order_id=order_id,
        kind=OrderKind.CUSTOMER_CODE,
        merchant=merchant,
        amount=moving.check_amount(amount, merchant.currency),
        reference=moving.check_reference(reference),
        description=moving.check_description(description),
        expires_at=None,
        now=now,
    )
    order = replace(order, payer_account_id=customer.account_id)
    known = await moving.add_order(uow, order)
    if known is not None:
        if not is_repeated:
            raise moving.id_reused(order_id)
        return known
    is_ours = await store.use_issued_code(uow, digest, order_id)
    assert is_ours, "the code was free under its lock"
    payer = await moving.get_party(uow, customer.account_id, field="code")
    uses = moving.list_uses(payer, order.kind, order.amount, authentication, now)
    async with deciding(uow, decider, order, payer, authentication=authentication, now=now):
        return await pay(uow, order, payer, uses=uses, now=now)
