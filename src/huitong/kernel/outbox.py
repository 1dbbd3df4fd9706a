"""The outbox: facts in the past tense, written in the transaction that made them true.

`kernel.outbox_delivery` tells them to handlers afterwards, at least once.
"""

import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import msgspec

from huitong.kernel import audit, limits
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import EVENT, show_id, uuid7
from huitong.kernel.metrics import OUTBOX_PENDING

if TYPE_CHECKING:
    import asyncpg

_TOPIC_SHAPE: Final = re.compile(r"[a-z_]+\.[A-Za-z]+\.v[0-9]+")
_AFTER_NO_IDS: Final = uuid.UUID(int=0)
_events_by_topic: Final[dict[str, type["Event"]]] = {}


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact. Subclass it as a frozen dataclass with a `topic` of its own, which is its version.

    `topic = "payments.PaymentSucceeded.v1"`: a changed meaning or a changed field is another
    class with the next number. Fields are ids, amounts and instants, never objects.
    """

    __slots__ = ()

    topic: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Register the topic; two classes with one topic could not be told apart on arrival."""
        topic = cls.__dict__.get("topic")
        if not isinstance(topic, str) or _TOPIC_SHAPE.fullmatch(topic) is None:
            raise TypeError(
                f"{cls.__qualname__}.topic must look like room.ThingHappened.v1, not {topic!r}"
            )
        other = _events_by_topic.get(topic, cls)
        # The same name again is the copy that `dataclass(slots=True)` makes of a class.
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.__qualname__} and {other.__qualname__} both use {topic!r}")
        _events_by_topic[topic] = cls


class OutboxRow(NamedTuple):
    """An event as it is stored: for writers that insert many with one statement."""

    id: uuid.UUID
    topic: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to a handler; `id` is the same each time it is delivered."""

    id: uuid.UUID
    event: Event
    recorded_at: datetime
    attempt: int


#: A handler gets a unit of work of its own, committed when it returns. It may be called more than
#: once for one event, so it must do nothing the second time.
Handler = Callable[[UnitOfWork, Delivery], Awaitable[None]]
Handlers = Mapping[type[Event], Sequence[Handler]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedEvent:
    """An event that was given up, for staff to look at and release."""

    id: uuid.UUID
    topic: str
    payload: str
    recorded_at: datetime
    parked_at: datetime
    attempts: int
    last_error: str | None


def make_row(event: Event) -> OutboxRow:
    """Return the row that stores `event`, under a new id."""
    payload = msgspec.json.encode(event).decode()
    if len(payload) > limits.EVENT_PAYLOAD_BYTES_MAX:
        raise ValueError(f"{event.topic} is longer than {limits.EVENT_PAYLOAD_BYTES_MAX} bytes")
    return OutboxRow(uuid7(), event.topic, payload)


def read_event(topic: str, payload: str) -> Event:
    """Return the event that `make_row` stored. Raises LookupError for a topic nobody declares."""
    return msgspec.json.decode(payload, type=_events_by_topic[topic])


async def append(uow: UnitOfWork, events: Iterable[Event]) -> tuple[uuid.UUID, ...]:
    """Write events in the caller's transaction, in their order; return their ids."""
    rows = [make_row(event) for event in events]
    if rows:
        await append_rows(await uow.driver(), rows)
    return tuple(row.id for row in rows)


def make_append(rows: Sequence[OutboxRow]) -> Statement:
    """Return the statement that writes many events, to be run with what made them true."""
    return Statement(
        "INSERT INTO kernel.outbox (id, topic, payload) "
        "SELECT r.id, r.topic, r.payload::jsonb "
        "FROM unnest($1::uuid[], $2::text[], $3::text[]) AS r (id, topic, payload)",
        (
            [row.id for row in rows],
            [row.topic for row in rows],
            [row.payload for row in rows],
        ),
    )


async def append_rows(
    connection: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[OutboxRow]
) -> None:
    """Write many events with one statement, in the transaction that is open on `connection`."""
    statement = make_append(rows)
    await connection.execute(statement.text, *statement.arguments)


async def list_parked(
    uow: UnitOfWork, *, after_id: uuid.UUID | None = None, limit: int = limits.PAGE_SIZE_DEFAULT
) -> tuple[ParkedEvent, ...]:
    """Return a page of parked events, oldest first. Raises InvalidField for a bad limit."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    rows = await uow.execute(
        """
        SELECT id, topic, CAST(payload AS text) AS payload, recorded_at, parked_at, attempts,
               last_error
          FROM kernel.outbox
         WHERE parked_at IS NOT NULL AND id > :after_id
         ORDER BY id
         LIMIT :limit
        """,
        after_id=after_id or _AFTER_NO_IDS,
        limit=limit,
    )
    return tuple(ParkedEvent(**row._asdict()) for row in rows)


async def release_parked(
    uow: UnitOfWork, event_ids: Sequence[uuid.UUID], *, now: datetime
) -> tuple[uuid.UUID, ...]:
    """Give parked events all their attempts again, from now; return those that were parked."""
    rows = await uow.execute(
        """
        UPDATE kernel.outbox SET parked_at = NULL, attempts = 0, due_at = :now
         WHERE id = ANY (CAST(:ids AS uuid[])) AND parked_at IS NOT NULL
        RETURNING id
        """,
        ids=list(event_ids),
        now=now,
    )
    released = tuple(sorted(row.id for row in rows))
    for event_id in released:
        await audit.record(
            uow, action="kernel.release_parked_event", subject=show_id(EVENT, event_id)
        )
    return released


async def prune_delivered(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.PRUNE_ROWS_MAX
) -> int:
    """Delete at most `limit` events that were delivered long ago; return how many."""
    before = now - timedelta(hours=limits.OUTBOX_KEEP_HOURS)
    # Identifiers carry their time, so the key's index finds the old ones and nothing else is read.
    milliseconds = int(before.timestamp() * 1_000)
    rows = await uow.execute(
        """
        WITH old AS (
            SELECT id FROM kernel.outbox
             WHERE id < :before_id AND delivered_at < :before
             ORDER BY id
             LIMIT :limit
               FOR UPDATE SKIP LOCKED
        )
        DELETE FROM kernel.outbox o USING old WHERE o.id = old.id RETURNING o.id
        """,
        before_id=uuid.UUID(int=milliseconds << 80),
        before=before,
        limit=limit,
    )
    return len(rows)


async def measure(uow: UnitOfWork) -> int:
    """Count the events that wait (`limits.OUTBOX_COUNT_MAX` at most) and show it as a metric."""
    waiting: int = await uow.fetch_value(
        """
        SELECT count(*) FROM (
            SELECT FROM kernel.outbox WHERE delivered_at IS NULL AND parked_at IS NULL LIMIT :limit
        ) AS waiting
        """,
        limit=limits.OUTBOX_COUNT_MAX,
    )
    OUTBOX_PENDING.set(waiting)
    return waiting


async def count_parked(uow: UnitOfWork) -> int:
    """Return how many events were given up (`limits.OUTBOX_COUNT_MAX` at most)."""
    count: int = await uow.fetch_value(
        "SELECT count(*) FROM (SELECT FROM kernel.outbox WHERE parked_at IS NOT NULL LIMIT :limit)"
        " AS parked",
        limit=limits.OUTBOX_COUNT_MAX,
    )
    return count
