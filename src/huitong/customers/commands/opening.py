"""Opening customers and merchants, each with the ledger account that the money is on."""

import re
import uuid
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from huitong import ledger
from huitong.customers import store
from huitong.customers.errors import CustomerExists, MerchantExists, MobileTaken
from huitong.customers.events import CustomerOpened, MerchantOpened
from huitong.customers.names import index_name
from huitong.customers.people import (
    ACCOUNT_NAME,
    MOBILE_FIELD,
    NAME_FIELD,
    index_mobile,
    open_person,
)
from huitong.customers.types import Customer, Merchant
from huitong.kernel import audit, limits, outbox
from huitong.kernel.currencies import get_currency
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, MERCHANT, show_id
from huitong.kernel.money import Money
from huitong.privacy import Vault

ACCOUNT_CLASSES: Final = (1, 2, 3)
FEE_RATE_MAX: Final = Decimal("0.1")

_PERSONAL_BALANCE: Final = "2011.01"
_MERCHANT_PAYABLE: Final = "2011.03"
_MOBILE_SHAPE: Final = re.compile(r"1[3-9][0-9]{9}")
_CATEGORY_SHAPE: Final = re.compile(r"[0-9]{4}")
_FEE_RATE_DECIMALS_MAX: Final = 6
# What fits the objects 59 and 60 of an EMVCo code.
_NAME_LATIN_LENGTH_MAX: Final = 25
_CITY_LATIN_LENGTH_MAX: Final = 15


async def open_customer(
    uow: UnitOfWork,
    vault: Vault,
    *,
    customer_id: uuid.UUID,
    name: str,
    mobile: str,
    account_class: int,
    currency: str = "CNY",
    now: datetime,
) -> Customer:
    """Open a customer with a payment account that cannot be overdrawn, and return it.

    Name and number are sealed with the customer's data key; the ledger's account carries neither.
    The same identifier with the same facts returns the customer as opened. Raises InvalidField,
    MobileTaken, and CustomerExists for the same identifier with other facts.
    """
    _check_name(name, "name")
    _check_shape(mobile, _MOBILE_SHAPE, "mobile", "a mobile number of mainland China, 11 digits")
    if type(account_class) is not int or account_class not in ACCOUNT_CLASSES:
        raise InvalidField("must be 1, 2 or 3", field="account_class")
    get_currency(currency)
    known = await store.find_customer(uow, customer_id)
    if known is not None:
        facts = await open_person(uow, vault, known)
        if (*facts, known.account_class, known.currency) != (name, mobile, account_class, currency):
            raise _customer_exists(customer_id)
        return known
    mobile_index = index_mobile(vault, mobile)
    # Looked up before anything is made; the unique key decides when two come at once.
    if await store.find_customer_by_mobile(uow, mobile_index) is not None:
        raise _mobile_taken()
    sealed = await vault.seal(uow, customer_id, {NAME_FIELD: name, MOBILE_FIELD: mobile})
    wanted = Customer(
        id=customer_id,
        sealed_name=sealed[NAME_FIELD],
        sealed_mobile=sealed[MOBILE_FIELD],
        account_class=account_class,
        account_id=0,
        currency=currency,
        opened_at=now,
    )
    return await _open_new_customer(uow, wanted, mobile_index, index_name(vault, customer_id, name))


async def open_merchant(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID,
    name: str,
    name_latin: str,
    city_latin: str,
    category_code: str,
    fee_rate: Decimal,
    fee_max: Money | None = None,
    currency: str = "CNY",
    now: datetime,
) -> Merchant:
    """Open a merchant with an account for what we owe it, and return it.

    `fee_rate` is what a payment costs the merchant: Decimal("0.006") is 0.6 %. The same identifier
    with the same facts returns the merchant as opened. Raises InvalidField, and MerchantExists for
    the same identifier with other facts.
    """
    _check_name(name, "name")
    _check_latin(name_latin, _NAME_LATIN_LENGTH_MAX, "name_latin")
    _check_latin(city_latin, _CITY_LATIN_LENGTH_MAX, "city_latin")
    _check_shape(category_code, _CATEGORY_SHAPE, "category_code", "four digits (ISO 18245)")
    _check_fee(fee_rate, fee_max, currency)
    merchant = Merchant(
        id=merchant_id,
        name=name,
        name_latin=name_latin,
        city_latin=city_latin,
        category_code=category_code,
        fee_rate=fee_rate,
        fee_max=fee_max,
        account_id=0,
        currency=currency,
        opened_at=now,
    )
    known = await store.find_merchant(uow, merchant_id)
    if known is not None:
        if _facts(known) != _facts(merchant):
            raise _merchant_exists(merchant_id)
        return known
    return await _open_new_merchant(uow, merchant)


