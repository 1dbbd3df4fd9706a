"""Runs jobs: Procrastinate's worker with our retries, records of failures and rescue.

Apart from `kernel.jobs`, because an API process defers jobs and never runs them, and need not load
the library.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate import JobContext as ProcrastinateContext
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.jobs import Job
from psycopg import OperationalError

from huitong.kernel import limits
from huitong.kernel.clock import Clock, SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database, DatabaseUnavailable, UnitOfWork
from huitong.kernel.errors import Fault, Refusal
from huitong.kernel.jobs import QUEUE, JobContext, JobDefinition, note_failure
from huitong.kernel.logs import get_logger
from huitong.kernel.metrics import JOBS

_log = get_logger(__name__)

_STALLED_AFTER_SECONDS: Final = 30
_POLL_SECONDS: Final = 2.0
_CONNECT_SECONDS_MAX: Final = 10
_FIRST_RETRY_SECONDS: Final = 2
_RESCUE: Final = "kernel.rescue_stalled_jobs"


def retry_pause(attempt: int) -> timedelta:
    """Return how long to wait after so many failed attempts: 2 s, 4 s, 8 s … one hour at most."""
    seconds = _FIRST_RETRY_SECONDS << min(attempt - 1, 16)
    return timedelta(seconds=min(seconds, limits.JOB_RETRY_SECONDS_MAX))


class _RetryPolicy(BaseRetryStrategy):
    """Retries faults and bugs with a doubling pause; a refusal would be the same next time."""

    def __init__(self, attempts_max: int) -> None:
        self.attempts_max = attempts_max

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, JobAborted | asyncio.CancelledError):
            # The worker stops and the job did not end in time: whoever starts next runs it.
            return RetryDecision(retry_in={"seconds": 0})
        if not self.is_retried(exception, job.attempts + 1):
            return None
        pause = retry_pause(job.attempts + 1)
        return RetryDecision(retry_in={"seconds": int(pause.total_seconds())})

    def is_retried(self, error: BaseException, attempt: int) -> bool:
        """Say whether a job whose `attempt`-th run ended in `error` is run again by itself."""
        if isinstance(error, Refusal) or (isinstance(error, Fault) and not error.retryable):
            return False
        return attempt < self.attempts_max


def make_app(
    url: str,
    *,
    role: str | None,
    database: Database,
    definitions: Sequence[JobDefinition],
    clock: Clock | None = None,
) -> App:
    """Return Procrastinate's application for these jobs, on connections of its own to `url`.

    A job to rescue those of dead workers is added.
    """
    options = "-c search_path=jobs -c timezone=UTC"
    connector = PsycopgConnector(
        conninfo=url,
        min_size=1,
        max_size=limits.JOBS_AT_ONCE_MAX,
        timeout=_CONNECT_SECONDS_MAX,
        kwargs={
            "options": options if role is None else f"{options} -c role={role}",
            "application_name": "huitong jobs",
            "connect_timeout": _CONNECT_SECONDS_MAX,
        },
    )
    app = App(connector=connector)
    # It is also there because Procrastinate stops watching its listener and heartbeat as soon as
    # it finds that no job is periodic.
    rescue = JobDefinition(name=_RESCUE, run=_rescue_stalled, cron="* * * * *", attempts_max=1)
    for definition in (rescue, *definitions):
        _register(app, definition, database, clock or SystemClock())
    return app


async def run_worker(
    app: App, *, is_ending_when_idle: bool = False, concurrency: int = limits.JOBS_AT_ONCE_MAX
) -> None:
    """Run jobs until cancelled, then let the running ones end.

    Returns by itself when a connection that it needs is lost in mid-work, so that the caller starts
    it again; raises DatabaseUnavailable if it cannot work at all. `is_ending_when_idle`: stop at
    the first moment at which nothing is due.
    """
    try:
        async with app.open_async():
            await app.run_worker_async(
                queues=[QUEUE],
                concurrency=concurrency,
                wait=not is_ending_when_idle,
                listen_notify=not is_ending_when_idle,
                install_signal_handlers=False,
                fetch_job_polling_interval=_POLL_SECONDS,
                shutdown_graceful_timeout=float(limits.WORKER_STOP_SECONDS_MAX),
                stalled_worker_timeout=float(_STALLED_AFTER_SECONDS),
                delete_jobs="successful",
            )
    except (ConnectorException, OperationalError) as error:
        raise DatabaseUnavailable(str(error.__cause__ or error)) from error


def _register(app: App, definition: JobDefinition, database: Database, clock: Clock) -> None:
    policy = _RetryPolicy(definition.attempts_max)

    async def run(context: ProcrastinateContext, /, **arguments: Any) -> None:
        timestamp = arguments.pop("timestamp", None) if definition.cron is not None else None
        assert context.job.id is not None
        ours = JobContext(
            database=database,
            now=clock.now(),
            job_id=context.job.id,
            attempt=context.job.attempts + 1,
            planned_at=None if timestamp is None else datetime.fromtimestamp(timestamp, UTC),
        )
        await _run_counted(definition, policy, ours, arguments)

    task = app.task(
        name=definition.name,
        retry=policy,
        pass_context=True,
        queue=QUEUE,
        lock=definition.lock,
    )(run)
    if definition.cron is not None:
        # The library's types want the timestamp named; ours comes with the other arguments.
        app.periodic(cron=definition.cron)(cast("Any", task))


async def _run_counted(
    definition: JobDefinition, policy: _RetryPolicy, context: JobContext, arguments: dict[str, Any]
) -> None:
    try:
        await definition.run(context, **arguments)
    except Exception as error:
        is_retried = policy.is_retried(error, context.attempt)
        JOBS.labels(definition.name, "retried" if is_retried else "failed").inc()
        message = f"{type(error).__name__}: {error}"
        caller = Caller(actor="jobs", request_id=f"job_{context.job_id}")
        await context.database.run(
            lambda uow: note_failure(uow, context.job_id, message, now=context.now), caller
        )
        raise
    JOBS.labels(definition.name, "succeeded").inc()


async def _rescue_stalled(context: JobContext) -> None:
    """Give the jobs of workers that died to somebody else."""

    async def command(uow: UnitOfWork) -> None:
        # The database's clock on both sides: workers write their heartbeat with it.
        rows = await uow.execute(
            """
            SELECT j.id, j.attempts
              FROM jobs.procrastinate_jobs j
              LEFT JOIN jobs.procrastinate_workers w ON w.id = j.worker_id
             WHERE j.status = 'doing' AND j.id <> :own_id
               AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => :seconds))
             ORDER BY j.id
             LIMIT :limit
               FOR UPDATE OF j SKIP LOCKED
            """,
            own_id=context.job_id,
            seconds=float(_STALLED_AFTER_SECONDS),
            limit=limits.PAGE_SIZE_MAX,
        )
        for row in rows:
            await _rescue(uow, row.id, row.attempts + 1, now=context.now)

    await context.database.run(command)


async def _rescue(uow: UnitOfWork, job_id: int, attempt: int, *, now: datetime) -> None:
    await note_failure(uow, job_id, "the worker ended while the job ran", now=now)
    if attempt < limits.JOB_ATTEMPTS_MAX:
        _log.warning("a job of a dead worker is run again", job_id=job_id, attempt=attempt)
        await uow.execute(
            "SELECT jobs.procrastinate_retry_job_v2(:id, :now, NULL, NULL, NULL)",
            id=job_id,
            now=now,
        )
        return
    # A job that ends its process each time must not do so for ever.
    _log.error("a job of a dead worker is given up", job_id=job_id, attempt=attempt)
    await uow.execute("SELECT jobs.procrastinate_finish_job_v1(:id, 'failed', false)", id=job_id)
