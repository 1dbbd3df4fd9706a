"""The worker's loops go on whatever happens, and stop when they are told to."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import asyncpg
import pytest

from huitong import ledger
from huitong.kernel import audit, idempotency, limits, outbox
from huitong.kernel.clock import FixedClock, ShiftedClock
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable
from huitong.kernel.idempotency import ReplyKey, StoredReply
from huitong.kernel.metrics import BUGS, FAULTS
from huitong.kernel.settings import Settings
from huitong.wiring.loops import LOOPS, Loop, make_loops
from huitong.worker import back_off_seconds, run, run_all, run_loop

_NOW = datetime(2100, 1, 31, 23, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class BellRung(outbox.Event):
    topic: ClassVar[str] = "tests.BellRung.v1"


class Steps:
    """A step that plays a list of outcomes, then stops the loop."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self.outcomes = list(outcomes)
        self.instants: list[datetime] = []
        self.begun = asyncio.Event()
        self.stopping = asyncio.Event()

    async def __call__(self, _database: Database, now: datetime) -> bool:
        self.begun.set()
        self.instants.append(now)
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            self.stopping.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def _run(steps: Steps, database: Database, interval_seconds: float = 0.0) -> None:
    loop = Loop("tests.loop", interval_seconds, steps)
    await run_loop(loop, database, clock=FixedClock(_NOW), stopping=steps.stopping)


def _step(name: str) -> Callable[[Database, datetime], Awaitable[bool]]:
    return next(loop.step for loop in LOOPS if loop.name == name)


