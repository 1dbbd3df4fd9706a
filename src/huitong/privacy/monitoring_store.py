"""All SQL of the monitoring of access: lookups, measures, alerts, cut viewers."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy.access_rules import Measure
from huitong.privacy.records import AccessAlert, Cut

# Any number that nothing else in this database locks.
_SCAN_LOCK: Final = 4_071_905
_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_MEASURES: Final[Mapping[Measure, str]] = {
    Measure.PEOPLE_IN_FULL: """
        SELECT viewer, CAST(count(DISTINCT subject_id) AS integer) AS reached
          FROM privacy.disclosures
         WHERE disclosed_at > :from_at AND disclosed_at <= :now
         GROUP BY viewer
    """,
    Measure.LOOKS_IN_ODD_HOURS: """
        SELECT viewer, CAST(count(*) AS integer) AS reached
          FROM (SELECT viewer, disclosed_at AS looked_at FROM privacy.disclosures
                 WHERE disclosed_at > :from_at AND disclosed_at <= :now
                 UNION ALL
                SELECT viewer, looked_at FROM privacy.lookups
                 WHERE looked_at > :from_at AND looked_at <= :now) AS looks
         WHERE extract(hour FROM looked_at AT TIME ZONE 'Asia/Shanghai') >= :odd_from
            OR extract(hour FROM looked_at AT TIME ZONE 'Asia/Shanghai') < :odd_until
         GROUP BY viewer
    """,
    Measure.UNRELATED_PEOPLE_IN_FULL: """
        SELECT viewer, CAST(count(DISTINCT subject_id) AS integer) AS reached
          FROM privacy.disclosures d
         WHERE disclosed_at > :from_at AND disclosed_at <= :now
           AND NOT EXISTS (
               SELECT FROM privacy.lookups l
                WHERE l.viewer = d.viewer AND l.subject_id = d.subject_id AND l.is_related
                  AND l.looked_at > :from_at AND l.looked_at <= :now)
         GROUP BY viewer
    """,
    Measure.SEARCHES_THAT_FOUND_NOBODY: """
        SELECT viewer, CAST(count(*) AS integer) AS reached
          FROM privacy.lookups
         WHERE kind = 'search' AND subject_id IS NULL
           AND looked_at > :from_at AND looked_at <= :now
         GROUP BY viewer
    """,
    Measure.SEARCHES_IN_SEQUENCE: """
        SELECT l.viewer, CAST(count(DISTINCT l.searched) AS integer) AS reached
          FROM privacy.lookups l
          JOIN privacy.lookups other ON other.viewer = l.viewer AND other.next = l.searched
         WHERE l.looked_at > :from_at AND l.looked_at <= :now
           AND other.looked_at > :from_at AND other.looked_at <= :now
         GROUP BY l.viewer
    """,
}
_RECENTLY_NAMED: Final = """
    SELECT DISTINCT viewer FROM privacy.alerts
     WHERE rule = :rule AND raised_at > :from_at AND viewer = ANY(CAST(:viewers AS text[]))
