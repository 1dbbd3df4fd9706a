"""Signing what the chain says, and keeping the newest note outside the database as well.

The note in the home is what a checker holds the database to: whoever can rewrite every table, the
checkpoints included, would still have to change a file on the machine that signs.
"""

import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huitong.kernel import limits
from huitong.kernel.audit_chain import store
from huitong.kernel.checkpoints import Checkpoint, Published, open_checkpoint
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.errors import Conflict, Fault
from huitong.kernel.merkle import HASH_BYTES, CompactRange
from huitong.kernel.notes import (
    NoteNotValid,
    PublicKey,
    decode_base64,
    encode_base64,
    get_public_key,
    open_note,
    sign_note,
)
from huitong.kernel.signing_keys import find_signing_key, load_signing_key

AUDIT_KEY_FILE: Final = "audit-log.pem"
CHECKPOINT_FILE: Final = "audit-checkpoint.txt"
_ROOTS: Final = "roots "
_ROOTS_LINE: Final = 3
_ADVICE: Final = (
    "Nothing is signed until this is explained: run `huitong audit verify`. After a restore that "
    f"was meant, move {CHECKPOINT_FILE} out of the home."
)


class AuditTrailChanged(Fault):
    """The chain is not a continuation of what was signed: somebody rewrote it or cut it off."""

    code = "audit_trail_changed"
    title = "The audit trail does not continue what was signed"

    def __init__(self, finding: str) -> None:
        """Make a fault that only people can explain; `finding` is a sentence."""
        super().__init__(f"{finding} {_ADVICE}", retryable=False)


class AuditKeyDiffers(Conflict):
    """The last checkpoint was signed with another key than the one of this home."""

    code = "audit_key_differs"
    title = "The audit trail was signed with another key"


def load_audit_key(home: Path) -> Ed25519PrivateKey:
    """Return the key that signs the trail, made now if need be; raises SigningKeyUnreadable."""
    return load_signing_key(home, AUDIT_KEY_FILE)


def find_audit_key(home: Path) -> Ed25519PrivateKey | None:
    """Return the key that signs the trail, or None; raises SigningKeyUnreadable."""
    return find_signing_key(home, AUDIT_KEY_FILE)


async def get_audit_key(uow: UnitOfWork, key: Ed25519PrivateKey) -> PublicKey:
    """Return the public key that checks what `key` signs for this trail."""
    head = await store.read_head(await uow.driver())
    return get_public_key(head.origin, key)


async def publish_audit_checkpoint(
    uow: UnitOfWork,
    *,
    key: Ed25519PrivateKey,
    now: datetime,
    kept: str | None = None,
    is_new_key_wanted: bool = False,
) -> Published | None:
    """Sign and store a checkpoint of the chain as it stands; None if nothing is sealed yet.

    The chain must continue what was signed last: the note that was `kept` outside the database or,
    without one, the last checkpoint. Only the leaves since then are read. Raises AuditTrailChanged
    rather than sign another history. If the chain has not grown, the last checkpoint is returned.

    Raises AuditKeyDiffers when the last one was signed with another key, unless
    `is_new_key_wanted`; the caller then records that, so that there is something to sign.
    """
    connection = await uow.driver()
    # In this order, so that the chain is never shorter than an honest checkpoint of it.
    last = await store.find_last_checkpoint(connection)
    head = await _read_head(connection)
    public_key = get_public_key(head.origin, key)
    tree = CompactRange()
    if last is None or last.public_key == str(public_key):
        tree = _find_signed(last, kept, public_key)
    elif not is_new_key_wanted:
        raise AuditKeyDiffers(
            f"The audit checkpoint of size {last.size} was signed with {last.public_key}. Copy "
            f"keys/{AUDIT_KEY_FILE} from the home that has this key, or run "
            "`huitong audit checkpoint --new-key` if it is lost."
        )
    await _check_growth(connection, tree, head.tree)
    if tree.size == 0:
        return None
    if last is not None and last.size >= tree.size:
        return last
    note = _sign(head.origin, tree, key)
    made = Published(
        size=tree.size, root=tree.root(), note=note, public_key=str(public_key), signed_at=now
    )
    await store.save_checkpoint(connection, made)
    # Another process may have been faster: then its note is the one that stands.
    stored = await store.find_last_checkpoint(connection)
    assert stored is not None, "a checkpoint was stored just now"
    _open_tree(stored.note, public_key, size=stored.size)
    return stored