async def _forever() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let pauses take no time, and say how long they would have been."""
    pauses: list[float] = []

    async def sleep(seconds: float, _stopping: asyncio.Event) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr("huitong.worker._sleep", sleep)
    return pauses


async def test_pauses_only_when_there_is_nothing_more(
    database: Database, quick: list[float]
) -> None:
    steps = Steps(True, True, False, False)

    await _run(steps, database, interval_seconds=7.0)

    assert quick == [0.0, 0.0, 7.0, 7.0]
    assert steps.instants == [_NOW] * 4


async def test_goes_on_at_once_when_the_clock_is_put_forward(
    database: Database, tmp_path: Path
) -> None:
    clock = ShiftedClock(tmp_path / "clock-shift")
    steps = Steps(False, False)
    loop = Loop("tests.loop", 3_600.0, steps)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(run_loop(loop, database, clock=clock, stopping=steps.stopping))
        await steps.begun.wait()
        clock.put_forward(timedelta(hours=1))
    first, second = steps.instants
    assert second - first >= timedelta(hours=1)


async def test_a_stop_ends_a_pause_by_a_clock_that_stands(
    database: Database, tmp_path: Path
) -> None:
    steps = Steps(False, False)
    loop = Loop("tests.loop", 3_600.0, steps)
    clock = ShiftedClock(tmp_path / "clock-shift")
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(run_loop(loop, database, clock=clock, stopping=steps.stopping))
        await steps.begun.wait()
        steps.stopping.set()
    assert len(steps.instants) == 1


async def test_backs_off_from_a_lost_database_and_goes_on(
    database: Database, quick: list[float]
) -> None:
    faults = FAULTS.labels("database_unavailable")
    before = faults._value.get()
    gone = DatabaseUnavailable("gone")
    cut = asyncpg.PostgresConnectionError("cut")

    await _run(Steps(gone, cut, gone, False, gone, False), database, interval_seconds=7.0)

    assert quick == [0.2, 0.4, 0.8, 7.0, 0.2, 7.0]
    assert faults._value.get() == before + 4


async def test_counts_a_bug_and_goes_on(database: Database, quick: list[float]) -> None:
    bugs = BUGS.labels("worker")
    before = bugs._value.get()

    await _run(Steps(ZeroDivisionError(), False), database, interval_seconds=7.0)

    assert quick == [0.2, 7.0]
    assert bugs._value.get() == before + 1


def test_backs_off_for_5_seconds_at_most() -> None:
    pauses = [back_off_seconds(failures) for failures in (1, 2, 3, 5, 6, 1_000)]
    assert pauses == [0.2, 0.4, 0.8, 3.2, 5.0, 5.0]


async def test_a_loop_that_waits_stops_at_once(database: Database) -> None:
    steps = Steps(False)

    await asyncio.wait_for(_run(steps, database, interval_seconds=3_600.0), timeout=30)

    assert steps.instants == [_NOW]


async def test_lets_a_step_end_when_it_is_told_to_stop(database: Database) -> None:
    started, released = asyncio.Event(), asyncio.Event()
    ended = []

    async def work(_database: Database, _now: datetime) -> bool:
        started.set()
        await released.wait()
        ended.append("work")
        return True

    worker = asyncio.ensure_future(
        run_all(
            database, [Loop("tests.work", 0.0, work)], clock=FixedClock(_NOW), run_jobs=_forever
        )
    )
    await started.wait()
    worker.cancel()
    asyncio.get_running_loop().call_soon(released.set)
    with pytest.raises(asyncio.CancelledError):
        await worker

    assert ended == ["work"]


async def test_cuts_off_a_step_that_does_not_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WORKER_STOP_SECONDS_MAX", 0)
    started = asyncio.Event()

    async def hang(_database: Database, _now: datetime) -> bool:
        started.set()
        await _forever()
        return True

    worker = asyncio.ensure_future(
        run_all(
            database, [Loop("tests.hang", 0.0, hang)], clock=FixedClock(_NOW), run_jobs=_forever
        )
    )
    await started.wait()
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(worker, timeout=30)


async def test_starts_the_jobs_again_when_they_end(database: Database, quick: list[float]) -> None:
    starts = 0
    enough = asyncio.Event()

    async def run_jobs() -> None:
        nonlocal starts
        starts += 1
        if starts == 2:
            raise DatabaseUnavailable("gone")
        if starts == 3:
            enough.set()
            await _forever()

    worker = asyncio.ensure_future(run_all(database, [], clock=FixedClock(_NOW), run_jobs=run_jobs))
    await enough.wait()
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker

    assert starts == 3
    assert quick == [0.2, 0.2]


def test_every_loop_has_a_name_of_its_own_and_a_pause() -> None:
    assert len({loop.name for loop in LOOPS}) == len(LOOPS)
    assert all(loop.interval_seconds > 0 for loop in LOOPS)


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.name)
async def test_every_step_finds_nothing_to_do_in_an_empty_database(
    database: Database, loop: Loop
) -> None:
    assert await loop.step(database, _NOW) is False


async def test_makes_partitions_from_the_last_month_to_two_ahead(database: Database) -> None:
    await _step("ledger.add_partitions")(database, _NOW)

    async with database.unit_of_work() as uow:
        added = await ledger.add_partitions(uow, now=_NOW + timedelta(days=31))
        names = await uow.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = CAST('ledger' AS regnamespace) "
            "AND relkind = 'r' AND relname LIKE 'transfers_2100_%' ORDER BY relname"
        )

    assert added == (date(2100, 4, 1), date(2100, 5, 1))
    assert [row[0] for row in names] == [f"transfers_2100_0{month}" for month in range(1, 6)]


async def test_many_workers_make_a_partition_once(database: Database) -> None:
    async def add() -> tuple[date, ...]:
        return await database.run(lambda uow: ledger.add_partitions(uow, now=_NOW, months_ahead=0))

    added = await asyncio.gather(*(add() for _ in range(5)))

    assert sorted(added) == [(), (), (), (), (date(2099, 12, 1), date(2100, 1, 1))]


async def test_delivers_and_prunes_what_is_due(database: Database) -> None:
    key = ReplyKey("key_1", "a", bytes(32))

    async def command(uow: object) -> StoredReply:
        return StoredReply(200, b"")

    await database.run(lambda uow: outbox.append(uow, [BellRung()]))
    await idempotency.once(
        database,
        key,
        command,
        now=_NOW - timedelta(days=2),
        render_refusal=lambda _: None,  # type: ignore[arg-type, return-value]
    )
    await _step("kernel.deliver_events")(database, _NOW)
    await _step("kernel.prune_replies")(database, _NOW)
    keep = timedelta(hours=limits.OUTBOX_KEEP_HOURS)
    await _step("kernel.prune_events")(database, _NOW + 2 * keep)

    async with database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM kernel.replies") == 0
        assert await uow.fetch_value("SELECT count(*) FROM kernel.outbox") == 0


async def test_seals_and_signs_the_audit_trail_and_keeps_the_note_in_the_home(
    database: Database, owner_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path).with_database(owner_url=owner_url, app_role="huitong_app")
    loops = {loop.name: loop.step for loop in make_loops(settings)}
    assert await loops["kernel.publish_audit_checkpoint"](database, _NOW) is False
    assert not (tmp_path / "audit-checkpoint.txt").exists()
    await database.run(lambda uow: audit.record(uow, action="test.do", subject="x"))

    assert await loops["kernel.seal_audit"](database, _NOW) is False
    assert await loops["kernel.publish_audit_checkpoint"](database, _NOW) is False

    note = (tmp_path / "audit-checkpoint.txt").read_text()
    assert note.split("\n")[1] == "1"
    async with database.unit_of_work() as uow:
        stored = await uow.fetch_value("SELECT note FROM kernel.audit_checkpoints")
    assert stored == note


def test_minors_are_checked_where_no_bank_channel_answers(owner_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path).with_database(owner_url=owner_url, app_role="huitong_app")
    assert settings.bank_channel_url is None
    assert "customers.check_minors" in {loop.name for loop in make_loops(settings)}


async def test_the_whole_worker_starts_works_and_stops(
    database: Database, owner_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path).with_database(owner_url=owner_url, app_role="huitong_app")
    await database.run(lambda uow: outbox.append(uow, [BellRung()]))

    worker = asyncio.ensure_future(run(settings))
    while not await _is_delivered(database):  # noqa: ASYNC110 - another process would not tell us
        await asyncio.sleep(0.02)
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker

    async with database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM jobs.procrastinate_workers") == 0


async def _is_delivered(database: Database) -> bool:
    async with database.unit_of_work() as uow:
        count: int = await uow.fetch_value(
            "SELECT (SELECT count(*) FROM kernel.outbox WHERE delivered_at IS NOT NULL) "
            "* (SELECT count(*) FROM jobs.procrastinate_workers)"
        )
    return count > 0
