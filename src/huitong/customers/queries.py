"""Reads of customers and merchants."""

import uuid
from typing import Final

from huitong.customers import identity_store, store
from huitong.customers.errors import CustomerIsClosed
from huitong.customers.identity_store import DueReview
from huitong.customers.onboarding.sealing import index_id_number
from huitong.customers.people import index_mobile
from huitong.customers.types import Customer, Merchant
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import CUSTOMER, MERCHANT, show_id
from huitong.ledger import Page
from huitong.privacy import Vault

_BEFORE_ALL_IDS: Final = uuid.UUID(int=0)


async def get_customer(uow: UnitOfWork, customer_id: uuid.UUID) -> Customer:
    """Return a customer; raises NotFound."""
    customer = await store.find_customer(uow, customer_id)
    if customer is None:
        raise _not_found("customer", show_id(CUSTOMER, customer_id))
    return customer


async def get_open_customer(uow: UnitOfWork, customer_id: uuid.UUID) -> Customer:
    """Return a customer who is not closed before this transaction has ended.

    For whoever starts something that ends later. Raises NotFound, CustomerIsClosed.
    """
    await store.share_customer(uow, customer_id)
    customer = await get_customer(uow, customer_id)
    if customer.closed_at is not None:
        shown = show_id(CUSTOMER, customer_id)
        raise CustomerIsClosed(f"{shown} is closed", context={"id": shown})
    return customer


async def find_customer_by_mobile(uow: UnitOfWork, vault: Vault, mobile: str) -> Customer | None:
    """Return the customer with a mobile number, or None."""
    return await store.find_customer_by_mobile(uow, index_mobile(vault, mobile))


async def find_customer_by_id_number(uow: UnitOfWork, vault: Vault, number: str) -> Customer | None:
    """Return the customer with a verified identity number of 18 characters, or None."""
    customer_id = await identity_store.find_customer_id(uow, index_id_number(vault, number))
    return None if customer_id is None else await store.find_customer(uow, customer_id)


async def list_customers(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = limits.PAGE_SIZE_DEFAULT
) -> Page[Customer]:
    """Return a page of customers, oldest first. Raises InvalidField for a bad cursor or limit."""
    found = await store.list_customers(uow, read_cursor(cursor), check_limit(limit) + 1)
    items = tuple(found[:limit])
    return Page(items, items[-1].id.hex if len(found) > limit else None)


async def list_due_reviews(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = limits.PAGE_SIZE_DEFAULT
) -> Page[DueReview]:
    """Return a page of customers whom staff have to look at again; raises InvalidField."""
    found = await identity_store.list_due(uow, read_cursor(cursor), check_limit(limit) + 1)
    items = tuple(found[:limit])
    return Page(items, items[-1].customer_id.hex if len(found) > limit else None)


async def get_merchant(uow: UnitOfWork, merchant_id: uuid.UUID) -> Merchant:
    """Return a merchant; raises NotFound."""
    merchant = await store.find_merchant(uow, merchant_id)
    if merchant is None:
        raise _not_found("merchant", show_id(MERCHANT, merchant_id))
    return merchant


async def list_merchants(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = limits.PAGE_SIZE_DEFAULT
) -> Page[Merchant]:
    """Return a page of merchants, oldest first. Raises InvalidField for a bad cursor or limit."""
    found = await store.list_merchants(uow, read_cursor(cursor), check_limit(limit) + 1)
    items = tuple(found[:limit])
    return Page(items, items[-1].id.hex if len(found) > limit else None)


def check_limit(limit: int) -> int:
    """Return the size of a page; raises InvalidField if it is out of range."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return limit


def read_cursor(cursor: str | None) -> uuid.UUID:
    """Return the id after which a page begins; raises InvalidField for a cursor of no page."""
    if cursor is None:
        return _BEFORE_ALL_IDS
    try:
        identifier = uuid.UUID(hex=cursor)
    except ValueError:
        identifier = None
    if identifier is None or identifier.hex != cursor:
        raise InvalidField("must be the next_cursor of an earlier page", field="cursor")
    return identifier


def _not_found(what: str, shown: str) -> NotFound:
    return NotFound(f"there is no {what} {shown}", context={"id": shown})
