"""Commands: products by versions that two people agreed on."""

import re
import uuid
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.currencies import get_currency
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.products import store
from huitong.lending.products.accounts import Control, open_control_accounts
from huitong.lending.products.checks import check_terms
from huitong.lending.products.errors import ProductNotFound, ProductRefused
from huitong.lending.products.types import NewVersion, Product

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


async def check_product(
    uow: UnitOfWork, new: NewVersion, *, rulebook: Rulebook, now: datetime
) -> int:
    """Return the number that a version would have, and refuse what could never be one.

    Loans keep the version they were made under, so a later one may begin on any day after the one
    before. Raises InvalidField, ProductRefused, ProductAgainstRule.
    """
    if _CODE.fullmatch(new.code) is None:
        raise InvalidField("has 1 to 32 of a-z, 0-9 and _, a letter first", field="code")
    for field, name in (("name_zh", new.name_zh), ("name_en", new.name_en)):
        if not name.strip() or len(name) > limits.NAME_LENGTH_MAX or not name.isprintable():
            most = limits.NAME_LENGTH_MAX
            raise InvalidField(f"has 1 to {most} printable characters", field=field)
    get_currency(new.currency)
    if new.effective_from < business_day(now):
        raise InvalidField("begins today at the earliest", field="effective_from")
    check_terms(new.terms, new.currency, rulebook=rulebook, on=new.effective_from)
    versions = await store.list_versions(uow, new.code)
    if not versions:
        return 1
    last = versions[-1]
    if last.currency != new.currency:
        raise ProductRefused(f"the product is in {last.currency}", field="currency")
    if new.effective_from <= last.effective_from:
        raise ProductRefused(
            f"version {last.version} begins on {last.effective_from}; the next one begins later",
            field="effective_from",
        )
    return last.version + 1


async def add_product_version(
    uow: UnitOfWork, new: NewVersion, *, approval_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> Product:
    """Write a version of a product; with the first one, the product and its control accounts.

    Once for each approval; what was agreed on after its first day begins today. Raises what
    `check_product` raises.
    """
    await store.lock_products(uow)
    new = replace(new, effective_from=max(new.effective_from, business_day(now)))
    version = await check_product(uow, new, rulebook=rulebook, now=now)
    if version == 1:
        product_id = await store.insert_product(uow, new, now=now)
        accounts = await open_control_accounts(uow, new.code, new.currency)
        await store.insert_controls(uow, product_id, accounts)
    else:
        product_id = (await store.list_versions(uow, new.code))[0].id
    await store.insert_version(uow, product_id, version, new, approval_id=approval_id, now=now)
    await audit.record(
        uow,
        action="lending.add_product_version",
        subject=new.code,
        details={"version": version, "effective_from": new.effective_from.isoformat()},
    )
    return await store.find_version(uow, product_id, version)


async def complete_control_accounts(uow: UnitOfWork) -> None:
    """Open the control accounts that products of an earlier version of this system lack."""
    await store.lock_products(uow)
    for product_id, code, currency in await store.list_incomplete(uow, len(Control)):
        accounts = await open_control_accounts(uow, code, currency)
        await store.insert_controls(uow, product_id, accounts)


async def get_product(uow: UnitOfWork, code: str, *, on: date) -> Product:
    """Return the version of a product that is in force on a day; raises ProductNotFound."""
    begun = [each for each in await store.list_versions(uow, code) if each.effective_from <= on]
    if not begun:
        raise ProductNotFound(f"there is no product {code} on {on}", field="product")
    return begun[-1]


async def list_product_versions(uow: UnitOfWork, code: str) -> list[Product]:
    """Return all versions of a product, first first; raises ProductNotFound."""
    versions = await store.list_versions(uow, code)
    if not versions:
        raise ProductNotFound(f"there is no product {code}", field="product")
    return versions


async def list_products(uow: UnitOfWork, *, on: date) -> list[Product]:
    """Return the version in force on a day of each product, by code."""
    return await store.list_in_force(uow, on)