async def _open_new_customer(
    uow: UnitOfWork, wanted: Customer, mobile_index: bytes, name_index: bytes | None
) -> Customer:
    account = await ledger.open_account(
        uow,
        chart_code=_PERSONAL_BALANCE,
        currency=wanted.currency,
        name=ACCOUNT_NAME,
        owner_id=wanted.id,
    )
    customer = replace(wanted, account_id=account.id)
    if not await store.insert_customer(uow, customer, mobile_index, name_index):
        if await store.find_customer(uow, customer.id) is not None:
            raise _customer_exists(customer.id)
        raise _mobile_taken()
    await audit.record(
        uow,
        action="customers.open_customer",
        subject=show_id(CUSTOMER, customer.id),
        details={"account_id": account.id, "account_class": customer.account_class},
    )
    event = CustomerOpened(
        customer_id=customer.id,
        account_id=account.id,
        account_class=customer.account_class,
        opened_at=customer.opened_at,
    )
    await outbox.append(uow, [event])
    return customer


async def _open_new_merchant(uow: UnitOfWork, wanted: Merchant) -> Merchant:
    account = await ledger.open_account(
        uow,
        chart_code=_MERCHANT_PAYABLE,
        currency=wanted.currency,
        name=wanted.name,
        owner_id=wanted.id,
    )
    merchant = replace(wanted, account_id=account.id)
    if not await store.insert_merchant(uow, merchant):
        raise _merchant_exists(wanted.id)
    await audit.record(
        uow,
        action="customers.open_merchant",
        subject=show_id(MERCHANT, merchant.id),
        details={"account_id": account.id, "fee_rate": str(merchant.fee_rate)},
    )
    event = MerchantOpened(
        merchant_id=merchant.id, account_id=account.id, opened_at=merchant.opened_at
    )
    await outbox.append(uow, [event])
    return merchant


def _facts(merchant: Merchant) -> tuple[object, ...]:
    return (
        merchant.name,
        merchant.name_latin,
        merchant.city_latin,
        merchant.category_code,
        merchant.fee_rate,
        merchant.fee_max,
        merchant.currency,
    )


def _check_name(text: str, field: str) -> None:
    if not text.strip() or len(text) > limits.NAME_LENGTH_MAX or not text.isprintable():
        raise InvalidField(
            f"must have 1 to {limits.NAME_LENGTH_MAX} characters, none of them a control character",
            field=field,
        )


def _check_latin(text: str, length_max: int, field: str) -> None:
    if not (text.strip() and len(text) <= length_max and text.isascii() and text.isprintable()):
        raise InvalidField(
            f"must have 1 to {length_max} printable ASCII characters: it goes into payment codes",
            field=field,
        )


def _check_shape(text: str, shape: re.Pattern[str], field: str, wanted: str) -> None:
    if shape.fullmatch(text) is None:
        raise InvalidField(f"must be {wanted}", field=field)


def _check_fee(fee_rate: Decimal, fee_max: Money | None, currency: str) -> None:
    get_currency(currency)
    if not isinstance(fee_rate, Decimal):
        raise TypeError(f"A fee rate is a Decimal, not {type(fee_rate).__name__}")
    if not (fee_rate.is_finite() and 0 <= fee_rate <= FEE_RATE_MAX):
        raise InvalidField(f"must be from 0 to {FEE_RATE_MAX}", field="fee_rate")
    if fee_rate != round(fee_rate, _FEE_RATE_DECIMALS_MAX):
        raise InvalidField(f"must have at most {_FEE_RATE_DECIMALS_MAX} decimals", field="fee_rate")
    if fee_max is not None and (fee_max.currency != currency or fee_max.is_negative):
        raise InvalidField(f"must be an amount in {currency}, not below zero", field="fee_max")


def _mobile_taken() -> MobileTaken:
    # The number is not repeated: the answer would otherwise end in logs.
    return MobileTaken("another customer has this mobile number", field="mobile")


def _customer_exists(customer_id: uuid.UUID) -> CustomerExists:
    shown = show_id(CUSTOMER, customer_id)
    return CustomerExists(f"{shown} was opened with other facts", context={"id": shown})


def _merchant_exists(merchant_id: uuid.UUID) -> MerchantExists:
    shown = show_id(MERCHANT, merchant_id)
    return MerchantExists(f"{shown} was opened with other facts", context={"id": shown})
