"""All SQL of retention: what is due, its deletion, and the evidence."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy.records import Destruction

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
# A day of the schedule is a business day, so it ends at midnight in Shanghai.
_OLD_LOOKUPS: Final = """
    SELECT id FROM privacy.lookups
     WHERE looked_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
     ORDER BY looked_at
     LIMIT :limit
"""
_OLD_COPIES: Final = """
    SELECT request_id FROM privacy.exports e
     WHERE made_at < (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
       AND EXISTS (SELECT FROM privacy.export_parts p WHERE p.request_id = e.request_id)
     ORDER BY made_at
     LIMIT :limit
"""


async def count_lookups(uow: UnitOfWork, cutoff_on: date, limit: int) -> int:
    """Return how many lookups are from that day or before."""
    return len(await uow.execute(_OLD_LOOKUPS, cutoff_on=cutoff_on, limit=limit))


async def delete_lookups(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[str]:
    """Delete lookups from that day or before; return their identifiers."""
    rows = await uow.execute(_OLD_LOOKUPS, cutoff_on=cutoff_on, limit=limit)
    deleted = await uow.execute(
        "DELETE FROM privacy.lookups WHERE id = ANY(CAST(:ids AS uuid[])) RETURNING id",
        ids=[row.id for row in rows],
    )
    return [str(row.id) for row in deleted]


async def count_copies(uow: UnitOfWork, cutoff_on: date, limit: int) -> int:
    """Return how many copies from that day or before still have their text."""
    return len(await uow.execute(_OLD_COPIES, cutoff_on=cutoff_on, limit=limit))


async def delete_copies(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[str]:
    """Delete the text of copies from that day or before; return their requests' identifiers."""
    rows = await uow.execute(_OLD_COPIES, cutoff_on=cutoff_on, limit=limit)
    deleted = await uow.execute(
        "DELETE FROM privacy.export_parts WHERE request_id = ANY(CAST(:ids AS uuid[])) "
        "RETURNING request_id",
        ids=[row.request_id for row in rows],
    )
    return sorted({str(row.request_id) for row in deleted})


async def count_restricted(uow: UnitOfWork, cutoff_on: date, limit: int) -> int:
    """Return how many restrictions have their last day on that day or before."""
    count: int = await uow.fetch_value(
        "SELECT count(*) FROM (SELECT FROM privacy.restrictions "
        "WHERE destroyed_at IS NULL AND until_on <= :cutoff_on LIMIT :limit) AS due",
        cutoff_on=cutoff_on,
        limit=limit,
    )
    return count


async def lock_restricted(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[uuid.UUID]:
    """Return people whose last day is that day or before, locked, in the order of their ids."""
    rows = await uow.execute(
        """
        SELECT subject_id FROM privacy.restrictions
         WHERE destroyed_at IS NULL AND until_on <= :cutoff_on
         ORDER BY until_on, subject_id
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
        """,
        cutoff_on=cutoff_on,
        limit=limit,
    )
    return sorted(row.subject_id for row in rows)


async def put_off(
    uow: UnitOfWork, subject_id: uuid.UUID, data_classes: Sequence[str], until_on: date
) -> None:
    """Store that a person's data must be kept for longer."""
    await uow.execute(
        "UPDATE privacy.restrictions SET until_on = :until_on, "
        "data_classes = CAST(:data_classes AS text[]) WHERE subject_id = :subject_id",
        subject_id=subject_id,
        data_classes=list(data_classes),
        until_on=until_on,
    )


async def mark_destroyed(uow: UnitOfWork, subject_id: uuid.UUID, now: datetime) -> None:
    """Note that a restricted person's data is gone."""
    await uow.execute(
        "UPDATE privacy.restrictions SET destroyed_at = :now WHERE subject_id = :subject_id",
        subject_id=subject_id,
        now=now,
    )


async def insert_destruction(uow: UnitOfWork, evidence: Destruction) -> None:
    """Insert the evidence of a destruction."""
    await uow.execute(
        """
        INSERT INTO privacy.destructions (id, data_class, rule, cutoff_on, count, digest,
                                          destroyed_at)
        VALUES (:id, :data_class, :rule, :cutoff_on, :count, :digest, :destroyed_at)
        """,
        id=evidence.id,
        data_class=evidence.data_class,
        rule=evidence.rule,
        cutoff_on=evidence.cutoff_on,
        count=evidence.count,
        digest=evidence.digest,
        destroyed_at=evidence.destroyed_at,
    )


async def list_destructions(
    uow: UnitOfWork, before_id: uuid.UUID | None, limit: int
) -> tuple[Destruction, ...]:
    """Return evidence, newest first."""
    rows = await uow.execute(
        "SELECT id, data_class, rule, cutoff_on, count, digest, destroyed_at "
        "FROM privacy.destructions WHERE id < :before_id ORDER BY id DESC LIMIT :limit",
        before_id=before_id or _AFTER_ALL_IDS,
        limit=limit,
    )
    return tuple(Destruction(**row._asdict()) for row in rows)
