"""The poster: takes what is waiting, posts it as one batch, and answers only after the commit.

One caller's payment and a thousand callers' payments cost the database about the same number of
statements. Nothing waits for company: a batch is what came while the last one was on its way.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg

from huitong.kernel import idempotency, limits, logs, metrics
from huitong.kernel.database.unit_of_work import (
    Database,
    DatabaseUnavailable,
    find_sql_state,
    is_connection_lost,
)
from huitong.kernel.errors import Fault, Refusal
from huitong.kernel.idempotency import IdempotencyKeyReused, ReplyKey, StoredReply
from huitong.ledger.posting import AT_RISK_STATES, AtRisk, is_plain, post_exactly, post_fast
from huitong.ledger.types import Outcome, Request, Verdict

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_ATTEMPTS_MAX: Final = 8
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


class Writer(Protocol):
    """What a room adds to a batch: its own rows, and the answer to each caller."""

    def answer(self, payload: Any, outcome: Outcome) -> StoredReply:
        """Return the reply for one request, the same whenever it is asked for again."""
        ...

    async def write(
        self, connection: "Connection", posted: Sequence[tuple[Any, Outcome]]
    ) -> None:
        """Write the rows of requests that were newly posted, all at once."""
        ...


@dataclass(slots=True, eq=False)
class Job:
    """One caller's request in the queue.

    With a `key`, the reply is stored and given again; with a `writer`, the room's own rows for
    `payload` are written in the same transaction.
    """

    request: Request
    key: ReplyKey | None = None
    writer: Writer | None = None
    payload: Any = None
    future: "asyncio.Future[Answer]" = field(init=False)

    @property
    def size(self) -> int:
        """How many transfers it moves."""
        return len(self.request.entry.transfers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets: the outcome (None for a stored reply), and the reply if it has one."""

    outcome: Outcome | None
    reply: StoredReply | None


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
        self._wake()
        for waiting in list(self._idle):
            if not waiting.done():
                waiting.set_result(None)
        await asyncio.gather(*self._tasks)
        self._tasks = []

    def submit(self, job: Job) -> "asyncio.Future[Answer]":
        """Queue a job; the future has its answer after the commit.

        Raises QueueFull at once when too many wait, and IdempotencyKeyReused if the key is under
        way with other content. The future raises OutcomeUnknown, or IdempotencyKeyReused.
        """
        if job.key is not None:
            twin = self._under_way.get((job.key.scope, job.key.key))
            if twin is not None:
                return self._follow(twin, job.key)
        if len(self._queue) >= self._queue_max or self._is_stopping:
            metrics.POSTER_QUEUE_OVERFLOWS.inc()
            raise QueueFull("the posting queue is full; try again in a moment")
        job.future = asyncio.get_running_loop().create_future()
        if job.key is not None:
            self._under_way[job.key.scope, job.key.key] = job
        self._queue.append(job)
        self._wake()
        return job.future

    def _follow(self, twin: Job, key: ReplyKey) -> "asyncio.Future[Answer]":
        assert twin.key is not None
        if twin.key.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused.of(key)
        # A caller that gives up must not cancel the first one's answer.
        return asyncio.shield(twin.future)

    def _wake(self) -> None:
        while self._idle:
            waiting = self._idle.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    async def _run(self) -> None:
        connection: Connection | None = None
        try:
            while True:
                while not self._queue:
                    if self._is_stopping:
                        return
                    waiting = asyncio.get_running_loop().create_future()
                    self._idle.append(waiting)
                    await waiting
                connection = await self._post_safely(connection, self._take())
        finally:
            if connection is not None:
                await connection.close(timeout=1)

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
        self, connection: "Connection | None", jobs: list[Job]
    ) -> "Connection | None":
        """Post `jobs` and settle every one of their futures, whatever happens."""
        try:
            connection = await self._post(connection, jobs)
        except Exception as error:
            # An edge: the callers of a batch must hear of any failure, and the poster must live
            # on for the next batch.
            metrics.BUGS.labels("poster").inc()
            _log.exception("batch_failed", jobs=len(jobs))
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(error)
            if connection is not None and not connection.is_closed():
                await connection.close(timeout=1)
            connection = None
        finally:
            for job in jobs:
                if job.key is not None:
                    self._under_way.pop((job.key.scope, job.key.key), None)
                if job.future.done() and not job.future.cancelled():
                    # Nobody may be waiting any more; that is no reason for a warning.
                    job.future.exception()
        return connection

    async def _post(
        self, connection: "Connection | None", jobs: list[Job]
    ) -> "Connection | None":
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        is_exact = False
        attempt = 0
        while True:
            attempt += 1
            try:
                if connection is None or connection.is_closed():
                    connection = await self._database.connect()
                answers = await self._attempt(connection, jobs, is_exact=is_exact)
            except AtRisk:
                is_exact = True
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, Fault) as error:
                if isinstance(error, DatabaseUnavailable) or is_connection_lost(error):
                    # The commit may have arrived. The next try finds its own rows, if so.
                    is_exact = True
                    connection = await self._wait_for_database(connection, attempt, deadline)
                elif find_sql_state(error) in AT_RISK_STATES and not is_exact:
                    is_exact = True
                elif attempt >= _ATTEMPTS_MAX:
                    if len(jobs) == 1:
                        raise
                    return await self._split(connection, jobs)
            else:
                for job, answer in zip(jobs, answers, strict=True):
                    _settle(job, answer)
                return connection

    async def _split(self, connection: "Connection | None", jobs: list[Job]) -> "Connection | None":
        # One request that the database cannot take must not fail its companions.
        middle = len(jobs) // 2
        connection = await self._post_safely(connection, jobs[:middle])
        return await self._post_safely(connection, jobs[middle:])

    async def _wait_for_database(
        self, connection: "Connection | None", attempt: int, deadline: float
    ) -> None:
        if connection is not None:
            connection.terminate()
        if asyncio.get_running_loop().time() >= deadline:
            raise OutcomeUnknown(
                "the database cannot be reached; ask again with the same Idempotency-Key"
            )
        await asyncio.sleep(min(_PAUSE_SECONDS_MAX, 0.05 * 2 ** min(attempt, 5)))

    async def _attempt(
        self, connection: "Connection", jobs: list[Job], *, is_exact: bool
    ) -> "list[Answer | Refusal]":
        now = self._clock()
        if not any(job.key or job.writer or job.request.meters for job in jobs):
            return await self._attempt_bare(connection, jobs, now, is_exact=is_exact)
        async with connection.transaction():
            stored = await idempotency.find_replies(
                connection, [job.key for job in jobs if job.key is not None], now=now
            )
            open_jobs = [
                job for job in jobs if job.key is None or (job.key.scope, job.key.key) not in stored
            ]
            outcomes = await _post_requests(
                connection, [job.request for job in open_jobs], now, is_exact=is_exact
            )
            answers = await _write(connection, open_jobs, outcomes, now)
        return [
            answers[job]
            if job.key is None or (job.key.scope, job.key.key) not in stored
            else _replay(job.key, *stored[job.key.scope, job.key.key])
            for job in jobs
        ]

    async def _attempt_bare(
        self, connection: "Connection", jobs: list[Job], now: datetime, *, is_exact: bool
    ) -> "list[Answer | Refusal]":
        requests = [job.request for job in jobs]
        if not is_exact and is_plain(requests, now=now):
            # One statement is its own transaction: one round trip from request to commit.
            recorded_at = await post_fast(connection, requests)
            return [Answer(Outcome(Verdict.POSTED, recorded_at=recorded_at), None)] * len(jobs)
        async with connection.transaction():
            outcomes = await post_exactly(connection, requests, now=now)
        return [Answer(outcome, None) for outcome in outcomes]


