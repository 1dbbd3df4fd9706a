"""HTTP/1.1 on a connection, with bounds where the server's own reader has none.

The reader keeps whatever comes until a request's head is complete: without a bound one connection
that never ends its head takes the memory of the process, and many that send nothing take its
sockets. What is refused here never becomes a request, so its answer is made here, too.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from huitong.api.problems import BadRequest, make_problem
from huitong.api.request_context import (
    HSTS_HEADER,
    REQUEST_ID_HEADER,
    SECURITY_HEADERS,
    read_request_id,
)
from huitong.kernel import limits

_STATUS_LINE: Final = b"HTTP/1.1 400 Bad Request\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """The server's protocol; a head has a maximum of bytes and of seconds."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        """Make the protocol of one connection, as the server does."""
        super().__init__(*arguments, **more)
        # Between two requests, too: what comes then can only be a head.
        self._is_in_head = True
        self._heads = 0
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; end the connection if its head has become too long."""
        was_in_head, heads = self._is_in_head, self._heads
        super().data_received(data)
        if not was_in_head or self._heads != heads or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > limits.REQUEST_HEAD_BYTES_MAX:
            self.send_400_response("too long")
        elif self._head_timer is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Note that the head has ended; its body is bounded by the application."""
        self._is_in_head = False
        self._heads += 1
        self._head_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the next head may begin."""
        self._is_in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - it says nothing of use
        """Answer what is no request with a problem like any other, and end the connection."""
        request_id = read_request_id(())
        body = make_problem(BadRequest("This is not a request of HTTP/1.1.")).to_bytes(request_id)
        headers = {
            "Content-Type": "application/problem+json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            REQUEST_ID_HEADER: request_id,
            **SECURITY_HEADERS,
        }
        if self.scheme == "https":
            headers[HSTS_HEADER[0]] = HSTS_HEADER[1]
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(_STATUS_LINE + lines.encode("ascii") + b"\r\n" + body)
        self.transport.close()

    def _wait_for_head(self) -> None:
        # Only where something is still to come: a timer for each request costs as much as reading.
        self._head_timer = self.loop.call_later(limits.REQUEST_SECONDS_MAX, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
