"""People acknowledge, resolve and lift; the database keeps them to it."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong import operations
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.errors import InvalidField
from huitong.operations import (
    CountermeasureNotFound,
    CountermeasureOver,
    Entity,
    EntityKind,
    Incident,
    IncidentNotFound,
    IncidentState,
    IncidentStateConflict,
    SignalKind,
    StepKind,
)

NOW = datetime(2026, 11, 26, 4, 30, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=3)
KEY = Entity(EntityKind.API_KEY, "key_" + "a1" * 16)
STAFF = Caller(actor="stf_" + "e5" * 16)


@pytest.fixture
async def incident(note: Any, look: Any, database: Database) -> Incident:
    """A replay for which a key is throttled."""
    await note(SignalKind.REUSED, KEY, 20)
    found = (await look())["replay", KEY.name]
    async with database.reading() as uow:
        return await operations.get_incident(uow, found.id)


async def test_an_incident_goes_from_open_to_acknowledged_to_resolved(
    database: Database, incident: Incident
) -> None:
    seen = await database.run(
        lambda uow: operations.acknowledge_incident(uow, incident.id, now=LATER), STAFF
    )
    assert (seen.state, seen.acknowledged_by) == (IncidentState.ACKNOWLEDGED, STAFF.actor)
    with pytest.raises(IncidentStateConflict):
        await database.run(
            lambda uow: operations.acknowledge_incident(uow, incident.id, now=LATER), STAFF
        )
    done = await database.run(
        lambda uow: operations.resolve_incident(
            uow, incident.id, resolution=" their client was fixed ", now=LATER
        ),
        STAFF,
    )
    assert (done.state, done.resolution) == (IncidentState.RESOLVED, "their client was fixed")
    with pytest.raises(IncidentStateConflict):
        await database.run(
            lambda uow: operations.resolve_incident(uow, incident.id, resolution="x", now=LATER)
        )
    assert [(each.step, each.actor) for each in done.timeline] == [
        (StepKind.OPENED, "system"),
        (StepKind.COUNTERMEASURE_TAKEN, "system"),
        (StepKind.ACKNOWLEDGED, STAFF.actor),
        (StepKind.RESOLVED, STAFF.actor),
    ]
    async with database.reading() as uow:
        rows = await uow.execute(
            "SELECT action, actor FROM kernel.audit WHERE action LIKE 'operations.%' ORDER BY id"
        )
        events = await uow.execute("SELECT topic FROM kernel.outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("operations.acknowledge_incident", STAFF.actor),
        ("operations.resolve_incident", STAFF.actor),
    ]
    assert [row.topic for row in events] == [
        "operations.IncidentOpened.v1",
        "operations.CountermeasureTaken.v1",
    ]


async def test_two_who_lift_at_once_lift_once(database: Database, incident: Incident) -> None:
    (taken,) = incident.actions

    async def lift() -> object:
        return await database.run(
            lambda uow: operations.lift_countermeasure(
                uow, taken.id, reason="it was us", now=LATER
            ),
            STAFF,
        )

    outcomes = await asyncio.gather(*(lift() for _ in range(5)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, CountermeasureOver)]
    assert len(refused) == 4
    async with database.reading() as uow:
        whole = await operations.get_incident(uow, incident.id)
        assert await operations.list_countermeasures(uow, now=LATER) == []
    (lifted,) = whole.actions
    assert (lifted.lifted_by, lifted.lift_reason) == (STAFF.actor, "it was us")
    assert [each.step for each in whole.timeline].count(StepKind.COUNTERMEASURE_LIFTED) == 1


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "x" * 501])
async def test_a_reason_that_says_nothing_changes_nothing(
    database: Database, incident: Incident, text: str
) -> None:
    (taken,) = incident.actions
    with pytest.raises(InvalidField) as refused:
        await database.run(
            lambda uow: operations.lift_countermeasure(uow, taken.id, reason=text, now=LATER)
        )
    assert refused.value.field == "reason"
    with pytest.raises(InvalidField) as refused:
        await database.run(
            lambda uow: operations.resolve_incident(uow, incident.id, resolution=text, now=LATER)
        )
    assert refused.value.field == "resolution"
    async with database.reading() as uow:
        assert await operations.get_incident(uow, incident.id) == incident


async def test_what_is_over_or_never_was_cannot_be_lifted(
    database: Database, incident: Incident
) -> None:
    (taken,) = incident.actions
    with pytest.raises(CountermeasureOver):
        await database.run(
            lambda uow: operations.lift_countermeasure(
                uow, taken.id, reason="late", now=taken.ends_at
            )
        )
    with pytest.raises(CountermeasureNotFound):
        await database.run(
            lambda uow: operations.lift_countermeasure(
                uow, uuid.uuid4(), reason="nobody", now=LATER
            )
        )
    with pytest.raises(IncidentNotFound):
        await database.run(
            lambda uow: operations.acknowledge_incident(uow, uuid.uuid4(), now=LATER)
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operations.incident_steps SET actor = 'nobody'",
        "DELETE FROM operations.incident_steps",
        "UPDATE operations.countermeasures SET ends_at = ends_at + interval '1 day'",
        "UPDATE operations.countermeasures SET lifted_at = now()",
        "DELETE FROM operations.countermeasures",
        "DELETE FROM operations.incidents",
        "UPDATE operations.incidents SET state = 'resolved'",
        "UPDATE operations.incidents SET kind = 'scraping'",
        "UPDATE operations.countermeasures SET kind = 'block'",
    ],
)
async def test_the_database_refuses_what_no_command_does(
    database: Database, incident: Incident, statement: str
) -> None:
    with pytest.raises(DBAPIError):
        await database.run(lambda uow: uow.execute(statement))
    async with database.reading() as uow:
        assert await operations.get_incident(uow, incident.id) == incident


async def test_the_status_says_whether_somebody_must_come(
    database: Database, policy: operations.Policy, look: Any, note: Any
) -> None:
    async def status(at: datetime) -> operations.Status:
        async with database.reading() as uow:
            return await operations.get_status(
                uow, policy=policy, measured=operations.Measured(), now=at
            )

    assert not (await status(NOW)).is_evaluated
    await look()
    assert (await status(NOW)).is_well
    assert not (await status(NOW + timedelta(seconds=60))).is_well
    await note(SignalKind.REUSED, KEY, 20)
    await look()
    found = await status(NOW)
    assert not found.is_well
    assert [each.kind.value for each in found.incidents] == ["replay"]
    assert [each.kind.value for each in found.countermeasures] == ["throttle"]
