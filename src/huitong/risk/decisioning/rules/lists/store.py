"""SQL of lists."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind, ListEntry, ListKind

_FIND: Final = """
SELECT n.place, e.list
  FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS n(kind, key, place)
  JOIN risk.list_entries e ON e.kind = n.kind AND e.key = n.key AND e.removed_at IS NULL
 WHERE e.expires_at IS NULL OR e.expires_at > $3
"""
_ENTRIES: Final = """
    SELECT id, list, kind, key, reason, added_at, expires_at, removed_at FROM risk.list_entries
"""


async def find_listed(
    connection: DriverConnection, entities: Sequence[Entity], now: datetime
) -> list[tuple[int, ListKind]]:
    """Return the place in `entities` and the list of each entity that is on one now."""
    rows = await connection.fetch(
        _FIND, [each.kind.value for each in entities], [each.key for each in entities], now
    )
    return [(row["place"] - 1, ListKind(row["list"])) for row in rows]


@dataclass(frozen=True, slots=True)
class ChangedEntry:
    """An entry as it is since a revision."""

    revision: int
    list: ListKind
    kind: EntityKind
    key: bytes
    expires_at: datetime | None
    is_removed: bool


async def read_revision(uow: UnitOfWork) -> int:
    """Return the number of the latest change."""
    revision: int = await uow.fetch_value("SELECT revision FROM risk.list_news")
    return revision


async def list_changed(uow: UnitOfWork, *, after: int) -> list[ChangedEntry]:
    """Return the entries that have changed after a revision, in the order of their changes."""
    rows = await uow.execute(
        """
        SELECT revision, list, kind, key, expires_at, removed_at IS NOT NULL AS is_removed
          FROM risk.list_entries WHERE revision > :after ORDER BY revision, id
        """,
        after=after,
    )
    return [
        ChangedEntry(
            row.revision,
            ListKind(row.list),
            EntityKind(row.kind),
            row.key,
            row.expires_at,
            row.is_removed,
        )
        for row in rows
    ]


async def lock_lists(uow: UnitOfWork) -> None:
    """Hold all lists until the end: changes are rare, and come one after the other."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('risk.list_entries'))")


async def remove(
    uow: UnitOfWork, listed: ListKind, entity: Entity, *, by: uuid.UUID, now: datetime
) -> ListEntry | None:
    """Take an entity off a list, and return what stood there, expired or not."""
    row = await uow.fetch_one(
        """
        UPDATE risk.list_entries SET removed_at = :now, removed_by = :by
         WHERE list = :list AND kind = :kind AND key = :key AND removed_at IS NULL
        RETURNING id, list, kind, key, reason, added_at, expires_at, removed_at
        """,
        list=listed.value,
        kind=entity.kind.value,
        key=entity.key,
        by=by,
        now=now,
    )
    return None if row is None else _read(row)


async def insert(uow: UnitOfWork, entry: ListEntry, *, by: uuid.UUID) -> None:
    """Put an entity on a list."""
    await uow.execute(
        """
        INSERT INTO risk.list_entries (id, list, kind, key, reason, added_at, added_by, expires_at)
        VALUES (:id, :list, :kind, :key, :reason, :added_at, :by, :expires_at)
        """,
        id=entry.id,
        list=entry.list.value,
        kind=entry.entity.kind.value,
        key=entry.entity.key,
        reason=entry.reason,
        added_at=entry.added_at,
        by=by,
        expires_at=entry.expires_at,
    )


async def list_entries(
    uow: UnitOfWork, listed: ListKind, *, now: datetime, before_id: uuid.UUID, limit: int
) -> list[ListEntry]:
    """Return a page of what is on a list now, newest first."""
    rows = await uow.execute(
        f"""{_ENTRIES}
         WHERE list = :list AND removed_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
           AND id < :before_id
         ORDER BY id DESC LIMIT :limit""",
        list=listed.value,
        now=now,
        before_id=before_id,
        limit=limit,
    )
    return [_read(row) for row in rows]


def _read(row: Row[Any]) -> ListEntry:
    return ListEntry(
        id=row.id,
        list=ListKind(row.list),
        entity=Entity(EntityKind(row.kind), row.key),
        reason=row.reason,
        added_at=row.added_at,
        expires_at=row.expires_at,
        removed_at=row.removed_at,
    )
