"""SQL of incidents, their timeline, and counter-measures."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.operations.types import (
    Countermeasure,
    CountermeasureKind,
    Entity,
    EntityKind,
    Finding,
    Incident,
    IncidentKind,
    IncidentState,
    Severity,
    Step,
    StepKind,
)

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_INCIDENTS: Final = """
    SELECT id, kind, severity, state, entity_kind, entity, network::text AS network,
           evidence::text AS evidence, opened_at, last_seen_at, acknowledged_at, acknowledged_by,
           resolved_at, resolved_by, resolution
      FROM operations.incidents
"""
_COUNTERMEASURES: Final = """
    SELECT c.id, c.incident_id, c.kind, c.entity_kind, c.entity, i.network::text AS network,
           c.taken_at, c.ends_at, c.lifted_at, c.lifted_by, c.lift_reason
      FROM operations.countermeasures c JOIN operations.incidents i ON i.id = c.incident_id
"""
# Whoever finds the same thing again finds its incident.
_PUT: Final = """
INSERT INTO operations.incidents AS i
       (id, kind, severity, entity_kind, entity, network, evidence, opened_at, last_seen_at)
VALUES (:id, :kind, :severity, :entity_kind, :entity, CAST(:network AS cidr),
        CAST(:evidence AS jsonb), :now, :now)
    ON CONFLICT (kind, entity_kind, entity) WHERE state <> 'resolved' DO UPDATE
   SET evidence = excluded.evidence, severity = least(i.severity, excluded.severity),
       last_seen_at = greatest(i.last_seen_at, excluded.last_seen_at),
       network = coalesce(excluded.network, i.network)
RETURNING id, kind, severity, state, entity_kind, entity, network::text AS network,
          evidence::text AS evidence, opened_at, last_seen_at, acknowledged_at, acknowledged_by,
          resolved_at, resolved_by, resolution, xmax = 0 AS is_new
"""


async def find_unresolved(uow: UnitOfWork, kind: IncidentKind, entity: Entity) -> Incident | None:
    """Return the incident of a kind that is not resolved for an entity, or None."""
    row = await uow.fetch_one(
        f"{_INCIDENTS} WHERE kind = :kind AND entity_kind = :entity_kind AND entity = :entity "
        "AND state <> 'resolved' FOR UPDATE",
        kind=kind.value,
        entity_kind=entity.kind.value,
        entity=entity.name,
    )
    return None if row is None else _read_incident(row)


async def put_incident(
    uow: UnitOfWork, finding: Finding, *, now: datetime
) -> tuple[Incident, bool]:
    """Open an incident, or bring the one that is there up to date; say whether it is new."""
    row = await uow.fetch_one(
        _PUT,
        id=uuid7(),
        kind=finding.kind.value,
        severity=finding.severity.value,
        entity_kind=finding.entity.kind.value,
        entity=finding.entity.name,
        network=finding.entity.network,
        evidence=json.dumps(dict(finding.evidence)),
        now=now,
    )
    assert row is not None
    return _read_incident(row), row.is_new


async def lock_incident(uow: UnitOfWork, incident_id: uuid.UUID) -> Incident | None:
    """Return an incident that nobody else can change now, or None."""
    row = await uow.fetch_one(f"{_INCIDENTS} WHERE id = :id FOR UPDATE", id=incident_id)
    return None if row is None else _read_incident(row)


async def find_incident(uow: UnitOfWork, incident_id: uuid.UUID) -> Incident | None:
    """Return an incident without its timeline and counter-measures, or None."""
    row = await uow.fetch_one(f"{_INCIDENTS} WHERE id = :id", id=incident_id)
    return None if row is None else _read_incident(row)


async def list_incidents(
    uow: UnitOfWork, states: Sequence[IncidentState], *, before_id: uuid.UUID | None, limit: int
) -> list[Incident]:
    """Return a page of incidents in some states, newest first."""
    rows = await uow.execute(
        f"{_INCIDENTS} WHERE state = ANY (CAST(:states AS text[])) AND id < :before_id "
        "ORDER BY id DESC LIMIT :limit",
        states=[state.value for state in states],
        before_id=before_id or _AFTER_ALL_IDS,
        limit=limit,
    )
    return [_read_incident(row) for row in rows]


async def acknowledge(uow: UnitOfWork, incident_id: uuid.UUID, *, by: str, now: datetime) -> None:
    """Note who looks after an incident."""
    await uow.execute(
        "UPDATE operations.incidents SET state = 'acknowledged', acknowledged_at = :now, "
        "acknowledged_by = :by WHERE id = :id",
        id=incident_id,
        by=by,
        now=now,
    )


async def resolve(
    uow: UnitOfWork, incident_id: uuid.UUID, *, by: str, resolution: str, now: datetime
) -> None:
    """Note how an incident ended."""
    await uow.execute(
        "UPDATE operations.incidents SET state = 'resolved', resolved_at = :now, "
        "resolved_by = :by, resolution = :resolution WHERE id = :id",
        id=incident_id,
        by=by,
        resolution=resolution,
        now=now,
    )


async def insert_step(
    uow: UnitOfWork,
    incident_id: uuid.UUID,
    step: StepKind,
    *,
    now: datetime,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write a line of an incident's timeline, in the caller's name."""
    await uow.execute(
        "INSERT INTO operations.incident_steps (id, incident_id, step, actor, details, at) "
        "VALUES (:id, :incident_id, :step, :actor, CAST(:details AS jsonb), :now)",
        id=uuid7(),
        incident_id=incident_id,
        step=step.value,
        actor=uow.caller.actor,
        details=json.dumps(dict(details or {})),
        now=now,
    )


