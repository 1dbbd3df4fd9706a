"""Fixtures for all tests: a real PostgreSQL, one database for each test cloned from a template."""

import asyncio
import base64
import gc
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
import pytest
import structlog
from hypothesis import settings

from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database import embedded
from huitong.kernel.database.unit_of_work import Database
from huitong.privacy import Vault
from huitong.wiring.preparation import prepare_url

# CI tries the same examples each time: its verdict on a change must not depend on luck, nor on how
# busy its machine is. Everywhere else each run tries new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
_APP_ROLE = "huitong_app"
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES_MIN = 4 << 30
# Tests make thousands of clients, and each would read the authorities of the internet anew.
httpx._transports.default.create_ssl_context = cache(httpx.create_ssl_context)

# A traceback with all its variables, drawn in boxes, takes a minute of a server that a test runs
# beside it: one crash would become a hundred time-outs.
structlog.get_config()["processors"][-1].exception_formatter = structlog.dev.plain_traceback

# As in the processes that serve: the default looks after every 700 new objects.
_YOUNG_OBJECTS = 20_000

# Loading tests makes modules, which are no garbage; `pytest_collection_finish` goes on collecting.
gc.disable()


#: Files whose tests start whole platforms. They come first: whatever runs last, runs alone.
_LONG = frozenset(
    {
        "test_backups.py",
        "test_benchmarks.py",
        "test_channel_faults.py",
        "test_chaos.py",
        "test_demo.py",
        "test_killing.py",
        "test_killing_steps.py",
        "test_onboarding_demo.py",
        "test_risk_demo.py",
        "test_settlement_day.py",
        "test_shops_scene.py",
        "test_tls.py",
    }
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors: tests also wait, for what they killed or for the time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest at the beginning; the same order in every process."""
    items.sort(key=lambda item: item.path.name not in _LONG)


def pytest_collection_finish() -> None:
    """Take all that was loaded out of the garbage collector's sight, for the time of the tests."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
    gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Where the shared test data lies; tests that need it skip without it."""
    if not _SHARED.is_dir():
        pytest.skip(f"shared test data is not here: {_SHARED} (it stands beside the checkout)")
    return _SHARED


@dataclass(frozen=True)
class Server:
    """The PostgreSQL server of this test run; `url` names its superuser's database."""

    url: str

    def database_url(self, name: str) -> str:
        """Return the URL of another database on the same server."""
        return self.url.rsplit("/", 1)[0] + f"/{name}"

    def relax(self) -> None:
        """Trade durability for speed: every test has a database of its own, made anew.

        Tests about crashes start servers of their own, with the settings that users get.
        """
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")

    def run(self, statement: str) -> None:
        """Run one statement outside any transaction, as the superuser."""

        async def run() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())


def _find_memory() -> Path | None:
    """Return where files lie in memory, if there is room, or None.

    A database is some 900 files, and each test has its own: cloned there it takes 40 ms, on a disk
    100 to 500.
    """
    is_roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES_MIN
    return _MEMORY if is_roomy and os.access(_MEMORY, os.W_OK) else None


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server of our own for the run, or the one that HUITONG_TEST_DATABASE_URL names."""
    given = os.environ.get("HUITONG_TEST_DATABASE_URL")
    if given:
        yield Server(given)
        return
    with tempfile.TemporaryDirectory(prefix="huitong-test-", dir=_find_memory()) as folder:
        Path(folder).chmod(0o755)
        running = embedded.start(Path(folder))
        try:
            started = Server(running.superuser_url)
            started.relax()
            yield started
        finally:
            running.stop()


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """The name of a migrated database that tests are cloned from."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name}")
    prepare_url(server.database_url(name))
    return name


@pytest.fixture
def owner_url(server: Server, template: str) -> Iterator[str]:
    """The owner's URL of a fresh, migrated database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield server.database_url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A vault with keys of this run."""
    return Vault(load_key_ring(tmp_path_factory.mktemp("keys")))


@dataclass(frozen=True)
class Dump:
    """What somebody can read who has all of a platform: its tables, and logs if they were added.

    What is stored as bytes stands there twice: in hexadecimal digits and decoded as UTF-8.
    """

    text: str

    def adding(self, more: str) -> "Dump":
        """Return the dump with another text at its end."""
        return Dump(f"{self.text}\n{more}")

    def find(self, secrets: Iterable[str]) -> list[str]:
        """Return which of the secrets stand there, plain or in a code that anybody can read."""
        return [each for each in secrets if any(form in self.text for form in _list_forms(each))]


def _list_forms(secret: str) -> list[str]:
    raw = secret.encode()
    # In Base64 a value looks in three ways, by its place; the ends depend on its neighbours.
    codes = [
        base64.b64encode(b"\0" * place + raw).decode().rstrip("=")[2 * place : -1]
        for place in range(3)
    ]
    # Shorter codes stand in any long text by chance.
    long_codes = [code for code in (raw.hex(), *codes) if len(code) >= 8]
    return [secret, json.dumps(secret)[1:-1], quote(secret), *long_codes]


@pytest.fixture(scope="session")
def dump_database() -> Callable[[str], Awaitable[Dump]]:
    """Dump every row of every table of a database, by the URL of its owner."""
    return _dump_database


async def _dump_database(url: str) -> Dump:
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'm') "
            "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        )
        rows = [
            row[0]
            for table in tables
            for row in await connection.fetch(f"SELECT CAST(t AS text) FROM {table['name']} t")
        ]
    finally:
        await connection.close()
    text = "\n".join(rows)
    stored_as_bytes = re.findall(r"\\x((?:[0-9a-f]{2})+)", text)
    decoded = (bytes.fromhex(each).decode(errors="replace") for each in stored_as_bytes)
    return Dump("\n".join([text, *decoded]))


@pytest.fixture
async def database(owner_url: str) -> AsyncIterator[Database]:
    """A fresh database as the application sees it: in its own role."""
    async with Database(owner_url, role=_APP_ROLE) as database:
        yield database
