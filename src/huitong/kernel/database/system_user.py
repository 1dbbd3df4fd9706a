"""As which operating-system user PostgreSQL runs, and what that user must be able to reach.

PostgreSQL refuses to run as root. Started as root (in a container, as a service), Huitong runs it
as a system user of its own; started as anybody else, as that user.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from huitong.kernel.database.faults import EmbeddedDatabaseFault

SYSTEM_USER_NAME: Final = "huitong"
_USERADD_ATTEMPTS_MAX: Final = 20
_USERADD_RETRY_SECONDS: Final = 0.1
_ACCOUNTS_DIRECTORY: Final = "/etc"
_COMMAND_TIMEOUT_SECONDS: Final = 30


class UserArguments(TypedDict, total=False):
    """The arguments of `subprocess.run` that change the user of the child."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The user that owns the data directory and runs the server."""

    user_id: int
    group_id: int

    @property
    def arguments(self) -> UserArguments:
        """What to pass to `subprocess` so that the child runs as this user."""
        if os.geteuid() == self.user_id:
            return {}
        return {"user": self.user_id, "group": self.group_id, "extra_groups": []}


def choose_system_user(data_directory: Path) -> SystemUser:
    """Return the user to run as, making a system user if we are root and there is none.

    Raises EmbeddedDatabaseFault if the data belong to somebody whom we cannot become.
    """
    owner_id = data_directory.stat().st_uid if data_directory.exists() else None
    if os.geteuid() != 0:
        if owner_id is not None and owner_id != os.geteuid():
            raise EmbeddedDatabaseFault(
                f"{data_directory} belongs to the user {_user_name(owner_id)}, and you are "
                f"{_user_name(os.geteuid())}. Run as {_user_name(owner_id)}, or use another "
                "HUITONG_HOME."
            )
        return SystemUser(os.geteuid(), os.getegid())
    if owner_id:
        # A home that a normal user made stays usable for that user when root starts it once.
        return _find_user_by_id(owner_id) or _ensure_system_user()
    return _ensure_system_user()


def give_to(user: SystemUser, directory: Path) -> None:
    """Make `directory` private to `user`, with all that is in it (a copy may have lost owners)."""
    if os.geteuid() == 0 and directory.stat().st_uid != user.user_id:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, user.user_id, user.group_id, follow_symlinks=False)
    # PostgreSQL refuses a data directory that others can read.
    if stat.S_IMODE(directory.stat().st_mode) != stat.S_IRWXU:
        directory.chmod(stat.S_IRWXU)


def make_reachable(user: SystemUser, path: Path) -> list[Path]:
    """Let `user` pass through the parents of `path`; return the directories that were changed.

    Only the search permission is added, so nobody can list a directory who could not before.
    """
    if os.geteuid() != 0:
        return []
    changed: list[Path] = []
    for parent in reversed(path.resolve().parents):
        if _can_search(user, parent.stat()):
            continue
        try:
            parent.chmod(stat.S_IMODE(parent.stat().st_mode) | stat.S_IXOTH)
        except OSError as error:
            raise EmbeddedDatabaseFault(
                f"PostgreSQL runs as the user {_user_name(user.user_id)}, who cannot pass through "
                f"{parent} ({error.strerror}). Put HUITONG_HOME and the checkout where every user "
                "may pass, or run as a normal user instead of root."
            ) from error
        changed.append(parent)
    return changed


def make_executable(user: SystemUser, installation: Path) -> None:
    """Make sure that `user` can run the programs of `installation`; raise a fault if not."""
    if os.geteuid() != 0:
        return
    make_reachable(user, installation)
    program = installation / "bin" / "postgres"
    if _can_run(user, program):
        return
    # Packages that root installs under a strict umask are closed to everybody else.
    for path in (installation, *installation.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        may_execute = stat.S_IXGRP | stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | may_execute)
    if not _can_run(user, program):
        raise EmbeddedDatabaseFault(
            f"The user {_user_name(user.user_id)} cannot run {program}. Move the checkout to a "
            "place that every user can read, or run as a normal user instead of root."
        )


def _can_search(user: SystemUser, status: os.stat_result) -> bool:
    if status.st_uid == user.user_id:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.group_id:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _can_run(user: SystemUser, program: Path) -> bool:
    try:
        finished = subprocess.run(  # noqa: S603 - our own wheel's program, no outside input
            [program, "--version"],
            cwd="/",
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_SECONDS,
            check=False,
            **user.arguments,
        )
    except OSError:
        return False
    return finished.returncode == 0


def _ensure_system_user() -> SystemUser:
    existing = _find_user(SYSTEM_USER_NAME)
    if existing is not None:
        return existing
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    explanation = "useradd is not installed"
    for _attempt in range(_USERADD_ATTEMPTS_MAX if program else 0):
        with _one_at_a_time():
            existing = _find_user(SYSTEM_USER_NAME)
            if existing is None:
                explanation = _run_useradd(str(program))
                existing = _find_user(SYSTEM_USER_NAME)
        if existing is not None:
            return existing
        time.sleep(_USERADD_RETRY_SECONDS)
    raise EmbeddedDatabaseFault(
        "PostgreSQL does not run as root, and making the system user "
        f"{SYSTEM_USER_NAME!r} failed ({explanation}). Make it by hand, run as a normal user, or "
        "name an existing database in HUITONG_DATABASE_URL."
    )


def _run_useradd(program: str) -> str:
    """Make the user, and return what `useradd` said."""
    finished = subprocess.run(  # noqa: S603 - a fixed command of the system
        [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/",
         "--shell", "/usr/sbin/nologin", SYSTEM_USER_NAME],
        capture_output=True,
        text=True,
        timeout=_COMMAND_TIMEOUT_SECONDS,
        check=False,
    )  # fmt: skip
    return finished.stderr.strip()


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep other starts of ours from making the user at the same time.

    Two `useradd` at once both succeed, and the second one's number replaces the first one's, under
    which a database may be starting by then.
    """
    descriptor = os.open(_ACCOUNTS_DIRECTORY, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _find_user(name: str) -> SystemUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return SystemUser(entry.pw_uid, entry.pw_gid)


def _find_user_by_id(user_id: int) -> SystemUser | None:
    # A user id without an entry is of no use: initdb insists on a name.
    try:
        entry = pwd.getpwuid(user_id)
    except KeyError:
        return None
    return SystemUser(entry.pw_uid, entry.pw_gid)


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"number {user_id}"