async def list_steps(uow: UnitOfWork, incident_id: uuid.UUID) -> tuple[Step, ...]:
    """Return the timeline of an incident, from its beginning."""
    rows = await uow.execute(
        "SELECT step, actor, details::text AS details, at FROM operations.incident_steps "
        "WHERE incident_id = :id ORDER BY id LIMIT :limit",
        id=incident_id,
        limit=limits.INCIDENT_STEPS_READ_MAX,
    )
    return tuple(
        Step(step=StepKind(row.step), actor=row.actor, details=json.loads(row.details), at=row.at)
        for row in rows
    )


async def insert_countermeasure(uow: UnitOfWork, taken: Countermeasure) -> None:
    """Write down a counter-measure."""
    await uow.execute(
        """
        INSERT INTO operations.countermeasures
               (id, incident_id, kind, entity_kind, entity, taken_at, ends_at)
        VALUES (:id, :incident_id, :kind, :entity_kind, :entity, :taken_at, :ends_at)
        """,
        id=taken.id,
        incident_id=taken.incident_id,
        kind=taken.kind.value,
        entity_kind=taken.entity.kind.value,
        entity=taken.entity.name,
        taken_at=taken.taken_at,
        ends_at=taken.ends_at,
    )


async def lift_countermeasure(
    uow: UnitOfWork, countermeasure_id: uuid.UUID, *, by: str, reason: str, now: datetime
) -> None:
    """Note who ended a counter-measure before its time, and why."""
    await uow.execute(
        "UPDATE operations.countermeasures SET lifted_at = :now, lifted_by = :by, "
        "lift_reason = :reason WHERE id = :id",
        id=countermeasure_id,
        by=by,
        reason=reason,
        now=now,
    )


async def lock_countermeasure(
    uow: UnitOfWork, countermeasure_id: uuid.UUID
) -> Countermeasure | None:
    """Return a counter-measure that nobody else can change now, or None."""
    row = await uow.fetch_one(
        f"{_COUNTERMEASURES} WHERE c.id = :id FOR UPDATE OF c",
        id=countermeasure_id,
    )
    return None if row is None else _read_countermeasure(row)


async def list_in_force(
    uow: UnitOfWork, *, now: datetime, limit: int, before_id: uuid.UUID | None = None
) -> list[Countermeasure]:
    """Return a page of what is in force, newest first."""
    rows = await uow.execute(
        f"{_COUNTERMEASURES} WHERE c.lifted_at IS NULL AND c.ends_at > :now AND c.id < :before_id "
        "ORDER BY c.id DESC LIMIT :limit",
        now=now,
        before_id=before_id or _AFTER_ALL_IDS,
        limit=limit,
    )
    return [_read_countermeasure(row) for row in rows]


async def is_in_force(
    uow: UnitOfWork, kind: CountermeasureKind, entity: Entity, *, now: datetime
) -> bool:
    """Say whether a counter-measure of a kind holds against an entity."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM operations.countermeasures WHERE kind = :kind "
        "AND entity_kind = :entity_kind AND entity = :entity AND lifted_at IS NULL "
        "AND ends_at > :now)",
        kind=kind.value,
        entity_kind=entity.kind.value,
        entity=entity.name,
        now=now,
    )
    return found


async def list_countermeasures_of(
    uow: UnitOfWork, incident_id: uuid.UUID
) -> tuple[Countermeasure, ...]:
    """Return what was done for an incident, in order."""
    rows = await uow.execute(
        f"{_COUNTERMEASURES} WHERE c.incident_id = :id ORDER BY c.id LIMIT :limit",
        id=incident_id,
        limit=limits.INCIDENT_STEPS_READ_MAX,
    )
    return tuple(_read_countermeasure(row) for row in rows)


def _read_incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        kind=IncidentKind(row.kind),
        severity=Severity(row.severity),
        state=IncidentState(row.state),
        entity=Entity(EntityKind(row.entity_kind), row.entity, row.network),
        evidence=json.loads(row.evidence),
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        resolution=row.resolution,
    )


def _read_countermeasure(row: Row[Any]) -> Countermeasure:
    return Countermeasure(
        id=row.id,
        incident_id=row.incident_id,
        kind=CountermeasureKind(row.kind),
        entity=Entity(EntityKind(row.entity_kind), row.entity, row.network),
        taken_at=row.taken_at,
        ends_at=row.ends_at,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        lift_reason=row.lift_reason,
    )
