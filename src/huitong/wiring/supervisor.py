"""Keeps processes running: starts them, restarts the ones that die, stops them in order.

It knows nothing of Huitong's own processes; `platform` says what there is to run.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from huitong.kernel.errors import Fault
from huitong.wiring.lifeline import LIFELINE_VARIABLE

_LOG_BYTES_MAX: Final = 50 * 1024 * 1024
_DATABASE_CHECK_SECONDS: Final = 0.25


class SupervisionFailed(Fault):
    """A process dies again and again, so that restarting it helps nobody."""

    code = "supervision_failed"
    title = "A process cannot be kept running"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How patiently to restart: the pause doubles until a process has lived long enough."""

    pause_seconds_min: float = 0.1
    pause_seconds_max: float = 15.0
    stable_after_seconds: float = 5.0
    restarts_in_a_row_max: int = 12

    def pause_seconds(self, failures_in_a_row: int) -> float:
        """Return how long to wait before the next start after so many failures."""
        return min(self.pause_seconds_max, self.pause_seconds_min * 2.0 ** (failures_in_a_row - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPlan:
    """One process to keep running; equal `stop_rank`s stop together, lower ones first."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log_file: Path | None = None
    inherited_descriptors: tuple[int, ...] = ()
    stop_rank: int = 0
    stop_timeout_seconds: float = 25.0


class DatabaseKeeper(Protocol):
    """The database as the supervisor sees it; the calls block and run in a thread."""

    def is_running(self) -> bool:
        """Say whether the server lives."""

    def start(self) -> bool:
        """Start it; say whether its address changed, so that all children must start afresh."""

    def stop(self) -> None:
        """Stop it in order."""


@dataclass(slots=True)
class _Child:
    plan: ChildPlan
    process: asyncio.subprocess.Process | None = None
    failures_in_a_row: int = 0

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Runs `plans` and watches `database` until it is told to stop. Use one for one run."""

    plans: Sequence[ChildPlan]
    say: Callable[[str], None]
    database: DatabaseKeeper | None = None
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    _children: list[_Child] = field(default_factory=list, init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def find_pid(self, name: str) -> int | None:
        """Return the process id of the child `name`, or None while it does not run."""
        for child in self._children:
            if child.plan.name == name and child.process is not None:
                return child.process.pid if child.process.returncode is None else None
        return None

    def request_stop(self) -> None:
        """Begin to stop in order; a second call kills what has not stopped yet."""
        if self._stopping.is_set():
            for child in self._children:
                child.signal(signal.SIGKILL)
        self._stopping.set()

    async def run(self) -> None:
        """Keep everything running until `request_stop`, then stop the children, then the database.

        Raises SupervisionFailed, after stopping all the rest, if a process cannot be kept running.
        """
        self._children.extend(_Child(plan) for plan in self.plans)
        reader, writer = os.pipe()
        tasks = [
            asyncio.create_task(self._keep_child(child, reader), name=child.plan.name)
            for child in self._children
        ]
        if self.database is not None:
            tasks.append(asyncio.create_task(self._keep_database(self.database), name="database"))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            # A failed task ends the wait early: stop the others before its exception goes on.
            self._stopping.set()
            await self._stop_children()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            os.close(writer)
            os.close(reader)
            if self.database is not None:
                await asyncio.to_thread(self.database.stop)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _keep_child(self, child: _Child, lifeline: int) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            child.process = await _spawn(child.plan, lifeline)
            stopping = asyncio.create_task(self._stopping.wait())
            ended = asyncio.create_task(child.process.wait())
            await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if self._stopping.is_set():
                # `_stop_children` ends the process when its turn comes.
                ended.cancel()
                return
            lived_seconds = time.monotonic() - started
            await self._pause_after_failure(child, ended.result(), lived_seconds)

    async def _pause_after_failure(self, child: _Child, code: int, lived_seconds: float) -> None:
        if lived_seconds >= self.policy.stable_after_seconds:
            child.failures_in_a_row = 0
        child.failures_in_a_row += 1
        how = f"signal {-code}" if code < 0 else f"code {code}"
        log = f" Its log: {child.plan.log_file}" if child.plan.log_file else ""
        if child.failures_in_a_row > self.policy.restarts_in_a_row_max:
            raise SupervisionFailed(
                f"{child.plan.name} ended {child.failures_in_a_row} times in a row (last with "
                f"{how}).{log}",
                retryable=False,
            )
        pause = self.policy.pause_seconds(child.failures_in_a_row)
        self.say(f"{child.plan.name} ended with {how}; starting it again in {pause:.1f} s.{log}")
        await self._sleep(pause)

    async def _keep_database(self, database: DatabaseKeeper) -> None:
        failures = 0
        while not self._stopping.is_set():
            if await asyncio.to_thread(database.is_running):
                await self._sleep(_DATABASE_CHECK_SECONDS)
                continue
            self.say("The database has ended; starting it again.")
            try:
                has_moved = await asyncio.to_thread(database.start)
            except Fault as fault:
                failures += 1
                if failures > self.policy.restarts_in_a_row_max:
                    raise
                pause = self.policy.pause_seconds(failures)
                self.say(f"{fault.detail} Trying again in {pause:.1f} s.")
                await self._sleep(pause)
                continue
            failures = 0
            self.say("The database runs again.")
            if has_moved:
                # The children hold the old address; a new start makes them read the new one.
                for child in self._children:
                    child.signal(signal.SIGTERM)

    async def _stop_children(self) -> None:
        ranks = sorted({child.plan.stop_rank for child in self._children})
        for rank in ranks:
            of_rank = [child for child in self._children if child.plan.stop_rank == rank]
            await asyncio.gather(*(self._stop_child(child) for child in of_rank))

    async def _stop_child(self, child: _Child) -> None:
        if child.process is None or child.process.returncode is not None:
            return
        child.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(child.plan.stop_timeout_seconds):
                await child.process.wait()
        except TimeoutError:
            self.say(
                f"{child.plan.name} has not stopped in {child.plan.stop_timeout_seconds:.0f} s "
                "and is killed."
            )
            child.signal(signal.SIGKILL)
            await child.process.wait()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def run_to_end(plan: ChildPlan) -> int:
    """Run a process once and return its exit code."""
    process = await _spawn(plan, None)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise


async def _spawn(plan: ChildPlan, lifeline: int | None) -> asyncio.subprocess.Process:
    environment = dict(plan.environment)
    descriptors = plan.inherited_descriptors
    if lifeline is not None:
        environment[LIFELINE_VARIABLE] = str(lifeline)
        descriptors = (*descriptors, lifeline)
    log = _open_log(plan.log_file) if plan.log_file is not None else None
    try:
        return await asyncio.create_subprocess_exec(
            *plan.arguments,
            env=environment,
            pass_fds=descriptors,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which
            # then stops everybody in order.
            start_new_session=True,
        )
    finally:
        if log is not None:
            os.close(log)


def _open_log(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > _LOG_BYTES_MAX:
            path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
