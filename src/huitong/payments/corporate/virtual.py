"""Collection accounts and their virtual accounts: opened, emptied into the business's own account.

Whoever changes a part locks the collection account first, so that the parts are always the whole.
"""

import uuid
from datetime import datetime
from typing import Final

from huitong import customers
from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, MERCHANT, VIRTUAL_ACCOUNT, show_id, uuid7
from huitong.kernel.money import Money
from huitong.ledger import BalanceLimit, Entry, TransferCode, open_account
from huitong.payments.bulk import Role, is_business_user
from huitong.payments.commands.moving import check_amount, check_text, make_transfer_id, post_entry
from huitong.payments.corporate import limits
from huitong.payments.corporate import virtual_store as store
from huitong.payments.corporate.errors import (
    CollectionExists,
    CollectionNotFound,
    VirtualAccountNotFound,
    VirtualAccountShort,
    VirtualReferenceUsed,
)
from huitong.payments.corporate.mandates import check_role, check_user
from huitong.payments.corporate.postings import move
from huitong.payments.corporate.virtual_types import (
    Master,
    NewVirtualAccount,
    VirtualAccount,
    VirtualPurpose,
    make_virtual_number,
)
from huitong.privacy import Vault

PAYER: Final = "payments.virtual_accounts.payer"
#: The kind of blind index by which payers are compared.
PAYER_INDEX: Final = "payer_name"


async def check_collection(uow: UnitOfWork, merchant_id: uuid.UUID) -> customers.Merchant:
    """Return a business that has no collection account; raises NotFound, CollectionExists."""
    merchant = await customers.get_merchant(uow, merchant_id)
    if await store.find_master(uow, merchant_id=merchant_id) is not None:
        raise CollectionExists("the business has a collection account already")
    return merchant


async def open_collection(uow: UnitOfWork, *, merchant_id: uuid.UUID, now: datetime) -> Master:
    """Open the collection account of a business, with the part for what cannot be matched.

    For staff, by two. Raises NotFound, CollectionExists.
    """
    merchant = await check_collection(uow, merchant_id)
    account = await open_account(
        uow,
        chart_code="2011.02",
        currency=merchant.currency,
        name="归集户 Collection account",
        system_key=f"payments.corporate.collection.{merchant_id.hex}",
        limits=BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )
    master_id = uuid7()
    is_new = await store.add_master(
        uow,
        master_id=master_id,
        merchant_id=merchant_id,
        account_id=account.id,
        currency=merchant.currency,
        now=now,
    )
    if not is_new:
        raise CollectionExists("the business has a collection account already")
    master = await store.find_master(uow, master_id=master_id, is_locked=True)
    assert master is not None
    await store.add_account(uow, _make_account(master, 0, VirtualPurpose.UNMATCHED, uuid7(), now))
    await audit.record(
        uow, action="payments.open_collection", subject=show_id(MERCHANT, merchant_id), details={}
    )
    return master


async def open_virtual_account(
    uow: UnitOfWork,
    vault: Vault,
    new: NewVirtualAccount,
    *,
    account_id: uuid.UUID,
    merchant_id: uuid.UUID,
    opened_by: uuid.UUID,
    now: datetime,
) -> VirtualAccount:
    """Give a business a number for a payer or an invoice; it moves no money, so a submitter may.

    Raises CorporateNotAllowed, CollectionNotFound, InvalidField, VirtualReferenceUsed.
    """
    await check_role(uow, merchant_id, opened_by, Role.SUBMITTER)
    master = await get_master(uow, merchant_id, is_locked=True)
    new.check(master.currency)
    check_text(new.reference, limits.VIRTUAL_REFERENCE_LENGTH_MAX, field="reference")
    check_text(new.payer, limits.PAYEE_NAME_LENGTH_MAX, field="payer")
    if new.reference is not None and any(letter.isspace() for letter in new.reference):
        raise InvalidField("must be one word", field="reference")
    sealed = index = None
    if new.payer is not None:
        sealed = (await vault.seal(uow, merchant_id, {PAYER: new.payer}))[PAYER]
        index = vault.blind_index(PAYER_INDEX, customers.fold_name(new.payer))
    serial = await store.take_serial(uow, master)
    account = _make_account(
        master, serial, new.purpose, account_id, now, new=new, payer=(sealed, index)
    )
    if not await store.add_account(uow, account):
        raise VirtualReferenceUsed("an open virtual account has this reference", field="reference")
    await _record(uow, "open_virtual_account", account.id, opened_by, {"number": account.number})
    return account


async def release_virtual(
    uow: UnitOfWork,
    *,
    account_id: uuid.UUID,
    released_by: uuid.UUID,
    amount: Money | None = None,
    now: datetime,
) -> VirtualAccount:
    """Take money, or all of it, from a virtual account to the business's own settlement account.

    It stays with the business, so that one submitter is enough. Raises VirtualAccountNotFound,
    CorporateNotAllowed, InvalidField, VirtualAccountShort, and what the ledger refuses.
    """
    account, master = await _lock(uow, account_id, released_by)
    moved = account.balance if amount is None else check_amount(amount, master.currency)
    if not moved.is_positive or moved > account.balance:
        raise VirtualAccountShort(f"it holds {account.balance}", field="amount")
    merchant = await customers.get_merchant(uow, master.merchant_id)
    transfer = move(
        make_transfer_id(now),
        master.account_id,
        merchant.account_id,
        moved,
        code=TransferCode.COLLECTION,
        on_day=business_day(now),
    )
    await post_entry(uow, Entry((transfer,)), now=now)
    await store.add_entry(
        uow, account.id, -moved, is_receipt=False, transfer_id=transfer.id, now=now
    )
    await _record(uow, "release_virtual", account.id, released_by, {"amount": str(moved)})
    return await get_account(uow, account_id)


