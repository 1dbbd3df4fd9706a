"""Jobs: work to be done later, which commits together with the rows that it belongs to.

Procrastinate keeps them in PostgreSQL, in the schema `jobs`. Here is what a room and the API need:
to declare jobs, to defer them, to see and repeat those that failed. `kernel.job_worker` runs them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import JOB

QUEUE: Final = "default"


class FailedJobNotFound(NotFound):
    """No job with this number has failed."""

    code = "failed_job_not_found"
    title = "There is no such failed job"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What a running job gets: the database, and the instant at which it was started."""

    database: Database
    now: datetime
    job_id: int
    #: 1 for the first time.
    attempt: int
    #: When a periodic job should have run; None for a job that somebody deferred.
    planned_at: datetime | None = None


#: Called as `run(context, **arguments)`, with the arguments as JSON gives them back. It opens its
#: own units of work, and may be run again after it did everything but could not say so.
JobFunction = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """A job that a room declares: `name` is `room.verb_thing`, `cron` (in UTC) makes it periodic.

    Jobs with the same `lock` run one after the other, in all workers together.
    """

    name: str
    run: JobFunction
    cron: str | None = None
    lock: str | None = None
    attempts_max: int = limits.JOB_ATTEMPTS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJob:
    """A job that was given up, for staff to look at and to repeat."""

    id: int
    name: str
    arguments: Mapping[str, Any]
    attempts: int
    failed_at: datetime | None
    error: str | None


async def defer(
    uow: UnitOfWork,
    name: str,
    /,
    *,
    run_at: datetime | None = None,
    lock: str | None = None,
    **arguments: object,
) -> int:
    """Ask for a job, in the caller's transaction; return its number.

    It runs after the commit, at `run_at` at the earliest, and not at all after a rollback. The
    arguments travel as JSON: identifiers and amounts arrive as text.
    """
    encoded = msgspec.json.encode(arguments)
    if len(encoded) > limits.JOB_ARGUMENTS_BYTES_MAX:
        raise ValueError(f"Arguments have at most {limits.JOB_ARGUMENTS_BYTES_MAX} bytes")
    number: int = await uow.fetch_value(
        """
        SELECT (jobs.procrastinate_defer_jobs_v1(CAST(ARRAY[
            ROW(:queue, :name, 0, :lock, NULL, CAST(:arguments AS jsonb),
                CAST(:run_at AS timestamptz))
        ] AS jobs.procrastinate_job_to_defer_v1[])))[1]
        """,
        queue=QUEUE,
        name=name,
        lock=lock,
        arguments=encoded.decode(),
        run_at=run_at,
    )
    return number


async def list_failed(
    uow: UnitOfWork, *, after_id: int = 0, limit: int = limits.PAGE_SIZE_DEFAULT
) -> tuple[FailedJob, ...]:
    """Return a page of failed jobs, oldest first. Raises InvalidField for a bad limit."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    rows = await uow.execute(
        """
        SELECT j.id, j.task_name AS name, j.args AS arguments, j.attempts, f.failed_at, f.error
          FROM jobs.procrastinate_jobs j
          LEFT JOIN jobs.failures f ON f.job_id = j.id
         WHERE j.status = 'failed' AND j.id > :after_id
         ORDER BY j.id
         LIMIT :limit
        """,
        after_id=after_id,
        limit=limit,
    )
    return tuple(FailedJob(**row._asdict()) for row in rows)


async def repeat_failed(uow: UnitOfWork, job_id: int, *, now: datetime) -> None:
    """Give a failed job all its attempts again, from now. Raises FailedJobNotFound."""
    found = await uow.fetch_one(
        "SELECT id FROM jobs.procrastinate_jobs WHERE id = :id AND status = 'failed' FOR UPDATE",
        id=job_id,
    )
    if found is None:
        raise FailedJobNotFound(f"No job with the number {job_id} has failed")
    await uow.execute(
        "SELECT jobs.procrastinate_retry_job_v2(:id, :now, NULL, NULL, NULL)", id=job_id, now=now
    )
    await uow.execute("UPDATE jobs.procrastinate_jobs SET attempts = 0 WHERE id = :id", id=job_id)
    await audit.record(uow, action="kernel.repeat_failed_job", subject=f"{JOB}_{job_id}")


async def note_failure(uow: UnitOfWork, job_id: int, error: str, *, now: datetime) -> None:
    """Keep the reason of a job's last failure, where staff can read it."""
    await uow.execute(
        """
        INSERT INTO jobs.failures (job_id, failed_at, error) VALUES (:job_id, :now, :error)
            ON CONFLICT (job_id) DO UPDATE
           SET failed_at = excluded.failed_at, error = excluded.error
        """,
        job_id=job_id,
        now=now,
        # PostgreSQL's text cannot hold this character.
        error=error.replace("\0", "")[: limits.ERROR_TEXT_LENGTH_MAX],
    )


async def count_waiting(uow: UnitOfWork, *, now: datetime) -> tuple[int, int]:
    """Return how many jobs are due and how many failed (`limits.OUTBOX_COUNT_MAX` at most)."""
    row = await uow.fetch_one(
        """
        SELECT (SELECT count(*) FROM (
                    SELECT FROM jobs.procrastinate_jobs
                     WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now)
                     LIMIT :limit) AS due) AS due,
               (SELECT count(*) FROM (
                    SELECT FROM jobs.procrastinate_jobs WHERE status = 'failed'
                     LIMIT :limit) AS failed) AS failed
        """,
        now=now,
        limit=limits.OUTBOX_COUNT_MAX,
    )
    assert row is not None
    return row.due, row.failed
