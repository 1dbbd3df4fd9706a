"""Counts of all processes become incidents and counter-measures."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huitong import operations
from huitong.kernel.database.unit_of_work import Database
from huitong.operations import (
    ChannelMeasures,
    CountermeasureKind,
    Entity,
    EntityKind,
    IncidentKind,
    IncidentState,
    Measured,
    Severity,
    SignalKind,
    StepKind,
)

NOW = datetime(2026, 11, 26, 4, 30, 30, tzinfo=UTC)
LOGIN = Entity(EntityKind.LOGIN, "lgn_" + "f6" * 16)
KEY = Entity(EntityKind.API_KEY, "key_" + "a1" * 16)
OTHER_KEY = Entity(EntityKind.API_KEY, "key_" + "b2" * 16)
SYSTEM_KEY = Entity(EntityKind.SYSTEM_KEY, "key_" + "c3" * 16)
ADDRESS = Entity(EntityKind.ADDRESS, "adr_" + "d4" * 16, "192.0.2.0/24")
STAFF = Entity(EntityKind.STAFF, "stf_" + "e5" * 16)


async def in_force(database: Database, at: Any = NOW) -> list[tuple[str, str]]:
    async with database.reading() as uow:
        found = await operations.list_countermeasures(uow, now=at)
    return sorted((each.entity.name, each.kind.value) for each in found)


async def test_one_failed_log_in_less_than_the_rule_says_is_nothing(
    note: Any, look: Any, database: Database
) -> None:
    await note(SignalKind.LOG_IN_FAILED, ADDRESS, 29)
    assert await look() == {}
    assert await in_force(database) == []


async def test_stuffing_brings_a_challenge_and_then_a_block(
    note: Any, look: Any, database: Database
) -> None:
    await note(SignalKind.LOG_IN_FAILED, ADDRESS, 30)
    first = (await look())["credential_stuffing", ADDRESS.name]
    assert first.severity is Severity.WARNING
    assert first.entity.network == "192.0.2.0/24"
    assert dict(first.evidence) == {
        "signal": "log_in_failed",
        "count": 30,
        "threshold": 30,
        "window_seconds": 600,
    }
    assert await in_force(database) == [(ADDRESS.name, "challenge")]

    await note(SignalKind.LOG_IN_FAILED, ADDRESS, 120, at=NOW + timedelta(seconds=40))
    second = (await look(NOW + timedelta(seconds=41)))["credential_stuffing", ADDRESS.name]
    assert (second.id, second.severity) == (first.id, Severity.CRITICAL)
    assert await in_force(database) == [(ADDRESS.name, "block"), (ADDRESS.name, "challenge")]

    async with database.reading() as uow:
        whole = await operations.get_incident(uow, first.id)
    assert [each.step for each in whole.timeline] == [
        StepKind.OPENED,
        StepKind.COUNTERMEASURE_TAKEN,
        StepKind.WORSENED,
        StepKind.COUNTERMEASURE_TAKEN,
    ]
    assert [each.kind for each in whole.actions] == [
        CountermeasureKind.CHALLENGE,
        CountermeasureKind.BLOCK,
    ]
    assert whole.actions[0].ends_at == NOW + timedelta(minutes=30)


async def test_looking_again_takes_nothing_twice(note: Any, look: Any, database: Database) -> None:
    await note(SignalKind.BAD_CREDENTIALS, ADDRESS, 500)
    for seconds in range(0, 10, 2):
        await look(NOW + timedelta(seconds=seconds))
    assert await in_force(database) == [(ADDRESS.name, "block")]
    async with database.reading() as uow:
        (incident,) = await operations.list_incidents(uow)
    assert incident.last_seen_at == NOW + timedelta(seconds=8)
    assert incident.opened_at == NOW


async def test_a_scraper_is_throttled_then_blocked_and_its_neighbour_is_not(
    note: Any, look: Any, database: Database
) -> None:
    await note(SignalKind.READ, KEY, things=6_800)
    await note(SignalKind.READ, OTHER_KEY, things=4_000)
    found = await look()
    assert set(found) == {("scraping", KEY.name)}
    assert found["scraping", KEY.name].evidence["different"] == pytest.approx(6_800, rel=0.1)
    assert await in_force(database) == [(KEY.name, "throttle")]
    await note(SignalKind.READ, KEY, things=18_000)
    await look()
    assert await in_force(database) == [(KEY.name, "block"), (KEY.name, "throttle")]


async def test_customers_read_fewer_things_than_shops(
    note: Any, look: Any, database: Database
) -> None:
    await note(SignalKind.READ, LOGIN, things=250)
    assert await look() == {}
    await note(SignalKind.READ, LOGIN, things=350)
    await look()
    assert await in_force(database) == [(LOGIN.name, "throttle")]


async def test_reading_one_thing_again_and_again_is_no_scraping(note: Any, look: Any) -> None:
    await asyncio.gather(*(note(SignalKind.READ, LOGIN, things=100) for _ in range(8)))
    assert await look() == {}


async def test_two_processes_that_saw_the_same_things_count_them_once(note: Any, look: Any) -> None:
    await asyncio.gather(*(note(SignalKind.NOT_FOUND, KEY, things=50) for _ in range(4)))
    assert await look() == {}
    await note(SignalKind.NOT_FOUND, KEY, things=70)
    assert set(await look()) == {("enumeration", KEY.name)}


@pytest.mark.parametrize("entity", [SYSTEM_KEY, STAFF])
async def test_nothing_is_done_by_machine_against_the_banks_own(
    note: Any, look: Any, database: Database, entity: Entity
) -> None:
    await note(SignalKind.NOT_FOUND, entity, things=400)
    assert set(await look()) == {("enumeration", entity.name)}
    assert await in_force(database) == []


async def test_replays_fuzzing_and_flooding_are_each_an_incident(note: Any, look: Any) -> None:
    await note(SignalKind.REUSED, KEY, 20)
    await note(SignalKind.MALFORMED, OTHER_KEY, 500)
    await note(SignalKind.LIMITED, ADDRESS, 2_000)
    assert set(await look()) == {
        ("replay", KEY.name),
        ("fuzzing", OTHER_KEY.name),
        ("flooding", ADDRESS.name),
    }


async def test_what_is_older_than_the_window_is_forgotten(note: Any, look: Any) -> None:
    await note(SignalKind.REUSED, KEY, 99)
    assert await look(NOW + timedelta(minutes=11)) == {}


async def test_what_was_lifted_or_resolved_is_not_held_against_anybody_again(
    note: Any, look: Any, database: Database
) -> None:
    await note(SignalKind.REUSED, KEY, 50)
    incident = (await look())["replay", KEY.name]
    (taken,) = (await _whole(database, incident.id)).actions
    soon = NOW + timedelta(seconds=5)
    await database.run(
        lambda uow: operations.lift_countermeasure(uow, taken.id, reason="a mistake", now=soon)
    )
    await database.run(
        lambda uow: operations.resolve_incident(uow, incident.id, resolution="a mistake", now=soon)
    )
    assert await look(NOW + timedelta(seconds=8)) == {}
    await note(SignalKind.REUSED, KEY, 50, at=NOW + timedelta(minutes=1))
    again = (await look(NOW + timedelta(minutes=1, seconds=5)))["replay", KEY.name]
    assert again.id != incident.id
    assert again.state is IncidentState.OPEN


async def test_two_who_evaluate_at_once_open_one_incident(
    note: Any, database: Database, policy: operations.Policy
) -> None:
    await note(SignalKind.REUSED, KEY, 500)

    async def evaluate() -> object:
        return await database.run(
            lambda uow: operations.evaluate(uow, policy=policy, measured=Measured(), now=NOW)
        )

    await asyncio.gather(*(evaluate() for _ in range(6)))
    async with database.reading() as uow:
        assert len(await operations.list_incidents(uow)) == 1
        rows = await uow.execute("SELECT kind FROM operations.countermeasures")
    assert [row.kind for row in rows] == ["block"]


async def test_a_channel_that_does_not_answer_is_an_incident(look: Any) -> None:
    def bank(**counts: int) -> Measured:
        return Measured(channels=[ChannelMeasures(name="bank", **counts)])

    assert await look(measured=bank(succeeded=10, refused=1, unanswered=1)) == {}
    assert await look(measured=bank(succeeded=0, refused=0, unanswered=2)) == {}
    found = await look(measured=bank(succeeded=3, refused=1, unanswered=2))
    incident = found["channel_failing", "channel:bank"]
    assert incident.severity is Severity.CRITICAL
    assert incident.evidence["unanswered"] == 2


async def test_errors_are_judged_by_their_share(note: Any, look: Any) -> None:
    api = Entity(operations.EntityKind.COMPONENT, "api")
    await note(SignalKind.REQUESTS, api, 40)
    await note(SignalKind.SERVER_ERRORS, api, 40)
    assert await look() == {}, "too few to say"
    await note(SignalKind.REQUESTS, api, 4_000)
    assert await look() == {}, "1 %"
    await note(SignalKind.SERVER_ERRORS, api, 41)
    await note(SignalKind.SLOW_ANSWERS, api, 202)
    assert set(await look()) == {("error_rate", "api"), ("slow_answers", "api")}


async def test_queues_and_failed_work_are_judged(look: Any) -> None:
    measured = Measured(outbox_waiting=10_000, outbox_parked=1, jobs_due=1_000, jobs_failed=2)
    assert set(await look(measured=measured)) == {
        ("backlog", "outbox"),
        ("backlog", "jobs"),
        ("failed_work", "outbox"),
        ("failed_work", "jobs"),
    }


async def test_books_that_differ_are_an_incident_with_the_invariants(database: Database) -> None:
    assert operations.find_books_differing({"balances": 0}) is None
    finding = operations.find_books_differing({"balances": 2, "lines": 0})
    assert finding is not None
    incident = await database.run(lambda uow: operations.report(uow, finding, now=NOW))
    assert incident.kind is IncidentKind.BOOKS_DIFFER
    assert dict(incident.evidence) == {"balances": 2}


async def _whole(database: Database, incident_id: Any) -> operations.Incident:
    async with database.reading() as uow:
        return await operations.get_incident(uow, incident_id)
