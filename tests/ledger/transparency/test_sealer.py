"""Sealing: every final row once, in order, whoever does it and however it is cut."""

import asyncio

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.merkle import CompactRange, LeafRange, hash_leaf
from huitong.ledger.queries import get_transfer
from huitong.ledger.transparency import seal_transfers, store
from huitong.ledger.transparency.leaves import (
    LEAF_BYTES,
    encode_transfer,
    read_leaf_id,
    read_leaf_sequence,
)
from huitong.ledger.transparency.tiles import (
    Tile,
    TilePlace,
    append_hashes,
    hash_range,
    list_partial_places,
    list_places,
)
from huitong.ledger.types import TransferKind


def make_hashes(count: int) -> list[bytes]:
    return [hash_leaf(number.to_bytes(4)) for number in range(count)]


def root_of(hashes: list[bytes]) -> bytes:
    tree = CompactRange()
    tree.extend(hashes)
    return tree.root()


def grow(cuts: list[int], hashes: list[bytes]) -> dict[TilePlace, Tile]:
    """Append `hashes` in pieces that end at `cuts`; only partial tiles are handed in again."""
    tiles: dict[TilePlace, Tile] = {}
    size = 0
    for end in [*sorted(cuts), len(hashes)]:
        partial = {place: tiles[place] for place in list_partial_places(size)}
        for tile in append_hashes(size, partial, hashes[size:end], range(size + 1, end + 1)):
            old = tiles.get(tile.place)
            assert old is None or (not old.is_full and tile.hashes.startswith(old.hashes))
            tiles[tile.place] = tile
        size = end
    return tiles


@given(st.integers(0, 1_500), st.data())
def test_makes_the_same_tiles_in_pieces_as_at_once(count, data):
    hashes = make_hashes(count)
    cuts = data.draw(st.lists(st.integers(0, count), max_size=6))

    tiles = grow(cuts, hashes)

    assert tiles == grow([], hashes)
    leaves = [tile for place, tile in sorted(tiles.items()) if place.level == 0]
    assert b"".join(tile.hashes for tile in leaves) == b"".join(hashes)
    assert [tile.first_sequence for tile in leaves] == list(range(1, count + 1, 256))


@given(st.integers(1, 1_500), st.data())
def test_hashes_any_size_that_the_log_once_had(count, data):
    hashes = make_hashes(count)
    tiles = grow([], hashes)
    size = data.draw(st.integers(1, count))
    whole = LeafRange(0, size)
    needed = {place: tiles[place] for place in list_places([whole])}
    assert hash_range(whole, needed) == root_of(hashes[:size])


