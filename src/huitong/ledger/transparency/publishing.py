"""Publishing checkpoints: signing what the log says now, once for each size."""

from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huitong.kernel import limits
from huitong.kernel.checkpoints import Checkpoint, Published, sign_checkpoint
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.errors import Conflict, Fault, NotFound
from huitong.kernel.merkle import (
    LeafRange,
    ProofNotValid,
    check_consistency,
    list_consistency_ranges,
)
from huitong.kernel.notes import PublicKey, get_public_key
from huitong.ledger.transparency import store
from huitong.ledger.transparency.tiles import hash_range, list_places


class LogInconsistent(Fault):
    """The stored log contradicts itself or the journal: somebody has changed what is final."""

    code = "log_inconsistent"
    title = "The transparency log does not fit what was sealed"


class LogKeyDiffers(Conflict):
    """The last checkpoint was signed with another key than the one of this home."""

    code = "log_key_differs"
    title = "The transparency log was signed with another key"


async def publish_checkpoint(
    uow: UnitOfWork, *, key: Ed25519PrivateKey, now: datetime, is_new_key_wanted: bool = False
) -> Published | None:
    """Sign and store a checkpoint of the log as it stands; None if it has no leaves yet.

    If the log has not grown, the last checkpoint is returned again. Raises LogKeyDiffers when the
    last one was signed with another key, which happens when two machines have a home each:
    whoever checks would not know which one to trust. `is_new_key_wanted` says that it is meant.
    Raises LogInconsistent rather than sign what contradicts the last checkpoint.
    """
    connection = await uow.driver()
    head = await store.read_head(connection)
    if head.size == 0:
        return None
    last = await store.find_last_checkpoint(connection)
    public_key = str(get_public_key(head.origin, key))
    if last is not None and last.public_key != public_key and not is_new_key_wanted:
        raise LogKeyDiffers(
            f"The checkpoint of size {last.size} was signed with {last.public_key}. Copy "
            "keys/ledger-log.pem from the home that has this key, or run "
            "`huitong log checkpoint --new-key` if it is lost."
        )
    if last is not None and last.size >= head.size:
        return last
    checkpoint = Checkpoint(head.origin, head.size, await read_root(connection, head.size))
    if last is not None:
        await _check_growth(connection, last, checkpoint)
    await store.save_checkpoint(
        connection,
        Published(
            size=checkpoint.size,
            root=checkpoint.root,
            note=sign_checkpoint(checkpoint, key),
            public_key=public_key,
            signed_at=now,
        ),
    )
    # Another process may have been faster: then its note is the one that stands.
    return await store.find_checkpoint(connection, head.size)


async def read_root(connection: DriverConnection, size: int) -> bytes:
    """Return the root of the log at a size that it has reached."""
    return (await hash_ranges(connection, [LeafRange(0, size)]))[0]


async def hash_ranges(connection: DriverConnection, ranges: Sequence[LeafRange]) -> list[bytes]:
    """Return the hash of each subtree, from the stored tiles.

    Tiles only grow, so it does not matter that a sealer may add leaves in the meantime.
    """
    tiles = await store.load_tiles(connection, list_places(ranges))
    return [hash_range(leaves, tiles) for leaves in ranges]


async def _check_growth(connection: DriverConnection, old: Published, new: Checkpoint) -> None:
    """Raise LogInconsistent unless the new checkpoint only adds to the old one."""
    ranges = list_consistency_ranges(old.size, new.size)
    proof = await hash_ranges(connection, ranges)
    try:
        check_consistency(old.size, old.root, new.size, new.root, proof)
    except ProofNotValid as refusal:
        raise LogInconsistent(
            f"The log of size {new.size} contradicts the checkpoint of size {old.size}. Nothing "
            "is signed until this is explained: run `huitong ledger verify`.",
            retryable=False,
        ) from refusal


async def get_log_key(uow: UnitOfWork, key: Ed25519PrivateKey) -> PublicKey:
    """Return the public key that checks what `key` signs for this log."""
    head = await store.read_head(await uow.driver())
    return get_public_key(head.origin, key)


async def get_checkpoint(uow: UnitOfWork, size: int | None = None) -> Published:
    """Return the checkpoint of a size, or the latest; raises NotFound."""
    connection = await uow.driver()
    if size is None:
        found = await store.find_last_checkpoint(connection)
        if found is None:
            raise NotFound("No checkpoint has been published yet")
        return found
    found = await store.find_checkpoint(connection, size)
    if found is None:
        raise NotFound(f"There is no checkpoint of size {size}", context={"size": size})
    return found


async def list_checkpoints(
    uow: UnitOfWork, *, above: int = 0, limit: int = limits.PAGE_SIZE_DEFAULT
) -> list[Published]:
    """Return the first `limit` checkpoints larger than `above`, smallest first."""
    return await store.list_checkpoints(await uow.driver(), above=above, limit=limit)
