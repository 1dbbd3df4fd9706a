"""One simulated channel behind HTTP: takes orders, decides them a moment later, fails on demand.

- `PUT /orders/{id}` takes an order, once for each id; 202 while it is at work.
- `GET /orders/{id}` says what became of it; 404 with the state `unknown` if it never came.
- `POST /orders/{id}/capture` and `/void` end what a card authorised.
- `PUT /orders/{id}/refunds/{refund}` gives all or part of it back, once for each refund.
- `PUT /accounts {"bank_code", "account", "name"}` says whose an account at a bank is.
- `GET /files/{day}` is the file of what was booked on a day.
- `POST /faults {"kind", "on", "times", "seconds"}` arranges for trouble, `PUT /faults/rates`
  brings it by chance, `GET` shows it, `DELETE /faults` ends it.
"""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from huitong.kernel.clock import Clock, SystemClock
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.payments.channels.simulator.answers import LostAnswer, respond
from huitong.payments.channels.simulator.books import Books, OrderRequest, SimulatedOrder
from huitong.payments.channels.simulator.calling import Caller
from huitong.payments.channels.simulator.faults import (
    FaultKind,
    FaultRequest,
    Faults,
    RatesRequest,
)
from huitong.payments.channels.simulator.holders import REASONS, Holders, SimulatedPayee
from huitong.payments.channels.simulator.messages import read_order
from huitong.payments.types import ChannelKind

RESULT_SECONDS: Final = 0.2
#: The card that every acquirer refuses.
DECLINED: Final = "tok_declined"


