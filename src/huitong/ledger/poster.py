"""The poster: takes what is waiting, posts it as one batch, and answers only after the commit.

One caller's payment and a thousand callers' payments cost the database about the same number of
statements. When nothing is on its way, nothing waits for company; otherwise a batch waits until it
is no smaller than those that are, or until they are back. A poster that works alone gives those
whom it has just answered a moment to ask again.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from huitong.kernel import limits, logs, metrics
from huitong.kernel.database.unit_of_work import (
    Database,
    DatabaseUnavailable,
    DriverConnection,
    find_sql_state,
    is_connection_lost,
)
from huitong.kernel.errors import Fault, LimitExceeded, Refusal
from huitong.kernel.idempotency import ReplyKey, ReplyRace, make_reuse_refusal
from huitong.ledger.batch import Answer, Deferred, Job, post_jobs
from huitong.ledger.posting import AT_RISK_STATES, AtRisk

#: Deadlock, serialisation failure, and an identifier that another process used in this moment:
#: the next try meets another world.
_CONFLICT_STATES: Final = frozenset({"40001", "40P01", "23505"})
_CONFLICTS_MAX: Final = 8
_PAUSE_SECONDS_MAX: Final = 1.0
_log = logs.get_logger(__name__)


class QueueFull(Fault):
    """More callers wait than the queue holds; nothing was done with this one."""

    code = "queue_full"
    title = "Too many payments are waiting"


class OutcomeUnknown(Fault):
    """The database went away for too long: the payment may or may not stand.

    Asking again with the same key, or with the same transfer ids, tells.
    """

    code = "outcome_unknown"
    title = "Whether it was done is not known yet"


class _Line:
    """One poster's connection: opened when it is needed, dropped after any doubt about it."""

    __slots__ = ("_connection", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: DriverConnection | None = None

    async def get(self, deadline: float) -> DriverConnection:
        if self._connection is None or self._connection.is_closed():
            async with asyncio.timeout_at(deadline):
                self._connection = await self._database.connect()
        return self._connection

    def drop(self) -> None:
        """Close without a farewell, which could wait for ever on a connection that is stuck."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._connection.close(timeout=1)


class Poster:
    """A queue with a maximum, and posters that empty it, each with a connection of its own."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime],
        posters: int = 2,
        queue_max: int = limits.QUEUE_REQUESTS_MAX,
        patience_seconds: float = limits.REQUEST_SECONDS_MAX,
    ) -> None:
        """Prepare `posters` of them; `patience_seconds` is how long a lost database is sought."""
        self._database = database
        self._clock = clock
        self._queue: deque[Job] = deque()
        self._queue_max = queue_max
        self._patience_seconds = patience_seconds
        self._posters = posters
        self._tasks: list[asyncio.Task[None]] = []
        self._idle: deque[asyncio.Future[None]] = deque()
        self._under_way: dict[tuple[str, str], Job] = {}
        self._busy = 0
        self._posting = 0
        #: How many requests the next batch waits for, and what ends that wait.
        self._gathered = 0
        self._gathering: asyncio.TimerHandle | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Start the posters; the database may still be down."""
        self._tasks = [
            asyncio.create_task(self._run(), name=f"poster-{number}")
            for number in range(self._posters)
        ]

    async def stop(self) -> None:
        """Post what is queued, answer it, and stop."""
        self._is_stopping = True
        for waiting in list(self._idle):
            if not waiting.done():
                waiting.set_result(None)
        await asyncio.gather(*self._tasks)
        self._tasks = []

    def submit(self, job: Job) -> "asyncio.Future[Answer]":
        """Queue a job; the future has its answer after the commit.

        Raises QueueFull at once when too many wait, IdempotencyKeyReused if the key is under way
        with other content, and LimitExceeded for an entry of more than ENTRY_TRANSFERS_MAX. The
        future raises OutcomeUnknown, or IdempotencyKeyReused. Cancelling it gives up the answer
        and not the payment.
        """
        if job.size > limits.ENTRY_TRANSFERS_MAX:
            raise LimitExceeded(
                f"an entry holds at most {limits.ENTRY_TRANSFERS_MAX} transfers, not {job.size}",
                field="transfers",
            )
        if job.key is not None:
            twin = self._under_way.get((job.key.scope, job.key.key))
            if twin is not None:
                return self._follow(twin, job.key)
        if len(self._queue) >= self._queue_max or self._is_stopping:
            metrics.POSTER_QUEUE_OVERFLOWS.inc()
            raise QueueFull("the posting queue is full; try again in a moment")
        if job.key is not None:
            self._under_way[job.key.scope, job.key.key] = job
        self._queue.append(job)
        self._wake()
        return job.add_waiter()

    def _follow(self, twin: Job, key: ReplyKey) -> "asyncio.Future[Answer]":
        assert twin.key is not None
        if twin.key.fingerprint != key.fingerprint:
            raise make_reuse_refusal(key)
        return twin.add_waiter()

    def _is_worth_a_batch(self) -> bool:
        """Whether what waits should go now.

        While others are posting, a batch smaller than theirs gains nothing: its few requests would
        cost the database as many statements as the many that arrive a moment later and then have
        to wait. So batches of one process are about equal, and while some are posted, the answers
        of the others go out and the next requests come in.
        """
        if not self._queue:
            return False
        waiting = len(self._queue)
        is_full = waiting >= self._gathered and waiting * self._busy >= self._posting
        return self._is_stopping or is_full

    def _gather(self, answered: int) -> None:
        """Let the next batch wait for most of those who were just answered, if they are many.

        Who pays one payment after the other is back in a moment. Without the wait the callers would
        fall into two halves, each posted while the other comes in, and a batch costs the database
        and this process nearly as much for the half as for all. Where several posters take turns,
        one waits as long as another posts.
        """
        if self._posters > 1 or answered < limits.BATCH_GATHER_REQUESTS_MIN or self._is_stopping:
            return
        wanted = len(self._queue) + answered - answered // limits.BATCH_GATHER_REQUESTS_MIN
        self._gathered = min(wanted, limits.BATCH_REQUESTS_MAX)
        loop = asyncio.get_running_loop()
        self._gathering = loop.call_later(limits.BATCH_GATHER_SECONDS_MAX, self._stop_gathering)

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering, self._gathered = None, 0
            self._wake()

    def _wake(self) -> None:
        if not self._is_worth_a_batch():
            return
        while self._idle:
            waiting = self._idle.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    async def _run(self) -> None:
        line = _Line(self._database)
        try:
            while True:
                while not self._is_worth_a_batch():
                    if self._is_stopping:
                        return
                    waiting = asyncio.get_running_loop().create_future()
                    self._idle.append(waiting)
                    await waiting
                deadline = asyncio.get_running_loop().time() + self._patience_seconds
                jobs = self._take()
                self._stop_gathering()
                self._busy += 1
                self._posting += len(jobs)
                try:
                    await self._post_safely(line, jobs, deadline)
                finally:
                    self._busy -= 1
                    self._posting -= len(jobs)
                self._gather(len(jobs))
                self._wake()
        finally:
            await line.close()

    def _take(self) -> list[Job]:
        jobs: list[Job] = []
        size = 0
        while self._queue and len(jobs) < limits.BATCH_REQUESTS_MAX:
            more = self._queue[0].size
            if jobs and size + more > limits.BATCH_TRANSFERS_MAX:
                break
            size += more
            jobs.append(self._queue.popleft())
        metrics.POSTER_QUEUE_DEPTH.set(len(self._queue))
        metrics.POSTER_BATCH_TRANSFERS.observe(size)
        return jobs

    async def _post_safely(
        self,
        line: _Line,
        jobs: list[Job],
        deadline: float,
        *,
        is_exact: bool = False,
        rounds: int = 0,
    ) -> None:
        """Post `jobs` and settle every one of their futures, whatever happens."""
        try:
            deferred = await self._post(line, jobs, deadline, is_exact=is_exact)
        except Exception as error:  # noqa: BLE001
            # An edge: the callers of a batch must hear of any failure, and the poster must live
            # on for the next batch.
            line.drop()
            if len(jobs) > 1 and not isinstance(error, OutcomeUnknown):
                # One request that nobody can post must not fail its companions.
                middle = len(jobs) // 2
                await self._post_safely(line, jobs[:middle], deadline)
                await self._post_safely(line, jobs[middle:], deadline)
            else:
                self._fail(jobs, error)
        else:
            if deferred and rounds < limits.DEFERRALS_MAX:
                await self._post_safely(line, deferred, deadline, is_exact=True, rounds=rounds + 1)
            elif deferred:
                # Each round settles one of them: whoever sends hundreds at once asks again.
                self._fail(deferred, QueueFull("others like it were refused; try again"))

    async def _post(
        self, line: _Line, jobs: list[Job], deadline: float, *, is_exact: bool
    ) -> list[Job]:
        """Post `jobs`, settle them, and return those that are left for the exact way."""
        losses = conflicts = 0
        while True:
            try:
                answers = await self._attempt(line, jobs, deadline, is_exact=is_exact)
            except AtRisk:
                is_exact = True
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, Fault) as error:
                state = find_sql_state(error)
                if isinstance(error, DatabaseUnavailable) or is_connection_lost(error):
                    line.drop()
                    losses += 1
                    await _wait_for_database(losses, deadline)
                elif state in _CONFLICT_STATES or isinstance(error, ReplyRace):
                    conflicts += 1
                    if conflicts > _CONFLICTS_MAX:
                        raise
                elif state not in AT_RISK_STATES or is_exact:
                    raise
                # After a lost connection the commit may have arrived: the exact way finds the
                # rows of the try before, if so.
                is_exact = True
            else:
                deferred: list[Job] = []
                for job, answer in zip(jobs, answers, strict=True):
                    if isinstance(answer, Deferred):
                        deferred.append(job)
                    else:
                        self._settle(job, answer)
                return deferred

    async def _attempt(
        self, line: _Line, jobs: Sequence[Job], deadline: float, *, is_exact: bool
    ) -> "list[Answer | Refusal | Deferred]":
        connection = await line.get(deadline)
        # A connection over which nothing comes any more would otherwise hold its callers for ever.
        watchdog = asyncio.get_running_loop().call_at(deadline, connection.terminate)
        try:
            return await post_jobs(connection, jobs, now=self._clock(), is_exact=is_exact)
        finally:
            watchdog.cancel()

    def _fail(self, jobs: Sequence[Job], error: Exception) -> None:
        if isinstance(error, Fault):
            _log.warning("batch_unsettled", jobs=len(jobs), code=error.code)
        else:
            metrics.BUGS.labels("poster").inc()
            _log.exception("batch_failed", jobs=len(jobs))
        for job in jobs:
            self._settle(job, error)

    def _settle(self, job: Job, answer: Answer | Exception) -> None:
        if job.key is not None:
            self._under_way.pop((job.key.scope, job.key.key), None)
        for waiter in job.waiters:
            if waiter.done():
                continue
            if isinstance(answer, Exception):
                waiter.set_exception(answer)
                # Nobody may be waiting any more; that is no reason for a warning.
                waiter.exception()
            else:
                waiter.set_result(answer)


async def _wait_for_database(losses: int, deadline: float) -> None:
    if asyncio.get_running_loop().time() >= deadline:
        raise OutcomeUnknown(
            "the database cannot be reached; ask again with the same Idempotency-Key"
        )
    await asyncio.sleep(min(_PAUSE_SECONDS_MAX, 0.05 * 2 ** min(losses, 5)))
