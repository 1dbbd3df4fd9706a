"""One attempt at a batch of jobs: stored replies, what writers prepare, posting, what they write.

Everything happens in one transaction. What to do when it fails is the poster's business.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from huitong.kernel import idempotency
from huitong.kernel.database.statement import Statement, join_statements
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.errors import Refusal
from huitong.kernel.idempotency import ReplyKey, StoredReply
from huitong.ledger.posting import AtRisk, is_plain, make_fast_statement, post_exactly
from huitong.ledger.types import Outcome, Request, TransferKind, Verdict

#: A payment and its fee; what a writer prepares is of that order.
_UNPREPARED_SIZE: Final = 2


@dataclass(frozen=True, slots=True)
class Waiting:
    """In the place of a request: refused if another payload's is posted, else asked for again."""

    refusal: Refusal
    rival: Any


class Writer(Protocol):
    """What a room adds to a batch: what to post, its own rows, and the answer to each caller."""

    async def prepare(
        self, connection: DriverConnection, payloads: Sequence[Any], *, now: datetime
    ) -> Sequence[Request | Refusal | Waiting]:
        """Return what to post for each payload, or why not; all reads for the batch at once.

        What depends on the fate of another payload of the batch is Waiting.

        May be called outside a transaction: it reads, and writes nothing. Called again when a
        batch is tried again: the same payload must keep its transfer ids.
        """
        ...

    def answer(self, payload: Any, result: Outcome | Refusal) -> StoredReply:
        """Return the reply for one request, the same whenever it is asked for again."""
        ...

    def list_statements(self, posted: Sequence[Any], refused: Sequence[Any]) -> Sequence[Statement]:
        """Return the statements that write the rows of requests that are new, all at once.

        Of those that were posted, and of those that the writer or the ledger refused. They run in
        the transaction that posts, in no order that may be relied on.
        """
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
    #: A future for each caller, so that one who gives up does not cancel the others' answers.
    waiters: "list[asyncio.Future[Answer]]" = field(default_factory=list, init=False)

    def add_waiter(self) -> "asyncio.Future[Answer]":
        """Return a new future that will have the answer."""
        waiter: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        return waiter

    @property
    def size(self) -> int:
        """How many transfers it moves, or may move once it is prepared."""
        if self.request is None:
            return _UNPREPARED_SIZE
        return len(self.request.entry.transfers)


class Answer(msgspec.Struct, frozen=True):
    """What the caller gets: the outcome (None for a stored reply), and the reply if it has one."""

    outcome: Outcome | None
    reply: StoredReply | None


class Deferred:
    """In the place of an answer: nothing was done with this job, which only the exact way takes."""


_DEFERRED: Final = Deferred()


async def post_jobs(
    connection: DriverConnection, jobs: Sequence[Job], *, now: datetime, is_exact: bool
) -> "list[Answer | Refusal | Deferred]":
    """Post `jobs` in one transaction and return each one's answer after its commit.

    The fast way believes that no job was seen before; the exact way looks, and gives stored
    replies again. Where a writer reserves money for some jobs and moves it for others, the fast way
    takes those others and leaves the few to be posted exactly. Raises AtRisk or the driver's error:
    then nothing stands, unless the connection was lost, and the exact way must be tried.
    """
    if not is_exact:
        return await _post_fast(connection, jobs, now)
    async with connection.transaction():
        keys = [job.key for job in jobs if job.key is not None]
        stored = await idempotency.find_replies(connection, keys, now=now) if keys else {}
        results: dict[Job, Answer | Refusal] = {}
        for job in jobs:
            if job.key is not None and job.key in stored:
                known = stored[job.key]
                results[job] = known if isinstance(known, Refusal) else Answer(None, known)
        new_jobs = [job for job in jobs if job not in results]
        prepared = dict(zip(new_jobs, await _prepare(connection, new_jobs, now), strict=True))
        requests = [each for each in prepared.values() if isinstance(each, Request)]
        outcomes = iter(await post_exactly(connection, requests, now=now))
        found = _end_waiting(
            {
                job: next(outcomes) if isinstance(each, Request) else each
                for job, each in prepared.items()
            }
        )
        made = _answer(list(found), list(found.values()))
        for statement in made.statements:
            await connection.execute(statement.text, *statement.arguments)
        if made.replies:
            await idempotency.store_replies(connection, made.replies, now=now)
        results.update(made.answers)
    return [results.get(job, _DEFERRED) for job in jobs]


