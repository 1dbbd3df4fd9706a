"""A fresh, migrated database for one run, set up as users get it, and gone afterwards."""

import asyncio
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from huitong.bench.types import BenchmarkFailed
from huitong.kernel.database import embedded
from huitong.kernel.database.migrations import upgrade_url
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.settings import Settings

#: Without these on, "committed" would not mean "on disk", and no figure here would be worth
#: anything.
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_REPORTED: Final = (*_DURABLE, "shared_buffers", "max_wal_size", "wal_compression")
_VOLATILE_FILE_SYSTEMS: Final = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True)
class Scratch:
    """The database of one run."""

    settings_for_processes: Settings
    environment: dict[str, str] = field(repr=False)
    postgres_version: str
    settings: Mapping[str, str]
    file_system: str

    @property
    def is_embedded(self) -> bool:
        """Whether the server is our own; False for the one of HUITONG_DATABASE_URL."""
        return self.settings_for_processes.is_database_embedded

    @property
    def owner_url(self) -> str:
        """The URL of the role that owns the schema."""
        return self.settings_for_processes.database_owner_url

    def open(self) -> Database:
        """Return the database as the application sees it, in its own role."""
        settings = self.settings_for_processes
        return Database(settings.database_app_url, role=settings.database_app_role)

    def open_as_owner(self) -> Database:
        """Return the database as its owner sees it, for what only an operator does."""
        return Database(self.owner_url)

    async def connect_owner(self) -> DriverConnection:
        """Open a connection of the owner, for preparing data; the caller closes it."""
        return await asyncpg.connect(self.owner_url, server_settings={"timezone": "UTC"})


@contextmanager
def scratch_database() -> Iterator[Scratch]:
    """Make a database for one run: on a PostgreSQL of its own, or on HUITONG_DATABASE_URL's server.

    Raises BenchmarkFailed if the server would answer before data is on disk.
    """
    given = Settings.from_environment()
    if given.is_database_embedded:
        with tempfile.TemporaryDirectory(prefix="huitong-bench-", dir=_find_disk()) as folder:
            home = Path(folder)
            # The server runs as another user when we are root, and must get to its data.
            home.chmod(0o755)
            running = embedded.start(home)
            try:
                yield prepare_database(home, Settings(home=home).with_embedded_database())
            finally:
                running.stop()
    else:
        with tempfile.TemporaryDirectory(prefix="huitong-bench-") as folder:
            name = f"huitong_bench_{uuid.uuid4().hex[:12]}"
            server_url = given.database_owner_url
            asyncio.run(_run_statement(server_url, f"CREATE DATABASE {name}"))
            try:
                url = server_url.rsplit("/", 1)[0] + f"/{name}"
                yield prepare_database(Path(folder), Settings.from_environment(_given(folder, url)))
            finally:
                asyncio.run(_run_statement(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


def prepare_database(home: Path, settings: Settings) -> Scratch:
    """Bring a database up to date and find out how it is set up.

    Raises BenchmarkFailed if the server would answer before data is on disk.
    """
    upgrade_url(settings.database_owner_url)
    shown = asyncio.run(_show_settings(settings))
    for name, value in _DURABLE.items():
        if shown[name] != value:
            raise BenchmarkFailed(f"{name} is {shown[name]}, not {value}", retryable=False)
    variables = settings.to_environment()
    if not settings.is_database_embedded:
        variables["HUITONG_DATABASE_URL"] = settings.database_owner_url
    return Scratch(
        settings_for_processes=settings,
        environment=variables,
        postgres_version=shown["server_version"],
        settings={name: shown[name] for name in _REPORTED},
        file_system=_find_file_system(home) if settings.is_database_embedded else "unknown",
    )


def _given(home: str, url: str) -> dict[str, str]:
    return {"HUITONG_HOME": home, "HUITONG_DATABASE_URL": url}


async def _show_settings(settings: Settings) -> dict[str, Any]:
    database = Database(settings.database_app_url, role=settings.database_app_role)
    connection = await database.connect()
    try:
        names = (*_REPORTED, "server_version")
        return {name: await connection.fetchval(f"SHOW {name}") for name in names}
    finally:
        await connection.close()


async def _run_statement(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _find_disk() -> Path | None:
    """Return a directory on a disk: None for the usual temporary one if it is not in memory."""
    usual = Path(tempfile.gettempdir())
    return Path.cwd() if _find_file_system(usual) in _VOLATILE_FILE_SYSTEMS else None


def _find_file_system(path: Path) -> str:
    """Return the kind of file system that `path` is on, `unknown` where the system does not say."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    target = os.path.realpath(path)
    best, kind = "", "unknown"
    for mount in mounts:
        _, point, found, *_ = mount.split()
        is_inside = point in ("/", target) or target.startswith(f"{point}/")
        if is_inside and len(point) >= len(best):
            best, kind = point, found
    return kind
