"""Opening incidents and taking counter-measures, each with its line in the timeline."""

from datetime import datetime, timedelta

from huitong.kernel import outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import COUNTERMEASURE, show_id, uuid7
from huitong.operations.events import CountermeasureTaken, IncidentOpened
from huitong.operations.store import incidents as store
from huitong.operations.store.signals import bump_news
from huitong.operations.types import (
    ACTED_AGAINST,
    Countermeasure,
    CountermeasureKind,
    Finding,
    Incident,
    Severity,
    StepKind,
)


async def report(uow: UnitOfWork, finding: Finding, *, now: datetime) -> Incident:
    """Open an incident for a finding, or bring the unresolved one up to date; return it."""
    before = await store.find_unresolved(uow, finding.kind, finding.entity)
    incident, is_new = await store.put_incident(uow, finding, now=now)
    if is_new:
        await store.insert_step(
            uow, incident.id, StepKind.OPENED, now=now, details=dict(finding.evidence)
        )
        event = IncidentOpened(
            incident_id=incident.id,
            kind=finding.kind.value,
            severity=finding.severity.value,
            entity_kind=finding.entity.kind.value,
            entity=finding.entity.name,
            opened_at=now,
        )
        await outbox.append(uow, [event])
    elif before is not None and before.severity is not incident.severity:
        assert incident.severity is Severity.CRITICAL, "an incident never gets less severe"
        await store.insert_step(
            uow, incident.id, StepKind.WORSENED, now=now, details=dict(finding.evidence)
        )
    return incident


async def act(
    uow: UnitOfWork,
    incident: Incident,
    kind: CountermeasureKind,
    *,
    hold: timedelta,
    now: datetime,
) -> Countermeasure | None:
    """Take a counter-measure against an incident's entity for `hold`.

    None where it holds already, or where the platform does not act by itself. The caller must be
    the only one who evaluates.
    """
    entity = incident.entity
    if entity.kind not in ACTED_AGAINST:
        return None
    if await store.is_in_force(uow, kind, entity, now=now):
        return None
    taken = Countermeasure(
        id=uuid7(),
        incident_id=incident.id,
        kind=kind,
        entity=entity,
        taken_at=now,
        ends_at=now + hold,
    )
    await _record(uow, taken)
    return taken


async def _record(uow: UnitOfWork, taken: Countermeasure) -> None:
    now = taken.taken_at
    await store.insert_countermeasure(uow, taken)
    details = {
        "countermeasure": show_id(COUNTERMEASURE, taken.id),
        "kind": taken.kind.value,
        "ends_at": taken.ends_at.isoformat(),
    }
    await store.insert_step(
        uow, taken.incident_id, StepKind.COUNTERMEASURE_TAKEN, now=now, details=details
    )
    event = CountermeasureTaken(
        countermeasure_id=taken.id,
        incident_id=taken.incident_id,
        kind=taken.kind.value,
        entity_kind=taken.entity.kind.value,
        entity=taken.entity.name,
        ends_at=taken.ends_at,
    )
    await outbox.append(uow, [event])
    await bump_news(uow)
