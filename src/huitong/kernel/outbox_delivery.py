"""Tells the outbox's events to their handlers, at least once each.

A dispatcher takes rows by a lease and not by holding their locks: a transaction that stays open
while handlers run would keep the database from cleaning up, and would hold back everybody who waits
for older transactions to end.
"""

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Caller, Database, DatabaseUnavailable, UnitOfWork
from huitong.kernel.errors import Fault
from huitong.kernel.ids import EVENT, show_id
from huitong.kernel.logs import get_logger
from huitong.kernel.metrics import OUTBOX_DELIVERIES
from huitong.kernel.outbox import Delivery, Handler, Handlers, read_event

_log = get_logger(__name__)

_FIRST_RETRY_SECONDS: Final = 1


class LeaseLost(Fault):
    """Another dispatcher has taken the event since; what this one did for it is rolled back."""

    code = "outbox_lease_lost"
    title = "An event took longer to handle than its lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What one call of `deliver` did. `taken` equal to the limit means that there may be more."""

    taken: int = 0
    delivered: int = 0
    retried: int = 0
    parked: int = 0


# Events that nobody here listens to are told to nobody at once. An event whose attempts are used
# up without a recorded failure has ended the process each time: it is parked instead of doing it
# again.
_TAKE: Final = """
    WITH due AS (
        SELECT id FROM kernel.outbox
         WHERE delivered_at IS NULL AND parked_at IS NULL AND due_at <= :now
         ORDER BY due_at, id
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
    )
    UPDATE kernel.outbox o
       SET attempts = CASE WHEN o.attempts < :attempts_max THEN o.attempts + 1 ELSE o.attempts END,
           due_at = :lease_until,
           delivered_at = CASE WHEN o.topic <> ALL (CAST(:topics AS text[])) THEN :now END,
           parked_at = CASE WHEN o.topic = ANY (CAST(:topics AS text[]))
                             AND o.attempts >= :attempts_max THEN :now END,
           last_error = CASE WHEN o.attempts >= :attempts_max
                             THEN coalesce(o.last_error, 'no attempt came to an end')
                             ELSE o.last_error END
      FROM due
     WHERE o.id = due.id
    RETURNING o.id, o.topic, CAST(o.payload AS text) AS payload, o.recorded_at, o.attempts,
              o.delivered_at IS NOT NULL AS is_unheard, o.parked_at IS NOT NULL AS is_parked
"""


@dataclass(frozen=True, slots=True)
class _Taken:
    id: uuid.UUID
    topic: str
    payload: str
    recorded_at: datetime
    attempt: int


async def deliver(
    database: Database,
    handlers: Handlers,
    *,
    now: datetime,
    limit: int = limits.OUTBOX_BATCH_MAX,
) -> DeliveryReport:
    """Take at most `limit` due events and run each one's handlers, in order of their making.

    Many dispatchers may do this at once: each event is with one of them. Every handler runs in
    its own transaction; the last one's also marks the event as delivered. If one fails, all of
    the event's handlers are run again after a pause that doubles, `limits.OUTBOX_ATTEMPTS_MAX`
    times; then the event is parked. If this process dies, another takes over when the lease of
    `limits.OUTBOX_LEASE_SECONDS` is over. Raises DatabaseUnavailable.
    """
    if not 1 <= limit <= limits.OUTBOX_BATCH_MAX:
        raise ValueError(f"A dispatcher takes 1 to {limits.OUTBOX_BATCH_MAX} events at once")
    handlers_by_topic = {event.topic: tuple(each) for event, each in handlers.items() if each}
    taken, report = await _take(database, tuple(handlers_by_topic), now=now, limit=limit)
    delivered = report.delivered
    retried = 0
    parked = report.parked
    # Stopping early leaves the last event of the batch time to end within its lease.
    stop_at = time.monotonic() + limits.OUTBOX_LEASE_SECONDS / 2
    for position, item in enumerate(taken):
        if time.monotonic() > stop_at:
            await _give_back(database, taken[position:], now)
            break
        outcome = await _deliver_one(database, item, handlers_by_topic[item.topic], now)
        OUTBOX_DELIVERIES.labels(item.topic, outcome).inc()
        delivered += outcome == "delivered"
        retried += outcome == "retried"
        parked += outcome == "parked"
    return DeliveryReport(taken=report.taken, delivered=delivered, retried=retried, parked=parked)


