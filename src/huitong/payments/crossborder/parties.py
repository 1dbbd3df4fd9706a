"""Who acts for whom: people for themselves, business users for their business."""

import uuid

from huitong import customers
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger import BalanceLimit, open_account
from huitong.payments import bulk
from huitong.payments.crossborder import store
from huitong.payments.crossborder.errors import ActingNotAllowed, PairNotOffered
from huitong.payments.crossborder.postings import chart_of
from huitong.payments.crossborder.types import HOME, Party


async def find_acting(
    uow: UnitOfWork,
    *,
    customer_id: uuid.UUID,
    merchant_id: uuid.UUID | None,
    role: bulk.Role | None = bulk.Role.SUBMITTER,
) -> Party:
    """Return whom a customer acts for: a business with `role` (None for any), or themselves.

    Raises ActingNotAllowed, also for people who may not act alone; CustomerIsClosed, NotFound.
    """
    if role is None:
        # For reading, where nothing is locked.
        customer = await customers.get_customer(uow, customer_id)
    else:
        customer = await customers.get_open_customer(uow, customer_id)
    if merchant_id is None:
        if customers.Capacity(customer.capacity) is not customers.Capacity.FULL:
            raise ActingNotAllowed("exchange and payments abroad are for adults")
        return _check(
            Party(id=customer.id, is_business=False, account_id=customer.account_id),
            customer.currency,
        )
    is_theirs = (
        await bulk.is_business_user(uow, merchant_id, customer_id)
        if role is None
        else await bulk.find_business_user(uow, merchant_id, customer_id, role)
    )
    if not is_theirs:
        raise ActingNotAllowed("you have no role for that in this business", field="merchant")
    merchant = await customers.get_merchant(uow, merchant_id)
    return _check(
        Party(id=merchant.id, is_business=True, account_id=merchant.account_id), merchant.currency
    )


def _check(party: Party, currency: str) -> Party:
    if currency != HOME:
        raise PairNotOffered(f"accounts in {currency} are not exchanged here")
    return party


async def check_second(
    uow: UnitOfWork, *, customer_id: uuid.UUID, merchant_id: uuid.UUID, amount: Money
) -> None:
    """Refuse who may not approve that much for a business; raises ActingNotAllowed."""
    user = await bulk.find_business_user(uow, merchant_id, customer_id, bulk.Role.APPROVER)
    if user is None or user.amount_max.currency != amount.currency or amount > user.amount_max:
        raise ActingNotAllowed("you may not approve that much in this business")


async def check_user(uow: UnitOfWork, *, customer_id: uuid.UUID, merchant_id: uuid.UUID) -> None:
    """Refuse who neither makes nor checks payments of a business; raises ActingNotAllowed."""
    for role in (bulk.Role.SUBMITTER, bulk.Role.APPROVER):
        if await bulk.find_business_user(uow, merchant_id, customer_id, role) is not None:
            return
    raise ActingNotAllowed("you may only look in this business")


async def ensure_account(uow: UnitOfWork, party: Party, currency: str) -> int:
    """Return a party's account in a currency; one in a foreign currency is opened at first use."""
    if currency == HOME:
        return party.account_id
    found = await store.find_currency_account(uow, party.id, currency)
    if found is not None:
        return found
    await store.lock_party(uow, party.id)
    found = await store.find_currency_account(uow, party.id, currency)
    if found is not None:
        return found
    account = await open_account(
        uow,
        chart_code=chart_of(party),
        currency=currency,
        name=f"外币账户 Account in {currency}",
        owner_id=party.id,
        limits=BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )
    await store.add_currency_account(uow, party, currency, account.id)
    return account.id