"""


async def insert_views(
    uow: UnitOfWork,
    views: Sequence[tuple[uuid.UUID, uuid.UUID, bool]],
    *,
    viewer: str,
    now: datetime,
) -> None:
    """Insert looks at people: of each its id, whose data it was, and whether it is related."""
    await uow.execute(
        """
        INSERT INTO privacy.lookups (id, viewer, kind, subject_id, is_related, looked_at)
        SELECT v.id, :viewer, 'view', v.subject_id, v.is_related, :looked_at
          FROM unnest(CAST(:ids AS uuid[]), CAST(:subject_ids AS uuid[]),
                      CAST(:related AS boolean[])) AS v (id, subject_id, is_related)
        """,
        ids=[view_id for view_id, _, _ in views],
        subject_ids=[subject_id for _, subject_id, _ in views],
        related=[is_related for _, _, is_related in views],
        viewer=viewer,
        looked_at=now,
    )


async def insert_search(
    uow: UnitOfWork,
    *,
    lookup_id: uuid.UUID,
    viewer: str,
    subject_id: uuid.UUID | None,
    is_related: bool,
    searched: bytes,
    following: bytes | None,
    now: datetime,
) -> None:
    """Insert a search, and whom it found."""
    await uow.execute(
        """
        INSERT INTO privacy.lookups (id, viewer, kind, subject_id, is_related, searched, next,
                                     looked_at)
        VALUES (:id, :viewer, 'search', :subject_id, :is_related, :searched, :next, :looked_at)
        """,
        id=lookup_id,
        viewer=viewer,
        subject_id=subject_id,
        is_related=is_related,
        searched=searched,
        next=following,
        looked_at=now,
    )


async def try_to_scan(uow: UnitOfWork) -> bool:
    """Say whether this transaction may scan: one at a time does."""
    locked: bool = await uow.fetch_value(
        "SELECT pg_try_advisory_xact_lock(:number)", number=_SCAN_LOCK
    )
    return locked


async def count_by_viewer(
    uow: UnitOfWork,
    measure: Measure,
    *,
    from_at: datetime,
    now: datetime,
    odd_hours: tuple[int, int],
) -> dict[str, int]:
    """Return how much of a measure each viewer reached after `from_at` and until `now`."""
    hours: dict[str, object] = {}
    if measure is Measure.LOOKS_IN_ODD_HOURS:
        hours = {"odd_from": odd_hours[0], "odd_until": odd_hours[1]}
    rows = await uow.execute(_MEASURES[measure], from_at=from_at, now=now, **hours)
    return {row.viewer: row.reached for row in rows}


async def find_recently_named(
    uow: UnitOfWork, rule: str, viewers: Iterable[str], from_at: datetime
) -> frozenset[str]:
    """Return those of `viewers` for whom a rule raised an alert after `from_at`."""
    rows = await uow.execute(_RECENTLY_NAMED, rule=rule, viewers=list(viewers), from_at=from_at)
    return frozenset(row.viewer for row in rows)


async def insert_alert(uow: UnitOfWork, alert: AccessAlert) -> None:
    """Insert an alert."""
    await uow.execute(
        """
        INSERT INTO privacy.alerts (id, rule, viewer, count, threshold, from_at, raised_at)
        VALUES (:id, :rule, :viewer, :count, :threshold, :from_at, :raised_at)
        """,
        id=alert.id,
        rule=alert.rule,
        viewer=alert.viewer,
        count=alert.count,
        threshold=alert.threshold,
        from_at=alert.from_at,
        raised_at=alert.raised_at,
    )


async def list_alerts(
    uow: UnitOfWork, *, viewer: str | None, before_id: uuid.UUID | None, limit: int
) -> tuple[AccessAlert, ...]:
    """Return alerts, newest first."""
    rows = await uow.execute(
        """
        SELECT id, rule, viewer, count, threshold, from_at, raised_at FROM privacy.alerts
         WHERE id < :before_id AND (CAST(:viewer AS text) IS NULL OR viewer = :viewer)
         ORDER BY id DESC
         LIMIT :limit
        """,
        viewer=viewer,
        before_id=before_id or _AFTER_ALL_IDS,
        limit=limit,
    )
    return tuple(AccessAlert(**row._asdict()) for row in rows)


async def insert_cut(
    uow: UnitOfWork,
    *,
    cut_id: uuid.UUID,
    viewer: str,
    alert_id: uuid.UUID | None,
    cut_by: str,
    now: datetime,
) -> bool:
    """Cut a viewer; False if they are cut already."""
    row = await uow.fetch_one(
        """
        INSERT INTO privacy.cut_viewers (id, viewer, alert_id, cut_by, cut_at)
        VALUES (:id, :viewer, :alert_id, :cut_by, :now)
            ON CONFLICT (viewer) WHERE lifted_at IS NULL DO NOTHING
        RETURNING id
        """,
        id=cut_id,
        viewer=viewer,
        alert_id=alert_id,
        cut_by=cut_by,
        now=now,
    )
    return row is not None


async def lock_cut(uow: UnitOfWork, viewer: str) -> Cut | None:
    """Return the cut that holds for a viewer, locked, or None."""
    row = await uow.fetch_one(
        "SELECT id, viewer, alert_id, cut_by, cut_at, lifted_by, lifted_at, reason "
        "FROM privacy.cut_viewers WHERE viewer = :viewer AND lifted_at IS NULL FOR UPDATE",
        viewer=viewer,
    )
    return None if row is None else _read_cut(row)


async def lift_cut(
    uow: UnitOfWork, cut_id: uuid.UUID, *, lifted_by: str, reason: str, now: datetime
) -> Cut:
    """Store that a cut was lifted, and return it."""
    row = await uow.fetch_one(
        """
        UPDATE privacy.cut_viewers SET lifted_by = :lifted_by, lifted_at = :now, reason = :reason
         WHERE id = :id
        RETURNING id, viewer, alert_id, cut_by, cut_at, lifted_by, lifted_at, reason
        """,
        id=cut_id,
        lifted_by=lifted_by,
        now=now,
        reason=reason,
    )
    assert row is not None, "the caller has locked it"
    return _read_cut(row)


async def list_cut(uow: UnitOfWork, limit: int) -> tuple[Cut, ...]:
    """Return the cuts that hold, oldest first."""
    rows = await uow.execute(
        "SELECT id, viewer, alert_id, cut_by, cut_at, lifted_by, lifted_at, reason "
        "FROM privacy.cut_viewers WHERE lifted_at IS NULL ORDER BY id LIMIT :limit",
        limit=limit,
    )
    return tuple(map(_read_cut, rows))


def _read_cut(row: Row[Any]) -> Cut:
    return Cut(**row._asdict())
