"""Accounts at banks that money goes to: sealed when an order names one, opened when it is sent."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from huitong import customers
from huitong.kernel import logs
from huitong.kernel.cryptography import SealBroken
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.payments.channels import PayeeRefusal
from huitong.payments.channels.limits import BANK_ACCOUNT_LENGTH_MAX
from huitong.payments.clearing import check_bank_code
from huitong.payments.store import payees as store
from huitong.payments.types import (
    ChannelDirection,
    ChannelOrder,
    ChannelPayee,
    ChannelState,
    SealedPayee,
)
from huitong.privacy import DataDestroyed, SubjectUnknown, Vault

_SEALED_AS: Final = "payments.channel_payees"
_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBankAccount:
    """An account at a bank that somebody names, and the vault that seals it.

    `bank_code` is a CNAPS code; the holder is whoever names it.
    """

    vault: Vault = field(repr=False)
    bank_code: str
    number: str = field(repr=False)


def check_bank_account(bank_code: str, number: str, *, field: str) -> None:
    """Raise InvalidField, naming a part of `field`, unless a bank may have such an account."""
    check_bank_code(bank_code, field=f"{field}.bank_code")
    most = BANK_ACCOUNT_LENGTH_MAX
    if not (number.isascii() and number.isalnum() and len(number) <= most):
        raise InvalidField(f"must have 1 to {most} letters and digits", field=f"{field}.number")


async def seal_own_account(
    uow: UnitOfWork, party: customers.Party, account: NewBankAccount | None
) -> SealedPayee | None:
    """Return the account of `party` itself at a bank, sealed; the name is the one that we know.

    None if no account was named.

    Raises InvalidField, also for a customer whose name is not known here.
    """
    if account is None:
        return None
    assert party.customer_id is not None
    check_bank_account(account.bank_code, account.number, field="bank_account")
    vault = account.vault
    names = await customers.find_holder_names(uow, vault, [party.account_id])
    if party.account_id not in names:
        raise InvalidField("the holder has no name here", field="bank_account")
    name_field, number_field = _fields(_SEALED_AS)
    sealed = await vault.seal(
        uow, party.customer_id, {name_field: names[party.account_id], number_field: account.number}
    )
    return SealedPayee(
        subject_id=party.customer_id,
        bank_code=account.bank_code,
        name=sealed[name_field],
        number=sealed[number_field],
        sealed_as=_SEALED_AS,
    )


async def attach_payees(
    uow: UnitOfWork, vault: Vault | None, orders: Sequence[ChannelOrder]
) -> tuple[list[ChannelOrder], dict[uuid.UUID, PayeeRefusal | None]]:
    """Return orders with whom they pay, in full, where they are to be sent now.

    Also returns those that cannot be sent, by id: refused where the payee's key was destroyed, and
    None where it does not open here, which somebody has to look at before it is tried again.
    """
    sending = [
        order.order_id
        for order in orders
        if (order.state, order.direction) == (ChannelState.TO_SEND, ChannelDirection.OUT)
    ]
    sealed = await store.find_payees(uow, sending) if sending else {}
    attached = list[ChannelOrder]()
    unsendable = dict[uuid.UUID, PayeeRefusal | None]()
    for order in orders:
        payee = sealed.get(order.order_id) if order.state is ChannelState.TO_SEND else None
        opened = None
        if payee is not None:
            assert vault is not None, "orders with payees are sent by who can open them"
            try:
                opened = await _open(uow, vault, payee)
            except (DataDestroyed, SubjectUnknown):
                unsendable[order.id] = PayeeRefusal.UNREADABLE
            except SealBroken:
                unsendable[order.id] = None
                _log.error("payee_does_not_open", channel_order_id=str(order.id))
        attached.append(replace(order, payee=opened))
    return attached, unsendable


async def _open(uow: UnitOfWork, vault: Vault, payee: SealedPayee) -> ChannelPayee:
    name_field, number_field = _fields(payee.sealed_as)
    sealed = {name_field: payee.name, number_field: payee.number}
    opened = await vault.open(uow, payee.subject_id, sealed)
    return ChannelPayee(
        bank_code=payee.bank_code, name=opened[name_field], number=opened[number_field]
    )


def _fields(sealed_as: str) -> tuple[str, str]:
    return f"{sealed_as}.name", f"{sealed_as}.number"
