"""Making proofs from the stored log: that a transfer is in it, and that it only grew."""

import uuid

from huitong.kernel.checkpoints import Published
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField
from huitong.kernel.ids import TRANSFER, show_id
from huitong.kernel.merkle import (
    ProofNotValid,
    check_consistency,
    check_inclusion,
    hash_leaf,
    list_consistency_ranges,
    list_inclusion_ranges,
)
from huitong.ledger.queries import get_transfer
from huitong.ledger.transparency import store
from huitong.ledger.transparency.documents import Document, write_consistency, write_inclusion
from huitong.ledger.transparency.leaves import encode_transfer
from huitong.ledger.transparency.publishing import LogInconsistent, get_checkpoint, hash_ranges
from huitong.ledger.transparency.tiles import TILE_HASHES, split_hashes
from huitong.ledger.views import RecordedTransfer


class TransferNotPublished(Conflict):
    """The transfer is in the journal, but no checkpoint covers it yet: try again in a minute."""

    code = "transfer_not_published"
    title = "The transfer is not covered by a checkpoint yet"


async def prove_inclusion(
    uow: UnitOfWork, transfer_id: uuid.UUID, *, size: int | None = None
) -> Document:
    """Return a document that proves a transfer to be in the checkpoint of `size`, or the latest.

    Raises NotFound for an unknown transfer or size, TransferNotPublished while the checkpoint does
    not cover it, LogInconsistent if the journal's row is not the one that was sealed.
    """
    transfer = await get_transfer(uow, transfer_id)
    connection = await uow.driver()
    leaf_hash = hash_leaf(encode_transfer(transfer))
    index = await _find_index(connection, transfer, leaf_hash)
    published = None if index is None else await _find_covering(uow, size)
    if index is None or published is None or published.size <= index:
        raise TransferNotPublished(f"{_show(transfer)} is not in {_name(size)} yet")
    proof = await hash_ranges(connection, list_inclusion_ranges(index, published.size))
    try:
        check_inclusion(leaf_hash, index, published.size, proof, published.root)
    except ProofNotValid as refusal:
        raise _inconsistent(f"the proof of {_show(transfer)} does not hold") from refusal
    return write_inclusion(transfer, index, proof, published.note)


async def prove_consistency(uow: UnitOfWork, old_size: int, new_size: int) -> Document:
    """Return a document that proves the checkpoint of `new_size` to continue that of `old_size`.

    Raises NotFound if one of them was not published, InvalidField if they are the wrong way round,
    LogInconsistent if the log was rewritten in between.
    """
    if old_size > new_size:
        raise InvalidField("from must not be larger than to", field="from")
    old, new = await get_checkpoint(uow, old_size), await get_checkpoint(uow, new_size)
    ranges = list_consistency_ranges(old_size, new_size)
    proof = await hash_ranges(await uow.driver(), ranges)
    try:
        check_consistency(old.size, old.root, new.size, new.root, proof)
    except ProofNotValid as refusal:
        raise _inconsistent(f"{new_size} does not continue {old_size}") from refusal
    return write_consistency(old.note, new.note, proof)


async def _find_covering(uow: UnitOfWork, size: int | None) -> Published | None:
    if size is not None:
        return await get_checkpoint(uow, size)
    return await store.find_last_checkpoint(await uow.driver())


async def _find_index(
    connection: DriverConnection, transfer: RecordedTransfer, leaf_hash: bytes
) -> int | None:
    """Return the leaf's index, or None if it is not sealed yet.

    The sequence leads to the tile, and the hash to the place in it. Counting rows would go wrong
    for a whole tile if a single row had been taken out of the journal.
    """
    head = await store.read_head(connection)
    if transfer.sequence > head.sequence:
        return None
    tile = await store.find_tile_of(connection, transfer.sequence)
    hashes = [] if tile is None else split_hashes(tile.hashes)
    if tile is None or leaf_hash not in hashes:
        raise _inconsistent(f"{_show(transfer)} is not what was sealed")
    return tile.place.number * TILE_HASHES + hashes.index(leaf_hash)


def _inconsistent(what: str) -> LogInconsistent:
    return LogInconsistent(
        f"The journal and the log differ: {what}. Run `huitong ledger verify`.", retryable=False
    )


def _show(transfer: RecordedTransfer) -> str:
    return show_id(TRANSFER, transfer.id)


def _name(size: int | None) -> str:
    return "a checkpoint" if size is None else f"the checkpoint of size {size}"
