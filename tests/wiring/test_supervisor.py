"""The supervisor restarts what dies, gives up on what cannot live, and stops in order."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from huitong.wiring.supervisor import (
    ChildPlan,
    RestartPolicy,
    SupervisionFailed,
    Supervisor,
    run_to_end,
)

QUICK = RestartPolicy(pause_seconds_min=0.01, pause_seconds_max=0.02, restarts_in_a_row_max=3)
WAITS_FOR_TERM = (
    "import signal, sys, time\n"
    "def end(*_): print('ended', NAME, file=open(PATH, 'a')); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "print('started', NAME, file=open(PATH, 'a'))\n"
    "time.sleep(60)\n"
)


def plan_for(name: str, journal: Path, program: str = WAITS_FOR_TERM, rank: int = 0) -> ChildPlan:
    return ChildPlan(
        name=name,
        arguments=(sys.executable, "-c", f"NAME={name!r}; PATH={str(journal)!r}\n{program}"),
        environment=dict(os.environ),
        stop_rank=rank,
        stop_timeout_seconds=10,
    )


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        # What is waited for happens in another process, which cannot set an event of ours.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def read(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


class FakeDatabase:
    """A database that runs until the test says that it does not."""

    def __init__(self, *, moves: bool = False) -> None:
        self.calls: list[str] = []
        self.lives = True
        self.moves = moves

    def is_running(self) -> bool:
        return self.lives

    def start(self) -> bool:
        self.calls.append("start")
        self.lives = True
        return self.moves

    def stop(self) -> None:
        self.calls.append("stop")


async def test_restarts_a_killed_child(tmp_path: Path) -> None:
    journal, said = tmp_path / "journal", list[str]()
    supervisor = Supervisor(plans=[plan_for("api", journal)], say=said.append, policy=QUICK)
    running = asyncio.create_task(supervisor.run())
    await wait_for(lambda: read(journal) == ["started api"])
    first = supervisor.find_pid("api")
    assert first is not None

    os.kill(first, signal.SIGKILL)
    await wait_for(lambda: read(journal) == ["started api", "started api"])

    second = supervisor.find_pid("api")
    assert second not in (None, first)
    supervisor.request_stop()
    await running
    assert read(journal)[2:] == ["ended api"]
    assert supervisor.find_pid("api") is None
    assert said == ["api ended with signal 9; starting it again in 0.0 s."]


async def test_stops_children_in_order_and_the_database_last(tmp_path: Path) -> None:
    journal, database = tmp_path / "journal", FakeDatabase()
    plans = [plan_for("worker", journal, rank=1), plan_for("api", journal, rank=0)]
    supervisor = Supervisor(plans=plans, say=lambda _line: None, database=database)
    running = asyncio.create_task(supervisor.run())
    await wait_for(lambda: len(read(journal)) == 2)

    supervisor.request_stop()
    await running

    assert read(journal)[2:] == ["ended api", "ended worker"]
    assert database.calls == ["stop"]


async def test_gives_up_on_a_child_that_never_lives_and_stops_the_rest(tmp_path: Path) -> None:
    journal, said, database = tmp_path / "journal", list[str](), FakeDatabase()
    plans = [plan_for("good", journal), plan_for("bad", journal, "raise SystemExit(7)")]
    supervisor = Supervisor(plans=plans, say=said.append, database=database, policy=QUICK)

    with pytest.raises(SupervisionFailed, match=r"bad ended 4 times in a row \(last with code 7\)"):
        await supervisor.run()

    assert len(said) == 3
    assert supervisor.find_pid("good") is None
    assert database.calls == ["stop"]


async def test_kills_a_child_that_ignores_the_request_when_asked_twice(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    program = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('started', NAME, file=open(PATH, 'a'))\ntime.sleep(60)\n"
    )
    supervisor = Supervisor(plans=[plan_for("deaf", journal, program)], say=lambda _line: None)
    running = asyncio.create_task(supervisor.run())
    await wait_for(lambda: read(journal) == ["started deaf"])

    supervisor.request_stop()
    await asyncio.sleep(0)
    supervisor.request_stop()
    await running

    assert supervisor.find_pid("deaf") is None


async def test_starts_a_dead_database_again(tmp_path: Path) -> None:
    journal, database = tmp_path / "journal", FakeDatabase()
    supervisor = Supervisor(
        plans=[plan_for("api", journal)], say=lambda _line: None, database=database, policy=QUICK
    )
    running = asyncio.create_task(supervisor.run())
    await wait_for(lambda: read(journal) == ["started api"])

    database.lives = False
    await wait_for(lambda: database.calls == ["start"])

    assert read(journal) == ["started api"]
    supervisor.request_stop()
    await running
    assert database.calls == ["start", "stop"]


async def test_starts_the_children_afresh_when_the_database_has_moved(tmp_path: Path) -> None:
    journal, database = tmp_path / "journal", FakeDatabase(moves=True)
    supervisor = Supervisor(
        plans=[plan_for("api", journal)], say=lambda _line: None, database=database, policy=QUICK
    )
    running = asyncio.create_task(supervisor.run())
    await wait_for(lambda: read(journal) == ["started api"])

    database.lives = False
    await wait_for(lambda: read(journal) == ["started api", "ended api", "started api"])

    supervisor.request_stop()
    await running


async def test_children_end_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    child = (
        "import time\nfrom huitong.wiring.lifeline import watch_lifeline\nwatch_lifeline()\n"
        "import os; print(os.getpid(), file=open(PATH, 'a'))\ntime.sleep(60)\n"
    )
    parent = (
        "import asyncio, os, sys\n"
        "from huitong.wiring.supervisor import ChildPlan, Supervisor\n"
        "plan = ChildPlan(name='api', arguments=(sys.executable, '-c', sys.argv[1]),"
        " environment=dict(os.environ))\n"
        "asyncio.run(Supervisor(plans=[plan], say=print).run())\n"
    )
    child = f"PATH={str(journal)!r}\n{child}"
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", parent, child)
    await wait_for(lambda: len(read(journal)) == 1)
    orphan = psutil.Process(int(read(journal)[0]))

    supervisor.kill()
    await supervisor.wait()

    await wait_for(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)


async def test_returns_the_exit_code_and_keeps_the_output_in_a_file(tmp_path: Path) -> None:
    plan = ChildPlan(
        name="once",
        arguments=(sys.executable, "-c", "print('hello'); raise SystemExit(4)"),
        environment=dict(os.environ),
        log_file=tmp_path / "log" / "once.log",
    )
    assert await run_to_end(plan) == 4
    assert (tmp_path / "log" / "once.log").read_text() == "hello\n"


def test_doubles_the_pause_up_to_a_maximum() -> None:
    policy = RestartPolicy(pause_seconds_min=0.5, pause_seconds_max=3)
    assert [policy.pause_seconds(failures) for failures in range(1, 6)] == [0.5, 1, 2, 3, 3]