def _find_signed(last: Published | None, kept: str | None, public_key: PublicKey) -> CompactRange:
    """Return the newest tree that is known to be signed; raises AuditTrailChanged.

    The last checkpoint must be ours even where a note was kept: it may be returned and kept next.
    """
    trees = [CompactRange()]
    if last is not None:
        trees.append(_open_tree(last.note, public_key, size=last.size))
    if kept is not None:
        trees.append(_open_tree(kept, public_key))
    newest = max(trees, key=lambda tree: tree.size)
    if any(tree.size == newest.size and tree.roots != newest.roots for tree in trees):
        raise AuditTrailChanged("Two trails of one size were signed.")
    return newest


def _sign(origin: str, tree: CompactRange, key: Ed25519PrivateKey) -> str:
    """Return a signed note that also holds the tree's roots, from which it can be grown on.

    As a fourth line, which the format keeps for such extensions and other readers pass over.
    """
    text = Checkpoint(origin, tree.size, tree.root()).to_text()
    return sign_note(f"{text}{_ROOTS}{encode_base64(b''.join(tree.roots))}\n", origin, key)


def _open_tree(note: str, public_key: PublicKey, *, size: int | None = None) -> CompactRange:
    """Return the tree, of this size, that a note of ours was signed over.

    Raises AuditTrailChanged.
    """
    try:
        checkpoint = open_checkpoint(note, public_key)
        if size not in (None, checkpoint.size):
            raise AuditTrailChanged(f"The checkpoint of size {size} holds a note of another one.")
        line = open_note(note, public_key).split("\n")[_ROOTS_LINE]
        roots = decode_base64(line.removeprefix(_ROOTS)) or b""
        parts = [roots[at : at + HASH_BYTES] for at in range(0, len(roots), HASH_BYTES)]
        return CompactRange(checkpoint.size, parts)
    except (NoteNotValid, LookupError, ValueError) as error:
        raise AuditTrailChanged(
            f"The newest checkpoint of the trail was not signed with this home's key: {error}."
        ) from error


async def _read_head(connection: DriverConnection) -> store.Head:
    try:
        return await store.read_head(connection)
    except ValueError as error:
        raise AuditTrailChanged("The head of the audit trail was changed.") from error


async def _check_growth(
    connection: DriverConnection, tree: CompactRange, head: CompactRange
) -> None:
    """Grow `tree` by the leaves since; raises AuditTrailChanged unless it becomes `head`."""
    if tree.size > head.size:
        raise AuditTrailChanged(f"{tree.size} records were signed, and {head.size} are left.")
    first = tree.size
    async for leaf_hash in store.read_leaf_hashes(connection, first=first, end=head.size):
        tree.append(leaf_hash)
    if (tree.size, tree.roots) != (head.size, head.roots):
        raise AuditTrailChanged(
            f"The audit trail does not continue the {first} records that were signed."
        )


def keep_checkpoint(home: Path, published: Published) -> None:
    """Write the note into the home, whole or not at all, unless it is there already."""
    path = home / CHECKPOINT_FILE
    if path.exists() and path.read_text(encoding="utf-8") == published.note:
        return
    descriptor, temporary = tempfile.mkstemp(dir=home, prefix=f".{CHECKPOINT_FILE}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(published.note)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_kept_checkpoint(path: Path) -> str | None:
    """Return the note in a file, or None if there is no such file."""
    try:
        with path.open("rb") as file:
            # One more than is allowed, so that whoever reads the note sees that it is too long.
            return file.read(limits.LOG_NOTE_BYTES_MAX + 1).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
