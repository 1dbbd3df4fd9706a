"""PostgreSQL from a wheel, under `$HUITONG_HOME/postgres`: start, stop, status.

Every start ends with a running, reachable server, whatever the last run left behind: a clean stop,
`kill -9` of some or all processes, half a cluster, a stale pid file, a port that somebody else has
taken since. The server outlives the process that started it; who starts next adopts it.
"""

import contextlib
import errno
import fcntl
import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from huitong.kernel.database.cluster import (
    create_cluster,
    find_installation,
    is_cluster,
    last_lines,
    reset_passwords,
    run_program,
)
from huitong.kernel.database.faults import EmbeddedDatabaseFault
from huitong.kernel.database.postmaster import (
    answers,
    clear_remains,
    find_postmaster,
    wait_until_gone,
)
from huitong.kernel.database.system_user import (
    SystemUser,
    choose_system_user,
    give_to,
    make_executable,
    make_reachable,
)
from huitong.kernel.database.tuning import render_configuration
from huitong.kernel.database_address import (
    APP_ROLE,
    DATABASE_NAME,
    LISTEN_HOST,
    OWNER_ROLE,
    SUPERUSER_ROLE,
    DatabaseAddress,
    find_address,
    make_address,
    write_address,
)

_LOCK_TIMEOUT_SECONDS: Final = 300.0
_READY_TIMEOUT_SECONDS: Final = 300
_STOP_TIMEOUT_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05
_START_ATTEMPTS_MAX: Final = 3
_PORT_ATTEMPTS_MAX: Final = 200
# Below the range from which Linux and macOS take ports for outgoing connections.
_PORTS: Final = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class EmbeddedDatabase:
    """A handle on the running database of one home."""

    home: Path
    address: DatabaseAddress
    #: Directories that were opened for passing through, so that the server's user gets to its data.
    opened_directories: tuple[Path, ...] = ()

    def url(self, role: str, *, database: str = DATABASE_NAME) -> str:
        """Return the URL with which `role` logs in to `database`."""
        return self.address.url(role, database=database)

    @property
    def owner_url(self) -> str:
        """The URL of the role that owns the schema and runs migrations."""
        return self.url(OWNER_ROLE)

    @property
    def app_url(self) -> str:
        """The URL of the role with which the application works."""
        return self.url(APP_ROLE)

    @property
    def superuser_url(self) -> str:
        """The URL of the superuser, on the database `postgres`; for tests and rescue only."""
        return self.url(SUPERUSER_ROLE, database="postgres")

    @property
    def is_running(self) -> bool:
        """Whether the server process lives now."""
        return find_postmaster(_data_directory(self.home)) is not None

    def stop(self) -> None:
        """Stop the server in order; see `stop`."""
        stop(self.home)


@dataclass(frozen=True, slots=True)
class EmbeddedStatus:
    """What is known of a home's database."""

    data_directory: Path
    is_initialised: bool
    is_running: bool
    pid: int | None
    port: int | None


def start(home: Path) -> EmbeddedDatabase:
    """Make the home's database if need be, start it or adopt the running one, and return it.

    Raises EmbeddedDatabaseFault with a sentence for the operator if it cannot be started.
    """
    home = _prepare_home(home)
    with _exclusive(home):
        data_directory = _data_directory(home)
        installation = find_installation()
        user = choose_system_user(data_directory)
        opened = _prepare_directories(data_directory, installation, user)
        address = _ensure_cluster(home, installation, user)
        running = _wait_for_running(data_directory)
        if running is None:
            address = _launch(home, address, installation, user)
        elif running != address.port:
            address = replace(address, port=running)
            write_address(home, address)
        return EmbeddedDatabase(home, address, tuple(opened))


def stop(home: Path) -> None:
    """Stop the home's database: sessions are ended, everything is written, nothing is lost.

    Does nothing if it does not run. Raises EmbeddedDatabaseFault if it does not end.
    """
    home = home.absolute()
    if not home.is_dir():
        return
    with _exclusive(home):
        _stop_server(_data_directory(home))


def status(home: Path) -> EmbeddedStatus:
    """Return what is known of the home's database, changing nothing."""
    data_directory = _data_directory(home.absolute())
    postmaster = find_postmaster(data_directory)
    address = find_address(home)
    return EmbeddedStatus(
        data_directory=data_directory,
        is_initialised=is_cluster(data_directory),
        is_running=postmaster is not None,
        pid=postmaster.pid if postmaster else None,
        port=(postmaster and postmaster.port) or (address and address.port) or None,
    )


def _data_directory(home: Path) -> Path:
    return home.resolve() / "postgres" / "data"


def _prepare_home(home: Path) -> Path:
    home = home.expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / "postgres").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedDatabaseFault(
            f"{home} cannot be used as HUITONG_HOME: {error.strerror}. Choose a directory that you "
            "may write to."
        ) from error
    return home


