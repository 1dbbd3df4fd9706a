"""A real server on a free port over a real database, and clients with keys."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from huitong.api import create_app
from huitong.api.scopes import SCOPES
from huitong.kernel import api_keys
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.settings import Settings


@dataclass
class Server:
    """A running server: its address, and the database behind it."""

    url: str
    database: Database

    async def make_key(self, *scopes: str, merchant_id: uuid.UUID | None = None) -> str:
        """Return the secret of a new key; with all scopes if none are named."""
        issued = await self.database.run(
            lambda uow: api_keys.issue(
                uow,
                name="test",
                scopes=scopes or SCOPES,
                now=SystemClock().now(),
                merchant_id=merchant_id,
            )
        )
        return issued.secret

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
        async with self.database.unit_of_work() as uow:
            return {
                table: await uow.fetch_value(f"SELECT count(*) FROM {table}") for table in tables
            }


def settings_for(owner_url: str, home: Path) -> Settings:
    return Settings(home=home).with_database(owner_url=owner_url, app_role="huitong_app")


@contextlib.asynccontextmanager
async def run_server(application: Any) -> AsyncIterator[str]:
    """Serve an ASGI application on a free port; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
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
    with contextlib.ExitStack() as stack:
        # pytest and not the server answers signals here.
        stack.enter_context(_without_signals(server))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            if serving.done():
                serving.result()
                raise AssertionError("the server did not start")
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await serving
            listening.close()


@contextlib.contextmanager
def _without_signals(server: uvicorn.Server) -> Any:
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    yield


@pytest.fixture
async def api(owner_url: str, database: Database, tmp_path: Path) -> AsyncIterator[Server]:
    async with run_server(create_app(settings_for(owner_url, tmp_path))) as url:
        yield Server(url, database)


@pytest.fixture
async def anonymous(api: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    async with httpx.AsyncClient(base_url=api.url) as client:
        yield client


@pytest.fixture
async def client(api: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose key may do everything."""
    headers = {"Authorization": f"Bearer {await api.make_key()}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=20) as client:
        yield client


Post = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def post(client: httpx.AsyncClient) -> Post:
    """Send a command with a key of its own, or the one that is given."""

    async def send(path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        return await client.post(
            path, json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex}
        )

    return send
