"""The key that signs the ledger's checkpoints, made once for each home.

The private half never leaves the home. Whoever backs up the home backs up the key; without it a
platform must begin to sign with a new one, which everybody who checks will notice.
"""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huitong.kernel.errors import Fault
from huitong.kernel.signing_keys import KEYS_FOLDER, SigningKeyUnreadable, load_signing_key

FOLDER_NAME: Final = KEYS_FOLDER
FILE_NAME: Final = "ledger-log.pem"


class LogKeyUnreadable(Fault):
    """The key file is there, but cannot be read or holds something else."""

    code = "log_key_unreadable"
    title = "The key of the transparency log cannot be read"


def load_log_key(home: Path) -> Ed25519PrivateKey:
    """Return the key of this home, made now if there is none yet.

    Many processes may ask at once: all get the same key. Raises LogKeyUnreadable.
    """
    try:
        return load_signing_key(home, FILE_NAME)
    except SigningKeyUnreadable as fault:
        raise LogKeyUnreadable(
            f"{fault.detail} Restore it from a backup; if there is none, move it away, and "
            "`huitong log checkpoint --new-key` begins with a new one.",
            retryable=False,
        ) from fault
