"""What surrounds every request: its id, limits on what is read, counts, traces, safe headers.

Plain ASGI and not the framework's middleware class, which costs more than most of our handlers.
"""

import asyncio
import re
import time
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from huitong.api import gate as gates
from huitong.api.gate import Gate
from huitong.api.problems import BodyTooLarge, HeadersTooLarge, RequestTimeout, make_problem
from huitong.api.security_log import note_refusal
from huitong.kernel import limits, logs, metrics
from huitong.kernel.answers import ANSWERS
from huitong.kernel.errors import Fault, Refusal
from huitong.kernel.ids import REQUEST, show_id, uuid7
from huitong.kernel.telemetry import span

REQUEST_ID_HEADER: Final = "X-Request-Id"
#: The key under which the request's id stands in the ASGI scope.
REQUEST_ID: Final = "huitong.request_id"
#: For answers that say nothing else: they may not be framed, sniffed, cached or run anything.
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
#: Added where the connection is TLS: from then on a browser comes by TLS only (RFC 6797), and to
#: names below this one too, from where a cookie could otherwise be set for it.
HSTS_HEADER: Final = (
    "Strict-Transport-Security",
    f"max-age={limits.HSTS_SECONDS}; includeSubDomains",
)
_REQUEST_ID_SHAPE: Final = re.compile(rb"[A-Za-z0-9._-]{1,%d}" % limits.REQUEST_ID_LENGTH_MAX)
_UNKNOWN_ROUTE: Final = "(none)"
#: The one body that may be larger, of callers who are known before any of it is read.
_UPLOADS: Final = frozenset({("POST", "/v1/bulk-files"), ("POST", "/v1/reconciliation/files")})
_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logs.get_logger(__name__)


def read_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the caller's request id if it is a fit one, or a new one.

    Anything else than letters, digits, dots, dashes and underscores is replaced, not refused: the
    id is for finding a request again, and must not be a way to write into somebody's log.
    """
    for name, value in headers:
        if name == b"x-request-id":
            if _REQUEST_ID_SHAPE.fullmatch(value):
                return value.decode("ascii")
            break
    return show_id(REQUEST, uuid7())


def is_secure(scope: MutableMapping[str, Any]) -> bool:
    """Say whether a request came over TLS that ends in this process."""
    return scope.get("scheme") == "https"


def read_address(scope: MutableMapping[str, Any]) -> IPv4Address | IPv6Address | None:
    """Return the address that a request comes from, or None, as over a Unix socket.

    The connection's, or what a proxy says that was named in `HUITONG_TRUSTED_PROXIES`: the server
    has put it in the connection's place (`cli/serve.py`), and no header is read here.
    """
    client = scope.get("client")
    if client is None:
        return None
    try:
        address = ip_address(client[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def request_id_of(scope: MutableMapping[str, Any]) -> str | None:
    """Return the id of the request that a scope belongs to."""
    identifier = scope.get(REQUEST_ID)
    return identifier if isinstance(identifier, str) else None


class RequestContext:
    """The outermost layer around an ASGI application."""

    def __init__(self, app: ASGIApp, gate: Gate | None = None) -> None:
        """Surround `app`; without a gate everybody comes in."""
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; what is not HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = read_request_id(scope["headers"])
        scope[REQUEST_ID] = request_id
        method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
        answer = _Answer(send=send, request_id=request_id, is_secure=is_secure(scope))
        started = time.perf_counter()
        metrics.HTTP_REQUESTS_IN_PROGRESS.inc()
        try:
            with logs.request_context(request_id), span("http.request", method=method):
                await self._handle(scope, receive, answer)
        finally:
            metrics.HTTP_REQUESTS_IN_PROGRESS.dec()
            if self._gate is not None:
                self._gate.note_answer(scope, answer.status)
            # The template, not the path: a label must not take as many values as there are ids.
            route = getattr(scope.get("route"), "path", _UNKNOWN_ROUTE)
            seconds = time.perf_counter() - started
            metrics.HTTP_REQUESTS.labels(method, route, str(answer.status)).inc()
            metrics.HTTP_REQUEST_SECONDS.labels(method, route).observe(seconds)
            ANSWERS.note(answer.status, seconds)

    async def _handle(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            _check_headers(scope)
            if self._gate is not None:
                self._gate.enter(scope)
            await self._app(scope, _limit(receive, _find_length_max(scope)), answer.send_message)
        except ClientDisconnect:
            # Hung up before all of the request had come: no defect of ours, and nobody was there
            # for the answer that the framework has tried to give.
            answer.status = 0
        except Exception as error:  # noqa: BLE001
            # An edge: whoever asked must get an answer that gives nothing away, and staff an alarm.
            record_error(error, scope)
            await answer.refuse(error, scope, receive)


def record_error(error: Exception, scope: MutableMapping[str, Any]) -> None:
    """Count what ended a request, and log what staff must look at."""
    if isinstance(error, Refusal):
        metrics.REFUSALS.labels(error.code).inc()
        note_refusal(error, scope)
        gates.note_refusal(error, scope)
    elif isinstance(error, Fault):
        metrics.FAULTS.labels(error.code).inc()
        _log.warning("request_failed", code=error.code, detail=error.detail)
    else:
        metrics.BUGS.labels("api").inc()
        _log.error("request_crashed", exc_info=error)


@dataclass(slots=True)
class _Answer:
    """The way out: adds the headers that every answer has, and knows what was sent."""

    send: Send
    request_id: str
    is_secure: bool
    status: int = 0

    async def send_message(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID_HEADER] = self.request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if self.is_secure:
                headers.setdefault(*HSTS_HEADER)
        await self.send(message)

    async def refuse(self, error: Exception, scope: Scope, receive: Receive) -> None:
        """Send a problem, unless an answer has begun: then the connection is all that can end."""
        if self.status == 0:
            response = make_problem(error).to_response(self.request_id)
            await response(scope, receive, self.send_message)


def check_headers_length(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse more headers than we read; raises HeadersTooLarge."""
    if sum([len(name) + len(value) for name, value in headers]) > limits.HEADER_LENGTH_MAX:
        raise HeadersTooLarge(f"All headers together may have {limits.HEADER_LENGTH_MAX} bytes.")


def _check_headers(scope: Scope) -> None:
    check_headers_length(scope["headers"])
    for name, value in scope["headers"]:
        # Believed only to refuse early; what really arrives is counted below.
        if name == b"content-length" and value.isdigit():
            _check_length(int(value), _find_length_max(scope))


def _find_length_max(scope: Scope) -> int:
    is_upload = (scope["method"], scope["path"]) in _UPLOADS
    return limits.BULK_FILE_BYTES_MAX if is_upload else limits.REQUEST_BODY_BYTES_MAX


def _check_length(length: int, most: int) -> None:
    if length > most:
        raise BodyTooLarge(f"A body may have {most} bytes.")


def _limit(receive: Receive, most: int) -> Receive:
    """Return a `receive` that refuses a body that is too large, or too slow in arriving."""
    deadline = asyncio.get_running_loop().time() + limits.REQUEST_SECONDS_MAX
    received = 0
    is_complete = False

    async def receive_limited() -> Message:
        nonlocal received, is_complete
        if is_complete:
            # What comes now is the caller's leaving, for which a handler may wait long.
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise RequestTimeout(
                f"A request must arrive within {limits.REQUEST_SECONDS_MAX} seconds."
            ) from None
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            _check_length(received, most)
            is_complete = not message.get("more_body", False)
        return message

    return receive_limited
