"""SQL of grouping: links, who is in which open case, and cases that grow."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind
from huitong.risk.fraud.cases.links import Link, LinkType, Seen
from huitong.risk.fraud.cases.types import Alert, Case


async def lock_grouping(uow: UnitOfWork) -> None:
    """Hold grouping until the end: two at once could open two cases for one."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('risk.cases'))")


async def put_links(uow: UnitOfWork, links: Collection[Link], *, at: datetime) -> None:
    """Count that links were there once more, under both of their ends."""
    ends = sorted(
        (
            (a.kind.value, a.key, b.kind.value, b.key, link.type.value, is_forward)
            for link in links
            for a, b, is_forward in (
                (link.source, link.target, True),
                (link.target, link.source, False),
            )
        ),
    )
    if not ends:
        return
    columns = [list(each) for each in zip(*ends, strict=True)]
    await uow.execute(
        """
        INSERT INTO risk.links AS l
               (kind, key, other_kind, other_key, type, is_forward, first_at, last_at, times)
        SELECT n.*, :at, :at, 1
          FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bytea[]), CAST(:other_kinds AS text[]),
                      CAST(:other_keys AS bytea[]), CAST(:types AS text[]),
                      CAST(:forward AS boolean[])) AS n
        ON CONFLICT (kind, key, other_kind, other_key, type, is_forward) DO UPDATE
           SET first_at = least(l.first_at, excluded.first_at),
               last_at = greatest(l.last_at, excluded.last_at), times = l.times + 1
        """,
        kinds=columns[0],
        keys=columns[1],
        other_kinds=columns[2],
        other_keys=columns[3],
        types=columns[4],
        forward=columns[5],
        at=at,
    )


async def find_links(
    uow: UnitOfWork, entities: Sequence[Entity], *, since: datetime, each_max: int
) -> dict[Link, Seen]:
    """Return the links of entities that alerts told of since an instant, `each_max` of each."""
    rows = await uow.execute(
        """
        SELECT n.kind, n.key, l.other_kind, l.other_key, l.type, l.is_forward, l.first_at,
               l.last_at, l.times
          FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bytea[])) AS n(kind, key)
         CROSS JOIN LATERAL (SELECT * FROM risk.links f
                              WHERE f.kind = n.kind AND f.key = n.key AND f.last_at >= :since
                              LIMIT :each_max) l
        """,
        kinds=[each.kind.value for each in entities],
        keys=[each.key for each in entities],
        since=since,
        each_max=each_max,
    )
    found = {}
    for row in rows:
        one = Entity(EntityKind(row.kind), row.key)
        other = Entity(EntityKind(row.other_kind), row.other_key)
        source, target = (one, other) if row.is_forward else (other, one)
        found[Link(LinkType(row.type), source, target)] = Seen(
            times=row.times, first_at=row.first_at, last_at=row.last_at
        )
    return found


async def find_cases_of(
    uow: UnitOfWork,
    entities: Collection[Entity],
    *,
    actors: Collection[Entity],
    alerts_below: int,
) -> list[uuid.UUID]:
    """Return open cases with room that have some of the entities, or in which some actors act."""
    named = [(each, False) for each in entities] + [(each, True) for each in actors]
    rows = await uow.execute(
        """
        SELECT DISTINCT e.case_id
          FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bytea[]), CAST(:must_act AS boolean[]))
               AS n(kind, key, must_act)
          JOIN risk.case_entities e ON e.kind = n.kind AND e.key = n.key
           AND (e.is_actor OR NOT n.must_act)
          JOIN risk.cases c ON c.id = e.case_id AND c.state = 'open' AND c.alerts < :alerts_below
        """,
        kinds=[each.kind.value for each, _ in named],
        keys=[each.key for each, _ in named],
        must_act=[must_act for _, must_act in named],
        alerts_below=alerts_below,
    )
    return [row.case_id for row in rows]


async def open_case(uow: UnitOfWork, case_id: uuid.UUID, *, now: datetime) -> None:
    """Open a case, empty yet."""
    await uow.execute(
        "INSERT INTO risk.cases (id, opened_at, last_alert_at) VALUES (:id, :now, :now)",
        id=case_id,
        now=now,
    )


async def put_alert(uow: UnitOfWork, alert: Alert, case_id: uuid.UUID, *, weight: int) -> None:
    """Put an alert and who took part into a case; the case's own figures come afterwards."""
    await uow.execute(
        "UPDATE risk.alerts SET case_id = :case_id, weight = :weight WHERE decision_id = :id",
        id=alert.decision_id,
        case_id=case_id,
        weight=weight,
    )
    acting: dict[Entity, bool] = {
        each.entity: each.side.value == "actor" for each in alert.participants
    }
    await _put_entities(uow, case_id, acting)


async def _put_entities(uow: UnitOfWork, case_id: uuid.UUID, acting: Mapping[Entity, bool]) -> None:
    await uow.execute(
        """
        INSERT INTO risk.case_entities AS e (case_id, kind, key, is_actor)
        SELECT :case_id, n.kind, n.key, n.is_actor
          FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bytea[]), CAST(:acting AS boolean[]))
               AS n(kind, key, is_actor)
        ON CONFLICT (kind, key, case_id) DO UPDATE SET is_actor = true
         WHERE excluded.is_actor AND NOT e.is_actor
        """,
        case_id=case_id,
        kinds=[each.kind.value for each in acting],
        keys=[each.key for each in acting],
        acting=list(acting.values()),
    )


async def merge_case(uow: UnitOfWork, case: Case, into: uuid.UUID, *, now: datetime) -> None:
    """Move the alerts and entities of a case that is held to another one, and end it."""
    await uow.execute(
        "UPDATE risk.cases SET state = 'merged', merged_into = :into, alerts = 0, "
        "closed_at = greatest(:now, opened_at) WHERE id = :id",
        id=case.id,
        into=into,
        now=now,
    )
    await uow.execute(
        "UPDATE risk.alerts SET case_id = :into WHERE case_id = :id", id=case.id, into=into
    )
    await uow.execute(
        """
        INSERT INTO risk.case_entities AS e (case_id, kind, key, is_actor)
        SELECT :into, kind, key, is_actor FROM risk.case_entities WHERE case_id = :id
        ON CONFLICT (kind, key, case_id) DO UPDATE SET is_actor = true
         WHERE excluded.is_actor AND NOT e.is_actor
        """,
        id=case.id,
        into=into,
    )


async def summarise(uow: UnitOfWork, case_id: uuid.UUID) -> tuple[int, int, int]:
    """Return number of alerts, hardest action and largest weight of a case."""
    row = await uow.fetch_one(
        "SELECT count(*) AS alerts, max(action) AS action, max(weight) AS weight "
        "FROM risk.alerts WHERE case_id = :id",
        id=case_id,
    )
    assert row is not None
    return row.alerts, row.action, row.weight


async def grow_case(
    uow: UnitOfWork, case_id: uuid.UUID, *, alerts: int, priority: int, now: datetime
) -> None:
    """Write down how many alerts a case has now, and what that makes it."""
    await uow.execute(
        "UPDATE risk.cases SET alerts = :alerts, priority = :priority, "
        "last_alert_at = greatest(last_alert_at, :now) WHERE id = :id",
        id=case_id,
        alerts=alerts,
        priority=priority,
        now=now,
    )
