"""All SQL of customers and merchants."""

import secrets
import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.customers.types import Customer, Merchant
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money

_CUSTOMERS: Final = """
    SELECT id, name_sealed AS sealed_name, mobile_sealed AS sealed_mobile, account_class,
           account_id, currency, opened_at, closed_at, capacity
      FROM customers.customers
"""
_MERCHANTS: Final = """
    SELECT id, name, name_latin, city_latin, category_code, fee_rate, fee_max, account_id, currency,
           opened_at
      FROM customers.merchants
"""
_INSERT_CUSTOMER: Final = """
    INSERT INTO customers.customers (id, name_sealed, mobile_sealed, mobile_index, name_index,
                                     account_class, account_id, currency, opened_at)
    VALUES (:id, :name_sealed, :mobile_sealed, :mobile_index, :name_index, :account_class,
            :account_id, :currency, :opened_at)
        ON CONFLICT DO NOTHING
    RETURNING id
"""
_INSERT_MERCHANT: Final = """
    INSERT INTO customers.merchants (id, name, name_latin, city_latin, category_code, fee_rate,
                                     fee_max, account_id, currency, opened_at)
    VALUES (:id, :name, :name_latin, :city_latin, :category_code, :fee_rate, :fee_max, :account_id,
            :currency, :opened_at)
        ON CONFLICT DO NOTHING
    RETURNING id
"""


async def insert_customer(
    uow: UnitOfWork, customer: Customer, mobile_index: bytes, name_index: bytes | None
) -> bool:
    """Insert a customer; False if the identifier or the mobile number is taken."""
    row = await uow.fetch_one(
        _INSERT_CUSTOMER,
        id=customer.id,
        name_sealed=customer.sealed_name,
        mobile_sealed=customer.sealed_mobile,
        mobile_index=mobile_index,
        name_index=name_index,
        account_class=customer.account_class,
        account_id=customer.account_id,
        currency=customer.currency,
        opened_at=customer.opened_at,
    )
    return row is not None


async def insert_merchant(uow: UnitOfWork, merchant: Merchant) -> bool:
    """Insert a merchant; False if the identifier is taken."""
    row = await uow.fetch_one(
        _INSERT_MERCHANT,
        id=merchant.id,
        name=merchant.name,
        name_latin=merchant.name_latin,
        city_latin=merchant.city_latin,
        category_code=merchant.category_code,
        fee_rate=merchant.fee_rate,
        fee_max=None if merchant.fee_max is None else merchant.fee_max.minor,
        account_id=merchant.account_id,
        currency=merchant.currency,
        opened_at=merchant.opened_at,
    )
    return row is not None


async def find_customer(uow: UnitOfWork, customer_id: uuid.UUID) -> Customer | None:
    """Return a customer, or None."""
    return _one_customer(await uow.fetch_one(f"{_CUSTOMERS} WHERE id = :id", id=customer_id))


async def find_customer_by_mobile(uow: UnitOfWork, mobile_index: bytes) -> Customer | None:
    """Return the customer whose mobile number has a blind index, or None; closed ones have none."""
    return _one_customer(
        await uow.fetch_one(
            f"{_CUSTOMERS} WHERE mobile_index = :mobile_index AND closed_at IS NULL",
            mobile_index=mobile_index,
        )
    )


async def list_customers(uow: UnitOfWork, after_id: uuid.UUID, count: int) -> list[Customer]:
    """Return the next customers in order of their identifiers."""
    rows = await uow.execute(
        f"{_CUSTOMERS} WHERE id > :after_id ORDER BY id LIMIT :count",
        after_id=after_id,
        count=count,
    )
    return [_read_customer(row) for row in rows]


async def lock_customer(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    """Keep others from changing a customer until this transaction has ended."""
    await uow.execute(
        "SELECT 1 FROM customers.customers WHERE id = :id FOR NO KEY UPDATE", id=customer_id
    )


async def share_customer(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    """Keep a customer from being changed or closed until this transaction has ended."""
    await uow.execute("SELECT 1 FROM customers.customers WHERE id = :id FOR SHARE", id=customer_id)


async def set_closed(uow: UnitOfWork, customer_id: uuid.UUID, now: datetime) -> None:
    """Note when the relationship with a customer ended."""
    await uow.execute(
        "UPDATE customers.customers SET closed_at = :now WHERE id = :id", id=customer_id, now=now
    )


async def forget_number(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    """Let nobody find a closed customer by number any more."""
    await uow.execute(
        "UPDATE customers.customers SET mobile_index = :index "
        "WHERE id = :id AND closed_at IS NOT NULL",
        id=customer_id,
        index=secrets.token_bytes(32),
    )


async def set_account_class(uow: UnitOfWork, customer_id: uuid.UUID, account_class: int) -> None:
    """Set the class of a customer's payment account."""
    await uow.execute(
        "UPDATE customers.customers SET account_class = :account_class WHERE id = :id",
        id=customer_id,
        account_class=account_class,
    )


async def find_merchant(uow: UnitOfWork, merchant_id: uuid.UUID) -> Merchant | None:
    """Return a merchant, or None."""
    return _one_merchant(await uow.fetch_one(f"{_MERCHANTS} WHERE id = :id", id=merchant_id))


async def list_merchants(uow: UnitOfWork, after_id: uuid.UUID, count: int) -> list[Merchant]:
    """Return the next merchants in order of their identifiers."""
    rows = await uow.execute(
        f"{_MERCHANTS} WHERE id > :after_id ORDER BY id LIMIT :count",
        after_id=after_id,
        count=count,
    )
    return [_read_merchant(row) for row in rows]


def _one_customer(row: Row[Any] | None) -> Customer | None:
    return None if row is None else _read_customer(row)


def _one_merchant(row: Row[Any] | None) -> Merchant | None:
    return None if row is None else _read_merchant(row)


def _read_customer(row: Row[Any]) -> Customer:
    return Customer(**row._asdict())


def _read_merchant(row: Row[Any]) -> Merchant:
    values = row._asdict()
    fee_max = values.pop("fee_max")
    return Merchant(
        **values, fee_max=None if fee_max is None else Money(fee_max, values["currency"])
    )