async def _post_requests(
    connection: "Connection", requests: Sequence[Request], now: datetime, *, is_exact: bool
) -> list[Outcome]:
    if not requests:
        return []
    if is_exact or not is_plain(requests, now=now):
        return await post_exactly(connection, requests, now=now)
    recorded_at = await post_fast(connection, requests)
    return [Outcome(Verdict.POSTED, recorded_at=recorded_at)] * len(requests)


async def _write(
    connection: "Connection", jobs: Sequence[Job], outcomes: Sequence[Outcome], now: datetime
) -> "dict[Job, Answer | Refusal]":
    answers: dict[Job, Answer | Refusal] = {}
    replies: list[tuple[ReplyKey, StoredReply]] = []
    posted: dict[Writer, list[tuple[Any, Outcome]]] = {}
    for job, outcome in zip(jobs, outcomes, strict=True):
        reply = None
        if job.writer is not None:
            reply = job.writer.answer(job.payload, outcome)
            if outcome.verdict is Verdict.POSTED:
                posted.setdefault(job.writer, []).append((job.payload, outcome))
            if job.key is not None:
                replies.append((job.key, reply))
        answers[job] = Answer(outcome, reply)
    for writer, rows in posted.items():
        await writer.write(connection, rows)
    if replies:
        await idempotency.store_replies(connection, replies, now=now)
    return answers


def _replay(key: ReplyKey, fingerprint: bytes, reply: StoredReply) -> "Answer | Refusal":
    if fingerprint != key.fingerprint:
        return IdempotencyKeyReused.of(key)
    return Answer(None, reply)


def _settle(job: Job, answer: "Answer | Refusal") -> None:
    if job.future.done():
        return
    if isinstance(answer, Refusal):
        job.future.set_exception(answer)
    else:
        job.future.set_result(answer)
