"""The sealer: appends final journal rows to the transparency log, in order of their sequence.

A row is final once the projector's fence has passed it (see `ledger.lines`): nothing with a
smaller sequence can appear any more, so a leaf's index never has to change. Tiles and head are
written in one transaction: a crash leaves the log as it was, and the next sealer goes on there.
"""

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.merkle import hash_leaf
from huitong.ledger.columns import POSITION_BITS
from huitong.ledger.transparency import store
from huitong.ledger.transparency.leaves import read_leaf_sequence
from huitong.ledger.transparency.tiles import append_hashes, list_partial_places


async def seal_transfers(uow: UnitOfWork, *, limit: int = limits.SEAL_TRANSFERS_MAX) -> int:
    """Append up to `limit` final journal rows to the log and return their number.

    Returns 0 while another sealer is at it: many may run, one does the work.
    """
    assert limit > 0, "a sealer that may seal nothing is never done"
    connection = await uow.driver()
    head = await store.lock_head(connection)
    if head is None:
        return 0
    final = await store.read_final_sequence(connection)
    leaves, reached = await _read_leaves(connection, head.sequence, final, limit)
    if leaves:
        partial = await store.load_tiles(connection, list_partial_places(head.size))
        tiles = append_hashes(
            head.size,
            partial,
            [hash_leaf(leaf) for leaf in leaves],
            [read_leaf_sequence(leaf) for leaf in leaves],
        )
        await store.save_tiles(connection, tiles)
    if reached > head.sequence:
        await store.move_head(connection, size=head.size + len(leaves), sequence=reached)
    return len(leaves)


async def _read_leaves(
    connection: DriverConnection, after: int, final: int, limit: int
) -> tuple[list[bytes], int]:
    """Return the next leaves in order, and the sequence up to which they are complete.

    By ranges of batches, for the reason that `ledger.lines` gives: the index on sequences finds a
    range, but "the next so many" would read all that waits every time.
    """
    leaves: list[bytes] = []
    batches = 1
    for _ in range(limits.SEAL_RANGES_MAX):
        room = limit - len(leaves)
        if after >= final or room == 0:
            break
        up_to = min(final, after + (batches << POSITION_BITS))
        found = await store.read_leaves(connection, after=after, up_to=up_to, limit=room)
        leaves += found
        # A full page may have been cut short: the rest of its range comes next time.
        after = read_leaf_sequence(found[-1]) if len(found) == room else up_to
        # Batches hold from one row to tens of thousands: feel the way to a good step.
        if 4 * len(found) <= limit:
            batches = min(2 * batches, limits.PROJECTION_BATCHES_MAX)
    return leaves, after
