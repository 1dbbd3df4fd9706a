"""SQL of signals, of the processes that count them, and of the one row of state."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.operations.distinct import show_bits
from huitong.operations.types import Entity, EntityKind, SignalKind, SignalRow, Watcher

_ADD: Final = """
INSERT INTO operations.signals AS s (minute, kind, entity_kind, entity, network, count, sketch)
SELECT $1, n.kind, n.entity_kind, n.entity, n.network::cidr, n.count, ('x' || n.sketch)::bit(4096)
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
       AS n (kind, entity_kind, entity, network, count, sketch)
    ON CONFLICT (minute, kind, entity_kind, entity) DO UPDATE
   SET count = s.count + excluded.count, sketch = s.sketch | excluded.sketch
"""
# First whose counts are large enough at all, which are few; of those, only what came after people
# last dealt with them counts. The limit is for each kind, so that no kind crowds out another.
_SUMS: Final = """
WITH wanted AS (
    SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:leasts AS bigint[])) AS w (kind, least)
), ranked AS (
    SELECT s.kind, s.entity_kind, s.entity,
           row_number() OVER (PARTITION BY s.kind ORDER BY sum(s.count) DESC) AS place
      FROM operations.signals s JOIN wanted w USING (kind)
     WHERE s.minute > CAST(:since AS timestamptz)
     GROUP BY s.kind, s.entity_kind, s.entity
    HAVING sum(s.count) >= min(w.least)
), candidates AS (
    SELECT r.kind, r.entity_kind, r.entity, greatest(
               CAST(:since AS timestamptz),
               (SELECT max(c.lifted_at) FROM operations.countermeasures c
                 WHERE c.entity_kind = r.entity_kind AND c.entity = r.entity),
               (SELECT max(i.resolved_at) FROM operations.incidents i
                 WHERE i.entity_kind = r.entity_kind AND i.entity = r.entity)) AS since
      FROM ranked r WHERE r.place <= :rows
)
SELECT c.kind, c.entity_kind, c.entity, max(s.network::text) AS network,
       sum(s.count)::bigint AS counted, bit_count(bit_or(s.sketch)) AS bits_set
  FROM candidates c
  JOIN operations.signals s
    ON s.kind = c.kind AND s.entity_kind = c.entity_kind AND s.entity = c.entity
   AND s.minute > c.since
 GROUP BY c.kind, c.entity_kind, c.entity
