"""The worker's part of the watch: what the rooms say of themselves becomes incidents."""

import uuid
from datetime import timedelta

import asyncpg
import pytest

from huitong import ledger, operations
from huitong.kernel import jobs
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable, DriverConnection
from huitong.wiring import watching


async def list_kinds(database: Database) -> dict[tuple[str, str], operations.Incident]:
    async with database.reading() as uow:
        found = await operations.list_incidents(uow)
    return {(each.kind.value, each.entity.name): each for each in found}


async def test_a_platform_that_is_well_has_no_incident(database: Database) -> None:
    now = SystemClock().now()
    await watching.evaluate(database, now)
    await watching.verify_books(database, now)
    assert await list_kinds(database) == {}
    async with database.reading() as uow:
        status = await watching.look(uow, now)
    assert status.is_well
    assert status.evaluated_at == now


async def test_jobs_that_failed_and_events_that_were_parked_are_seen(
    database: Database, owner_url: str
) -> None:
    now = SystemClock().now()
    await database.run(lambda uow: jobs.defer(uow, "tests.nobody_runs_this"))
    await database.run(lambda uow: jobs.defer(uow, "tests.later", run_at=now + timedelta(days=1)))
    connection = await asyncpg.connect(owner_url)
    await connection.execute(
        "UPDATE jobs.procrastinate_jobs SET status = 'failed' "
        "WHERE task_name = 'tests.nobody_runs_this'"
    )
    await connection.execute(
        "INSERT INTO kernel.outbox (id, topic, payload, parked_at) "
        "VALUES ($1, 'tests.Lost.v1', '{}', now())",
        uuid.uuid4(),
    )
    await connection.close()
    await watching.evaluate(database, now)
    found = await list_kinds(database)
    assert set(found) == {("failed_work", "jobs"), ("failed_work", "outbox")}
    async with database.reading() as uow:
        measured = (await watching.look(uow, now)).measured
    assert (measured.jobs_due, measured.jobs_failed, measured.outbox_parked) == (0, 1, 1)


async def test_books_that_do_not_tie_are_found_at_once_and_verified_once_a_day(
    database: Database, owner_url: str
) -> None:
    now = SystemClock().now()
    account = await database.run(
        lambda uow: ledger.ensure_system_account(
            uow, "test:cash", chart_code="1002.01", currency="CNY", name="Cash of the test"
        )
    )
    await watching.verify_books(database, now)
    assert await list_kinds(database) == {}
    connection = await asyncpg.connect(owner_url)
    await connection.execute(
        "UPDATE ledger.balances SET debits_posted = 100 WHERE account_id = $1", account.id
    )
    await connection.close()
    await watching.verify_books(database, now + timedelta(minutes=5))
    incident = (await list_kinds(database))["books_differ", "ledger"]
    assert (incident.severity, dict(incident.evidence)) == ("critical", {"untied_CNY": 1})
    # A day later everything is looked at, and which invariants are broken is known, too.
    await watching.verify_books(database, now + timedelta(hours=25))
    again = (await list_kinds(database))["books_differ", "ledger"]
    assert again.id == incident.id
    assert again.evidence["untied_CNY"] == 1
    assert len(again.evidence) > 1


class InterruptedDatabase(Database):
    """A database that goes away when the books are to be read."""

    async def connect(self) -> DriverConnection:
        raise DatabaseUnavailable("gone")


async def test_a_verification_that_was_interrupted_is_done_by_the_next_worker(
    database: Database, owner_url: str
) -> None:
    now = SystemClock().now()
    async with InterruptedDatabase(owner_url) as interrupted:
        with pytest.raises(DatabaseUnavailable):
            await watching.verify_books(interrupted, now)
    async with database.unit_of_work() as other:
        before = now - timedelta(hours=24)
        assert await operations.try_to_verify(other, before=before)
        # While one is at it no other begins.
        assert not await database.run(lambda uow: operations.try_to_verify(uow, before=before))
    later = now + timedelta(minutes=5)
    await watching.verify_books(database, later)
    async with database.reading() as uow:
        assert await uow.fetch_value("SELECT verified_at FROM operations.state") == later


async def test_the_workers_loops_have_the_watch(database: Database) -> None:
    names = [loop.name for loop in watching.WATCH_LOOPS]
    assert names == ["operations.evaluate", "operations.verify_books", "operations.prune_signals"]
    for loop in watching.WATCH_LOOPS:
        assert await loop.step(database, SystemClock().now()) is False
