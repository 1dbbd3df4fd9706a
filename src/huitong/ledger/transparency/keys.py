"""The key that signs checkpoints: made once for each home, kept in `keys/`, read by its owner only.

The private half never leaves the home. Whoever backs up the home backs up the key; without it a
platform must begin to sign with a new one, which everybody who checks will notice.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from huitong.kernel.errors import Fault

FOLDER_NAME: Final = "keys"
FILE_NAME: Final = "ledger-log.pem"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


class LogKeyUnreadable(Fault):
    """The key file is there, but cannot be read or holds something else."""

    code = "log_key_unreadable"
    title = "The key of the transparency log cannot be read"


def load_log_key(home: Path) -> Ed25519PrivateKey:
    """Return the key of this home, made now if there is none yet.

    Many processes may ask at once: all get the same key. Raises LogKeyUnreadable.
    """
    path = home / FOLDER_NAME / FILE_NAME
    try:
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & 0o077:
            # A restore or a copy often loses the mode.
            path.chmod(_FILE_MODE)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise LogKeyUnreadable(
            f"{path} cannot be read ({type(error).__name__}). Restore it from a backup; if there "
            "is none, move it away, and `huitong log checkpoint --new-key` begins with a new one.",
            retryable=False,
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LogKeyUnreadable(f"{path} holds no Ed25519 key", retryable=False)
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    # `mkstemp` makes the file with mode 0600. A link, unlike a rename, fails if another process
    # was faster: its key stands then, whole, and ours was never used.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE_NAME}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink(missing_ok=True)
    # The name must survive a power cut too: a checkpoint signed with a lost key is a bad start.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
