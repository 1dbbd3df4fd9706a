"""Hashes in tiles of 256, as in C2SP's tlog-tiles: where each one is, and how tiles grow.

Level 0 holds the hashes of leaves; a full tile's root is one hash of the level above. So the tree
over 256 leaves is one level-0 tile of 8 KB, and every hash that a proof needs is inside a tile or
follows from at most 128 neighbours in one. Pure: tiles come in and go out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from huitong.kernel.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    LeafRange,
    Node,
    fold,
    hash_perfect,
    list_nodes,
)

#: A tile is a perfect tree of this height.
TILE_HEIGHT: Final = 8
TILE_HASHES: Final = 1 << TILE_HEIGHT
TILE_BYTES: Final = TILE_HASHES * HASH_BYTES
#: Sizes fit a bigint, so no tile is on a higher level than 7.
LEVELS: Final = 8


class TilePlace(NamedTuple):
    """A tile's level, from 0 for leaves, and its number on that level, from the left."""

    level: int
    number: int


@dataclass(frozen=True, slots=True)
class Tile:
    """From 1 to 256 hashes, joined; level-0 tiles know the sequence of their first leaf."""

    place: TilePlace
    hashes: bytes
    first_sequence: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether no hash can be added any more."""
        return len(self.hashes) == TILE_BYTES


def list_partial_places(size: int) -> list[TilePlace]:
    """Return the tiles of a log of `size` that are neither full nor empty: one a level at most."""
    places = []
    level = 0
    while size > 0:
        if size % TILE_HASHES:
            places.append(TilePlace(level, size // TILE_HASHES))
        size //= TILE_HASHES
        level += 1
    return places


def append_hashes(
    size: int, partial: Mapping[TilePlace, Tile], hashes: Sequence[bytes], sequences: Sequence[int]
) -> list[Tile]:
    """Return the tiles that are new or have grown when leaves are added to a log of `size`.

    `partial` must hold the tiles that `list_partial_places(size)` names; `sequences` are those of
    the leaves, in step with their `hashes`.
    """
    assert len(hashes) == len(sequences), "each leaf has a sequence"
    changed: list[Tile] = []
    level, count, added = 0, size, hashes
    while added:
        full_roots = []
        number, filled = divmod(count, TILE_HASHES)
        first = 0
        while first < len(added):
            place = TilePlace(level, number)
            old = partial[place] if filled else None
            part = added[first : first + TILE_HASHES - filled]
            joined = (old.hashes if old else b"") + b"".join(part)
            assert len(joined) == (filled + len(part)) * HASH_BYTES, f"{place} has a wrong length"
            sequence = old.first_sequence if old else sequences[first] if level == 0 else None
            tile = Tile(place, joined, sequence)
            changed.append(tile)
            if tile.is_full:
                full_roots.append(hash_perfect(split_hashes(joined)))
            first += len(part)
            number, filled = number + 1, 0
        level, count, added = level + 1, count // TILE_HASHES, full_roots
    return changed


def find_place(node: Node) -> TilePlace:
    """Return the tile that has, or has all that is below, a node."""
    level, height = divmod(node.height, TILE_HEIGHT)
    return TilePlace(level, (node.number << height) // TILE_HASHES)


def list_places(ranges: Iterable[LeafRange]) -> list[TilePlace]:
    """Return the tiles, each once, that are needed to hash ranges of leaves."""
    return sorted({find_place(node) for leaves in ranges for node in list_nodes(leaves)})


def hash_range(leaves: LeafRange, tiles: Mapping[TilePlace, Tile]) -> bytes:
    """Return the hash of a subtree from tiles; those that `list_places` names must be there."""
    nodes = list_nodes(leaves)
    return fold([_hash_of(node, tiles) for node in nodes]) if nodes else EMPTY_ROOT


def split_hashes(joined: bytes) -> list[bytes]:
    """Return the hashes of a tile one by one."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]


def _hash_of(node: Node, tiles: Mapping[TilePlace, Tile]) -> bytes:
    height = node.height % TILE_HEIGHT
    first = (node.number << height) % TILE_HASHES
    part = tiles[find_place(node)].hashes[first * HASH_BYTES : (first + (1 << height)) * HASH_BYTES]
    assert len(part) == HASH_BYTES << height, f"{node} is beyond the end of the log"
    return hash_perfect(split_hashes(part))
