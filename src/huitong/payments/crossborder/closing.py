"""Closing what a customer who leaves has here: accounts in foreign currencies, once empty."""

import uuid
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import AccountState, set_account_state
from huitong.payments.crossborder import store
from huitong.payments.errors import OrdersOpen


async def close_accounts(
    uow: UnitOfWork, *, party_id: uuid.UUID, reason: str, now: datetime
) -> None:
    """Close a party's accounts in foreign currencies.

    Raises OrdersOpen while a payment abroad, or a receipt, has no end yet, and AccountNotEmpty.
    The caller holds the customer, so that nothing new begins meanwhile.
    """
    if await store.has_open_payments(uow, party_id):
        raise OrdersOpen("a payment abroad or a receipt has no end yet")
    for _, account_id in await store.list_currency_accounts(uow, party_id):
        await set_account_state(uow, account_id, state=AccountState.CLOSED, reason=reason, now=now)
