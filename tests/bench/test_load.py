"""The load generator counts right, and says so when connections break."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from huitong.bench.load import LoadPlan, run_load, run_load_in_process


def encode(body: bytes, path: str = "/") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer 201 with the body; 400 if the body is `bad`."""
    message = await receive()
    body = message["body"]
    status = 400 if body == b"bad" else 201
    headers = [(b"Content-Length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(echo, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


@contextmanager
def talker(say: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on bare sockets that does with each connection what `say` does."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                say(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def plan(port: int, requests: list[bytes], **changes: Any) -> LoadPlan:
    values: dict[str, Any] = {"connections": 4, "seconds": 30.0} | changes
    return LoadPlan(host="127.0.0.1", port=port, requests=requests, **values)


def test_sends_every_request_once_and_counts_the_answers(echo_port: int) -> None:
    report = run_load(plan(echo_port, [encode(b"good")] * 95 + [encode(b"bad")] * 5))
    assert report.answers == 100
    assert report.by_status == {201: 95, 400: 5}
    assert report.ran_out
    assert report.broken_connections == 0
    assert report.unanswered == 0
    assert len(report.examples) == 5
    assert report.examples[0].startswith(b"HTTP/1.1 400")
    assert report.percentile_ms(50) <= report.percentile_ms(99) <= report.percentile_ms(100)


def test_stops_when_its_time_is_over(echo_port: int) -> None:
    report = run_load(plan(echo_port, [encode(b"x")] * 200_000, seconds=0.05))
    assert not report.ran_out
    assert 0 < report.answers < 200_000
    assert report.by_status == {201: report.answers}


def test_runs_in_a_process_of_its_own(echo_port: int) -> None:
    report = run_load_in_process(plan(echo_port, [encode(b"x")] * 10))
    assert report.by_status == {201: 10}


def test_uses_no_more_connections_than_it_has_requests(echo_port: int) -> None:
    report = run_load(plan(echo_port, [encode(b"x")], connections=8))
    assert report.by_status == {201: 1}
    assert report.unanswered == 0


def test_reads_an_answer_that_comes_in_pieces() -> None:
    def say(connection: socket.socket) -> None:
        while connection.recv(4096):
            for piece in (b"HTTP/1.1 20", b"1 Created\r\ncontent-le", b"ngth: 4\r\n\r\nab", b"cd"):
                connection.sendall(piece)

    with talker(say) as port:
        report = run_load(plan(port, [encode(b"x")] * 3, connections=1))
    assert report.by_status == {201: 3}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\nab",
        b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 201 Created\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\nmore",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ],
)
def test_reports_a_connection_that_breaks_or_talks_nonsense(answer: bytes) -> None:
    def say(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with talker(say) as port:
        report = run_load(plan(port, [encode(b"x")] * 10, connections=1))
    assert report.answers == 0
    assert report.broken_connections == 1
    assert report.unanswered == 1


def test_refuses_to_begin_when_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        run_load(plan(port, [encode(b"x")]))
