"""The worker process: runs the loops of `wiring.loops` and the jobs, and keeps them running.

An edge: whatever a step raises is written down and counted here, and the loop goes on.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from huitong import operations
from huitong.kernel import limits
from huitong.kernel.clock import Clock, ShiftedClock
from huitong.kernel.database.unit_of_work import (
    Database,
    DatabaseUnavailable,
    is_connection_lost,
)
from huitong.kernel.errors import Fault
from huitong.kernel.job_worker import make_app, run_worker
from huitong.kernel.logs import get_logger
from huitong.kernel.metrics import BUGS, FAULTS
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock
from huitong.wiring.loops import Loop, make_loops
from huitong.wiring.reactions import JOBS

__all__ = ["run", "run_all", "run_loop"]

_log = get_logger(__name__)

_BACK_OFF_SECONDS_MIN: Final = 0.2
_BACK_OFF_SECONDS_MAX: Final = 5.0
#: So often a worker looks whether somebody has put the clock forward.
_CLOCK_LOOK_SECONDS: Final = 0.2


async def run(settings: Settings) -> None:
    """Run all loops and the jobs until cancelled; what runs then may end first.

    Raises DatabaseNotConfigured if no database is known.
    """
    clock = make_clock(settings)
    loops = make_loops(settings)
    url = settings.database_app_url
    role = settings.database_app_role

    async with Database(url, role=role) as database:

        async def run_jobs() -> None:
            app = make_app(url, role=role, database=database, definitions=JOBS, clock=clock)
            await run_worker(app)

        reporter = operations.Reporter(database, Rulebook.load(), "worker", now=clock.now)
        _log.info("the worker starts", loops=[loop.name for loop in loops])
        await reporter.start()
        try:
            await run_all(database, loops, clock=clock, run_jobs=run_jobs)
        finally:
            await reporter.stop()


async def run_all(
    database: Database,
    loops: Sequence[Loop],
    *,
    clock: Clock,
    run_jobs: Callable[[], Awaitable[None]],
) -> None:
    """Run `loops` and `run_jobs` side by side until cancelled, then let each end its step.

    `run_jobs` is cancelled, which lets running jobs end, and is called again when it returns. After
    `limits.WORKER_STOP_SECONDS_MAX` everything is cut off; its transactions are rolled back.
    """
    stopping = asyncio.Event()
    steps = [
        asyncio.create_task(
            run_loop(loop, database, clock=clock, stopping=stopping), name=loop.name
        )
        for loop in loops
    ]
    jobs = asyncio.create_task(_keep_jobs_running(run_jobs, stopping), name="jobs")
    tasks = (*steps, jobs)
    try:
        # `wait`, unlike `gather`, leaves the tasks alone when it is cancelled itself.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stopping.set()
        jobs.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limits.WORKER_STOP_SECONDS_MAX):
                await asyncio.wait(tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _log.info("the worker has stopped")
    for task in done:
        # Only what no loop may outlive gets here, such as a lack of memory.
        task.result()


async def run_loop(
    loop: Loop, database: Database, *, clock: Clock, stopping: asyncio.Event
) -> None:
    """Run the loop's step until `stopping` is set; after failures pause longer and longer."""
    failures = 0
    while not stopping.is_set():
        pause = 0.0
        try:
            if not await loop.step(database, clock.now()):
                pause = loop.interval_seconds
            failures = 0
        except Exception as error:  # noqa: BLE001 - an edge: one loop's failure stops no other
            failures += 1
            _note_failure(loop.name, error, failures)
            pause = back_off_seconds(failures)
        await _pause(pause, clock, stopping)


async def _keep_jobs_running(
    run_jobs: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> None:
    failures = 0
    while not stopping.is_set():
        try:
            await run_jobs()
            failures = 0
        except Exception as error:  # noqa: BLE001 - an edge, as above
            failures += 1
            _note_failure("jobs", error, failures)
        # Also after it returned by itself: it does so when it has lost a connection.
        await _sleep(back_off_seconds(max(failures, 1)), stopping)


def back_off_seconds(failures: int) -> float:
    """Return the pause after so many failures in a row: it doubles, up to 5 seconds."""
    return min(_BACK_OFF_SECONDS_MAX, _BACK_OFF_SECONDS_MIN * 2.0 ** min(failures - 1, 10))


def _note_failure(name: str, error: Exception, failures: int) -> None:
    if isinstance(error, Fault) or is_connection_lost(error):
        code = error.code if isinstance(error, Fault) else DatabaseUnavailable.code
        FAULTS.labels(code).inc()
        _log.warning("a loop met a fault", loop=name, failures=failures, error=str(error))
        return
    BUGS.labels("worker").inc()
    _log.error("a loop failed", loop=name, failures=failures, exc_info=error)


async def _pause(seconds: float, clock: Clock, stopping: asyncio.Event) -> None:
    if not isinstance(clock, ShiftedClock):
        await _sleep(seconds, stopping)
        return
    # By the platform's time: what is due every minute is done when its clock is put forward.
    due = clock.now() + timedelta(seconds=seconds)
    await _sleep(min(seconds, _CLOCK_LOOK_SECONDS), stopping)
    while not stopping.is_set() and (left := (due - clock.now()).total_seconds()) > 0:
        await _sleep(min(left, _CLOCK_LOOK_SECONDS), stopping)


async def _sleep(seconds: float, stopping: asyncio.Event) -> None:
    if seconds <= 0:
        # The others get their turn also while there is more to do.
        await asyncio.sleep(0)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