"""


@dataclass(frozen=True, slots=True)
class Sum:
    """What was counted of one entity within a window; `bits_set` is of the joined sketches."""

    kind: SignalKind
    entity: Entity
    count: int
    bits_set: int


@dataclass(frozen=True, slots=True)
class State:
    """The number of changes of counter-measures, and when the worker last looked."""

    news: int
    evaluated_at: datetime | None


async def add_signals(uow: UnitOfWork, rows: Sequence[SignalRow], *, now: datetime) -> None:
    """Add counts of one process to those of the minute; `rows` must come in the order of keys."""
    if not rows:
        return
    connection = await uow.driver()
    await connection.execute(
        _ADD,
        now.replace(second=0, microsecond=0),
        [row.kind.value for row in rows],
        [row.entity.kind.value for row in rows],
        [row.entity.name for row in rows],
        [row.entity.network for row in rows],
        [row.count for row in rows],
        [None if row.sketch is None else show_bits(row.sketch) for row in rows],
    )


async def sum_signals(
    uow: UnitOfWork, leasts: Mapping[SignalKind, int], *, since: datetime
) -> list[Sum]:
    """Return what was counted after `since` of entities with at least `leasts` of a kind.

    What came before a counter-measure was lifted, or an incident resolved, is not in it, so a sum
    may be smaller. At most `limits.SIGNALS_READ_MAX` entities of each kind.
    """
    rows = await uow.execute(
        _SUMS,
        since=since,
        kinds=[kind.value for kind in leasts],
        leasts=list(leasts.values()),
        rows=limits.SIGNALS_READ_MAX,
    )
    return [
        Sum(
            SignalKind(row.kind),
            Entity(EntityKind(row.entity_kind), row.entity, row.network),
            row.counted,
            row.bits_set or 0,
        )
        for row in rows
    ]


async def count_signals(uow: UnitOfWork, *, since: datetime) -> Mapping[SignalKind, int]:
    """Return how many of each kind there were since an instant, of whomever."""
    rows = await uow.execute(
        "SELECT kind, sum(count)::bigint AS counted FROM operations.signals "
        "WHERE minute > CAST(:since AS timestamptz) GROUP BY kind",
        since=since,
    )
    return {SignalKind(row.kind): row.counted for row in rows}


async def prune_signals(uow: UnitOfWork, *, now: datetime) -> int:
    """Delete signals and watchers that nobody needs any more, some at a time; return how many."""
    before = now - timedelta(hours=limits.SIGNALS_KEPT_HOURS)
    rows = await uow.execute(
        """
        DELETE FROM operations.signals WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM operations.signals WHERE minute < :before LIMIT :limit
               FOR UPDATE SKIP LOCKED))
        RETURNING 1
        """,
        before=before,
        limit=limits.PRUNE_ROWS_MAX,
    )
    await uow.execute("DELETE FROM operations.watchers WHERE ended_at < :before", before=before)
    return len(rows)


async def read_state(uow: UnitOfWork) -> State:
    """Return the row of state."""
    row = await uow.fetch_one("SELECT news, evaluated_at FROM operations.state")
    assert row is not None, "the migration puts it there"
    return State(row.news, row.evaluated_at)


async def bump_news(uow: UnitOfWork) -> None:
    """Let all processes know that counter-measures have changed."""
    await uow.execute("UPDATE operations.state SET news = news + 1")


async def try_to_evaluate(uow: UnitOfWork, now: datetime) -> bool:
    """Take the part of the one who evaluates, until the end; False while another has it."""
    is_ours: bool = await uow.fetch_value(
        "SELECT pg_try_advisory_xact_lock(hashtext('operations.evaluate'))"
    )
    if is_ours:
        await uow.execute("UPDATE operations.state SET evaluated_at = :now", now=now)
    return is_ours


async def try_to_verify(uow: UnitOfWork, *, before: datetime) -> bool:
    """Take up the verification of the books, until the end, if nobody did it since `before`.

    False also while another is at it. Who is killed has done nothing: say `note_verified` after it.
    """
    is_ours: bool = await uow.fetch_value(
        "SELECT pg_try_advisory_xact_lock(hashtext('operations.verify'))"
    )
    if not is_ours:
        return False
    # Nothing is said on this connection while the books are read, and they may be long.
    await uow.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    # A statement of its own: what the one before us has committed is to be seen.
    found = await uow.fetch_one(
        "SELECT 1 FROM operations.state WHERE verified_at IS NULL OR verified_at < :before",
        before=before,
    )
    return found is not None


async def note_verified(uow: UnitOfWork, now: datetime) -> None:
    """Say that the books were verified as a whole, as they were at `now`."""
    await uow.execute("UPDATE operations.state SET verified_at = :now", now=now)


async def put_watcher(uow: UnitOfWork, watcher: Watcher) -> None:
    """Say that a process is there; one that was given up is there again."""
    await uow.execute(
        """
        INSERT INTO operations.watchers (id, process, started_at, seen_at, queue_depth)
        VALUES (:id, :process, :started_at, :seen_at, :queue_depth)
            ON CONFLICT (id) DO UPDATE
           SET seen_at = excluded.seen_at, queue_depth = excluded.queue_depth, ended_at = NULL
        """,
        id=watcher.id,
        process=watcher.process,
        started_at=watcher.started_at,
        seen_at=watcher.seen_at,
        queue_depth=watcher.queue_depth,
    )


async def end_watchers(uow: UnitOfWork, watcher_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Note that processes have stopped, or are given up."""
    await uow.execute(
        "UPDATE operations.watchers SET ended_at = :now "
        "WHERE id = ANY (CAST(:ids AS uuid[])) AND ended_at IS NULL",
        ids=list(watcher_ids),
        now=now,
    )


async def list_watchers(uow: UnitOfWork) -> list[Watcher]:
    """Return the processes that should be there."""
    rows = await uow.execute(
        "SELECT id, process, started_at, seen_at, queue_depth FROM operations.watchers "
        "WHERE ended_at IS NULL ORDER BY process, id LIMIT :limit",
        limit=limits.WATCHERS_READ_MAX,
    )
    return [Watcher(**row._asdict()) for row in rows]