@contextlib.contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """Hold the home's database lock, which the kernel releases even after `kill -9`."""
    try:
        descriptor = os.open(home / "database.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedDatabaseFault(
            f"The lock file in {home} cannot be opened: {error.strerror}. Run as the user to whom "
            "the home belongs."
        ) from error
    try:
        deadline = time.monotonic() + _LOCK_TIMEOUT_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise EmbeddedDatabaseFault(
                        f"Another process has been starting or stopping the database of {home} "
                        f"for {_LOCK_TIMEOUT_SECONDS:.0f} seconds."
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _prepare_directories(data_directory: Path, installation: Path, user: SystemUser) -> list[Path]:
    root = data_directory.parent
    for directory in (root, root / "log", data_directory):
        if directory != data_directory:
            directory.mkdir(mode=0o700, exist_ok=True)
        if directory.exists():
            give_to(user, directory)
    make_executable(user, installation)
    return make_reachable(user, data_directory)


def _ensure_cluster(home: Path, installation: Path, user: SystemUser) -> DatabaseAddress:
    data_directory = _data_directory(home)
    address = find_address(home)
    if is_cluster(data_directory) and address is not None:
        return address
    address = make_address(address.port if address else _choose_port())
    if is_cluster(data_directory):
        # The passwords are lost. Whoever can write the data directory may set new ones.
        _stop_server(data_directory)
        clear_remains(data_directory)
        reset_passwords(
            installation=installation, user=user, data_directory=data_directory, address=address
        )
    else:
        create_cluster(
            installation=installation, user=user, data_directory=data_directory, address=address
        )
    # Only now: a crash before this line leads to new passwords at the next start, whereas an
    # address file written too early would hold passwords that never work.
    write_address(home, address)
    return address


def _wait_for_running(data_directory: Path) -> int | None:
    """Return the port of the running server once it is ready; None if there is none (any more)."""
    deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
    while (postmaster := find_postmaster(data_directory)) is not None:
        # The pid file of a server that is just being killed still says "ready": ask the server.
        if postmaster.is_ready and postmaster.port is not None and answers(postmaster.port):
            return postmaster.port
        if time.monotonic() >= deadline:
            raise EmbeddedDatabaseFault(
                f"The server process {postmaster.pid} has not become ready in "
                f"{_READY_TIMEOUT_SECONDS} seconds. See {data_directory.parent / 'log'}."
            )
        time.sleep(_POLL_SECONDS)
    return None


def _launch(
    home: Path, address: DatabaseAddress, installation: Path, user: SystemUser
) -> DatabaseAddress:
    data_directory = _data_directory(home)
    clear_remains(data_directory)
    for attempt in range(1, _START_ATTEMPTS_MAX + 1):
        if not _is_port_free(address.port):
            address = replace(address, port=_choose_port())
            write_address(home, address)
        _write_configuration(data_directory, address.port, installation, user)
        try:
            _start_server(data_directory, installation, user)
        except EmbeddedDatabaseFault:
            # Somebody may have taken the port between our look and the server's.
            if attempt == _START_ATTEMPTS_MAX or _is_port_free(address.port):
                raise
        else:
            return address
    raise AssertionError("the loop either returns or raises")


def _write_configuration(
    data_directory: Path, port: int, installation: Path, user: SystemUser
) -> None:
    text = render_configuration(port=port, installation=installation, data_directory=data_directory)
    temporary = data_directory / "postgresql.conf.new"
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(0o600)
    os.chown(temporary, user.user_id, user.group_id)
    temporary.replace(data_directory / "postgresql.conf")


def _start_server(data_directory: Path, installation: Path, user: SystemUser) -> None:
    log_file = data_directory.parent / "log" / "start.log"
    log_file.unlink(missing_ok=True)
    try:
        run_program(
            installation / "bin" / "pg_ctl",
            "start",
            f"--pgdata={data_directory}",
            f"--log={log_file}",
            f"--timeout={_READY_TIMEOUT_SECONDS}",
            "--wait",
            "--silent",
            user=user,
            directory=data_directory,
        )
    except EmbeddedDatabaseFault as error:
        reason = last_lines(log_file.read_text(errors="replace")) if log_file.exists() else ""
        raise EmbeddedDatabaseFault(
            f"PostgreSQL did not start: {reason or error.detail}. Its log is in {log_file.parent}."
        ) from error


def _stop_server(data_directory: Path) -> None:
    # The signals are PostgreSQL's own interface: SIGINT is its "fast" stop, SIGQUIT its
    # "immediate" one, after which the next start replays the log.
    for number in (signal.SIGINT, signal.SIGQUIT):
        postmaster = find_postmaster(data_directory)
        if postmaster is None:
            return
        try:
            os.kill(postmaster.pid, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise EmbeddedDatabaseFault(
                f"The server process {postmaster.pid} belongs to another user and cannot be "
                "stopped from here."
            ) from error
        if wait_until_gone(data_directory, _STOP_TIMEOUT_SECONDS):
            return
    raise EmbeddedDatabaseFault(f"The database in {data_directory} does not stop.")


def _choose_port() -> int:
    for _attempt in range(_PORT_ATTEMPTS_MAX):
        port = random.choice(_PORTS)  # noqa: S311 - nothing secret, only spread
        if _is_port_free(port):
            return port
    raise EmbeddedDatabaseFault(
        f"No free port was found on {LISTEN_HOST} in {_PORT_ATTEMPTS_MAX} attempts."
    )


def _is_port_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As PostgreSQL does itself: connections that linger after a close are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LISTEN_HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
