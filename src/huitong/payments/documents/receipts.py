"""Electronic receipts: made once for a transfer and one of its accounts, then always the same."""

import hashlib
import uuid
from typing import Final

import msgspec

from huitong import ledger
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import TRANSFER, show_id
from huitong.ledger import Account, RecordedTransfer, TransferKind
from huitong.payments.documents import limits, store
from huitong.payments.documents.errors import ReceiptNotFound
from huitong.payments.documents.parties import name_parties
from huitong.payments.documents.receipt_keys import ReceiptKeys, is_same_code
from huitong.payments.documents.store import StoredReceipt
from huitong.payments.documents.types import (
    VERSION,
    Named,
    Receipt,
    ReceiptFacts,
    read_facts,
    write_facts,
)
from huitong.payments.store.descriptions import find_descriptions
from huitong.privacy import DataDestroyed, DataKind, Vault, mask

_FIELD: Final = "payments.receipts.content_sealed"
_POSTED: Final = (TransferKind.POSTED, TransferKind.POST_PENDING)
_NUMBER_SPAN: Final = 10**12
_NUMBER_DIGITS: Final = 22
_UNKNOWN: Final = "no receipt has this number and this code"


async def make_receipt(
    uow: UnitOfWork,
    vault: Vault,
    keys: ReceiptKeys,
    *,
    account: Account,
    transfer_id: uuid.UUID,
) -> Receipt:
    """Return the receipt of a posted transfer for one of its accounts, made now if there is none.

    What it says stays as it was when it was made. Raises NotFound for a transfer that did not move
    this account's money and for an account of our own, DataDestroyed.
    """
    if account.owner_id is None:
        raise _no_transfer(transfer_id)
    found = await store.find_receipt(uow, account.id, transfer_id)
    if found is not None:
        return await _open(uow, vault, keys, found)
    transfer = await ledger.get_transfer(uow, transfer_id)
    if transfer.kind not in _POSTED or account.id not in _sides(transfer):
        raise _no_transfer(transfer_id)
    facts = await _gather(uow, vault, account, transfer)
    for attempt in range(limits.NUMBER_TRIES_MAX):
        numbered = msgspec.structs.replace(facts, number=_number(account.id, transfer, attempt))
        sealed = await vault.seal(uow, account.owner_id, {_FIELD: write_facts(numbered).decode()})
        stored = StoredReceipt(
            number=numbered.number,
            account_id=account.id,
            transfer_id=transfer_id,
            owner_id=account.owner_id,
            key_number=keys.newest,
            content=sealed[_FIELD],
        )
        if await store.add_receipt(uow, stored):
            return _prove(keys, stored, numbered)
        # Somebody made it at the same moment, and has committed; or the number is taken.
        found = await store.find_receipt(uow, account.id, transfer_id)
        if found is not None:
            return await _open(uow, vault, keys, found)
    raise AssertionError("no free number for a receipt was found")


async def verify_receipt(
    uow: UnitOfWork, vault: Vault, keys: ReceiptKeys, *, number: str, code: str
) -> ReceiptFacts:
    """Return what a receipt says, with names masked, to whoever has its number and its code.

    Raises ReceiptNotFound for anything else, also once its owner's data was destroyed.
    """
    plain = number.replace(" ", "")
    found = await store.find_receipt_by_number(uow, plain)
    if found is None:
        raise ReceiptNotFound(_UNKNOWN)
    try:
        receipt = await _open(uow, vault, keys, found)
    except DataDestroyed:
        raise ReceiptNotFound(_UNKNOWN) from None
    if not is_same_code(code, receipt.code):
        raise ReceiptNotFound(_UNKNOWN)
    facts = receipt.facts
    return msgspec.structs.replace(
        facts, payer=_mask_name(facts.payer), payee=_mask_name(facts.payee), purpose=None
    )


async def _gather(
    uow: UnitOfWork, vault: Vault, account: Account, transfer: RecordedTransfer
) -> ReceiptFacts:
    named = await name_parties(uow, vault, _sides(transfer), reader_id=account.owner_id)
    purposes = await find_descriptions(uow, [transfer.id])
    return ReceiptFacts(
        version=VERSION,
        number="",
        transfer=show_id(TRANSFER, transfer.id),
        payer=named[transfer.debit_account_id],
        payee=named[transfer.credit_account_id],
        amount=transfer.amount.format(),
        currency=transfer.amount.currency,
        is_debit=transfer.debit_account_id == account.id,
        code=transfer.code,
        purpose=purposes.get(transfer.id),
        effective_on=transfer.effective_on,
        recorded_at=transfer.recorded_at,
    )


async def _open(uow: UnitOfWork, vault: Vault, keys: ReceiptKeys, stored: StoredReceipt) -> Receipt:
    opened = await vault.open(uow, stored.owner_id, {_FIELD: stored.content})
    return _prove(keys, stored, read_facts(opened[_FIELD].encode()))


def _prove(keys: ReceiptKeys, stored: StoredReceipt, facts: ReceiptFacts) -> Receipt:
    return Receipt(
        facts=facts,
        key_number=stored.key_number,
        code=keys.make_code(stored.key_number, write_facts(facts)),
    )


def _number(account_id: int, transfer: RecordedTransfer, attempt: int) -> str:
    """Return day, twelve digits that follow from what it is for, and two check digits."""
    seed = f"{account_id}:{transfer.id.hex}:{attempt}".encode()
    serial = int.from_bytes(hashlib.sha256(seed).digest(), "big") % _NUMBER_SPAN
    number = ledger.make_account_number(int(f"{transfer.effective_on:%Y%m%d}{serial:012d}"))
    assert len(str(number)) == _NUMBER_DIGITS
    return str(number)


def _sides(transfer: RecordedTransfer) -> tuple[int, int]:
    return transfer.debit_account_id, transfer.credit_account_id


def _mask_name(party: Named) -> Named:
    if not party.is_person:
        return party
    return msgspec.structs.replace(party, name=mask(DataKind.NAME, party.name))


def _no_transfer(transfer_id: uuid.UUID) -> NotFound:
    shown = show_id(TRANSFER, transfer_id)
    return NotFound(f"there is no transfer {shown} of this account", context={"id": shown})
