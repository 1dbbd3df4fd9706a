"""The clients of a fault run never stand in each other's way, so that what they miss is ours."""

import asyncio
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest

from huitong.bench.chaos.clients import Attempted, Parties, Till, ask

ANSWER = b"HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\n{}"


class SlowServer:
    """Refuses every payment after a while, and keeps what it was asked."""

    def __init__(self) -> None:
        self.seconds = 0.01
        self.keys: list[bytes] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                headers = dict(line.split(b": ", 1) for line in lines[1:] if line)
                self.bodies.append(await reader.readexactly(int(headers[b"content-length"])))
                self.keys.append(headers[b"idempotency-key"])
                await asyncio.sleep(self.seconds)
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@pytest.fixture
async def slow() -> AsyncIterator[SlowServer]:
    slow = SlowServer()
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    slow.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield slow
    server.close()
    await server.wait_closed()


async def test_who_hangs_up_has_asked_and_gets_the_answer_later(slow: SlowServer) -> None:
    till = Till(slow.url, "htk_secret", Parties(["acct_1", "acct_2"], "acct_3"), seed=1)
    payment = Attempted(key="chaos-1-0-1", payer="acct_1", payee="acct_2", amount=5)
    slow.seconds = 0.5
    await till.hang_up(payment, after_seconds=0.05)
    slow.seconds = 0.0
    async with till.connect(1) as http:
        assert await ask(http, payment) == (409, b"{}")
    assert slow.bodies == [msgspec.json.encode(payment.request)] * 2
    assert slow.keys == [b"chaos-1-0-1"] * 2
    assert payment.attempts == 2


async def test_hanging_up_takes_no_connection_from_the_others(slow: SlowServer) -> None:
    till = Till(slow.url, "htk_secret", Parties(["acct_1", "acct_2"], "acct_3"), seed=1)
    payment = Attempted(key="chaos-1-0-1", payer="acct_1", payee="acct_2", amount=5)
    async with till.connect(1) as http:
        # While the only connection is in use, so that hanging up cannot wait for it either.
        asking = asyncio.create_task(ask(http, payment))
        await asyncio.gather(*(till.hang_up(payment, number / 1_000) for number in range(20)))
        assert await asking == (409, b"{}")
    assert len(slow.keys) > 1


async def test_hanging_up_on_a_server_that_is_down_is_no_error() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    payment = Attempted(key="chaos-1-0-1", payer="acct_1", payee="acct_2", amount=5)
    await Till(url, "htk_secret", Parties([], ""), seed=1).hang_up(payment, 0.01)
    assert payment.attempts == 1
