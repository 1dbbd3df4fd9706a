"""What people do with incidents and counter-measures, and how they see them."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import COUNTERMEASURE, INCIDENT, show_id
from huitong.operations.errors import (
    CountermeasureNotFound,
    CountermeasureOver,
    IncidentNotFound,
    IncidentStateConflict,
)
from huitong.operations.store import incidents as store
from huitong.operations.store.signals import bump_news
from huitong.operations.types import Countermeasure, Incident, IncidentState, StepKind


async def get_incident(uow: UnitOfWork, incident_id: uuid.UUID) -> Incident:
    """Return an incident with its counter-measures and timeline; raises IncidentNotFound."""
    return await _complete(uow, await store.find_incident(uow, incident_id), incident_id)


async def list_incidents(
    uow: UnitOfWork,
    *,
    states: Sequence[IncidentState] = tuple(IncidentState),
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[Incident]:
    """Return a page of incidents, newest first, without timelines; raises InvalidField."""
    _check_limit(limit)
    return await store.list_incidents(uow, states, before_id=before_id, limit=limit)


async def list_countermeasures(
    uow: UnitOfWork,
    *,
    now: datetime,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[Countermeasure]:
    """Return a page of the counter-measures in force, newest first; raises InvalidField."""
    _check_limit(limit)
    return await store.list_in_force(uow, now=now, before_id=before_id, limit=limit)


async def acknowledge_incident(
    uow: UnitOfWork, incident_id: uuid.UUID, *, now: datetime
) -> Incident:
    """Note that the caller looks after an incident; once.

    Raises IncidentNotFound and IncidentStateConflict.
    """
    incident = await store.lock_incident(uow, incident_id)
    if incident is not None and incident.state is not IncidentState.OPEN:
        raise IncidentStateConflict(f"It is {incident.state.value} already.")
    if incident is not None:
        await store.acknowledge(uow, incident_id, by=uow.caller.actor, now=now)
        await store.insert_step(uow, incident_id, StepKind.ACKNOWLEDGED, now=now)
        await _audit(uow, "operations.acknowledge_incident", show_id(INCIDENT, incident_id))
    return await get_incident(uow, incident_id)


async def resolve_incident(
    uow: UnitOfWork, incident_id: uuid.UUID, *, resolution: str, now: datetime
) -> Incident:
    """Note how an incident ended. Counter-measures go on until they end or are lifted.

    Raises IncidentNotFound, IncidentStateConflict and InvalidField.
    """
    told = _check_text(resolution, "resolution")
    incident = await store.lock_incident(uow, incident_id)
    if incident is not None and incident.state is IncidentState.RESOLVED:
        raise IncidentStateConflict("It is resolved already.")
    if incident is not None:
        await store.resolve(uow, incident_id, by=uow.caller.actor, resolution=told, now=now)
        details = {"resolution": told}
        await store.insert_step(uow, incident_id, StepKind.RESOLVED, now=now, details=details)
        await _audit(uow, "operations.resolve_incident", show_id(INCIDENT, incident_id))
    return await get_incident(uow, incident_id)


async def lift_countermeasure(
    uow: UnitOfWork, countermeasure_id: uuid.UUID, *, reason: str, now: datetime
) -> Countermeasure:
    """End a counter-measure before its time; processes learn of it within a second.

    What was counted until now is not held against the caller again. Raises CountermeasureNotFound,
    CountermeasureOver and InvalidField.
    """
    told = _check_text(reason, "reason")
    shown = show_id(COUNTERMEASURE, countermeasure_id)
    taken = await store.lock_countermeasure(uow, countermeasure_id)
    if taken is None:
        raise CountermeasureNotFound(f"There is no counter-measure {shown}.")
    if not taken.is_in_force(now):
        raise CountermeasureOver("It has ended, or was lifted.")
    by = uow.caller.actor
    await store.lift_countermeasure(uow, countermeasure_id, by=by, reason=told, now=now)
    details = {"countermeasure": shown, "kind": taken.kind.value, "reason": told}
    await store.insert_step(
        uow, taken.incident_id, StepKind.COUNTERMEASURE_LIFTED, now=now, details=details
    )
    await bump_news(uow)
    await _audit(uow, "operations.lift_countermeasure", shown)
    return replace(taken, lifted_at=now, lifted_by=by, lift_reason=told)


async def _complete(uow: UnitOfWork, incident: Incident | None, incident_id: uuid.UUID) -> Incident:
    if incident is None:
        raise IncidentNotFound(f"There is no incident {show_id(INCIDENT, incident_id)}.")
    return replace(
        incident,
        actions=await store.list_countermeasures_of(uow, incident_id),
        timeline=await store.list_steps(uow, incident_id),
    )


async def _audit(uow: UnitOfWork, action: str, subject: str) -> None:
    await audit.record(uow, action=action, subject=subject)


def _check_text(text: str, field: str) -> str:
    told = text.strip()
    if not 1 <= len(told) <= limits.INCIDENT_TEXT_LENGTH_MAX or not told.isprintable():
        raise InvalidField(
            f"must have 1 to {limits.INCIDENT_TEXT_LENGTH_MAX} printable characters", field=field
        )
    return told


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
