"""Jobs commit with the rows that they belong to, are run once, and are repeated when they fail."""

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from huitong.kernel import audit, jobs, limits
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable, UnitOfWork
from huitong.kernel.errors import Conflict, Fault, InvalidField
from huitong.kernel.job_worker import make_app, retry_pause, run_worker
from huitong.kernel.jobs import FailedJobNotFound, JobContext, JobDefinition


class Seen:
    """A job that remembers how it was called and fails while `errors` last."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls: list[tuple[int, dict[str, object]]] = []
        self.context: JobContext | None = None
        self.called = asyncio.Event()

    async def __call__(self, context: JobContext, **arguments: object) -> None:
        self.context = context
        self.calls.append((context.attempt, arguments))
        if self.errors:
            raise self.errors.pop(0)

        async def command(uow: UnitOfWork) -> None:
            await audit.record(uow, action="test.run_job", subject=str(context.job_id))

        await context.database.run(command)
        self.called.set()

    def definition(self, **options: int) -> JobDefinition:
        return JobDefinition(name="tests.work", run=self, **options)  # type: ignore[arg-type]


def _make_app(database: Database, owner_url: str, *definitions: JobDefinition) -> App:
    return make_app(owner_url, role="huitong_app", database=database, definitions=definitions)


async def _work(database: Database, owner_url: str, *definitions: JobDefinition) -> None:
    await run_worker(_make_app(database, owner_url, *definitions), is_ending_when_idle=True)


async def _stop(worker: asyncio.Future[None]) -> None:
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker


async def _keep_working(app: App) -> None:
    """Start the worker again whenever it ends, as the worker process does."""
    while True:
        with contextlib.suppress(DatabaseUnavailable):
            await run_worker(app)


async def _defer(database: Database, **arguments: object) -> int:
    return await database.run(lambda uow: jobs.defer(uow, "tests.work", **arguments))


async def _list_waiting(database: Database) -> list[tuple[int, str, int]]:
    async with database.unit_of_work() as uow:
        rows = await uow.execute(
            "SELECT id, CAST(status AS text), attempts FROM jobs.procrastinate_jobs "
            "WHERE task_name = 'tests.work' ORDER BY id"
        )
    return [(row[0], row[1], row[2]) for row in rows]


async def _make_due(database: Database) -> None:
    async with database.unit_of_work() as uow:
        await uow.execute("UPDATE jobs.procrastinate_jobs SET scheduled_at = NULL")


async def _list_failed(database: Database) -> tuple[jobs.FailedJob, ...]:
    async with database.unit_of_work() as uow:
        return await jobs.list_failed(uow)


async def test_runs_a_job_with_its_arguments_and_forgets_it(
    database: Database, owner_url: str
) -> None:
    seen = Seen()
    order_id = uuid.UUID(int=5)
    job_id = await _defer(database, order_id=order_id, amount="10.50")

    await _work(database, owner_url, seen.definition())

    assert seen.calls == [(1, {"order_id": str(order_id), "amount": "10.50"})]
    assert seen.context is not None
    assert (seen.context.job_id, seen.context.planned_at) == (job_id, None)
    assert await _list_waiting(database) == []
    async with database.unit_of_work() as uow:
        assert [each.subject for each in await audit.list_records(uow)] == [str(job_id)]


async def test_commits_with_the_rows_of_its_transaction(database: Database) -> None:
    async def command(uow: UnitOfWork) -> None:
        await audit.record(uow, action="test.do", subject="x")
        await jobs.defer(uow, "tests.work")

    await database.run(command)

    assert [row[1:] for row in await _list_waiting(database)] == [("todo", 0)]


async def test_is_rolled_back_with_the_rows_of_its_transaction(
    database: Database, owner_url: str
) -> None:
    seen = Seen()

    async def command(uow: UnitOfWork) -> None:
        await jobs.defer(uow, "tests.work")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(command)
    await _work(database, owner_url, seen.definition())

    assert seen.calls == []
    assert await _list_waiting(database) == []


async def test_waits_until_it_is_time(database: Database, owner_url: str) -> None:
    seen = Seen()
    job_id = await _defer(database, run_at=datetime(2100, 1, 1, tzinfo=UTC))

    await _work(database, owner_url, seen.definition())
    early = list(seen.calls)
    await _make_due(database)
    await _work(database, owner_url, seen.definition())

    assert early == []
    assert seen.calls == [(1, {})]
    assert job_id not in [row[0] for row in await _list_waiting(database)]


async def test_tries_again_after_a_fault(database: Database, owner_url: str) -> None:
    seen = Seen(Fault("no answer"), ValueError("a bug"))
    job_id = await _defer(database)

    states = []
    for _ in range(3):
        await _work(database, owner_url, seen.definition())
        states.append(await _list_waiting(database))
        await _make_due(database)

    assert [attempt for attempt, _ in seen.calls] == [1, 2, 3]
    assert states == [[(job_id, "todo", 1)], [(job_id, "todo", 2)], []]
    assert await _list_failed(database) == ()


async def test_keeps_a_job_that_failed_too_often_for_staff(
    database: Database, owner_url: str
) -> None:
    seen = Seen(ValueError("first"), ValueError("second\0"))
    job_id = await _defer(database, number=1)

    for _ in range(3):
        await _work(database, owner_url, seen.definition(attempts_max=2))
        await _make_due(database)
    (failed,) = await _list_failed(database)

    assert len(seen.calls) == 2
    assert (failed.id, failed.name, failed.arguments) == (job_id, "tests.work", {"number": 1})
    assert (failed.attempts, failed.error) == (2, "ValueError: second")


@pytest.mark.parametrize("error", [Conflict("no"), Fault("gone for good", retryable=False)])
async def test_does_not_repeat_what_would_be_refused_again(
    database: Database, owner_url: str, error: Exception
) -> None:
    seen = Seen(error)
    job_id = await _defer(database)

    await _work(database, owner_url, seen.definition())

    assert [failed.id for failed in await _list_failed(database)] == [job_id]
    assert len(seen.calls) == 1


async def test_repeats_a_failed_job_when_staff_ask(database: Database, owner_url: str) -> None:
    seen = Seen(Conflict("no"))
    job_id = await _defer(database)
    await _work(database, owner_url, seen.definition())

    async with database.unit_of_work() as uow:
        await jobs.repeat_failed(uow, job_id, now=datetime(2026, 1, 1, tzinfo=UTC))
    await _work(database, owner_url, seen.definition())

    assert [attempt for attempt, _ in seen.calls] == [1, 1]
    assert await _list_failed(database) == ()
    async with database.unit_of_work() as uow:
        actions = [each.action for each in await audit.list_records(uow)]
    assert actions == ["test.run_job", "kernel.repeat_failed_job"]


async def test_refuses_to_repeat_a_job_that_has_not_failed(database: Database) -> None:
    job_id = await _defer(database)

    async with database.unit_of_work() as uow:
        with pytest.raises(FailedJobNotFound):
            await jobs.repeat_failed(uow, job_id, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert await _list_waiting(database) == [(job_id, "todo", 0)]


async def test_two_workers_run_each_job_once(database: Database, owner_url: str) -> None:
    seen = Seen()
    ids = {await _defer(database) for _ in range(20)}

    await asyncio.gather(*(_work(database, owner_url, seen.definition()) for _ in range(2)))

    async with database.unit_of_work() as uow:
        subjects = [each.subject for each in await audit.list_records(uow)]
    assert sorted(map(int, subjects)) == sorted(ids)


async def test_runs_the_job_of_a_worker_that_died(database: Database, owner_url: str) -> None:
    seen = Seen()
    job_id = await _defer(database)
    async with database.unit_of_work() as uow:
        await uow.execute("UPDATE jobs.procrastinate_jobs SET status = 'doing'")
        await jobs.defer(uow, "kernel.rescue_stalled_jobs")

    await _work(database, owner_url, seen.definition())
    await _work(database, owner_url, seen.definition())

    assert seen.calls == [(2, {})]
    assert seen.context is not None
    assert seen.context.job_id == job_id


async def test_gives_up_a_job_that_ends_its_worker_each_time(
    database: Database, owner_url: str
) -> None:
    job_id = await _defer(database)
    async with database.unit_of_work() as uow:
        await uow.execute(
            "UPDATE jobs.procrastinate_jobs SET status = 'doing', attempts = :attempts",
            attempts=limits.JOB_ATTEMPTS_MAX - 1,
        )
        await jobs.defer(uow, "kernel.rescue_stalled_jobs")

    await _work(database, owner_url, Seen().definition())

    (failed,) = await _list_failed(database)
    assert (failed.id, failed.error) == (job_id, "the worker ended while the job ran")


async def test_runs_a_periodic_job_for_its_planned_instant(
    database: Database, owner_url: str
) -> None:
    seen = Seen()
    definition = JobDefinition(name="tests.tick", run=seen, cron="* * * * *")

    worker = asyncio.ensure_future(run_worker(_make_app(database, owner_url, definition)))
    await seen.called.wait()
    await _stop(worker)

    assert seen.calls == [(1, {})]
    assert seen.context is not None
    planned_at = seen.context.planned_at
    assert planned_at is not None
    assert (planned_at.second, planned_at.microsecond) == (0, 0)
    assert timedelta(0) <= seen.context.now - planned_at < timedelta(minutes=2)


async def test_lets_a_running_job_end_when_the_worker_stops(
    database: Database, owner_url: str
) -> None:
    started, released = asyncio.Event(), asyncio.Event()
    await _defer(database)

    async def work(_context: JobContext) -> None:
        started.set()
        await released.wait()

    definition = JobDefinition(name="tests.work", run=work)
    worker = asyncio.ensure_future(run_worker(_make_app(database, owner_url, definition)))
    await started.wait()
    asyncio.get_running_loop().call_later(0.1, released.set)
    await _stop(worker)

    assert await _list_waiting(database) == []


async def test_goes_on_after_its_connections_were_cut(database: Database, owner_url: str) -> None:
    seen = Seen()
    worker = asyncio.ensure_future(_keep_working(_make_app(database, owner_url, seen.definition())))
    await _defer(database)
    await seen.called.wait()
    seen.called.clear()

    owner = await asyncpg.connect(owner_url)
    cut = await owner.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'huitong jobs'"
    )
    await owner.close()
    await _defer(database)
    await seen.called.wait()
    await _stop(worker)

    assert cut >= 2
    assert len(seen.calls) == 2


async def test_says_that_the_database_is_gone(
    database: Database, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _make_app(database, owner_url)

    async def lose(**_: object) -> None:
        raise ConnectorException from OSError("connection refused")

    monkeypatch.setattr(app, "run_worker_async", lose)

    with pytest.raises(DatabaseUnavailable) as unavailable:
        await run_worker(app)
    assert unavailable.value.detail == "connection refused"


@pytest.mark.parametrize("limit", [0, limits.PAGE_SIZE_MAX + 1])
async def test_refuses_a_bad_page(database: Database, limit: int) -> None:
    async with database.unit_of_work() as uow:
        with pytest.raises(InvalidField) as refused:
            await jobs.list_failed(uow, limit=limit)
    assert refused.value.field == "limit"


def test_pauses_double_up_to_an_hour() -> None:
    assert [retry_pause(attempt).total_seconds() for attempt in (1, 2, 3, 11, 12, 99)] == [
        2,
        4,
        8,
        2_048,
        3_600,
        3_600,
    ]
