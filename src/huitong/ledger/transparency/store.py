"""The transparency log's SQL.

Everything goes over the driver's connection: tiles and leaves travel as arrays of bytes, and the
check of the whole log runs on a connection without a unit of work.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from asyncpg import Record

from huitong.kernel.checkpoints import Published
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.ledger.transparency.tiles import Tile, TilePlace

#: The bytes of `leaves.encode_transfer`, made where the row is: numbers, times and identifiers
#: have the same binary form in PostgreSQL's protocol.
LEAF: Final = """
    decode('01', 'hex') || uuid_send(id) || int8send(sequence) || timestamptz_send(recorded_at)
    || int8send(debit_account_id) || int8send(credit_account_id) || int8send(amount)
    || date_send(effective_on) || textsend(currency) || int2send(code) || int2send(kind)
    || coalesce(uuid_send(entry_id), uuid_send('00000000-0000-0000-0000-000000000000'))
    || coalesce(uuid_send(pending_id), uuid_send('00000000-0000-0000-0000-000000000000'))
    || coalesce(uuid_send(corrects_id), uuid_send('00000000-0000-0000-0000-000000000000'))
"""
_HEAD: Final = "SELECT origin, size, sequence FROM ledger.log_head"
_FINAL_SEQUENCE: Final = "SELECT sequence FROM ledger.projection"
_LEAVES: Final = f"""
    SELECT {LEAF} AS leaf
      FROM ledger.transfers
     WHERE sequence > $1 AND sequence <= $2
     ORDER BY sequence
     LIMIT $3
"""  # noqa: S608 - our own text
_ALL_LEAVES: Final = f"""
    SELECT {LEAF} AS leaf FROM ledger.transfers WHERE sequence <= $1 ORDER BY sequence, id
"""  # noqa: S608 - our own text
_MOVE_HEAD: Final = "UPDATE ledger.log_head SET size = $1, sequence = $2"
_TILES: Final = """
    SELECT t.level, t.number, t.hashes, t.first_sequence
      FROM unnest($1::smallint[], $2::bigint[]) p (level, number)
      JOIN ledger.log_tiles t ON t.level = p.level AND t.number = p.number
"""
_TILES_OF_LEVEL: Final = """
    SELECT level, number, hashes, first_sequence
      FROM ledger.log_tiles WHERE level = $1 ORDER BY number
"""
# A level has one hash for every full tile of the level below, in tiles of 256.
_MISSHAPEN_TILES: Final = """
    SELECT coalesce('tile ' || t.number || ' of level ' || t.level, 'level ' || l.level),
           CASE WHEN t.number IS NULL THEN ((l.hashes + 255) / 256) || ' tiles'
                ELSE greatest(0, least(256, l.hashes - 256 * t.number)) || ' hashes' END,
           CASE WHEN t.number IS NULL
                THEN (SELECT count(*) FROM ledger.log_tiles n WHERE n.level = l.level) || ' tiles'
                ELSE length(t.hashes) / 32 || ' hashes' END
      FROM (SELECT level, (SELECT size FROM ledger.log_head) >> (8 * level) AS hashes
              FROM generate_series(0, 7) level) l
      LEFT JOIN ledger.log_tiles t
        ON t.level = l.level AND length(t.hashes) <> 32 * least(256, l.hashes - 256 * t.number)
     WHERE t.number IS NOT NULL
        OR (l.hashes + 255) / 256
           <> (SELECT count(*) FROM ledger.log_tiles n WHERE n.level = l.level)
"""
_SAVE_TILES: Final = """
    INSERT INTO ledger.log_tiles (level, number, hashes, first_sequence)
    SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[], $4::bigint[])
        ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes
"""
_TILE_OF_SEQUENCE: Final = """
    SELECT level, number, hashes, first_sequence
      FROM ledger.log_tiles
     WHERE level = 0 AND first_sequence <= $1
     ORDER BY first_sequence DESC
     LIMIT 1
"""
_CHECKPOINTS: Final = "SELECT size, root, note, public_key, signed_at FROM ledger.log_checkpoints"
_SAVE_CHECKPOINT: Final = """
    INSERT INTO ledger.log_checkpoints (size, root, note, public_key, signed_at)
    VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (size) DO NOTHING
