"""A simulated bank: takes orders over HTTP, decides them a moment later, and fails on demand.

`huitong bank` runs it as a process of its own. It keeps its orders in memory:
a bank that forgot an order says so, and is then sent it again.

- `PUT /orders/{id}` takes an order, once for each id; 202 while it is at work.
- `GET /orders/{id}` says what became of it; 404 with the state `unknown` if it never came.
- `POST /faults {"kind", "on", "times", "seconds"}` arranges for trouble, `DELETE /faults` ends it.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from huitong.kernel import limits

RESULT_SECONDS: Final = 0.2
_JSON: Final = "application/json"


class FaultKind(StrEnum):
    """The ways in which a bank can be trouble."""

    #: It answers late: `seconds` from now, after it has done its work.
    DELAY = "delay"
    #: It does its work, and the answer is lost on the way.
    LOST_ANSWER = "lost_answer"
    #: The network hands the request over twice.
    DUPLICATE = "duplicate"
    #: It answers 500 and does nothing.
    ERROR = "error"
    #: It takes the order and later says no.
    REFUSE = "refuse"
    #: It says no at once.
    REJECT = "reject"


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /faults`: the next `times` calls of a kind have this trouble."""

    kind: FaultKind
    on: Literal["submit", "query"] = "submit"
    times: int = 1
    seconds: float = 1.0


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `PUT /orders/{id}`."""

    direction: Literal["in", "out"]
    amount: dict[str, str]


@dataclass(slots=True)
class SimulatedOrder:
    """What the bank knows of an order; `bookings` must never be more than one."""

    request: OrderRequest
    is_refused: bool
    decided_at: float
    bookings: int = 0

    def settle(self, now: float) -> str:
        """Book the order when its time has come, and return its state."""
        if now < self.decided_at:
            return "accepted"
        if self.is_refused:
            return "failed"
        if self.bookings == 0:
            self.bookings = 1
        return "succeeded"


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


class BankSimulator:
    """The bank behind the HTTP interface; `result_seconds` is how long it thinks."""

    def __init__(self, *, result_seconds: float = RESULT_SECONDS) -> None:
        self.orders: dict[str, SimulatedOrder] = {}
        self.faults: deque[FaultRequest] = deque()
        self.result_seconds = result_seconds

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/orders/{order_id}", self._submit, methods=["PUT"]),
                Route("/orders/{order_id}", self._query, methods=["GET"]),
                Route("/faults", self._arrange, methods=["POST"]),
                Route("/faults", self._relent, methods=["DELETE"]),
                Route("/healthz", _healthz, methods=["GET"]),
            ]
        )

    async def _submit(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        try:
            asked = msgspec.json.decode(await request.body(), type=OrderRequest)
        except msgspec.MsgspecError as error:
            return _respond(400, {"detail": str(error)})
        fault = self._take_fault("submit")
        kind = None if fault is None else fault.kind
        if kind is FaultKind.ERROR:
            return _respond(500, {"detail": "the bank has a bad day"})
        if kind is FaultKind.REJECT:
            # Remembered like any other no: a repetition that comes late must not turn it around.
            self._take(order_id, asked, is_refused=True, seconds=0.0)
            return self._describe(422, order_id, asked, "failed", "rejected by the bank")
        response = self._take(order_id, asked, is_refused=kind is FaultKind.REFUSE)
        if kind is FaultKind.DUPLICATE:
            response = self._take(order_id, asked, is_refused=False)
        return await _deliver(response, fault)

    async def _query(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        fault = self._take_fault("query")
        if fault is not None and fault.kind is FaultKind.ERROR:
            return _respond(500, {"detail": "the bank has a bad day"})
        order = self.orders.get(order_id)
        if order is None:
            return await _deliver(_respond(404, {"id": order_id, "state": "unknown"}), fault)
        return await _deliver(self._show(order_id, order), fault)

    def _take(
        self,
        order_id: str,
        asked: OrderRequest,
        *,
        is_refused: bool,
        seconds: float | None = None,
    ) -> Response:
        known = self.orders.get(order_id)
        if known is None:
            if len(self.orders) >= limits.SIMULATED_ORDERS_MAX:
                # The oldest was decided long ago: dictionaries keep the order of insertion.
                self.orders.pop(next(iter(self.orders)))
            decided_at = time.monotonic() + (self.result_seconds if seconds is None else seconds)
            known = self.orders[order_id] = SimulatedOrder(asked, is_refused, decided_at)
        elif known.request != asked:
            return _respond(409, {"detail": "this id belongs to another order"})
        return self._show(order_id, known)

    def _show(self, order_id: str, order: SimulatedOrder) -> Response:
        state = order.settle(time.monotonic())
        reason = "refused by the bank" if state == "failed" else None
        status = 202 if state == "accepted" else 200
        return self._describe(status, order_id, order.request, state, reason)

    @staticmethod
    def _describe(
        status: int, order_id: str, asked: OrderRequest, state: str, reason: str | None
    ) -> Response:
        return _respond(
            status,
            {
                "id": order_id,
                "state": state,
                "direction": asked.direction,
                "amount": asked.amount,
                "reason": reason,
            },
        )

    async def _arrange(self, request: Request) -> Response:
        try:
            fault = msgspec.json.decode(await request.body(), type=FaultRequest)
        except msgspec.MsgspecError as error:
            return _respond(400, {"detail": str(error)})
        if not 1 <= fault.times <= limits.SIMULATED_FAULTS_MAX - len(self.faults):
            return _respond(400, {"detail": "too many faults, or none"})
        self.faults.extend([fault] * fault.times)
        return _respond(202, {"faults": len(self.faults)})

    async def _relent(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's shape
        self.faults.clear()
        return _respond(200, {"faults": 0})

    def _take_fault(self, on: str) -> FaultRequest | None:
        for fault in self.faults:
            if fault.on == on:
                self.faults.remove(fault)
                return fault
        return None


async def _deliver(response: Response, fault: FaultRequest | None) -> Response:
    if fault is not None and fault.kind is FaultKind.LOST_ANSWER:
        return LostAnswer()
    if fault is not None and fault.kind is FaultKind.DELAY:
        await asyncio.sleep(fault.seconds)
    return response


async def _healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette's shape
    return _respond(200, {"status": "ok"})


def _respond(status: int, body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=_JSON)
