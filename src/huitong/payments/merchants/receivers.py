"""Receivers of a merchant's profit shares, who are settled in the merchant's cycle."""

import uuid
from dataclasses import replace
from datetime import datetime

from huitong import customers
from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.kernel.ids import MERCHANT, show_id
from huitong.ledger import get_balances, show_account
from huitong.payments.merchants import limits, postings, store
from huitong.payments.merchants.errors import ReceiverRefused, TermsNotFound
from huitong.payments.merchants.types import Role, SettledAccount


async def add_share_receiver(
    uow: UnitOfWork, *, merchant_id: uuid.UUID, payout_account_id: int, now: datetime
) -> SettledAccount:
    """Open an account (2011.05) whose profit shares settle to somebody's account in the cycle.

    The same receiver again is returned as it is. Raises TermsNotFound, ReceiverRefused for an
    account of nobody, of another currency or the merchant's own, LimitExceeded.
    """
    own = await store.find_merchant_account(uow, merchant_id)
    if own is None:
        raise TermsNotFound(f"{show_id(MERCHANT, merchant_id)} has no terms of settlement")
    await store.lock_account(uow, own.account_id)
    known = await store.list_accounts(uow, merchant_id)
    for account in known:
        is_open = account.role is Role.RECEIVER and account.closed_at is None
        if is_open and account.payout_account_id == payout_account_id:
            return account
    if len(known) > limits.RECEIVERS_MAX:
        raise LimitExceeded(f"a merchant has at most {limits.RECEIVERS_MAX} receivers")
    parties = await customers.find_parties(await uow.driver(), [payout_account_id])
    if payout_account_id not in parties or payout_account_id == own.account_id:
        raise ReceiverRefused(
            f"nobody else has the account {show_account(payout_account_id)}", field="account"
        )
    balances = await get_balances(uow, [payout_account_id])
    if balances[payout_account_id].currency != own.currency:
        raise ReceiverRefused(f"shares are in {own.currency}", field="account")
    receiver = replace(
        own,
        account_id=await postings.open_receiver_account(uow, own.currency),
        role=Role.RECEIVER,
        payout_account_id=payout_account_id,
        reserve_account_id=None,
        owed_account_id=None,
        number=0,
        line_to=0,
        carried=0,
        volume=0,
        opened_at=now,
    )
    await store.insert_account(uow, receiver)
    await audit.record(
        uow,
        action="merchants.add_share_receiver",
        subject=show_id(MERCHANT, merchant_id),
        details={"account": show_account(payout_account_id)},
    )
    return receiver