"""
_TILES_CHUNK: Final = 128
_ROWS_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class LogHead:
    """How far the log has come: `size` leaves, all journal rows up to `sequence`."""

    origin: str
    size: int
    sequence: int


async def lock_head(connection: DriverConnection) -> LogHead | None:
    """Return the head, locked until the transaction ends; None while somebody else has it."""
    row = await connection.fetchrow(f"{_HEAD} FOR UPDATE SKIP LOCKED")
    return None if row is None else LogHead(*row)


async def read_head(connection: DriverConnection) -> LogHead:
    """Return the head as committed."""
    row = await connection.fetchrow(_HEAD)
    assert row is not None
    return LogHead(*row)


async def read_final_sequence(connection: DriverConnection) -> int:
    """Return the sequence up to which no journal row can appear any more; see `ledger.lines`."""
    sequence = await connection.fetchval(_FINAL_SEQUENCE)
    assert isinstance(sequence, int)
    return sequence


async def move_head(connection: DriverConnection, *, size: int, sequence: int) -> None:
    """Record how far the log has come."""
    await connection.execute(_MOVE_HEAD, size, sequence)


async def read_leaves(
    connection: DriverConnection, *, after: int, up_to: int, limit: int
) -> list[bytes]:
    """Return the first `limit` leaves with sequences after `after` and up to `up_to`."""
    return [row[0] for row in await connection.fetch(_LEAVES, after, up_to, limit)]


async def read_all_leaves(
    connection: DriverConnection, *, up_to: int, chunk: int
) -> AsyncIterator[list[bytes]]:
    """Yield all leaves up to a sequence, in its order, in lists of at most `chunk`."""
    cursor = await connection.cursor(_ALL_LEAVES, up_to)
    while rows := await cursor.fetch(chunk):
        yield [row[0] for row in rows]


async def load_tiles(
    connection: DriverConnection, places: Collection[TilePlace]
) -> dict[TilePlace, Tile]:
    """Return those of the named tiles that exist."""
    if not places:
        return {}
    rows = await connection.fetch(
        _TILES, [place.level for place in places], [place.number for place in places]
    )
    return {tile.place: tile for tile in map(_read_tile, rows)}


async def read_tiles(connection: DriverConnection, *, level: int) -> AsyncIterator[Tile]:
    """Yield all tiles of a level, from the left."""
    async for row in connection.cursor(_TILES_OF_LEVEL, level, prefetch=_TILES_CHUNK):
        yield _read_tile(row)


async def find_misshapen_tiles(connection: DriverConnection) -> list[tuple[str, str, str]]:
    """Return what is missing from, or too much for, a log of the size that the head names.

    Each as its subject, what it should be, and what it is.
    """
    return [tuple(row) for row in await connection.fetch(_MISSHAPEN_TILES)]


async def save_tiles(connection: DriverConnection, tiles: Sequence[Tile]) -> None:
    """Store new tiles, and replace those that have grown."""
    await connection.execute(
        _SAVE_TILES,
        [tile.place.level for tile in tiles],
        [tile.place.number for tile in tiles],
        [tile.hashes for tile in tiles],
        [tile.first_sequence for tile in tiles],
    )


async def find_tile_of(connection: DriverConnection, sequence: int) -> Tile | None:
    """Return the level-0 tile that has the leaf of a sequence, if it has been sealed."""
    row = await connection.fetchrow(_TILE_OF_SEQUENCE, sequence)
    return None if row is None else _read_tile(row)


async def find_last_checkpoint(connection: DriverConnection) -> Published | None:
    """Return the largest checkpoint, if there is any."""
    return _read_published(await connection.fetchrow(f"{_CHECKPOINTS} ORDER BY size DESC LIMIT 1"))


async def find_checkpoint(connection: DriverConnection, size: int) -> Published | None:
    """Return the checkpoint of exactly this size."""
    return _read_published(await connection.fetchrow(f"{_CHECKPOINTS} WHERE size = $1", size))


async def list_checkpoints(
    connection: DriverConnection, *, above: int, limit: int
) -> list[Published]:
    """Return the first `limit` checkpoints above a size, smallest first."""
    rows = await connection.fetch(
        f"{_CHECKPOINTS} WHERE size > $1 ORDER BY size LIMIT $2", above, limit
    )
    return [Published(**row) for row in rows]


async def read_checkpoints(connection: DriverConnection) -> AsyncIterator[Published]:
    """Yield all checkpoints, smallest first."""
    async for row in connection.cursor(f"{_CHECKPOINTS} ORDER BY size", prefetch=_ROWS_CHUNK):
        yield Published(**row)


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


def _read_tile(row: Record) -> Tile:
    return Tile(TilePlace(row["level"], row["number"]), row["hashes"], row["first_sequence"])


def _read_published(row: Record | None) -> Published | None:
    return None if row is None else Published(**row)
