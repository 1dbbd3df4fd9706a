"""A browser, and the real server for it: one of each for a session of tests."""

import os
import shutil
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright
from tests.api.conftest import Api, anonymous, api, run_server, serve, settings_for
from tests.apps.world import World

from huitong.api import create_app
from huitong.identity import SmsGatewaySimulator
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.settings import Settings
from huitong.privacy import Vault

__all__ = ["anonymous", "api", "serve", "settings_for"]

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def bank(
    server: Any, template: str, settings_for: Callable[[str], Settings]
) -> Iterator[tuple[Api, Settings]]:
    """One server for all browser tests of a process, on a database of its own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    owner_url = server.database_url(name)
    sms = SmsGatewaySimulator()
    listening = socket.create_server(("127.0.0.1", 0))
    origin = f"http://localhost:{listening.getsockname()[1]}"
    with run_server(sms.application()) as sms_url:
        settings = replace(
            settings_for(owner_url),
            sms_gateway_url=sms_url,
            passkey_origins=(origin,),
            # All people of the tests come from one address.
            is_admission_limited=False,
        )
        with run_server(create_app(settings), listening) as url:
            yield Api(url, owner_url, sms), settings
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, or the one that HUITONG_CHROMIUM names."""
    path = os.environ.get("HUITONG_CHROMIUM") or shutil.which("chromium")
    assert path is not None, "run scripts/browser first"
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield found
        await found.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(bank: tuple[Api, Settings], browser: Browser) -> World:
    """The server, its people and a browser."""
    running, settings = bank
    vault = Vault(load_key_ring(settings.home))
    url = running.url.replace("127.0.0.1", "localhost")
    return World(running, vault, browser, url, await running.make_key())
