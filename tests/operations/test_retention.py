"""Addresses leave incidents when a rule's days are over; the incidents stay."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong import operations, privacy
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.operations import EntityKind

NOW = datetime(2026, 11, 26, 4, 30, 30, tzinfo=UTC)
ADDRESS = f"adr_{'0f' * 16}"
_INCIDENT = """
    INSERT INTO operations.incidents (id, kind, severity, state, entity_kind, entity, network,
                                      evidence, opened_at, last_seen_at, resolved_at, resolved_by,
                                      resolution)
    VALUES (:id, 'credential_stuffing', 'warning', :state, :kind, :entity, '203.0.113.0/24', '{}',
            :at, :at, :resolved_at, :by, :by)
"""
_MEASURE = """
    INSERT INTO operations.countermeasures (id, incident_id, kind, entity_kind, entity, taken_at,
                                            ends_at)
    VALUES (:id, :incident, 'block', :kind, :entity, :at, :ends_at)
"""


async def add_incident(
    database: Database,
    *,
    days_ago: int,
    kind: EntityKind = EntityKind.ADDRESS,
    entity: str = ADDRESS,
    is_resolved: bool = True,
    held_until: datetime | None = None,
) -> Any:
    incident_id, at = uuid7(), NOW - timedelta(days=days_ago)

    async def insert(uow: Any) -> None:
        await uow.execute(
            _INCIDENT,
            id=incident_id,
            state="resolved" if is_resolved else "open",
            kind=kind.value,
            entity=entity,
            at=at,
            resolved_at=at if is_resolved else None,
            by="stf_1" if is_resolved else None,
        )
        ends_at = held_until or at + timedelta(minutes=30)
        await uow.execute(
            _MEASURE, id=uuid7(), incident=incident_id, kind=kind.value, entity=entity, at=at,
            ends_at=ends_at,
        )  # fmt: skip

    await database.run(insert)
    return incident_id


async def destroy(database: Database) -> int:
    found = await database.run(
        lambda uow: privacy.destroy_due(uow, operations.IncidentAddresses(), now=NOW)
    )
    return 0 if found is None else int(found.count)


async def read(database: Database, incident_id: Any) -> tuple[str, str | None, str]:
    async with database.reading() as uow:
        row = await uow.fetch_one(
            "SELECT i.entity, i.network::text AS network, c.entity AS measured "
            "FROM operations.incidents i JOIN operations.countermeasures c "
            "ON c.incident_id = i.id WHERE i.id = :id",
            id=incident_id,
        )
    assert row is not None
    return row.entity, row.network, row.measured


async def test_an_address_goes_after_the_rules_days_and_the_incident_stays(
    database: Database,
) -> None:
    old = await add_incident(database, days_ago=186)
    young = await add_incident(database, days_ago=183)
    assert await destroy(database) == 1
    assert await read(database, old) == ("adr_removed", None, "adr_removed")
    assert await read(database, young) == (ADDRESS, "203.0.113.0/24", ADDRESS)
    assert await destroy(database) == 0, "once"


async def test_what_is_open_still_held_or_no_address_stays(database: Database) -> None:
    kept = [
        await add_incident(database, days_ago=400, is_resolved=False),
        await add_incident(database, days_ago=400, held_until=NOW + timedelta(days=1)),
        await add_incident(database, days_ago=400, kind=EntityKind.API_KEY, entity="key_1"),
    ]
    assert await destroy(database) == 0
    assert [(await read(database, each))[0] for each in kept] == [ADDRESS, ADDRESS, "key_1"]


@pytest.mark.parametrize(("change", "is_resolved"), [("adr_other", True), ("adr_removed", False)])
async def test_nothing_else_changes_whom_an_incident_is_about(
    database: Database, change: str, is_resolved: bool
) -> None:
    incident_id = await add_incident(database, days_ago=1, is_resolved=is_resolved)
    with pytest.raises(DBAPIError, match="for ever"):
        await database.run(
            lambda uow: uow.execute(
                "UPDATE operations.incidents SET entity = :entity WHERE id = :id",
                entity=change,
                id=incident_id,
            )
        )
