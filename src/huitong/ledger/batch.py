"""One attempt at a batch of jobs: stored replies, what writers prepare, posting, what they write.

Everything happens in one transaction. What to do when it fails is the poster's business.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from huitong.kernel import idempotency
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.errors import Refusal
from huitong.kernel.idempotency import ReplyKey, StoredReply
from huitong.ledger.posting import is_plain, post_exactly, post_fast
from huitong.ledger.types import Outcome, Request, Verdict

#: A payment and its fee; what a writer prepares is of that order.
_UNPREPARED_SIZE: Final = 2


class Writer(Protocol):
    """What a room adds to a batch: what to post, its own rows, and the answer to each caller."""

    async def prepare(
        self, connection: DriverConnection, payloads: Sequence[Any], *, now: datetime
    ) -> Sequence[Request | Refusal]:
        """Return what to post for each payload, or why not; all reads for the batch at once.

        Called again when a batch is tried again: the same payload must keep its transfer ids.
        """
        ...

    def answer(self, payload: Any, result: Outcome | Refusal) -> StoredReply:
        """Return the reply for one request, the same whenever it is asked for again."""
        ...

    async def write(
        self, connection: DriverConnection, posted: Sequence[tuple[Any, Outcome]]
    ) -> None:
        """Write the rows of requests that were newly posted, all at once."""
        ...


@dataclass(slots=True, eq=False)
class Job:
    """One caller's place in the queue: a request to post, or a payload that a writer prepares.

    With a `key`, the reply is stored and given again. Only a job with a writer has a reply.
    """

    request: Request | None = None
    key: ReplyKey | None = None
    writer: Writer | None = None
    payload: Any = None
    future: "asyncio.Future[Answer]" = field(init=False)

    @property
    def size(self) -> int:
        """How many transfers it moves, or may move once it is prepared."""
        if self.request is None:
            return _UNPREPARED_SIZE
        return len(self.request.entry.transfers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets: the outcome (None for a stored reply), and the reply if it has one."""

    outcome: Outcome | None
    reply: StoredReply | None


async def post_jobs(
    connection: DriverConnection, jobs: Sequence[Job], *, now: datetime, is_exact: bool
) -> "list[Answer | Refusal]":
    """Post `jobs` in one transaction and return each one's answer after its commit.

    Stored replies are given again. Raises AtRisk or the driver's error: then nothing stands,
    unless the connection was lost.
    """
    if not any(job.key or job.writer or job.request is None for job in jobs):
        requests = [job.request for job in jobs if job.request is not None]
        if not any(request.meters for request in requests):
            return await _post_bare(connection, requests, now, is_exact=is_exact)
    async with connection.transaction():
        keys = [job.key for job in jobs if job.key is not None]
        stored = await idempotency.find_replies(connection, keys, now=now) if keys else {}
        results: dict[Job, Answer | Refusal] = {}
        for job in jobs:
            if job.key is not None and job.key in stored:
                known = stored[job.key]
                results[job] = known if isinstance(known, Refusal) else Answer(None, known)
        new_jobs = [job for job in jobs if job not in results]
        prepared = await _prepare(connection, new_jobs, now)
        outcomes = await _post_prepared(connection, prepared, now, is_exact=is_exact)
        results.update(await _write(connection, new_jobs, outcomes, now))
    return [results[job] for job in jobs]


async def _post_bare(
    connection: DriverConnection,
    requests: Sequence[Request],
    now: datetime,
    *,
    is_exact: bool,
) -> "list[Answer | Refusal]":
    if not is_exact and is_plain(requests, now=now):
        # One statement is its own transaction: one round trip from request to commit.
        recorded_at = await post_fast(connection, requests)
        return [Answer(Outcome(Verdict.POSTED, recorded_at=recorded_at), None)] * len(requests)
    async with connection.transaction():
        outcomes = await post_exactly(connection, requests, now=now)
    return [Answer(outcome, None) for outcome in outcomes]


async def _prepare(
    connection: DriverConnection, jobs: Sequence[Job], now: datetime
) -> "list[Request | Refusal]":
    """Return each job's request; writers prepare theirs, all of one writer's at once."""
    by_writer: dict[Writer, list[int]] = {}
    prepared: list[Request | Refusal | None] = [job.request for job in jobs]
    for place, job in enumerate(jobs):
        if job.request is None:
            assert job.writer is not None, "a job has a request or a writer that makes one"
            by_writer.setdefault(job.writer, []).append(place)
    for writer, places in by_writer.items():
        payloads = [jobs[place].payload for place in places]
        for place, made in zip(
            places, await writer.prepare(connection, payloads, now=now), strict=True
        ):
            prepared[place] = made
    return [each for each in prepared if each is not None]


async def _post_prepared(
    connection: DriverConnection,
    prepared: "Sequence[Request | Refusal]",
    now: datetime,
    *,
    is_exact: bool,
) -> "list[Outcome | Refusal]":
    requests = [each for each in prepared if isinstance(each, Request)]
    outcomes: list[Outcome] = []
    if requests and not is_exact and is_plain(requests, now=now):
        recorded_at = await post_fast(connection, requests)
        outcomes = [Outcome(Verdict.POSTED, recorded_at=recorded_at)] * len(requests)
    elif requests:
        outcomes = await post_exactly(connection, requests, now=now)
    remaining = iter(outcomes)
    return [next(remaining) if isinstance(each, Request) else each for each in prepared]


async def _write(
    connection: DriverConnection,
    jobs: Sequence[Job],
    results: "Sequence[Outcome | Refusal]",
    now: datetime,
) -> "dict[Job, Answer | Refusal]":
    """Write the rooms' rows and the replies; returns the answer to each job."""
    answers: dict[Job, Answer | Refusal] = {}
    replies: list[tuple[ReplyKey, StoredReply]] = []
    posted: dict[Writer, list[tuple[Any, Outcome]]] = {}
    for job, result in zip(jobs, results, strict=True):
        if job.writer is None:
            answers[job] = result if isinstance(result, Refusal) else Answer(result, None)
            continue
        reply = job.writer.answer(job.payload, result)
        answers[job] = Answer(None if isinstance(result, Refusal) else result, reply)
        if isinstance(result, Outcome) and result.verdict is Verdict.POSTED:
            posted.setdefault(job.writer, []).append((job.payload, result))
        if job.key is not None:
            replies.append((job.key, reply))
    for writer, rows in posted.items():
        await writer.write(connection, rows)
    if replies:
        await idempotency.store_replies(connection, replies, now=now)
    return answers
