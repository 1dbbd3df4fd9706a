"""What a request says of where it comes from is believed only of a proxy that was named."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from huitong.cli import serve as serve_command

FORWARDED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=198.51.100.7;proto=https",
    "X-Real-IP": "198.51.100.7",
}


async def show_scope(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with where it believes a request to come from."""
    if scope["type"] != "http":
        return
    body = json.dumps({"client": scope["client"][0], "scheme": scope["scheme"]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, settings_for: Any) -> Callable[..., Any]:
    """Send a request to what `huitong serve` would serve, for a set of trusted proxies."""
    monkeypatch.setattr(serve_command, "spare_collector", lambda: None)
    load = serve_command.load_entry_point

    def load_other(name: str) -> Any:
        return (lambda _settings: show_scope) if name.endswith("create_app") else load(name)

    monkeypatch.setattr(serve_command, "load_entry_point", load_other)

    async def send(*proxies: str) -> Any:
        settings = replace(
            settings_for("postgresql://nobody@127.0.0.1:1/none"), trusted_proxies=proxies
        )
        server = serve_command._make_server(settings, None)
        server.config.load()
        transport = httpx.ASGITransport(server.config.loaded_app, client=("203.0.113.9", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return (await client.get("/", headers=FORWARDED)).json()

    return send


async def test_a_stranger_s_word_is_not_taken(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The server's own variable must not open what our setting keeps closed.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    for proxies in ((), ("10.0.0.0/8",), ("203.0.113.8", "192.0.2.0/24")):
        assert await ask(*proxies) == {"client": "203.0.113.9", "scheme": "http"}


async def test_a_named_proxy_s_word_is_taken(ask: Any) -> None:
    for proxies in (("203.0.113.9",), ("10.0.0.0/8", "203.0.113.0/24")):
        assert await ask(*proxies) == {"client": "198.51.100.7", "scheme": "https"}
