"""Where the embedded database of a home listens and with which passwords: `database.json`.

The file stands apart from the `database` package so that `settings` can read it without importing
the database itself.
"""

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from huitong.kernel.errors import Fault

DATABASE_NAME: Final = "huitong"
SUPERUSER_ROLE: Final = "postgres"
OWNER_ROLE: Final = "huitong_owner"
APP_ROLE: Final = "huitong_app"
LISTEN_HOST: Final = "127.0.0.1"

_FILE_NAME: Final = "database.json"
_FILE_MODE: Final = 0o600
_PASSWORD_BYTES: Final = 24


class DatabaseAddressUnreadable(Fault):
    """`database.json` is there, but cannot be read or does not hold what it should."""

    code = "database_address_unreadable"
    title = "The address file of the embedded database cannot be read"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Port and role passwords of one embedded database; its `repr` shows no password."""

    port: int
    superuser_password: str = field(repr=False)
    owner_password: str = field(repr=False)
    app_password: str = field(repr=False)

    def url(self, role: str, *, database: str = DATABASE_NAME) -> str:
        """Return the `postgresql://` URL with which `role` logs in to `database`."""
        password = {
            SUPERUSER_ROLE: self.superuser_password,
            OWNER_ROLE: self.owner_password,
            APP_ROLE: self.app_password,
        }[role]
        return (
            f"postgresql://{role}:{quote(password, safe='')}@{LISTEN_HOST}:{self.port}/{database}"
        )


def make_address(port: int) -> DatabaseAddress:
    """Return an address with fresh random passwords."""
    return DatabaseAddress(
        port=port,
        superuser_password=secrets.token_urlsafe(_PASSWORD_BYTES),
        owner_password=secrets.token_urlsafe(_PASSWORD_BYTES),
        app_password=secrets.token_urlsafe(_PASSWORD_BYTES),
    )


def find_address(home: Path) -> DatabaseAddress | None:
    """Return the address recorded in `home`, or None if this home has no database yet.

    A file that others may read is closed again: a restore or a copy often loses its mode. Raises
    DatabaseAddressUnreadable if the file is damaged or belongs to somebody else.
    """
    path = home / _FILE_NAME
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(_FILE_MODE)
        content = json.loads(path.read_text(encoding="utf-8"))
        return DatabaseAddress(
            port=int(content["port"]),
            superuser_password=str(content["superuser_password"]),
            owner_password=str(content["owner_password"]),
            app_password=str(content["app_password"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatabaseAddressUnreadable(
            f"{path} cannot be read ({type(error).__name__}). If it belongs to another user, run "
            "as that user. If it is damaged, delete it: the next `huitong up` sets new passwords "
            "and no data is lost.",
            retryable=False,
        ) from error


def write_address(home: Path, address: DatabaseAddress) -> None:
    """Record `address` in `home`, whole or not at all, readable by its owner only."""
    # `mkstemp` makes the file with mode 0600, so the passwords are never readable by others, and
    # the rename means that a crash leaves the old file or the new one, never half of one.
    descriptor, temporary = tempfile.mkstemp(dir=home, prefix=f".{_FILE_NAME}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(address), file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(home / _FILE_NAME)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
