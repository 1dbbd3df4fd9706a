"""Serving the simulated registry inside another program, on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from huitong.customers.checks.simulated_registry import RegistrySimulator


class _QuietServer(uvicorn.Server):
    """A server inside another program, which keeps its own signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_registry(
    registry: RegistrySimulator, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve `registry` in this process while the block runs; yields its base URL.

    Port 0 takes any free one. For tests, demonstrations, and a worker without registries.
    """
    listening = socket.create_server((host, port))
    config = uvicorn.Config(
        registry.application(), log_level="critical", lifespan="off", access_log=False
    )
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has a flag only
            await asyncio.sleep(0.005)
        yield f"http://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()
