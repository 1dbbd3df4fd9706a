"""Serving an application inside another program, on a real socket: for simulators and tests."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette


class _QuietServer(uvicorn.Server):
    """A server inside another program, which keeps its own signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_inside(
    application: Starlette, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve `application` in this process while the block runs; yields its base URL.

    Port 0 takes any free one. Raises OSError if the port is taken.
    """
    listening = socket.create_server((host, port))
    config = uvicorn.Config(application, log_level="critical", lifespan="off", access_log=False)
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