async def close_virtual(
    uow: UnitOfWork, *, account_id: uuid.UUID, closed_by: uuid.UUID, now: datetime
) -> VirtualAccount:
    """Close an empty virtual account: what still comes for its number waits to be matched.

    Closing it again changes nothing. Raises VirtualAccountNotFound, CorporateNotAllowed,
    VirtualAccountShort if it is not empty, InvalidField for the part of what is not matched.
    """
    account, _ = await _lock(uow, account_id, closed_by)
    if account.purpose is VirtualPurpose.UNMATCHED:
        raise InvalidField("the collection account's own part is not closed", field="account")
    if account.closed_at is not None:
        return account
    if account.balance.is_positive:
        raise VirtualAccountShort(f"it holds {account.balance} still: release it first")
    await store.close_account(uow, account_id, now)
    await _record(uow, "close_virtual", account.id, closed_by, {})
    return await get_account(uow, account_id)


async def get_master(uow: UnitOfWork, merchant_id: uuid.UUID, *, is_locked: bool = False) -> Master:
    """Return the collection account of a business; raises CollectionNotFound."""
    found = await store.find_master(uow, merchant_id=merchant_id, is_locked=is_locked)
    if found is None:
        raise CollectionNotFound("the business has no collection account")
    return found


async def get_account(uow: UnitOfWork, account_id: uuid.UUID) -> VirtualAccount:
    """Return a virtual account; raises VirtualAccountNotFound."""
    found = await store.find_account(uow, account_id=account_id)
    if found is None:
        shown = show_id(VIRTUAL_ACCOUNT, account_id)
        raise VirtualAccountNotFound(f"there is no virtual account {shown}")
    return found


async def get_business_of(uow: UnitOfWork, account_id: uuid.UUID) -> uuid.UUID:
    """Return the business of a virtual account; raises VirtualAccountNotFound."""
    account = await get_account(uow, account_id)
    master = await store.find_master(uow, master_id=account.master_id)
    assert master is not None
    return master.merchant_id


async def get_own_collection(
    uow: UnitOfWork, *, merchant_id: uuid.UUID, customer_id: uuid.UUID
) -> Master:
    """Return the collection account of a business that the customer acts for.

    Raises CorporateNotAllowed, CollectionNotFound.
    """
    await check_user(uow, merchant_id, customer_id)
    return await get_master(uow, merchant_id)


async def list_virtual_accounts(
    uow: UnitOfWork, master: Master, *, before: uuid.UUID | None = None, limit: int
) -> list[VirtualAccount]:
    """Return the parts of a collection account, newest first."""
    return await store.list_accounts(uow, master, before=before, count=limit)


async def _lock(
    uow: UnitOfWork, account_id: uuid.UUID, customer_id: uuid.UUID
) -> tuple[VirtualAccount, Master]:
    """Return a virtual account of a business, for a submitter, with its master under lock."""
    account = await get_account(uow, account_id)
    master = await store.find_master(uow, master_id=account.master_id, is_locked=True)
    assert master is not None
    if not await is_business_user(uow, master.merchant_id, customer_id):
        shown = show_id(VIRTUAL_ACCOUNT, account_id)
        raise VirtualAccountNotFound(f"there is no virtual account {shown}")
    await check_role(uow, master.merchant_id, customer_id, Role.SUBMITTER)
    # Again: what it holds is known only under the lock.
    return await get_account(uow, account_id), master


def _make_account(
    master: Master,
    serial: int,
    purpose: VirtualPurpose,
    account_id: uuid.UUID,
    now: datetime,
    *,
    new: NewVirtualAccount | None = None,
    payer: tuple[bytes | None, bytes | None] = (None, None),
) -> VirtualAccount:
    nothing = Money.zero(master.currency)
    tolerance = None if new is None else new.tolerance
    return VirtualAccount(
        id=account_id,
        master_id=master.id,
        number=make_virtual_number(master.serial, serial),
        purpose=purpose,
        reference=None if new is None else new.reference,
        payer=payer[0],
        payer_index=payer[1],
        expected=None if new is None else new.expected,
        tolerance=nothing if tolerance is None else tolerance,
        due_on=None if new is None else new.due_on,
        received=nothing,
        balance=nothing,
        opened_at=now,
    )


async def _record(
    uow: UnitOfWork, verb: str, account_id: uuid.UUID, by: uuid.UUID, details: dict[str, object]
) -> None:
    await audit.record(
        uow,
        action=f"payments.{verb}",
        subject=show_id(VIRTUAL_ACCOUNT, account_id),
        details={"by": show_id(CUSTOMER, by)} | details,
    )
