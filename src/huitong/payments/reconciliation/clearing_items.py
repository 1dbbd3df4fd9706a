"""Taking money out of suspense, by two members of staff, once for each item."""

import uuid
from datetime import datetime

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import SUSPENSE, show_id
from huitong.kernel.money import CurrencyMismatch
from huitong.ledger import get_account
from huitong.payments.calculations import derive_id
from huitong.payments.commands.moving import get_party
from huitong.payments.reconciliation import cures, postings
from huitong.payments.reconciliation.errors import SuspenseCleared, SuspenseNotFound
from huitong.payments.reconciliation.store import breaks, suspense
from huitong.payments.reconciliation.types import ClearedTo, SuspenseItem


async def check_clearing(
    uow: UnitOfWork, item_id: uuid.UUID, *, to: ClearedTo, account_id: int | None
) -> SuspenseItem:
    """Return an item that can be cleared so.

    `account_id` is the customer's or merchant's account if it is cleared to one. Raises
    SuspenseNotFound, SuspenseCleared, InvalidField, AccountNotFound, CurrencyMismatch.
    """
    return await _check(uow, await suspense.find_item(uow, item_id), to, account_id)


async def clear_suspense(
    uow: UnitOfWork,
    *,
    item_id: uuid.UUID,
    to: ClearedTo,
    account_id: int | None,
    approval_id: uuid.UUID,
    reason: str,
    now: datetime,
) -> SuspenseItem:
    """Move an item's money where two members of staff want it, and return it as it then is.

    Raises what `check_clearing` raises, and CureNotPossible if the ledger refuses.
    """
    found = await suspense.find_item(uow, item_id, is_locked=True)
    item = await _check(uow, found, to, account_id)
    entry = await postings.clearing_entry(
        uow,
        derive_id(approval_id, 1),
        side=item.side,
        suspense_account_id=item.account_id,
        to=to,
        customer_account_id=account_id,
        amount=item.amount.minor,
        currency=item.amount.currency,
        on=business_day(now),
    )
    await cures.post(uow, entry, now)
    await suspense.clear_item(uow, item_id, cleared_id=entry.transfers[0].id, to=to, now=now)
    details = {"to": to.value, "amount": item.amount.to_json()}
    await breaks.add_history(uow, item.break_id, "suspense_cleared", details=dict(details), now=now)
    await audit.record(
        uow,
        action="reconciliation.clear_suspense",
        subject=show_id(SUSPENSE, item_id),
        details={**details, "reason": reason},
    )
    cleared = await suspense.find_item(uow, item_id)
    assert cleared is not None
    return cleared


async def _check(
    uow: UnitOfWork, item: SuspenseItem | None, to: ClearedTo, account_id: int | None
) -> SuspenseItem:
    if item is None:
        raise SuspenseNotFound("there is no such item of suspense", field="item")
    if item.cleared_id is not None:
        raise SuspenseCleared("the item has been cleared", field="item")
    if (to is ClearedTo.CUSTOMER) != (account_id is not None):
        raise InvalidField("an account is named for a customer, and only then", field="account")
    if account_id is not None:
        await get_party(uow, account_id, field="account")
        account = await get_account(uow, account_id)
        if account.currency != item.amount.currency:
            raise CurrencyMismatch(
                f"the account is in {account.currency}, the item in {item.amount.currency}",
                field="account",
            )
    return item
