"""Products in the database; nothing here is ever changed, only added."""

import json
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.products.payloads import read_terms, write_terms
from huitong.lending.products.types import NewVersion, Product

_SELECT: Final = """
    SELECT p.id, p.code, p.name_zh, p.name_en, p.currency, v.version, v.effective_from, v.terms,
           v.approval_id, v.agreed_at
      FROM lending.products p JOIN lending.product_versions v ON v.product_id = p.id
"""


async def lock_products(uow: UnitOfWork) -> None:
    """Let nobody else add a version of any product until this transaction ends; they are few."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('lending.products'))")


async def insert_product(uow: UnitOfWork, new: NewVersion, *, now: datetime) -> int:
    """Write down a new product and return its number."""
    number: int = await uow.fetch_value(
        """INSERT INTO lending.products (code, name_zh, name_en, currency, created_at)
           VALUES (:code, :name_zh, :name_en, :currency, :now) RETURNING id""",
        code=new.code,
        name_zh=new.name_zh,
        name_en=new.name_en,
        currency=new.currency,
        now=now,
    )
    return number


async def insert_version(
    uow: UnitOfWork,
    product_id: int,
    version: int,
    new: NewVersion,
    *,
    approval_id: uuid.UUID,
    now: datetime,
) -> None:
    """Write down a version of a product."""
    await uow.execute(
        """INSERT INTO lending.product_versions (product_id, version, effective_from, terms,
                                                 approval_id, agreed_at)
           VALUES (:product_id, :version, :effective_from, CAST(:terms AS jsonb), :approval_id,
                   :now)""",
        product_id=product_id,
        version=version,
        effective_from=new.effective_from,
        terms=json.dumps(write_terms(new.terms)),
        approval_id=approval_id,
        now=now,
    )


async def insert_controls(uow: UnitOfWork, product_id: int, accounts: Mapping[str, int]) -> None:
    """Write down which accounts of the general ledger a product's loans sum up to."""
    for part, account_id in accounts.items():
        await uow.execute(
            """INSERT INTO lending.control_accounts (product_id, part, account_id)
               VALUES (:product_id, :part, :account_id) ON CONFLICT DO NOTHING""",
            product_id=product_id,
            part=part,
            account_id=account_id,
        )


async def list_incomplete(uow: UnitOfWork, parts: int) -> list[tuple[int, str, str]]:
    """Return number, code and currency of products with fewer accounts than so many."""
    rows = await uow.execute(
        """SELECT p.id, p.code, p.currency
             FROM lending.products p LEFT JOIN lending.control_accounts c ON c.product_id = p.id
            GROUP BY p.id HAVING count(c.part) < :parts ORDER BY p.id""",
        parts=parts,
    )
    return [(row.id, row.code, row.currency) for row in rows]


async def load_controls(uow: UnitOfWork) -> dict[int, dict[str, int]]:
    """Return the accounts by product and part."""
    found: dict[int, dict[str, int]] = {}
    for row in await uow.execute(
        "SELECT product_id, part, account_id FROM lending.control_accounts"
    ):
        found.setdefault(row.product_id, {})[row.part] = row.account_id
    return found


async def load_currencies(uow: UnitOfWork) -> dict[int, str]:
    """Return the currency of each product."""
    rows = await uow.execute("SELECT id, currency FROM lending.products")
    return {row.id: row.currency for row in rows}


async def list_versions(uow: UnitOfWork, code: str) -> list[Product]:
    """Return all versions of a product, first first."""
    rows = await uow.execute(f"{_SELECT} WHERE p.code = :code ORDER BY v.version", code=code)
    return [_read(row) for row in rows]


async def list_in_force(uow: UnitOfWork, on: date) -> list[Product]:
    """Return the version in force on a day of each product that has begun, by code."""
    rows = await uow.execute(
        f"{_SELECT} WHERE v.effective_from <= :day ORDER BY p.code, v.version", day=on
    )
    last = {row.code: row for row in rows}
    return [_read(row) for row in last.values()]


async def find_version(uow: UnitOfWork, product_id: int, version: int) -> Product:
    """Return a version by its numbers, which a loan has: it is there."""
    row = await uow.fetch_one(
        f"{_SELECT} WHERE p.id = :product_id AND v.version = :version",
        product_id=product_id,
        version=version,
    )
    assert row is not None, "a loan has a version of a product"
    return _read(row)


def _read(row: Row[Any]) -> Product:
    return Product(**{**row._asdict(), "terms": read_terms(row.terms)})
