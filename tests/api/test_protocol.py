"""What comes over a connection has bounds, and one meaning to every program on the way."""

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from huitong.api.request_context import SECURITY_HEADERS
from huitong.kernel import limits
from huitong.kernel.metrics import BUGS, HTTP_REQUESTS


def talk(api: Any, *parts: bytes, seconds: float = 10) -> bytes:
    """Send parts over one connection and return everything that comes back until it ends."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        answer = bytearray()
        try:
            for part in parts:
                connection.sendall(part)
            while received := connection.recv(65_536):
                answer += received
        except (ConnectionResetError, BrokenPipeError):
            pass
        return bytes(answer)


def head_of(answer: bytes) -> tuple[bytes, dict[str, str]]:
    head, _, _ = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    pairs = [line.decode().partition(": ") for line in lines]
    return status, {name.lower(): value for name, _, value in pairs}


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
AMBIGUOUS = {
    "both lengths": b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
    b"Content-Length: 36\r\n\r\n" + SMUGGLED,
    "a length with a sign": b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n"
    + SMUGGLED,
    "chunked is not last": b"POST /v1/payments HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a space before the colon": b"POST /v1/payments HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a bare line feed": b"POST /v1/payments HTTP/1.1\nHost: x\n\n" + SMUGGLED,
    "a chunk of no length": b"POST /v1/payments HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_whose_end_is_not_certain_ends_the_connection(api: Any, name: str) -> None:
    answer = talk(api, AMBIGUOUS[name])
    # Whatever is answered to the first one, nothing after it is taken for a second request.
    assert b"route_not_found" not in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 401"))


def test_two_requests_on_one_connection_are_two(api: Any) -> None:
    last = SMUGGLED.replace(b"Host", b"Connection: close\r\nHost")
    answer = talk(api, SMUGGLED + last)
    assert answer.count(b"route_not_found") == 2 * 2  # type and code of each


def test_what_is_no_request_gets_a_problem_with_every_header(api: Any) -> None:
    answer = talk(api, b"\x16\x03\x01\x02\x00\x01\x00 nonsense\r\n\r\n")
    status, headers = head_of(answer)
    assert status == b"HTTP/1.1 400 Bad Request"
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert {name.lower() for name in SECURITY_HEADERS} <= set(headers)
    assert b'"code":"bad_request"' in answer
    assert b"nonsense" not in answer


def endless(part: bytes) -> Iterator[bytes]:
    yield b"GET /healthz"
    for _ in range(2 * limits.REQUEST_HEAD_BYTES_MAX // len(part)):
        yield part


@pytest.mark.parametrize("part", [b"x" * 4_096, b"X-More: " + b"y" * 4_086 + b"\r\n"])
def test_a_head_that_never_ends_is_cut_off(api: Any, part: bytes) -> None:
    begun = b" HTTP/1.1\r\n" if part.startswith(b"X-") else b""
    first, *rest = endless(part)
    answer = talk(api, first + begun, *rest)
    assert answer.startswith(b"HTTP/1.1 400") or answer == b""


def test_a_head_that_does_not_come_is_given_up(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUEST_SECONDS_MAX", 0.3)
    started = time.monotonic()
    assert talk(api) == b""
    assert talk(api, b"GET /healthz HTTP/1.1\r\nHost:") == b""
    # After an answer, too: a line break alone begins no request.
    answer = talk(api, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert time.monotonic() - started < 9


async def test_a_large_body_in_pieces_is_no_head(client: Any) -> None:
    async def body() -> Any:
        yield b'{"payer": "acct_1", "note": "'
        for _ in range(3):
            await asyncio.sleep(0.02)
            yield b"x" * 60_000
        yield b'"}'

    for _ in range(2):
        answer = await client.post(
            "/v1/customers",
            content=body(),
            headers={"Content-Type": "application/json", "Idempotency-Key": "large-1"},
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")


def count_gone() -> float:
    """Return how many requests of this process ended without an answer, their callers gone."""
    return sum(
        sample.value
        for metric in HTTP_REQUESTS.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["status"] == "0"
    )


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/identity/codes"])
def test_who_hangs_up_amid_a_body_is_no_bug(api: Any, full_key: str, path: str) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {full_key}\r\n"
        "Idempotency-Key: gone\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    )
    bugs, gone = BUGS.labels("api")._value.get(), count_gone()
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
    deadline = time.monotonic() + 10
    while count_gone() == gone and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (BUGS.labels("api")._value.get() - bugs, count_gone() - gone) == (0, 1)
