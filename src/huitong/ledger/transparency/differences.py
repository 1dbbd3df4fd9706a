"""Rebuild and compare: is the log what the journal says, and do the signed checkpoints stand?

Every leaf is made again from the journal and compared with the tiles; every upper hash and every
checkpoint's root is made again from the tiles. So when nothing differs, each signed root is that
of the journal. One pass over the journal in its order, with little memory.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, NamedTuple

from huitong.kernel.checkpoints import Checkpoint, Published, open_checkpoint
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import TRANSFER, show_id
from huitong.kernel.merkle import CompactRange, hash_leaf, hash_perfect
from huitong.kernel.notes import NoteNotValid, PublicKey
from huitong.ledger.transparency import store
from huitong.ledger.transparency.leaves import read_leaf_id, read_leaf_sequence
from huitong.ledger.transparency.tiles import (
    LEVELS,
    TILE_HASHES,
    Tile,
    TilePlace,
    split_hashes,
)

_LEAVES_CHUNK: Final = 20_000


class LogDifference(NamedTuple):
    """One thing in the log that is not as it must be."""

    subject: str
    expected: str
    found: str


async def find_log_differences(connection: DriverConnection) -> AsyncIterator[LogDifference]:
    """Yield everything in which the transparency log differs from the journal or from itself.

    `connection` must be in a transaction that sees one snapshot throughout. Rows that have not
    been sealed yet are no difference.
    """
    head = await store.read_head(connection)
    for row in await store.find_misshapen_tiles(connection):
        yield LogDifference(*row)
    async for difference in _compare_leaves(connection, head.sequence):
        yield difference
    for level in range(1, LEVELS):
        async for difference in _compare_level(connection, level):
            yield difference
    async for difference in _compare_checkpoints(connection, head.origin):
        yield difference


class _Journal:
    """The sealed part of the journal as leaves, taken from the front."""

    def __init__(self, connection: DriverConnection, up_to: int) -> None:
        self._chunks = store.read_all_leaves(connection, up_to=up_to, chunk=_LEAVES_CHUNK)
        self._waiting: list[bytes] = []
        self._next = 0

    async def take_below(self, sequence: int | None) -> list[bytes]:
        """Return the next leaves with smaller sequences; with None, all that are left."""
        taken: list[bytes] = []
        while True:
            while self._next < len(self._waiting):
                leaf = self._waiting[self._next]
                if sequence is not None and read_leaf_sequence(leaf) >= sequence:
                    return taken
                taken.append(leaf)
                self._next += 1
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return taken
            self._waiting, self._next = chunk, 0


async def _compare_leaves(
    connection: DriverConnection, sequence: int
) -> AsyncIterator[LogDifference]:
    journal = _Journal(connection, sequence)
    tile: Tile | None = None
    async for following in store.read_tiles(connection, level=0):
        if tile is not None:
            for difference in _compare_tile(
                tile, await journal.take_below(following.first_sequence)
            ):
                yield difference
        tile = following
    leaves = await journal.take_below(None)
    for difference in _compare_tile(tile or Tile(TilePlace(0, 0), b""), leaves):
        yield difference


def _compare_tile(tile: Tile, leaves: Sequence[bytes]) -> Iterator[LogDifference]:
    found = [hash_leaf(leaf) for leaf in leaves]
    if b"".join(found) == tile.hashes:
        return
    sealed = split_hashes(tile.hashes)
    known, present = set(sealed), set(found)
    is_explained = False
    for leaf, leaf_hash in zip(leaves, found, strict=True):
        if leaf_hash not in known:
            is_explained = True
            yield LogDifference(
                show_id(TRANSFER, read_leaf_id(leaf)),
                "a row as it was sealed",
                f"a row with the hash {leaf_hash.hex()}, which was never sealed",
            )
    for place, leaf_hash in enumerate(sealed, start=tile.place.number * TILE_HASHES):
        if leaf_hash not in present:
            is_explained = True
            yield LogDifference(
                f"leaf {place}", f"a row with the hash {leaf_hash.hex()}", "no such row"
            )
    if not is_explained:
        yield LogDifference(
            f"tile {tile.place.number}", "the rows in their order, once each", "another order"
        )


async def _compare_level(connection: DriverConnection, level: int) -> AsyncIterator[LogDifference]:
    """Compare a level with the roots of the full tiles below it."""
    roots: list[bytes] = []
    number = 0
    async for tile in store.read_tiles(connection, level=level - 1):
        if tile.is_full:
            roots.append(hash_perfect(split_hashes(tile.hashes)))
        if len(roots) == TILE_HASHES:
            for difference in await _compare_upper_tile(connection, level, number, roots):
                yield difference
            roots, number = [], number + 1
    if roots:
        for difference in await _compare_upper_tile(connection, level, number, roots):
            yield difference


async def _compare_upper_tile(
    connection: DriverConnection, level: int, number: int, roots: Sequence[bytes]
) -> list[LogDifference]:
    place = TilePlace(level, number)
    stored = (await store.load_tiles(connection, [place])).get(place)
    if stored is not None and stored.hashes == b"".join(roots):
        return []
    return [
        LogDifference(
            f"tile {number} of level {level}", "the roots of the tiles below", "other hashes"
        )
    ]


async def _compare_checkpoints(
    connection: DriverConnection, origin: str
) -> AsyncIterator[LogDifference]:
    """Grow the root from the tiles and compare it with each checkpoint on the way."""
    tiles = store.read_tiles(connection, level=0)
    grown = CompactRange()
    waiting: list[bytes] = []
    async for published in store.read_checkpoints(connection):
        while grown.size + len(waiting) < published.size:
            tile = await anext(tiles, None)
            if tile is None:
                break
            waiting += split_hashes(tile.hashes)
        missing = published.size - grown.size
        grown.extend(waiting[:missing])
        waiting = waiting[missing:]
        for difference in _compare_checkpoint(
            published, Checkpoint(origin, grown.size, grown.root())
        ):
            yield difference


def _compare_checkpoint(published: Published, grown: Checkpoint) -> Iterator[LogDifference]:
    subject = f"checkpoint of size {published.size}"
    if grown.size != published.size:
        yield LogDifference(subject, "a log of this size", f"{grown.size} leaves")
        return
    if published.root != grown.root:
        yield LogDifference(
            subject, f"the root {published.root.hex()}", f"the root {grown.root.hex()}"
        )
    try:
        signed = open_checkpoint(published.note, PublicKey.parse(published.public_key))
    except (NoteNotValid, InvalidField) as refusal:
        yield LogDifference(subject, "a note that its key signed", refusal.detail)
        return
    if signed != Checkpoint(grown.origin, published.size, published.root):
        yield LogDifference(subject, "a note that says the same", published.note)
