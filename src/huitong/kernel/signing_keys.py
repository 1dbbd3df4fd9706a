"""Keys that sign checkpoints: made once for each home, in `keys/`, for their owner only."""

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

#: The folder of a home that holds its keys.
KEYS_FOLDER: Final = "keys"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


class SigningKeyUnreadable(Fault):
    """A key file is there, but cannot be read or holds something else."""

    code = "signing_key_unreadable"
    title = "A signing key cannot be read"


def find_signing_key(home: Path, file_name: str) -> Ed25519PrivateKey | None:
    """Return the key of this name, or None if the home has none; raises SigningKeyUnreadable."""
    path = home / KEYS_FOLDER / file_name
    return load_signing_key(home, file_name) if path.exists() else None


def load_signing_key(home: Path, file_name: str) -> Ed25519PrivateKey:
    """Return the key of this name, made now if the home has none yet.

    Many processes may ask at once: all get the same key. Raises SigningKeyUnreadable.
    """
    path = home / KEYS_FOLDER / file_name
    try:
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & 0o077:
            # A restore or a copy often loses the mode.
            path.chmod(_FILE_MODE)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyUnreadable(
            f"{path} cannot be read ({type(error).__name__}).", retryable=False
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnreadable(f"{path} holds no Ed25519 key.", retryable=False)
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    # `mkstemp` makes the file with mode 0600. A link, unlike a rename, fails if another process
    # was faster: its key stands then, whole, and ours was never used.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
