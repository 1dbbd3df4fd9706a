"""Whose address a request has: the connection's, or what a configured proxy says."""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from huitong.cli.serve import make_config

FORGED, REAL, PROXY = "198.51.100.9", "202.96.209.5", "10.0.0.7"


async def tell(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the address that the application sees."""
    request = Request(scope, receive)
    assert request.client is not None
    await PlainTextResponse(request.client.host)(scope, receive, send)


@contextlib.contextmanager
def serve_as_in_production(settings: Any) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = make_config(tell, settings)
    config.lifespan, config.loop = "off", "asyncio"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.mark.parametrize(
    ("proxies", "header", "seen"),
    [
        ((), FORGED, "127.0.0.1"),
        (("192.0.2.0/24",), FORGED, "127.0.0.1"),
        (("127.0.0.1",), REAL, REAL),
        # What the client wrote itself stands on the left of what the proxy saw.
        (("127.0.0.1",), f"{FORGED}, {REAL}", REAL),
        (("127.0.0.0/8", "10.0.0.0/8"), f"{FORGED}, {REAL}, {PROXY}", REAL),
        (("127.0.0.1",), f"{FORGED}, {REAL}, {PROXY}", PROXY),
    ],
)
def test_only_a_configured_proxy_is_believed(
    settings_for: Any, proxies: tuple[str, ...], header: str, seen: str
) -> None:
    settings = replace(settings_for("postgresql://nobody@127.0.0.1:1/x"), trusted_proxies=proxies)
    with serve_as_in_production(settings) as url:
        answer = httpx.get(url, headers={"X-Forwarded-For": header}, timeout=20)
    assert answer.text == seen
    assert ipaddress.ip_address(answer.text)
