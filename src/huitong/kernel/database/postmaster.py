"""Which PostgreSQL processes work on a data directory, found by looking, not by believing a file.

After `kill -9` the file `postmaster.pid` names a process that is gone, or worse, a stranger that
got the same number. A process counts as ours only if it is a `postgres` whose working directory is
the data directory, which PostgreSQL guarantees for the server and all its children.
"""

import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from huitong.kernel.database.faults import EmbeddedDatabaseFault
from huitong.kernel.database_address import LISTEN_HOST

_PROGRAM_NAME: Final = "postgres"
_KILL_TIMEOUT_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
_ANSWER_SECONDS_MAX: Final = 2.0
# SSLRequest of the PostgreSQL protocol: its own length and a number that stands for no version.
_TLS_QUESTION: Final = struct.pack("!ii", 8, 80877103)
_PID_MAX: Final = 2**31 - 1
# Line numbers in postmaster.pid, fixed by PostgreSQL (src/include/utils/pidfile.h), from zero.
_LINE_PID: Final = 0
_LINE_PORT: Final = 3
_LINE_STATUS: Final = 7


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A living server process of one data directory."""

    pid: int
    port: int | None
    is_ready: bool


def find_postmaster(data_directory: Path) -> Postmaster | None:
    """Return the living server of `data_directory`, or None."""
    lines = _read_pid_file(data_directory)
    pid = _read_pid(lines)
    if pid is None or not _works_in(pid, data_directory):
        return None
    port = lines[_LINE_PORT].strip() if len(lines) > _LINE_PORT else ""
    status = lines[_LINE_STATUS].strip() if len(lines) > _LINE_STATUS else ""
    return Postmaster(pid, int(port) if port.isdigit() else None, status == "ready")


def answers(port: int) -> bool:
    """Say whether a PostgreSQL server answers on `port`, without logging in."""
    try:
        with socket.create_connection((LISTEN_HOST, port), timeout=_ANSWER_SECONDS_MAX) as client:
            # Every server answers the question whether it speaks TLS with one letter, before it
            # asks for anything else and also when it has no connection to spare.
            client.sendall(_TLS_QUESTION)
            return client.recv(1) in (b"S", b"N")
    except OSError:
        return False


def wait_until_gone(data_directory: Path, timeout_seconds: float) -> bool:
    """Wait for the server to end; say whether it did."""
    deadline = time.monotonic() + timeout_seconds
    while find_postmaster(data_directory) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def clear_remains(data_directory: Path) -> None:
    """Remove what a killed server left behind: orphaned backends and a misleading pid file.

    Call it only when `find_postmaster` found nobody, with the home's lock held. Orphans are killed
    outright: their server is dead, nothing that they do can commit any more, and as long as one
    lives PostgreSQL refuses to start.
    """
    orphans = [
        process
        for process in psutil.process_iter()
        if _is_ours(process, str(data_directory.resolve()))
    ]
    for process in orphans:
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait_until_dead(orphans, str(data_directory.resolve()))
    pid = _read_pid(_read_pid_file(data_directory))
    if pid is None or psutil.pid_exists(pid):
        # Either the file is damaged or a stranger has the number now; PostgreSQL would refuse to
        # start. If nobody has it the file stays, and PostgreSQL uses it for its own, stricter
        # check of shared memory.
        (data_directory / "postmaster.pid").unlink(missing_ok=True)


def _wait_until_dead(processes: list[psutil.Process], directory: str) -> None:
    # A zombie is dead enough: in a container nobody may ever reap it.
    deadline = time.monotonic() + _KILL_TIMEOUT_SECONDS
    while any(_is_ours(process, directory) for process in processes):
        if time.monotonic() >= deadline:
            raise EmbeddedDatabaseFault(
                f"Processes of a killed server in {directory} do not go away; end them by hand."
            )
        time.sleep(_POLL_SECONDS)


def _read_pid_file(data_directory: Path) -> list[str]:
    try:
        return (data_directory / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _read_pid(lines: list[str]) -> int | None:
    text = lines[_LINE_PID].strip() if lines else ""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if 0 < int(text) <= _PID_MAX else None


def _works_in(pid: int, data_directory: Path) -> bool:
    try:
        return _is_ours(psutil.Process(pid), str(data_directory.resolve()))
    except psutil.Error:
        return False


def _is_ours(process: psutil.Process, directory: str) -> bool:
    # A zombie has no working directory any more and so does not count as alive.
    try:
        return bool(
            process.name() == _PROGRAM_NAME
            and process.status() != psutil.STATUS_ZOMBIE
            and process.cwd() == directory
        )
    except psutil.Error:
        return False
