"""All SQL of verified identities after they were made: channels, reviews, the end."""

import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork

# The first condition is the index's; the second tells a document's last day from a due day.
_MARK_DUE: Final = """
    UPDATE customers.identities i
       SET review_marked_at = :now,
           review_reason = CASE WHEN i.valid_until_on < :today THEN 'document_expired'
                                ELSE 'periodic' END
      FROM (SELECT customer_id FROM customers.identities
             WHERE ended_at IS NULL AND review_marked_at IS NULL
               AND least(review_due_on, valid_until_on) <= :today
               AND (review_due_on <= :today OR valid_until_on < :today)
             ORDER BY least(review_due_on, valid_until_on)
             LIMIT :limit
               FOR UPDATE SKIP LOCKED) due
     WHERE i.customer_id = due.customer_id
    RETURNING i.customer_id, i.review_reason
"""
_LIST_DUE: Final = """
    SELECT customer_id, review_reason AS reason, review_marked_at AS marked_at, valid_until_on,
           review_due_on
      FROM customers.identities
     WHERE ended_at IS NULL AND review_marked_at IS NOT NULL AND customer_id > :after_id
     ORDER BY customer_id
     LIMIT :count
"""
_SET_REVIEWED: Final = """
    UPDATE customers.identities
       SET review_marked_at = NULL, review_reason = NULL, review_due_on = :due_on,
           valid_until_on = :valid_until_on, restricted_at = NULL
     WHERE customer_id = :customer_id AND ended_at IS NULL
    RETURNING customer_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReview:
    """A customer whom staff have to look at, since when and why."""

    customer_id: uuid.UUID
    reason: str
    marked_at: datetime
    valid_until_on: date | None
    review_due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a verified identity rests on."""

    id_number: bytes
    person: bytes
    channels: tuple[str, ...]
    is_in_person: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRecord:
    """A verified identity that has not ended, its personal parts sealed."""

    id_number: bytes
    person: bytes
    valid_until_on: date | None
    channels: tuple[str, ...]
    is_in_person: bool
    verified_at: datetime
    review_due_on: date


async def mark_due(
    uow: UnitOfWork, today: date, now: datetime, limit: int
) -> list[tuple[uuid.UUID, str]]:
    """Mark identities that are due; return whose and why."""
    rows = await uow.execute(_MARK_DUE, today=today, now=now, limit=limit)
    return [(row.customer_id, row.review_reason) for row in rows]


async def mark(uow: UnitOfWork, customer_id: uuid.UUID, reason: str, now: datetime) -> None:
    """Put a customer before staff for a reason; one who is there already stays for the first."""
    await uow.execute(
        "UPDATE customers.identities SET review_marked_at = :now, review_reason = :reason "
        "WHERE customer_id = :customer_id AND ended_at IS NULL AND review_marked_at IS NULL",
        customer_id=customer_id,
        reason=reason,
        now=now,
    )


async def list_due(uow: UnitOfWork, after_id: uuid.UUID, count: int) -> list[DueReview]:
    """Return the next marked identities, in order of the customers' ids."""
    rows = await uow.execute(_LIST_DUE, after_id=after_id, count=count)
    return [DueReview(**row._asdict()) for row in rows]


async def set_reviewed(
    uow: UnitOfWork, customer_id: uuid.UUID, valid_until_on: date | None, due_on: date
) -> bool:
    """Take the mark away and set the next days; False if there is no identity."""
    row = await uow.fetch_one(
        _SET_REVIEWED, customer_id=customer_id, valid_until_on=valid_until_on, due_on=due_on
    )
    return row is not None


async def list_expired(uow: UnitOfWork, before: date, limit: int) -> list[uuid.UUID]:
    """Return customers whose document expired before a day and who are not restricted yet."""
    rows = await uow.execute(
        "SELECT customer_id FROM (SELECT customer_id FROM customers.identities "
        "WHERE ended_at IS NULL AND restricted_at IS NULL AND valid_until_on < :before "
        "ORDER BY valid_until_on LIMIT :limit) expired ORDER BY customer_id",
        before=before,
        limit=limit,
    )
    return [row.customer_id for row in rows]