async def _take(
    database: Database, topics: tuple[str, ...], *, now: datetime, limit: int
) -> tuple[list[_Taken], DeliveryReport]:
    async with database.unit_of_work() as uow:
        rows = await uow.execute(
            _TAKE,
            now=now,
            lease_until=now + timedelta(seconds=limits.OUTBOX_LEASE_SECONDS),
            limit=limit,
            topics=list(topics),
            attempts_max=limits.OUTBOX_ATTEMPTS_MAX,
        )
    for row in rows:
        if row.is_unheard:
            OUTBOX_DELIVERIES.labels(row.topic, "delivered").inc()
        elif row.is_parked:
            OUTBOX_DELIVERIES.labels(row.topic, "parked").inc()
    taken = [
        _Taken(row.id, row.topic, row.payload, row.recorded_at, row.attempts)
        for row in sorted(rows, key=lambda row: row.id)
        if not (row.is_unheard or row.is_parked)
    ]
    report = DeliveryReport(
        taken=len(rows),
        delivered=sum(row.is_unheard for row in rows),
        parked=sum(row.is_parked for row in rows),
    )
    return taken, report


async def _deliver_one(
    database: Database, item: _Taken, handlers: tuple[Handler, ...], now: datetime
) -> str:
    caller = Caller(actor="outbox", request_id=show_id(EVENT, item.id))
    try:
        delivery = Delivery(
            id=item.id,
            event=read_event(item.topic, item.payload),
            recorded_at=item.recorded_at,
            attempt=item.attempt,
        )
        for handler in handlers[:-1]:
            await database.run(_bind(handler, delivery), caller)
        await database.run(_bind(handlers[-1], delivery, marked_at=now), caller)
    except DatabaseUnavailable:
        # Nothing can be written down now, and the fault is not the handler's. The lease runs out.
        raise
    except LeaseLost:
        _log.warning("an event took longer than its lease", event_id=show_id(EVENT, item.id))
        return "lost"
    except Exception as error:  # noqa: BLE001 - an edge: what a handler raises is written down
        return await _note_failure(database, item, error, now)
    return "delivered"


async def _give_back(database: Database, items: Sequence[_Taken], now: datetime) -> None:
    async with database.unit_of_work() as uow:
        await uow.execute(
            """
            UPDATE kernel.outbox o SET due_at = :now, attempts = o.attempts - 1
              FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS smallint[])) AS t (id, attempt)
             WHERE o.id = t.id AND o.attempts = t.attempt
            """,
            now=now,
            ids=[item.id for item in items],
            attempts=[item.attempt for item in items],
        )


def _bind(
    handler: Handler, delivery: Delivery, marked_at: datetime | None = None
) -> Callable[[UnitOfWork], Awaitable[None]]:
    async def command(uow: UnitOfWork) -> None:
        await handler(uow, delivery)
        if marked_at is not None:
            await _mark_delivered(uow, delivery, marked_at)

    return command


async def _mark_delivered(uow: UnitOfWork, delivery: Delivery, now: datetime) -> None:
    # The attempt's number is the fence: it has grown if the lease ran out and another took over.
    marked = await uow.execute(
        """
        UPDATE kernel.outbox SET delivered_at = :now, last_error = NULL
         WHERE id = :id AND attempts = :attempt AND delivered_at IS NULL AND parked_at IS NULL
        RETURNING id
        """,
        now=now,
        id=delivery.id,
        attempt=delivery.attempt,
    )
    if not marked:
        raise LeaseLost("another dispatcher has the event now")


async def _note_failure(database: Database, item: _Taken, error: Exception, now: datetime) -> str:
    is_last = item.attempt >= limits.OUTBOX_ATTEMPTS_MAX
    message = f"{type(error).__name__}: {error}"[: limits.ERROR_TEXT_LENGTH_MAX]
    _log.error(
        "a handler failed",
        event_id=show_id(EVENT, item.id),
        topic=item.topic,
        attempt=item.attempt,
        is_parked=is_last,
        exc_info=error,
    )
    async with database.unit_of_work() as uow:
        await uow.execute(
            """
            UPDATE kernel.outbox
               SET due_at = :due_at, last_error = :message,
                   parked_at = CASE WHEN :is_last THEN CAST(:now AS timestamptz) END
             WHERE id = :id AND attempts = :attempt AND delivered_at IS NULL AND parked_at IS NULL
            """,
            due_at=now + retry_pause(item.attempt),
            # PostgreSQL's text cannot hold this character, and a failure must be written down.
            message=message.replace("\0", ""),
            is_last=is_last,
            now=now,
            id=item.id,
            attempt=item.attempt,
        )
    return "parked" if is_last else "retried"


def retry_pause(attempt: int) -> timedelta:
    """Return how long to wait after so many failed attempts: 1 s, 2 s, 4 s … one hour at most."""
    seconds = _FIRST_RETRY_SECONDS << min(attempt - 1, limits.OUTBOX_ATTEMPTS_MAX)
    return timedelta(seconds=min(seconds, limits.OUTBOX_RETRY_SECONDS_MAX))
