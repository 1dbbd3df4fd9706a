"""The audit chain's SQL, over the driver's connection: leaves travel as arrays of bytes."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from asyncpg import Record

from huitong.kernel.audit_chain.leaves import AuditRow
from huitong.kernel.checkpoints import Published
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.merkle import HASH_BYTES, CompactRange

_COLUMNS: Final = (
    "a.id, a.recorded_at, a.actor, a.action, a.subject, a.request_id, a.details::text AS details"
)
_HEAD: Final = "SELECT origin, size, roots FROM kernel.audit_head"
_WAITING: Final = f"""
    SELECT u.audit_id, {_COLUMNS}
      FROM (SELECT audit_id FROM kernel.audit_unsealed ORDER BY audit_id LIMIT $1) u
      LEFT JOIN kernel.audit a ON a.id = u.audit_id
     ORDER BY u.audit_id
"""  # noqa: S608 - our own text
_SAVE_LEAVES: Final = """
    INSERT INTO kernel.audit_leaves (position, audit_id, leaf_hash)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[])
"""
_TAKE_OFF: Final = "DELETE FROM kernel.audit_unsealed WHERE audit_id = ANY($1::uuid[])"
_MOVE_HEAD: Final = "UPDATE kernel.audit_head SET size = $1, roots = $2"
_CHECKPOINTS: Final = "SELECT size, root, note, public_key, signed_at FROM kernel.audit_checkpoints"
_SAVE_CHECKPOINT: Final = """
    INSERT INTO kernel.audit_checkpoints (size, root, note, public_key, signed_at)
    VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (size) DO NOTHING
"""
_LEAVES: Final = f"""
    SELECT l.position, l.audit_id, l.leaf_hash, {_COLUMNS}
      FROM kernel.audit_leaves l LEFT JOIN kernel.audit a ON a.id = l.audit_id
     ORDER BY l.position
"""  # noqa: S608 - our own text
_LEAF_HASHES: Final = """
    SELECT leaf_hash FROM kernel.audit_leaves
     WHERE position >= $1 AND position < $2 ORDER BY position
"""
_SLIPPED_IN: Final = """
    SELECT a.id
      FROM kernel.audit a
      LEFT JOIN kernel.audit_leaves l ON l.audit_id = a.id
      LEFT JOIN kernel.audit_unsealed u ON u.audit_id = a.id
     WHERE l.audit_id IS NULL AND u.audit_id IS NULL
     ORDER BY a.id
"""
_GONE_UNSEALED: Final = """
    SELECT u.audit_id
      FROM kernel.audit_unsealed u LEFT JOIN kernel.audit a ON a.id = u.audit_id
     WHERE a.id IS NULL
     ORDER BY u.audit_id
"""
_COUNT_WAITING: Final = "SELECT count(*) FROM kernel.audit_unsealed"
_ROWS_CHUNK: Final = 1_000


class Head(NamedTuple):
    """How far the chain has come: its name, and the tree so far."""

    origin: str
    tree: CompactRange


class Leaf(NamedTuple):
    """A sealed record's place and hash, and the record as it stands now, if it does."""

    position: int
    audit_id: uuid.UUID
    leaf_hash: bytes
    row: AuditRow | None


async def lock_head(connection: DriverConnection) -> Head | None:
    """Return the head, locked until the transaction ends; None while somebody else has it."""
    row = await connection.fetchrow(f"{_HEAD} FOR UPDATE SKIP LOCKED")
    return None if row is None else _read_head(row)


async def read_head(connection: DriverConnection) -> Head:
    """Return the head as committed; raises ValueError if its parts do not fit."""
    row = await connection.fetchrow(_HEAD)
    assert row is not None
    return _read_head(row)


async def list_waiting(connection: DriverConnection, limit: int) -> list[AuditRow | uuid.UUID]:
    """Return the records that wait, oldest first; only the id of one that is gone."""
    return [
        row["audit_id"] if row["id"] is None else _read_row(row)
        for row in await connection.fetch(_WAITING, limit)
    ]


async def save_leaves(
    connection: DriverConnection, first: int, ids: Sequence[uuid.UUID], hashes: Sequence[bytes]
) -> None:
    """Give records their places from `first` on, and take them off the queue."""
    positions = list(range(first, first + len(ids)))
    await connection.execute(_SAVE_LEAVES, positions, ids, hashes)
    await connection.execute(_TAKE_OFF, ids)


async def move_head(connection: DriverConnection, tree: CompactRange) -> None:
    """Record how far the chain has come."""
    await connection.execute(_MOVE_HEAD, tree.size, b"".join(tree.roots))


async def find_last_checkpoint(connection: DriverConnection) -> Published | None:
    """Return the largest checkpoint, if there is any."""
    row = await connection.fetchrow(f"{_CHECKPOINTS} ORDER BY size DESC LIMIT 1")
    return None if row is None else Published(**row)


async def save_checkpoint(connection: DriverConnection, published: Published) -> None:
    """Store a checkpoint, unless there is one of this size already."""
    await connection.execute(
        _SAVE_CHECKPOINT,
        published.size,
        published.root,
        published.note,
        published.public_key,
        published.signed_at,
    )


async def read_checkpoints(connection: DriverConnection) -> AsyncIterator[Published]:
    """Yield all checkpoints, smallest first."""
    async for row in connection.cursor(f"{_CHECKPOINTS} ORDER BY size", prefetch=_ROWS_CHUNK):
        yield Published(**row)


async def read_leaves(connection: DriverConnection) -> AsyncIterator[Leaf]:
    """Yield all leaves in the order of their places, each with its record as it is now."""
    async for row in connection.cursor(_LEAVES, prefetch=_ROWS_CHUNK):
        found = None if row["id"] is None else _read_row(row)
        yield Leaf(row["position"], row["audit_id"], row["leaf_hash"], found)


async def read_leaf_hashes(
    connection: DriverConnection, *, first: int, end: int
) -> AsyncIterator[bytes]:
    """Yield the hashes of the leaves from place `first` up to, not including, `end`."""
    async for row in connection.cursor(_LEAF_HASHES, first, end, prefetch=_ROWS_CHUNK):
        yield row[0]


async def read_slipped_in(connection: DriverConnection) -> AsyncIterator[uuid.UUID]:
    """Yield the ids of records that are neither sealed nor waiting to be."""
    async for row in connection.cursor(_SLIPPED_IN, prefetch=_ROWS_CHUNK):
        yield row[0]


async def read_gone_unsealed(connection: DriverConnection) -> AsyncIterator[uuid.UUID]:
    """Yield the ids of records that wait to be sealed and are not there."""
    async for row in connection.cursor(_GONE_UNSEALED, prefetch=_ROWS_CHUNK):
        yield row[0]


async def count_waiting(connection: DriverConnection) -> int:
    """Return how many records wait to be sealed."""
    count: int = await connection.fetchval(_COUNT_WAITING)
    return count


def _read_head(row: Record) -> Head:
    roots = row["roots"]
    parts = [roots[at : at + HASH_BYTES] for at in range(0, len(roots), HASH_BYTES)]
    return Head(row["origin"], CompactRange(row["size"], parts))


def _read_row(row: Record) -> AuditRow:
    return AuditRow(*(row[name] for name in AuditRow._fields))
