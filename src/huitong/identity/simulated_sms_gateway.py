"""A simulated SMS gateway: takes messages over HTTP, keeps them to be read, and fails on demand.

It is the mobile network of tests and demonstrations: no message leaves the machine.

- `PUT /messages/{id} {"mobile", "text"}` takes a message, once for each id; 202.
- `GET /messages?mobile=…` gives the messages of a number, newest first: the phone's screen.
- `POST /faults {"kind", "times", "seconds"}` arranges for trouble, `DELETE /faults` ends it.
"""

import asyncio
from collections import OrderedDict, deque
from enum import StrEnum
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from huitong.kernel import limits

_JSON: Final = "application/json"


class SmsFaultKind(StrEnum):
    """The ways in which a gateway can be trouble."""

    #: It takes the message and answers late: `seconds` from now.
    DELAY = "delay"
    #: It answers 500 and takes nothing.
    ERROR = "error"
    #: It answers 422: the number is not one that it sends to.
    REJECT = "reject"


class SmsFaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /faults`: the next `times` messages have this trouble."""

    kind: SmsFaultKind
    times: int = 1
    seconds: float = 1.0


class SimulatedMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message as the phone has it; its text stays out of logs."""

    mobile: str
    text: str

    def __repr__(self) -> str:
        return "SimulatedMessage(mobile=***, text=***)"


class SmsGatewaySimulator:
    """The gateway behind the HTTP interface; it keeps the last messages in memory."""

    def __init__(self) -> None:
        self.messages: OrderedDict[str, SimulatedMessage] = OrderedDict()
        self.faults: deque[SmsFaultRequest] = deque()

    def read_last(self, mobile: str) -> str | None:
        """Return the text of the newest message to a number, or None."""
        texts = (each.text for each in reversed(self.messages.values()) if each.mobile == mobile)
        return next(texts, None)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/messages/{message_id}", self._take, methods=["PUT"]),
                Route("/messages", self._show, methods=["GET"]),
                Route("/faults", self._arrange, methods=["POST"]),
                Route("/faults", self._relent, methods=["DELETE"]),
                Route("/healthz", _healthz, methods=["GET"]),
            ]
        )

    async def _take(self, request: Request) -> Response:
        try:
            message = msgspec.json.decode(await request.body(), type=SimulatedMessage)
        except msgspec.MsgspecError:
            # The library's text could repeat a part of what was sent.
            return _respond(400, {"detail": "the message cannot be read"})
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and fault.kind is SmsFaultKind.ERROR:
            return _respond(500, {"detail": "the gateway has a bad day"})
        if fault is not None and fault.kind is SmsFaultKind.REJECT:
            return _respond(422, {"detail": "not a number that messages are sent to"})
        self.messages.setdefault(request.path_params["message_id"], message)
        if len(self.messages) > limits.SIMULATED_MESSAGES_MAX:
            self.messages.popitem(last=False)
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        return _respond(202, {"state": "accepted"})

    async def _show(self, request: Request) -> Response:
        mobile = request.query_params.get("mobile", "")
        texts = [each.text for each in reversed(self.messages.values()) if each.mobile == mobile]
        return _respond(200, {"messages": texts[: limits.PAGE_SIZE_MAX]})

    async def _arrange(self, request: Request) -> Response:
        try:
            fault = msgspec.json.decode(await request.body(), type=SmsFaultRequest)
        except msgspec.MsgspecError as error:
            return _respond(400, {"detail": str(error)})
        if not 1 <= fault.times <= limits.SIMULATED_FAULTS_MAX - len(self.faults):
            return _respond(400, {"detail": "too many faults, or none"})
        self.faults.extend([fault] * fault.times)
        return _respond(202, {"faults": len(self.faults)})

    async def _relent(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's shape
        self.faults.clear()
        return _respond(200, {"faults": 0})


async def _healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette's shape
    return _respond(200, {"status": "ok"})


def _respond(status: int, body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=_JSON)
