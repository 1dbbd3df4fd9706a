"""What we ask of others: by TLS that is checked, of nobody that an answer names, and of few."""

import contextlib
import http.server
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from huitong import customers, identity, payments
from huitong.kernel.certificates import make_authority, make_server
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.wiring.tls import TlsFiles, make_server_context

NOW = datetime.now(UTC)
QUESTION = customers.MobileQuestion(
    mobile="13800000001", name="尉迟敬德", id_number="11010519491231002X"
)


class Redirecting(http.server.BaseHTTPRequestHandler):
    """Sends everybody on to another address of the same server, and counts who follows."""

    followed: list[str]

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/elsewhere"):
            self.followed.append(self.path)
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names that the base calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def serving(files: TlsFiles | None = None) -> Iterator[tuple[str, list[str]]]:
    followed: list[str] = []
    handler = type("Handler", (Redirecting,), {"followed": followed})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if files is not None:
        server.socket = make_server_context(files).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        scheme = "http" if files is None else "https"
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}", followed
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def ask_all(url: str) -> list[str]:
    """Ask each of those whom we ask, and return how each one failed."""
    failed = []
    async with identity.SmsGateway(url) as gateway:
        with pytest.raises(identity.CodeNotDelivered) as no_message:
            await gateway.send(
                identity.CodeMessage(id=uuid.uuid4(), mobile="13800000001", code="123456")
            )
        failed.append(no_message.value.detail)
    order = payments.ChannelOrder(
        id=uuid7(),
        order_id=uuid7(),
        direction=payments.ChannelDirection.IN,
        state=payments.ChannelState.TO_SEND,
        attempts=0,
        due_at=NOW,
        updated_at=NOW,
        reason=None,
        amount=Money(100, "CNY"),
    )
    async with payments.HttpBankChannel(url) as channel:
        with pytest.raises(payments.ChannelFault) as no_bank:
            await channel.submit(order)
        failed.append(no_bank.value.detail)
    registry = customers.HttpRegistry(url, secret=b"s" * 32, clock=SystemClock())
    async with registry:
        answer = await registry.check_mobile(QUESTION, request_id=uuid.uuid4())
        failed.append(str(answer.trouble))
    return failed


async def test_nobody_follows_an_answer_to_another_address() -> None:
    with serving() as (url, followed):
        assert await ask_all(url) == [
            "the gateway answered 307",
            "the bank answered 307",
            "refused",
        ]
    assert followed == []


async def test_nothing_is_sent_to_whose_certificate_is_not_trusted(tmp_path: Path) -> None:
    server = make_server(make_authority(NOW), ["127.0.0.1"], NOW - timedelta(days=1))
    pem = tmp_path / "server.pem"
    pem.write_bytes(server.to_pem())
    with serving(TlsFiles(pem, pem, None)) as (url, followed):
        assert await ask_all(url) == [
            "no answer: ConnectError",
            "no answer: ConnectError",
            "unreachable",
        ]
    assert followed == []
