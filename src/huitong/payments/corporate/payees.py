"""Who is paid: accounts with us by number and name, and accounts at banks, sealed."""

import uuid
from typing import Final

from huitong import customers
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.payments.channel_payees import check_bank_account
from huitong.payments.commands import moving
from huitong.payments.corporate import limits, store
from huitong.payments.corporate.errors import PayeeNameDiffers
from huitong.payments.corporate.types import NewPayee, Payee
from huitong.payments.types import SealedPayee
from huitong.privacy import Vault

_SEALED_AS: Final = "payments.corporate_payees"
_NAME: Final = f"{_SEALED_AS}.name"
_NUMBER: Final = f"{_SEALED_AS}.number"


async def add_payee(uow: UnitOfWork, vault: Vault, merchant_id: uuid.UUID, new: NewPayee) -> Payee:
    """Check a payee and write it down.

    Raises InvalidField, AccountNotFound, PayeeNameDiffers.
    """
    moving.check_text(new.name, limits.PAYEE_NAME_LENGTH_MAX, field="payee.name")
    payee = Payee(
        id=uuid7(), merchant_id=merchant_id, account_id=new.account_id, bank_code=new.bank_code
    )
    if new.account_id is not None:
        await _check_holder(uow, vault, merchant_id, new.account_id, new.name)
        await store.add_payee(uow, payee)
        return payee
    if new.bank_code is None or new.number is None:
        raise InvalidField("must be an account with us, or a bank code and number", field="payee")
    check_bank_account(new.bank_code, new.number, field="payee")
    sealed = await vault.seal(uow, merchant_id, {_NAME: new.name, _NUMBER: new.number})
    await store.add_payee(uow, payee, sealed[_NAME], sealed[_NUMBER])
    return payee


async def _check_holder(
    uow: UnitOfWork, vault: Vault, merchant_id: uuid.UUID, account_id: int, name: str
) -> None:
    await moving.get_party(uow, account_id, field="payee.account")
    merchant = await customers.get_merchant(uow, merchant_id)
    if merchant.account_id == account_id:
        raise InvalidField("is the payer's own account", field="payee.account")
    names = await customers.find_holder_names(uow, vault, [account_id])
    if customers.fold_name(names.get(account_id, "")) != customers.fold_name(name):
        raise PayeeNameDiffers("the name is not the account holder's", field="payee.name")


async def show_payee(uow: UnitOfWork, vault: Vault, payee: Payee) -> NewPayee:
    """Return a payee with what was sealed, for the people of the business that pays.

    The name is empty for an account with us: it was compared when the payee was named, and whose
    account it is is not for the payer to read.
    """
    if payee.account_id is not None:
        return NewPayee(name="", account_id=payee.account_id)
    name, number = await store.find_sealed(uow, payee.id)
    opened = await vault.open(uow, payee.merchant_id, {_NAME: name, _NUMBER: number})
    return NewPayee(name=opened[_NAME], bank_code=payee.bank_code, number=opened[_NUMBER])


async def find_sealed_payee(uow: UnitOfWork, payee: Payee) -> SealedPayee:
    """Return a payee at a bank as it is sealed, for the channel that pays it."""
    assert payee.bank_code is not None
    name, number = await store.find_sealed(uow, payee.id)
    return SealedPayee(
        subject_id=payee.merchant_id,
        bank_code=payee.bank_code,
        name=name,
        number=number,
        sealed_as=_SEALED_AS,
    )