def test_puts_the_roots_of_full_tiles_on_the_level_above():
    count = 256 * 256 + 256 + 7
    tiles = grow([70, 65_536], make_hashes(count))
    lengths = {tuple(place): len(tile.hashes) // 32 for place, tile in tiles.items()}
    assert lengths[0, 257] == 7
    assert lengths[1, 0] == 256
    assert lengths[1, 1] == 1
    assert lengths[2, 0] == 1
    assert len(lengths) == 258 + 2 + 1


async def test_seals_nothing_of_an_empty_journal(log):
    assert await log.seal() == 0
    assert await log.head() == (0, 0)
    assert await log.publish() is None


async def test_writes_leaves_byte_for_byte_as_documented(books, log):
    cash, customer = await books.open_pair()
    posted = await books.move(cash, customer, 5_000)
    linked = [books.transfer(cash, customer, 9_223_372_036), books.transfer(customer, cash, 2)]
    await books.post(*linked, linked=True)
    hold = await books.hold(customer, cash, 70)
    void = await books.resolve(hold, TransferKind.VOID_PENDING)
    correction = await books.move(customer, cash, 5, corrects_id=posted)
    ids = [posted, *(each.id for each in linked), hold, void, correction]

    assert await log.seal() == 6

    async with books.database.unit_of_work() as uow:
        rows = [await get_transfer(uow, each) for each in ids]
        connection = await uow.driver()
        (leaves,) = [
            chunk async for chunk in store.read_all_leaves(connection, up_to=1 << 62, chunk=100)
        ]
    assert leaves == [encode_transfer(row) for row in rows]
    assert [read_leaf_id(leaf) for leaf in leaves] == ids
    assert [read_leaf_sequence(leaf) for leaf in leaves] == [row.sequence for row in rows]
    assert {len(leaf) for leaf in leaves} == {LEAF_BYTES} == {116}
    assert len({leaf[68:84] for leaf in leaves[1:3]}) == 1
    assert leaves[0][68:] == bytes(48)
    assert leaves[4][84:100] == hold.bytes
    assert leaves[5][100:] == posted.bytes
    assert leaves[0][:17] == b"\x01" + posted.bytes
    assert leaves[0][49:68] == bytes.fromhex("0000000000001388 00002555 434e59 00c9 0000")
    ((_, _, hashes, first),) = await log.tiles()
    assert hashes == b"".join(hash_leaf(leaf) for leaf in leaves)
    assert first == rows[0].sequence


async def test_leaves_what_is_not_final_alone(books, log, make_journal):
    await make_journal(3)
    # Not projected yet, so something with a smaller sequence could still appear.
    assert await books.database.run(seal_transfers) == 0
    assert await log.seal() == 3
    assert await log.seal() == 0


async def test_seals_in_pieces_what_it_would_at_once(books, log, make_journal):
    await make_journal(300)
    for count in (1, 5, 1, 260):
        await make_journal(count)
    await books.project()
    sealed = [await log.seal(limit=limit) for limit in (1, 7, 299, 100, 1_000, 1)]

    assert sealed == [1, 7, 299, 100, 160, 0]
    ids = await books.fetch("SELECT id FROM ledger.transfers ORDER BY sequence")
    async with books.database.unit_of_work() as uow:
        rows = [await get_transfer(uow, row[0]) for row in ids]
    hashes = [hash_leaf(encode_transfer(row)) for row in rows]
    expected = append_hashes(0, {}, hashes, [row.sequence for row in rows])
    assert await log.tiles() == [
        (*tile.place, tile.hashes, tile.first_sequence)
        for tile in sorted(expected, key=lambda tile: tile.place)
    ]
    assert (await log.head())[0] == 567
    assert await log.differences() == []


async def test_leaves_the_work_to_a_sealer_that_is_at_it(books, log, make_journal):
    await make_journal(3)
    await books.project()
    async with books.database.unit_of_work() as uow:
        assert await seal_transfers(uow, limit=2) == 2
        assert await books.database.run(seal_transfers) == 0
    assert await books.database.run(seal_transfers) == 1
    assert await log.differences() == []


async def test_seals_every_row_once_with_many_sealers_beside_posters(books, log, make_journal):
    done = asyncio.Event()

    async def seal() -> int:
        sealed = 0
        while not done.is_set():
            sealed += await log.seal(limit=11)
        return sealed

    sealing = [asyncio.create_task(seal()) for _ in range(3)]
    for count in (1, 30, 300, 2, 5):
        await make_journal(count)
    done.set()
    sealed = sum(await asyncio.gather(*sealing))
    while count := await log.seal(limit=100):
        sealed += count

    assert sealed == 338
    assert (await log.head())[0] == 338
    assert await log.differences() == []


@pytest.mark.parametrize("step", ["save_tiles", "move_head", None])
async def test_goes_on_after_a_crash_as_if_nothing_had_been(
    books, log, make_journal, monkeypatch, step
):
    await make_journal(260)
    await log.seal(limit=100)
    before = await log.head(), await log.tiles()

    async def crash_after(*arguments, **options):
        await original(*arguments, **options)
        raise RuntimeError("the power went out")

    async def seal_and_crash(uow):
        await seal_transfers(uow)
        raise RuntimeError("the power went out before the commit")

    with monkeypatch.context() as patch:
        if step is not None:
            original = getattr(store, step)
            patch.setattr(store, step, crash_after)
        with pytest.raises(RuntimeError, match="the power went out"):
            await books.database.run(seal_and_crash)

    assert (await log.head(), await log.tiles()) == before
    assert await log.seal() == 160
    assert await log.differences() == []


async def test_passes_over_batches_that_came_to_nothing(books, log, make_journal):
    await make_journal(2)
    for _ in range(3):
        await books.fetch("SELECT nextval('ledger.batches')")
    await make_journal(2)
    assert await log.seal() == 4
    assert await log.differences() == []


FORBIDDEN = [
    "UPDATE ledger.log_tiles SET hashes = substring(hashes FOR 32)",
    "UPDATE ledger.log_tiles SET hashes = substring(hashes FROM 33) || substring(hashes FOR 32)",
    "UPDATE ledger.log_tiles SET first_sequence = first_sequence + 1 WHERE level = 0",
    "UPDATE ledger.log_tiles SET number = number + 10",
    "DELETE FROM ledger.log_tiles",
    "TRUNCATE ledger.log_tiles",
    "UPDATE ledger.log_head SET size = size - 1",
    "UPDATE ledger.log_head SET sequence = 0",
    "UPDATE ledger.log_head SET origin = 'other/log'",
    "DELETE FROM ledger.log_head",
    "TRUNCATE ledger.log_head",
    "UPDATE ledger.log_checkpoints SET root = sha256('')",
    "DELETE FROM ledger.log_checkpoints",
    "TRUNCATE ledger.log_checkpoints",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_to_rewrite_the_log_even_for_its_owner(
    books, log, make_journal, statement
):
    await make_journal(300)
    await log.seal_and_publish()
    before = await log.head(), await log.tiles()

    async with books.superuser() as connection:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await connection.execute(statement)
    assert caught.value.sqlstate == "HT002"

    connection = await books.database.connect()
    try:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await connection.execute(statement)
    finally:
        await connection.close()
    assert caught.value.sqlstate in {"HT002", "42501"}
    assert (await log.head(), await log.tiles()) == before
