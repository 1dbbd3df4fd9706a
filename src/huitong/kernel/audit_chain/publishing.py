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
from huitong.kernel.checkpoints import Checkpoint, Published, sign_checkpoint
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict
from huitong.kernel.notes import PublicKey, get_public_key
from huitong.kernel.signing_keys import find_signing_key, load_signing_key

AUDIT_KEY_FILE: Final = "audit-log.pem"
CHECKPOINT_FILE: Final = "audit-checkpoint.txt"


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
    uow: UnitOfWork, *, key: Ed25519PrivateKey, now: datetime, is_new_key_wanted: bool = False
) -> Published | None:
    """Sign and store a checkpoint of the chain as it stands; None if nothing is sealed yet.

    If the chain has not grown, the last checkpoint is returned again. Raises AuditKeyDiffers when
    the last one was signed with another key, unless `is_new_key_wanted`; the caller then records
    that, so that the chain has grown and there is something to sign.
    """
    connection = await uow.driver()
    head = await store.read_head(connection)
    if head.tree.size == 0:
        return None
    last = await store.find_last_checkpoint(connection)
    public_key = str(get_public_key(head.origin, key))
    if last is not None and last.public_key != public_key and not is_new_key_wanted:
        raise AuditKeyDiffers(
            f"The audit checkpoint of size {last.size} was signed with {last.public_key}. Copy "
            f"keys/{AUDIT_KEY_FILE} from the home that has this key, or run "
            "`huitong audit checkpoint --new-key` if it is lost."
        )
    if last is not None and last.size >= head.tree.size:
        return last
    checkpoint = Checkpoint(head.origin, head.tree.size, head.tree.root())
    published = Published(
        size=checkpoint.size,
        root=checkpoint.root,
        note=sign_checkpoint(checkpoint, key),
        public_key=public_key,
        signed_at=now,
    )
    await store.save_checkpoint(connection, published)
    # Another process may have been faster: then its note is the one that stands.
    return await store.find_last_checkpoint(connection)


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