class SimulatedChannel:
    """A channel and its books; `result_seconds` is how long it thinks about an order."""

    def __init__(
        self,
        name: str = "bank",
        kind: ChannelKind = ChannelKind.BANK_TRANSFER,
        *,
        result_seconds: float = RESULT_SECONDS,
        clock: Clock | None = None,
        journal: Path | None = None,
    ) -> None:
        """Open the books; raises OSError if the journal cannot be read or written."""
        self.name, self.kind = name, kind
        self.result_seconds = result_seconds
        self.clock: Clock = clock or SystemClock()
        self.books = Books(journal)
        self.faults = Faults()
        self.holders = Holders()
        #: Who calls back; nobody until somebody is set.
        self.caller: Caller | None = None

    @property
    def orders(self) -> dict[str, SimulatedOrder]:
        """The orders by our ids."""
        return self.books.orders

    def application(self) -> Starlette:
        """Return the ASGI application."""
        one = "/orders/{order_id}"
        return Starlette(
            routes=[
                Route(one, self._submit, methods=["PUT"]),
                Route(one, self._query, methods=["GET"]),
                Route(f"{one}/{{act:str}}", self._end_authorisation, methods=["POST"]),
                Route(f"{one}/refunds/{{refund_id}}", self._refund, methods=["PUT"]),
                Route("/accounts", self._tell_holder, methods=["PUT"]),
                Route("/files/{day}", self._file, methods=["GET"]),
                Route("/faults", self._arrange, methods=["POST"]),
                Route("/faults", self._show_faults, methods=["GET"]),
                Route("/faults", self._relent, methods=["DELETE"]),
                Route("/faults/rates", self._set_rates, methods=["PUT"]),
                Route("/healthz", _healthz, methods=["GET"]),
            ]
        )

    async def _submit(self, request: Request) -> Response:
        try:
            asked, payee = read_order(self.kind, request.headers, await request.body())
        except Refusal as refusal:
            return respond(400, {"detail": refusal.detail, "field": refusal.field})
        fault = self.faults.take("submit")
        order_id = request.path_params["order_id"]
        code = self.holders.refuse(payee)
        return await self._deliver(fault, lambda: self._take(order_id, asked, fault, code=code))

    async def _query(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        fault = self.faults.take("query")

        def look() -> Response:
            order = self.orders.get(order_id)
            if order is None:
                return respond(404, {"id": order_id, "state": "unknown"})
            wrong = fault is not None and fault.kind is FaultKind.WRONG_AMOUNT
            return self._show(order, amount=_other_amount(order.amount) if wrong else None)

        return await self._deliver(fault, look)

    async def _end_authorisation(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["order_id"])
        act = request.path_params["act"]
        if order is None or act not in ("capture", "void") or order.stage == "":
            return respond(404, {"detail": "there is nothing to end"})
        wanted = "captured" if act == "capture" else "voided"

        def end() -> Response:
            if order.stage not in ("authorised", wanted):
                return respond(409, {"detail": f"it is {order.stage}"})
            order.stage = "captured" if act == "capture" else "voided"
            self.books.keep(order)
            return self._show(order)

        return await self._deliver(self.faults.take("submit"), end)

    async def _refund(self, request: Request) -> Response:
        refund_id, order_id = (request.path_params[each] for each in ("refund_id", "order_id"))
        try:
            asked = msgspec.json.decode(await request.body(), type=OrderRequest)
            amount = Money.from_json(asked.amount)
        except (msgspec.MsgspecError, Refusal) as error:
            return respond(400, {"detail": str(error)})
        order = self.orders.get(order_id)
        if order is None or self.books.settle(order, self.clock.now()) != "succeeded":
            return respond(409, {"detail": "there is nothing to give back"})
        fault = self.faults.take("submit")

        def give_back() -> Response:
            given = [
                Money.from_json(each.request.amount)
                for each in self.orders.values()
                if each.refund_of == order_id and each.id != refund_id and not each.is_refused
            ]
            rest = Money.from_json(order.amount) - sum(given, Money.zero(amount.currency))
            return self._take(refund_id, asked, fault, of=order_id, is_refused=amount > rest)

        return await self._deliver(fault, give_back)

    def _take(
        self,
        order_id: str,
        asked: OrderRequest,
        fault: FaultRequest | None,
        *,
        of: str | None = None,
        is_refused: bool = False,
        code: str | None = None,
    ) -> Response:
        known = self.orders.get(order_id)
        if known is not None:
            if known.request != asked:
                return respond(409, {"detail": "this id belongs to another order"})
            return self._show(known)
        kind, now = (None if fault is None else fault.kind), self.clock.now()
        # Remembered like any other no: a repetition that comes late must not turn it around.
        seconds = 0.0 if kind is FaultKind.REJECT else self.result_seconds
        no = (FaultKind.REJECT, FaultKind.REFUSE, FaultKind.LATE_SUCCESS)
        order = SimulatedOrder(
            id=order_id,
            request=asked,
            is_refused=is_refused or code is not None or kind in no or asked.card_token == DECLINED,
            decided_at=now + timedelta(seconds=seconds),
            stage="authorised" if self.kind is ChannelKind.CARD_ACQUIRING and of is None else "",
            booked_amount=_other_amount(asked.amount) if kind is FaultKind.WRONG_AMOUNT else None,
            refund_of=of,
            code=code,
        )
        if fault is not None and kind is FaultKind.LATE_SUCCESS:
            order.late_at = order.decided_at + timedelta(seconds=fault.seconds)
        self.books.keep(order)
        self._plan_calls(order, fault)
        return self._show(order)

    def _plan_calls(self, order: SimulatedOrder, fault: FaultRequest | None) -> None:
        if self.caller is None:
            return
        # The first one says what it knows now, however late it comes.
        said = self._describe(order)
        self.caller.schedule(lambda: said, seconds=0.0)
        self.caller.schedule(lambda: self._describe(order), seconds=self.result_seconds)
        if fault is not None and order.late_at is not None:
            seconds = self.result_seconds + fault.seconds
            self.caller.schedule(lambda: self._describe(order), seconds=seconds)

    def _describe(
        self, order: SimulatedOrder, amount: dict[str, str] | None = None
    ) -> dict[str, Any]:
        state = self.books.settle(order, self.clock.now())
        is_no = state == "failed"
        return {
            "id": order.id,
            "state": state,
            "direction": order.request.direction,
            "amount": amount or order.amount,
            "reason": REASONS.get(order.code or "", "refused by the bank") if is_no else None,
            "code": order.code if is_no else None,
        }

    def _show(self, order: SimulatedOrder, amount: dict[str, str] | None = None) -> Response:
        described = self._describe(order, amount)
        if order.stage:
            described["stage"] = order.stage
        if order.request.uetr is not None:
            described["uetr"] = order.request.uetr
        return respond(202 if described["state"] == "accepted" else 200, described)

    async def _deliver(self, fault: FaultRequest | None, work: Any) -> Response:
        """Do the work, or not, and let the answer come, or not."""
        kind = None if fault is None else fault.kind
        if kind is FaultKind.LOST_REQUEST:
            return LostAnswer()
        if kind is FaultKind.ERROR:
            return respond(500, {"detail": "the bank has a bad day"})
        response: Response = work()
        if kind is FaultKind.DUPLICATE:
            response = work()
        if kind is FaultKind.NONSENSE:
            return Response(b"<html>\xff", 200)
        if kind is FaultKind.LOST_ANSWER:
            return LostAnswer()
        if fault is not None and kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        return response

    async def _tell_holder(self, request: Request) -> Response:
        try:
            self.holders.put(msgspec.json.decode(await request.body(), type=SimulatedPayee))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return respond(400, {"detail": str(error)})
        return Response(status_code=204)

    async def _file(self, request: Request) -> Response:
        try:
            day = date.fromisoformat(request.path_params["day"])
        except ValueError:
            return respond(400, {"detail": "a day such as 2026-11-23"})
        text = self.books.write_day(self.name, day, self.clock.now())
        return Response(text, 200, media_type="text/csv")

    async def _arrange(self, request: Request) -> Response:
        try:
            fault = msgspec.json.decode(await request.body(), type=FaultRequest)
            return respond(202, {"faults": self.faults.arrange(fault)})
        except (msgspec.MsgspecError, Refusal) as error:
            return respond(400, {"detail": str(error)})

    async def _set_rates(self, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await request.body(), type=RatesRequest)
            self.faults.set_rates(asked.rates, seconds=asked.seconds)
        except (msgspec.MsgspecError, Refusal) as error:
            return respond(400, {"detail": str(error)})
        return respond(200, self.faults.show())

    async def _show_faults(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's shape
        return respond(200, self.faults.show())

    async def _relent(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's shape
        self.faults.relent()
        return respond(200, {"faults": 0})


async def _healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette's shape
    return respond(200, {"status": "ok"})


def _other_amount(amount: dict[str, str]) -> dict[str, str]:
    asked = Money.from_json(amount)
    return Money(asked.minor + 1, asked.currency).to_json()
