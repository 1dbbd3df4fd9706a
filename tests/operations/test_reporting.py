"""Processes tell what they counted, and their silence is heard."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huitong import operations
from huitong.kernel import limits
from huitong.kernel.answers import ANSWERS
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable
from huitong.kernel.rulebook import Rulebook
from huitong.operations import Entity, EntityKind, Reporter, SignalKind

NOW = datetime(2026, 11, 26, 4, 30, 30, tzinfo=UTC)
KEY = Entity(EntityKind.API_KEY, "key_" + "a1" * 16)


def make_reporter(database: Database, process: Any = "api", at: datetime = NOW) -> Reporter:
    return Reporter(database, Rulebook.load(), process, now=lambda: at)


async def count(database: Database, kind: SignalKind) -> int:
    async with database.reading() as uow:
        found: int = await uow.fetch_value(
            "SELECT coalesce(sum(count), 0)::bigint FROM operations.signals WHERE kind = :kind",
            kind=kind.value,
        )
    return found


async def test_what_many_processes_count_at_once_is_added_up(database: Database) -> None:
    reporters = [make_reporter(database) for _ in range(6)]
    others = [Entity(EntityKind.API_KEY, f"key_{number:032x}") for number in range(40)]
    for _ in range(3):
        for number, reporter in enumerate(reporters):
            # In an order of its own: the rows are locked in one order all the same.
            for entity in others if number % 2 else reversed(others):
                reporter.note(SignalKind.REUSED, entity)
        await asyncio.gather(*(reporter.flush() for reporter in reporters))
    assert await count(database, SignalKind.REUSED) == 6 * 3 * 40


async def test_what_could_not_be_written_is_written_later(database: Database) -> None:
    reporter = make_reporter(database)
    reporter.note(SignalKind.REUSED, KEY)
    reporter._database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        await reporter.flush()
    reporter.note(SignalKind.REUSED, KEY)
    reporter._database = database
    await reporter.flush()
    await reporter.flush()
    assert await count(database, SignalKind.REUSED) == 2


async def test_a_flood_of_entities_is_counted_and_not_kept(database: Database) -> None:
    counter = operations.SignalCounter(signals_max=10)
    for number in range(100):
        counter.note(SignalKind.REUSED, Entity(EntityKind.API_KEY, f"key_{number:032x}"))
    rows = counter.take()
    assert len(rows) == 11
    (dropped,) = [row for row in rows if row.kind is SignalKind.DROPPED]
    assert dropped.count == 90
    assert counter.take() == []


async def test_errors_and_slow_answers_come_from_what_was_answered(database: Database) -> None:
    reporter = make_reporter(database)
    for status, seconds in ((200, 0.01), (503, 0.01), (500, 2.0), (201, 3.0), (0, 1.0)):
        ANSWERS.note(status, seconds)
    await reporter.flush()
    await reporter.flush()
    assert await count(database, SignalKind.REQUESTS) == 5
    assert await count(database, SignalKind.SERVER_ERRORS) == 2
    assert await count(database, SignalKind.SLOW_ANSWERS) == 2


async def test_a_process_that_falls_silent_is_an_incident_once(
    database: Database, look: Any
) -> None:
    reporter = make_reporter(database)
    await reporter.flush()
    assert await look(NOW + timedelta(seconds=59)) == {}
    ((kind, name),) = await look(NOW + timedelta(seconds=61))
    assert (kind, name.partition(":")[0]) == ("watcher_silent", "api")
    assert await look(NOW + timedelta(seconds=63)) == {}


async def test_a_process_that_stops_in_order_is_not_missed(database: Database, look: Any) -> None:
    reporter = make_reporter(database)
    await reporter.start()
    await asyncio.sleep(0.2)
    reporter.note(SignalKind.REUSED, KEY)
    await reporter.stop()
    assert await count(database, SignalKind.REUSED) == 1
    assert await look(NOW + timedelta(seconds=61)) == {}


async def test_processes_find_that_nobody_evaluates_any_more(database: Database, look: Any) -> None:
    late = [make_reporter(database, at=NOW + timedelta(seconds=61)) for _ in range(3)]
    await asyncio.gather(*(each.check_evaluator() for each in late))
    async with database.reading() as uow:
        assert await operations.list_incidents(uow) == [], "there never was a worker"
    await look(NOW)
    await asyncio.gather(*(each.check_evaluator() for each in late))
    async with database.reading() as uow:
        (incident,) = await operations.list_incidents(uow)
        whole = await operations.get_incident(uow, incident.id)
    assert (incident.kind.value, incident.entity.name) == ("evaluator_silent", "worker")
    assert [each.step.value for each in whole.timeline] == ["opened"]


async def test_old_signals_are_deleted(database: Database, note: Any) -> None:
    await note(SignalKind.REUSED, KEY)
    after = NOW + timedelta(hours=limits.SIGNALS_KEPT_HOURS, minutes=-1)
    assert await database.run(lambda uow: operations.prune_signals(uow, now=after)) == 0
    later = after + timedelta(minutes=1)
    assert await database.run(lambda uow: operations.prune_signals(uow, now=later)) == 1
    assert await count(database, SignalKind.REUSED) == 0