def _end_waiting(
    found: "Mapping[Job, Outcome | Request | Refusal | Waiting]",
) -> "dict[Job, Any]":
    """Return what is certain of jobs: those whose rival was not posted are not among them.

    A Request stands for one that is posted with this batch or not at all.
    """
    posted = {
        id(job.payload)
        for job, each in found.items()
        if isinstance(each, Request) or (isinstance(each, Outcome) and each.is_posted)
    }
    return {
        job: each.refusal if isinstance(each, Waiting) else each
        for job, each in found.items()
        if not isinstance(each, Waiting) or id(each.rival) in posted
    }


async def _post_fast(
    connection: DriverConnection, jobs: Sequence[Job], now: datetime
) -> "list[Answer | Refusal | Deferred]":
    """Post in one statement, which is its own transaction: one round trip to the commit."""
    found = dict(zip(jobs, await _prepare(connection, jobs, now), strict=True))
    taken = _end_waiting({job: e for job, e in found.items() if not _is_deferrable(job, e)})
    answers = await _post_at_once(connection, taken, now)
    return [answers.get(job, _DEFERRED) for job in jobs]


def _is_deferrable(job: Job, prepared: Request | Refusal | Waiting) -> bool:
    """Whether a job may and must wait for the exact way.

    Callers who send requests ready made may count on their order; those of writers are strangers
    to each other.
    """
    if job.request is not None or not isinstance(prepared, Request):
        return False
    return any(each.kind is not TransferKind.POSTED for each in prepared.entry.transfers)


async def _post_at_once(
    connection: DriverConnection, taken: "Mapping[Job, Request | Refusal]", now: datetime
) -> "dict[Job, Answer | Refusal]":
    jobs, prepared = list(taken), list(taken.values())
    requests = [each for each in prepared if isinstance(each, Request)]
    if not is_plain(requests, now=now):
        raise AtRisk("something must be decided one by one")
    outcome = Outcome(Verdict.POSTED, recorded_at=now)
    made = _answer(jobs, [outcome if isinstance(each, Request) else each for each in prepared])
    others = list(made.statements)
    if made.replies:
        others.append(idempotency.make_store(made.replies, now=now))
    whole = join_statements(others, make_fast_statement(requests))
    recorded_at = await connection.fetchval(whole.text, *whole.arguments)
    posted = Outcome(Verdict.POSTED, recorded_at=recorded_at)
    return {job: _with_time(made.answers[job], posted) for job in jobs}


def _with_time(answer: "Answer | Refusal", posted: Outcome) -> "Answer | Refusal":
    if isinstance(answer, Refusal) or answer.outcome is None:
        return answer
    return Answer(posted, answer.reply)


async def _prepare(
    connection: DriverConnection, jobs: Sequence[Job], now: datetime
) -> "list[Request | Refusal | Waiting]":
    """Return each job's request; writers prepare theirs, all of one writer's at once."""
    by_writer: dict[Writer, list[int]] = {}
    prepared: list[Request | Refusal | Waiting | None] = [job.request for job in jobs]
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


@dataclass(slots=True)
class _Made:
    """What follows from the results of a batch: answers, and what is to be stored with them."""

    answers: "dict[Job, Answer | Refusal]" = field(default_factory=dict)
    replies: list[tuple[ReplyKey, StoredReply]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)


def _answer(jobs: Sequence[Job], results: "Sequence[Outcome | Refusal]") -> _Made:
    made = _Made()
    by_writer: dict[Writer, tuple[list[Any], list[Any]]] = {}
    for job, result in zip(jobs, results, strict=True):
        if job.writer is None:
            made.answers[job] = result if isinstance(result, Refusal) else Answer(result, None)
            continue
        reply = job.writer.answer(job.payload, result)
        made.answers[job] = Answer(None if isinstance(result, Refusal) else result, reply)
        posted, refused = by_writer.setdefault(job.writer, ([], []))
        is_posted = isinstance(result, Outcome) and result.verdict is Verdict.POSTED
        (posted if is_posted else refused).append(job.payload)
        if job.key is not None:
            made.replies.append((job.key, reply))
    for writer, (posted, refused) in by_writer.items():
        made.statements.extend(writer.list_statements(posted, refused))
    return made
