"""Answers of simulated channels: JSON, or one that breaks off."""

from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_JSON: Final = "application/json"


class LostAnswer(Response):
    """An answer that breaks off: the client sees a connection that ended too early."""

    async def __call__(
        self,
        scope: Scope,  # noqa: ARG002 - the shape of an ASGI application
        receive: Receive,  # noqa: ARG002
        send: Send,
    ) -> None:
        """Promise a body and never send it."""
        headers = [(b"content-length", b"64"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def respond(status: int, body: dict[str, Any]) -> Response:
    """Return an answer in JSON."""
    return Response(msgspec.json.encode(body), status, media_type=_JSON)
