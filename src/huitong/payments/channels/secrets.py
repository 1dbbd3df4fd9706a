"""What channels sign their callbacks with: a file for each in the keys of the home.

The same secret is at the channel. A file may hold two, one a line, while one replaces the other.
"""

import base64
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from huitong.kernel.errors import Fault
from huitong.kernel.signing_keys import KEYS_FOLDER
from huitong.payments.channels.terms import check_name
from huitong.payments.channels.webhooks import read_secret

_FOLDER_MODE: Final = 0o700
_SECRET_BYTES: Final = 32
_SECRETS_MAX: Final = 2


class ChannelSecretUnreadable(Fault):
    """The file of a channel's secret is there, but cannot be read or holds something else."""

    code = "channel_secret_unreadable"
    title = "A channel's secret cannot be read"


def find_secrets(home: Path, channel: str) -> tuple[bytes, ...]:
    """Return what a channel may sign with, none if it has no file.

    Raises InvalidField for a name that is none, ChannelSecretUnreadable.
    """
    path = _path(home, channel)
    try:
        lines = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path) from error
    if not 1 <= len(lines) <= _SECRETS_MAX:
        raise _unreadable(path)
    try:
        return tuple(read_secret(line) for line in lines)
    except ValueError as error:
        raise _unreadable(path) from error


def make_secret(home: Path, channel: str) -> str:
    """Return a channel's secret as text, made now if it has none yet.

    Many processes may ask at once: all get the same. Raises InvalidField, ChannelSecretUnreadable.
    """
    path = _path(home, channel)
    if not path.exists():
        _write(path, "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode())
    find_secrets(home, channel)
    return path.read_text(encoding="ascii").split()[0]


def _path(home: Path, channel: str) -> Path:
    return home / KEYS_FOLDER / f"channel-{check_name(channel)}.secret"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    # `mkstemp` makes the file with mode 0600, and a link fails if another process was faster.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink(missing_ok=True)


def _unreadable(path: Path) -> ChannelSecretUnreadable:
    return ChannelSecretUnreadable(f"{path} holds no secret of a channel.", retryable=False)
