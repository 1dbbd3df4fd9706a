"""Sealing the customers that an earlier version stored plain, a bounded step at a time.

Runs in `huitong migrate`, on the owner's connection: before the new processes start, and again
before the plain columns go. See docs/decisions/0016.
"""

import uuid
from typing import Final

from huitong import ledger
from huitong.customers.names import index_name
from huitong.customers.people import ACCOUNT_NAME, MOBILE_FIELD, NAME_FIELD, index_mobile
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import Vault

_HAS_PLAIN: Final = """
    SELECT count(*) FROM pg_attribute
     WHERE attrelid = to_regclass('customers.customers') AND attname = 'mobile'
       AND NOT attisdropped
"""
_LOCK_PLAIN: Final = """
    SELECT id, name, mobile, account_id FROM customers.customers
     WHERE mobile_index IS NULL
     ORDER BY id
     LIMIT :limit
       FOR UPDATE SKIP LOCKED
"""
_SEAL: Final = """
    UPDATE customers.customers c
       SET name_sealed = n.name, mobile_sealed = n.mobile, mobile_index = n.index
      FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS bytea[]), CAST(:mobiles AS bytea[]),
                  CAST(:indexes AS bytea[])) AS n (id, name, mobile, index)
     WHERE c.id = n.id
"""


#: Locked, so that whoever leaves at this moment is not given a digest again afterwards.
_LOCK_WITHOUT_INDEX: Final = """
    SELECT id, name_sealed FROM customers.customers
     WHERE name_index IS NULL AND closed_at IS NULL AND name_sealed IS NOT NULL AND id > :after
     ORDER BY id
     LIMIT :limit
       FOR NO KEY UPDATE
"""
_SET_INDEX: Final = """
    UPDATE customers.customers c SET name_index = n.index
      FROM unnest(CAST(:ids AS uuid[]), CAST(:indexes AS bytea[])) AS n (id, index)
     WHERE c.id = n.id
"""


_BEFORE_ALL_IDS: Final = uuid.UUID(int=0)


async def count_plain_customers(uow: UnitOfWork) -> int:
    """Return how many customers are not sealed yet; none once the plain columns are gone."""
    if not await uow.fetch_value(_HAS_PLAIN):
        return 0
    count: int = await uow.fetch_value(
        "SELECT count(*) FROM customers.customers WHERE mobile_index IS NULL"
    )
    return count


async def seal_plain_customers(
    uow: UnitOfWork, vault: Vault, *, limit: int = limits.CUSTOMERS_SEALED_AT_ONCE_MAX
) -> int:
    """Seal up to `limit` customers who are stored plain, and take their names off the ledger.

    Returns how many. The plain columns stay as they are, for processes of the version before;
    each step stands for itself, so a run that was interrupted goes on where it stopped.
    """
    if not await uow.fetch_value(_HAS_PLAIN):
        return 0
    rows = await uow.execute(_LOCK_PLAIN, limit=limit)
    if not rows:
        return 0
    sealed = await vault.seal_many(
        uow, {row.id: {NAME_FIELD: row.name, MOBILE_FIELD: row.mobile} for row in rows}
    )
    await uow.execute(
        _SEAL,
        ids=[row.id for row in rows],
        names=[sealed[row.id][NAME_FIELD] for row in rows],
        mobiles=[sealed[row.id][MOBILE_FIELD] for row in rows],
        indexes=[index_mobile(vault, row.mobile) for row in rows],
    )
    await ledger.rename_accounts(uow, [row.account_id for row in rows], name=ACCOUNT_NAME)
    await audit.record(
        uow,
        action="customers.seal_plain_customers",
        subject="customers.customers",
        details={"customers": len(rows)},
    )
    return len(rows)


async def is_any_name_unindexed(uow: UnitOfWork) -> bool:
    """Whether a customer who is here lacks the digest of the name."""
    return bool(
        await uow.fetch_value(
            "SELECT EXISTS (SELECT FROM customers.customers WHERE name_index IS NULL "
            "AND closed_at IS NULL AND name_sealed IS NOT NULL)"
        )
    )


async def index_names_left(
    uow: UnitOfWork,
    vault: Vault,
    *,
    after: uuid.UUID = _BEFORE_ALL_IDS,
    limit: int = limits.CUSTOMERS_SEALED_AT_ONCE_MAX,
) -> uuid.UUID | None:
    """Give the next up to `limit` customers after an id the digest of their name that they lack.

    Returns the id of the last one that was looked at, from where to go on, or None if nobody was
    left. Without a digest a name is compared by opening it, so nobody has to wait for this.
    """
    rows = await uow.execute(_LOCK_WITHOUT_INDEX, after=after, limit=limit)
    if not rows:
        return None
    opened = await vault.open_many(
        uow, {row.id: {NAME_FIELD: bytes(row.name_sealed)} for row in rows}
    )
    indexes = {
        customer_id: index_name(vault, customer_id, fields[NAME_FIELD])
        for customer_id, fields in opened.items()
        if fields is not None
    }
    await uow.execute(_SET_INDEX, ids=list(indexes), indexes=list(indexes.values()))
    last: uuid.UUID = rows[-1].id
    return last
