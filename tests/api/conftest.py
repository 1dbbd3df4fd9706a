"""A real server on a free port over a real database, and clients with keys.

One server and one database for each file of tests: they take longer to make than a request.
"""

import asyncio
import contextlib
import socket
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from huitong import identity
from huitong.api import create_app
from huitong.api.scopes import SCOPES
from huitong.identity import SmsGatewaySimulator
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.settings import Settings

_APP_ROLE = "huitong_app"
_START_SECONDS = 20


@dataclass
class Api:
    """A running server: its address, and the database behind it."""

    url: str
    owner_url: str
    #: The phones of this world.
    sms: SmsGatewaySimulator = field(default_factory=SmsGatewaySimulator)

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        """Run a command of a room, as the application's role."""
        async with Database(self.owner_url, role=_APP_ROLE, size=1) as database:
            return await database.run(command)

    async def make_key(self, *scopes: str, merchant_id: uuid.UUID | None = None) -> str:
        """Return the secret of a new key; with all scopes if none are named."""
        issued = await self.run(
            lambda uow: identity.issue_api_key(
                uow,
                name="test",
                scopes=scopes or SCOPES,
                now=SystemClock().now(),
                merchant_id=merchant_id,
            )
        )
        secret: str = issued.secret
        return secret

    async def count(self) -> dict[str, int]:
        """Return how many rows each table has that a request could change."""
        tables = (
            "ledger.accounts",
            "ledger.transfers",
            "customers.customers",
            "customers.merchants",
            "payments.orders",
            "payments.refunds",
            "payments.shares",
            "payments.merchant_codes",
            "payments.customer_codes",
            "payments.channel_orders",
            "kernel.outbox",
            "kernel.audit",
            "kernel.replies",
        )

        async def command(uow: UnitOfWork) -> dict[str, int]:
            return {
                table: await uow.fetch_value(f"SELECT count(*) FROM {table}") for table in tables
            }

        counted: dict[str, int] = await self.run(command)
        return counted


@contextlib.contextmanager
def run_server(application: Any) -> Iterator[str]:
    """Serve an ASGI application on a free port, in a thread; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        assert server.started, "the server did not start"
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def serve() -> Callable[[Any], contextlib.AbstractContextManager[str]]:
    """Serve an application on a free port while a block runs; the block gets its address."""
    return run_server


@pytest.fixture(scope="session")
def settings_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Settings]:
    """Return settings with the database at a URL."""
    home: Path = tmp_path_factory.mktemp("home")
    return lambda url: Settings(home=home).with_database(owner_url=url, app_role=_APP_ROLE)


@pytest.fixture(scope="module")
def api(server: Any, template: str, settings_for: Callable[[str], Settings]) -> Iterator[Api]:
    """The server of this file of tests, on a database of its own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    owner_url = server.database_url(name)
    sms = SmsGatewaySimulator()
    with run_server(sms.application()) as sms_url:
        settings = replace(settings_for(owner_url), sms_gateway_url=sms_url)
        with run_server(create_app(settings)) as url:
            yield Api(url, owner_url, sms)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def full_key(api: Api) -> str:
    """The secret of a key that may do everything."""
    return asyncio.run(api.make_key())


@pytest.fixture
async def anonymous(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    async with httpx.AsyncClient(base_url=api.url, timeout=20) as client:
        yield client


@pytest.fixture
async def client(api: Api, full_key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose key may do everything."""
    headers = {"Authorization": f"Bearer {full_key}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def post(client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Send a command with a key of its own, or the one that is given."""

    async def send(path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        return await client.post(
            path, json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex}
        )

    return send
