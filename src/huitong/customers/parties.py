"""Who stands behind an account, for whole batches: one query, on the driver's connection."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from huitong.customers.people import NAME_FIELD, index_mobile
from huitong.kernel import limits
from huitong.kernel.database.arrays import write_array
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.privacy import Vault


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A customer (with the class of the payment account) or a merchant (with its fee rate)."""

    account_id: int
    currency: str
    customer_id: uuid.UUID | None = None
    account_class: int | None = None
    #: What the customer may do alone (`Capacity`), and who may act for one who may not do all.
    capacity: str = "full"
    guardian_id: uuid.UUID | None = None
    merchant_id: uuid.UUID | None = None
    fee_rate: Decimal = Decimal(0)
    fee_max: int | None = None


_BY_ACCOUNT: Final = """
SELECT n.account_id, c.id, c.account_class, m.id, coalesce(m.fee_rate, 0), m.fee_max,
       coalesce(c.currency, m.currency), coalesce(c.capacity, 'full')
  FROM unnest($1::text::bigint[]) AS n(account_id)
  LEFT JOIN customers.customers c ON c.account_id = n.account_id
  LEFT JOIN customers.merchants m ON m.account_id = n.account_id
 WHERE c.id IS NOT NULL OR m.id IS NOT NULL
"""

# Only guardians who can act now: open, and not restricted for any reason.
_GUARDIANS: Final = """
SELECT m.customer_id, m.guardian_id
  FROM customers.minors m
  JOIN customers.customers g ON g.id = m.guardian_id
 WHERE m.customer_id = ANY($1::uuid[]) AND m.ended_at IS NULL AND g.closed_at IS NULL
   AND NOT EXISTS (SELECT FROM customers.restrictions r WHERE r.customer_id = g.id)
"""
_FULL: Final = "full"

_NAMES_OF_PEOPLE: Final = """
SELECT account_id, id, name_sealed FROM customers.customers
 WHERE account_id = ANY($1::bigint[]) AND name_sealed IS NOT NULL AND closed_at IS NULL
"""

_NAMES_OF_MERCHANTS: Final = """
SELECT account_id, name FROM customers.merchants WHERE account_id = ANY($1::bigint[])
"""

_ACCOUNTS_BY_MOBILE: Final = """
SELECT mobile_index, account_id
  FROM customers.customers
 WHERE mobile_index = ANY($1::bytea[]) AND closed_at IS NULL
"""

_CUSTOMERS_BY_MOBILE_INDEX: Final = """
SELECT id FROM customers.customers WHERE mobile_index = ANY($1::bytea[]) AND closed_at IS NULL
"""

_ACCOUNTS_BY_CUSTOMER: Final = """
SELECT id, account_id FROM customers.customers WHERE id = ANY($1::uuid[]) AND account_id IS NOT NULL
"""

_ACCOUNTS_BY_MERCHANT: Final = """
SELECT id, account_id FROM customers.merchants WHERE id = ANY($1::uuid[])
"""


async def find_parties(
    connection: DriverConnection, account_ids: Sequence[int]
) -> dict[int, Party]:
    """Return the party of each account that belongs to a customer or a merchant.

    One query, and a second one if minors are among them.
    """
    parties = {
        row[0]: Party(
            account_id=row[0],
            customer_id=row[1],
            account_class=row[2],
            merchant_id=row[3],
            fee_rate=row[4],
            fee_max=row[5],
            currency=row[6],
            capacity=row[7],
        )
        for row in await connection.fetch(_BY_ACCOUNT, write_array(list(account_ids)))
    }
    minors = [each.customer_id for each in parties.values() if each.capacity != _FULL]
    if minors:
        guardians = dict(await connection.fetch(_GUARDIANS, minors))
        for account_id, party in parties.items():
            if party.customer_id in guardians:
                guardian_id = guardians[party.customer_id]
                parties[account_id] = msgspec.structs.replace(party, guardian_id=guardian_id)
    return parties


async def find_holder_names(
    uow: UnitOfWork, vault: Vault, account_ids: Sequence[int]
) -> dict[int, str]:
    """Return the name of each account's holder in full, for comparing.

    Only the holder may be shown it; others see it masked. Without those whose data was destroyed,
    and customers who left.
    """
    connection = await uow.driver()
    names: dict[int, str] = dict(await connection.fetch(_NAMES_OF_MERCHANTS, account_ids))
    people = await connection.fetch(_NAMES_OF_PEOPLE, account_ids)
    for start in range(0, len(people), limits.SUBJECTS_AT_ONCE_MAX):
        some = people[start : start + limits.SUBJECTS_AT_ONCE_MAX]
        opened = await vault.open_many(uow, {row[1]: {NAME_FIELD: row[2]} for row in some})
        for account_id, customer_id, _ in some:
            fields = opened[customer_id]
            if fields is not None:
                names[account_id] = fields[NAME_FIELD]
    return names


async def find_accounts_by_mobile(
    connection: DriverConnection, vault: Vault, mobiles: Sequence[str]
) -> dict[str, int]:
    """Return the payment account of each mobile number that a customer has.

    One query for all; the database is asked for blind indexes and never sees the numbers.
    """
    indexes = {mobile: index_mobile(vault, mobile) for mobile in mobiles}
    rows = await connection.fetch(_ACCOUNTS_BY_MOBILE, list(indexes.values()))
    accounts = {bytes(row[0]): row[1] for row in rows}
    return {mobile: accounts[index] for mobile, index in indexes.items() if index in accounts}


async def find_customers_by_mobile_index(
    connection: DriverConnection, indexes: Sequence[bytes]
) -> tuple[uuid.UUID, ...]:
    """Return the customers who have some mobile numbers now, by their blind indexes."""
    rows = await connection.fetch(_CUSTOMERS_BY_MOBILE_INDEX, indexes)
    return tuple(row[0] for row in rows)


async def find_accounts_by_customer(
    connection: DriverConnection, customer_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, int]:
    """Return the payment account of each customer, also of those who left."""
    return dict(await connection.fetch(_ACCOUNTS_BY_CUSTOMER, customer_ids))


async def find_accounts_by_merchant(
    connection: DriverConnection, merchant_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, int]:
    """Return the account of each merchant."""
    return dict(await connection.fetch(_ACCOUNTS_BY_MERCHANT, merchant_ids))
