"""Personal data of customers: the names of the sealed fields, indexes and masks."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from huitong.customers.types import Customer, ShownPerson
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import DataKind, Vault, mask

NAME_FIELD: Final = "customers.customers.name"
MOBILE_FIELD: Final = "customers.customers.mobile"
#: What the ledger calls the account of a person: the books carry no names of people.
ACCOUNT_NAME: Final = "支付账户 Payment account"
_MOBILE_INDEX: Final = "mobile"


def index_mobile(vault: Vault, mobile: str) -> bytes:
    """Return the blind index of a mobile number of eleven digits."""
    return vault.blind_index(_MOBILE_INDEX, mobile)


async def open_person(
    uow: UnitOfWork, vault: Vault, customer: Customer
) -> tuple[str | None, str | None]:
    """Return a customer's name and mobile number in full, for work that nobody looks at.

    Raises DataDestroyed. What people see comes from `show_people` or `showing`.
    """
    sealed = sealed_of(customer)
    if not sealed:
        return None, None
    opened = await vault.open(uow, customer.id, sealed)
    return opened[NAME_FIELD], opened[MOBILE_FIELD]


async def show_people(
    uow: UnitOfWork, vault: Vault, customers: Sequence[Customer]
) -> dict[uuid.UUID, ShownPerson]:
    """Return name and mobile number of a page of customers, masked: `张*`, `138****1234`.

    One query for all. Who was destroyed, or is not sealed yet, is shown as nothing.
    """
    sealed = {customer.id: fields for customer in customers if (fields := sealed_of(customer))}
    opened = await vault.open_many(uow, sealed) if sealed else {}
    return {customer.id: _mask(opened.get(customer.id)) for customer in customers}


def sealed_of(customer: Customer) -> dict[str, bytes]:
    """Return a customer's sealed fields; none for a row that is not sealed yet."""
    if customer.sealed_name is None or customer.sealed_mobile is None:
        return {}
    return {NAME_FIELD: customer.sealed_name, MOBILE_FIELD: customer.sealed_mobile}


def _mask(opened: Mapping[str, str] | None) -> ShownPerson:
    if opened is None:
        return ShownPerson(name=None, mobile=None)
    return ShownPerson(
        name=mask(DataKind.NAME, opened[NAME_FIELD]),
        mobile=mask(DataKind.MOBILE, opened[MOBILE_FIELD]),
    )
