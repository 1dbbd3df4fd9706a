"""All SQL of minors and of guardians' consents."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.customers.minors.types import Capacity, GuardianConsent, GuardianRelation, Minor
from huitong.kernel.database.unit_of_work import UnitOfWork

_MINORS: Final = """
    SELECT m.customer_id, m.guardian_id, m.relation, c.capacity, m.checked_on
      FROM customers.minors m JOIN customers.customers c ON c.id = m.customer_id
     WHERE m.ended_at IS NULL
"""
_SAVE_CONSENT: Final = """
    INSERT INTO customers.guardian_consents (child_id, guardian_id, relation, consent_id, given_at)
    VALUES (:child_id, :guardian_id, :relation, :consent_id, :now)
        ON CONFLICT (child_id, guardian_id) DO UPDATE
       SET relation = excluded.relation, consent_id = excluded.consent_id,
           given_at = excluded.given_at
     WHERE customers.guardian_consents.consent_id <> excluded.consent_id
        OR customers.guardian_consents.relation <> excluded.relation
"""


async def insert_minor(
    uow: UnitOfWork,
    customer_id: uuid.UUID,
    *,
    guardian_id: uuid.UUID | None,
    relation: GuardianRelation | None,
    today: date,
) -> None:
    """Record that a new customer is a minor."""
    await uow.execute(
        "INSERT INTO customers.minors (customer_id, guardian_id, relation, checked_on) "
        "VALUES (:customer_id, :guardian_id, :relation, :today)",
        customer_id=customer_id,
        guardian_id=guardian_id,
        relation=None if relation is None else relation.value,
        today=today,
    )


async def find_minor(uow: UnitOfWork, customer_id: uuid.UUID) -> Minor | None:
    """Return a minor, or None for everybody else."""
    row = await uow.fetch_one(f"{_MINORS} AND m.customer_id = :id", id=customer_id)
    return None if row is None else _read_minor(row)


async def list_wards(uow: UnitOfWork, guardian_id: uuid.UUID) -> list[Minor]:
    """Return the minors whom somebody is the guardian of, in order of their ids."""
    rows = await uow.execute(
        f"{_MINORS} AND m.guardian_id = :guardian_id ORDER BY m.customer_id",
        guardian_id=guardian_id,
    )
    return [_read_minor(row) for row in rows]


async def list_to_check(uow: UnitOfWork, today: date, limit: int) -> list[uuid.UUID]:
    """Return minors whose age was not looked at today, in order of their ids."""
    rows = await uow.execute(
        "SELECT customer_id FROM (SELECT customer_id FROM customers.minors "
        "WHERE ended_at IS NULL AND checked_on < :today ORDER BY checked_on LIMIT :limit) due "
        "ORDER BY customer_id",
        today=today,
        limit=limit,
    )
    return [row.customer_id for row in rows]


async def set_checked(
    uow: UnitOfWork, customer_id: uuid.UUID, today: date, ended_at: datetime | None
) -> bool:
    """Note that a minor's age was looked at; False if somebody did so today already."""
    row = await uow.fetch_one(
        "UPDATE customers.minors SET checked_on = :today, "
        "ended_at = CAST(:ended_at AS timestamptz) "
        "WHERE customer_id = :customer_id AND ended_at IS NULL AND checked_on < :today "
        "RETURNING customer_id",
        customer_id=customer_id,
        today=today,
        ended_at=ended_at,
    )
    return row is not None


async def set_guardian(
    uow: UnitOfWork, customer_id: uuid.UUID, guardian_id: uuid.UUID, relation: GuardianRelation
) -> None:
    """Give a minor another guardian."""
    await uow.execute(
        "UPDATE customers.minors SET guardian_id = :guardian_id, relation = :relation "
        "WHERE customer_id = :customer_id",
        customer_id=customer_id,
        guardian_id=guardian_id,
        relation=relation.value,
    )


async def set_capacity(uow: UnitOfWork, customer_id: uuid.UUID, capacity: Capacity) -> None:
    """Set what a customer may do alone."""
    await uow.execute(
        "UPDATE customers.customers SET capacity = :capacity WHERE id = :id",
        id=customer_id,
        capacity=capacity.value,
    )


async def save_consent(uow: UnitOfWork, consent: GuardianConsent) -> None:
    """Store a guardian's consent; the same again changes nothing."""
    await uow.execute(
        _SAVE_CONSENT,
        child_id=consent.child_id,
        guardian_id=consent.guardian_id,
        relation=consent.relation.value,
        consent_id=consent.consent_id,
        now=consent.given_at,
    )


async def find_consent(
    uow: UnitOfWork, child_id: uuid.UUID, guardian_id: uuid.UUID
) -> GuardianConsent | None:
    """Return what a guardian consented to for a child, or None."""
    row = await uow.fetch_one(
        "SELECT child_id, guardian_id, relation, consent_id, given_at "
        "FROM customers.guardian_consents "
        "WHERE child_id = :child_id AND guardian_id = :guardian_id",
        child_id=child_id,
        guardian_id=guardian_id,
    )
    if row is None:
        return None
    return GuardianConsent(**{**row._asdict(), "relation": GuardianRelation(row.relation)})


async def lock_customers(uow: UnitOfWork, customer_ids: Sequence[uuid.UUID]) -> None:
    """Keep others from changing several customers, locked in the order of their ids."""
    await uow.execute(
        "SELECT 1 FROM customers.customers WHERE id = ANY(CAST(:ids AS uuid[])) "
        "ORDER BY id FOR NO KEY UPDATE",
        ids=list(customer_ids),
    )


def _read_minor(row: Row[Any]) -> Minor:
    return Minor(
        customer_id=row.customer_id,
        guardian_id=row.guardian_id,
        relation=None if row.relation is None else GuardianRelation(row.relation),
        capacity=Capacity(row.capacity),
        checked_on=row.checked_on,
    )