async def set_restricted(
    uow: UnitOfWork, customer_id: uuid.UUID, before: date, now: datetime
) -> bool:
    """Note that a customer is restricted; False if that is so already, or no longer due."""
    row = await uow.fetch_one(
        "UPDATE customers.identities SET restricted_at = :now WHERE customer_id = :customer_id "
        "AND ended_at IS NULL AND restricted_at IS NULL AND valid_until_on < :before "
        "RETURNING customer_id",
        customer_id=customer_id,
        before=before,
        now=now,
    )
    return row is not None


async def end_identity(uow: UnitOfWork, customer_id: uuid.UUID, now: datetime) -> None:
    """End an identity, so that the person may become a customer again some day."""
    await uow.execute(
        "UPDATE customers.identities SET ended_at = :now "
        "WHERE customer_id = :customer_id AND ended_at IS NULL",
        customer_id=customer_id,
        now=now,
    )


async def forget_numbers(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    """Let nobody find an ended identity by number, or by name and birth, any more."""
    await uow.execute(
        "UPDATE customers.identities SET id_index = :id_index, name_birth_index = :name_index "
        "WHERE customer_id = :customer_id AND ended_at IS NOT NULL",
        customer_id=customer_id,
        id_index=secrets.token_bytes(32),
        name_index=secrets.token_bytes(32),
    )


async def find_proof(uow: UnitOfWork, customer_id: uuid.UUID) -> Proof | None:
    """Return what a customer's identity rests on, or None if it was never verified or has ended."""
    row = await uow.fetch_one(
        "SELECT id_number, person, channels, is_in_person FROM customers.identities "
        "WHERE customer_id = :customer_id AND ended_at IS NULL",
        customer_id=customer_id,
    )
    if row is None:
        return None
    return Proof(**{**row._asdict(), "channels": tuple(row.channels)})


async def set_proof(
    uow: UnitOfWork, customer_id: uuid.UUID, channels: tuple[str, ...], *, is_in_person: bool
) -> None:
    """Store more channels, or that the person came."""
    await uow.execute(
        "UPDATE customers.identities SET channels = CAST(:channels AS text[]), "
        "is_in_person = :is_in_person WHERE customer_id = :customer_id",
        customer_id=customer_id,
        channels=list(channels),
        is_in_person=is_in_person,
    )


async def find_record(uow: UnitOfWork, customer_id: uuid.UUID) -> IdentityRecord | None:
    """Return a customer's identity, or None if it was never verified or has ended."""
    row = await uow.fetch_one(
        "SELECT id_number, person, valid_until_on, channels, is_in_person, verified_at, "
        "review_due_on FROM customers.identities "
        "WHERE customer_id = :customer_id AND ended_at IS NULL",
        customer_id=customer_id,
    )
    if row is None:
        return None
    return IdentityRecord(**{**row._asdict(), "channels": tuple(row.channels)})


async def find_customer_id(uow: UnitOfWork, id_index: bytes) -> uuid.UUID | None:
    """Return whose identity number, which has not ended, has a blind index, or None."""
    found: uuid.UUID | None = await uow.fetch_value(
        "SELECT customer_id FROM customers.identities "
        "WHERE id_index = :id_index AND ended_at IS NULL",
        id_index=id_index,
    )
    return found


async def find_with_work(
    uow: UnitOfWork, subject_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Return those of some people who wait for staff: to decide on them, or to review them."""
    rows = await uow.execute(
        """
        SELECT id FROM customers.applications
         WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'pending_review'
         UNION ALL
        SELECT customer_id FROM customers.identities
         WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND ended_at IS NULL
           AND review_marked_at IS NOT NULL
        """,
        ids=list(subject_ids),
    )
    return frozenset(row.id for row in rows)
