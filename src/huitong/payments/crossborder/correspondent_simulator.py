"""A simulated bank abroad: takes messages over HTTP, and writes the reports that come later."""

import io
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from huitong.kernel.clock import Clock, SystemClock
from huitong.kernel.money import Money
from huitong.payments.iso20022 import (
    Agent,
    Charge,
    CustomerTransfers,
    InvalidMessage,
    OriginalGroup,
    PaymentReturn,
    Reason,
    Return,
    SettlementHeader,
    StatusHeader,
    StatusReport,
    TransactionStatus,
    Transfer,
    read_message,
    write_message,
)

BIC: Final = "CHASUS33"


class CorrespondentFault(StrEnum):
    """How the next calls go wrong, until it is told otherwise."""

    #: It does what it was told and does not answer.
    ANSWER_LOST = "answer_lost"
    DOWN = "down"
    REFUSES = "refuses"
    NONSENSE = "nonsense"


@dataclass
class CorrespondentSimulator:
    """Takes each payment once by its id, and says what it is told to say of it."""

    clock: Clock = field(default_factory=SystemClock)
    fault: CorrespondentFault | None = None
    #: Messages by our id, in order of arrival, and how often each one came.
    messages: dict[str, bytes] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    #: What we say of payments that came from there, by our id.
    confirmations: dict[str, bytes] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    _known: dict[str, tuple[str, Money]] = field(default_factory=dict)
    _reports: int = 0

    def application(self) -> Starlette:
        """Return the web application."""
        return Starlette(
            routes=[
                Route("/orders/{id}", self._take, methods=["PUT"]),
                Route("/orders/{id}", self._show, methods=["GET"]),
                Route("/messages/{id}", self._take_report, methods=["PUT"]),
                Route("/reports/{uetr}/{status}", self._report, methods=["GET"]),
                Route("/fault", self._set_fault, methods=["PUT"]),
            ]
        )

    async def _take(self, request: Request) -> Response:
        payment_id, content = request.path_params["id"], await request.body()
        if self.fault is CorrespondentFault.DOWN:
            return Response(status_code=503)
        if self.fault is CorrespondentFault.NONSENSE:
            return Response(b"\xff\xfe<html>")
        try:
            known = _read(content)
        except InvalidMessage as refusal:
            return self._answer(payment_id, "failed", None, refusal.detail)
        self.times[payment_id] = self.times.get(payment_id, 0) + 1
        if payment_id not in self.messages:
            self.messages[payment_id], self._known[payment_id] = content, known
        if self.fault is CorrespondentFault.REFUSES:
            self.refused.add(payment_id)
        if self.fault is CorrespondentFault.ANSWER_LOST:
            return Response(status_code=504)
        return self._say(payment_id)

    async def _take_report(self, request: Request) -> Response:
        message_id, content = request.path_params["id"], await request.body()
        if self.fault is CorrespondentFault.DOWN:
            return Response(status_code=503)
        if self.fault is CorrespondentFault.NONSENSE:
            return Response(b"\xff\xfe<html>")
        try:
            is_status = isinstance(read_message(io.BytesIO(content)).body, StatusReport)
        except InvalidMessage:
            is_status = False
        if not is_status or self.confirmations.get(message_id, content) != content:
            return self._answer(message_id, "failed", None, "must be one pacs.002 for each id")
        self.confirmations[message_id] = content
        if self.fault is CorrespondentFault.ANSWER_LOST:
            return Response(status_code=504)
        return self._answer(message_id, "succeeded", None, status=200)

    async def _show(self, request: Request) -> Response:
        if self.fault is CorrespondentFault.DOWN:
            return Response(status_code=503)
        return self._say(request.path_params["id"])

    def _say(self, payment_id: str) -> Response:
        if payment_id not in self.messages:
            return self._answer(payment_id, "unknown", None, status=404)
        known = self._known[payment_id]
        if payment_id in self.refused:
            return self._answer(payment_id, "failed", known, "AC04")
        return self._answer(payment_id, "accepted", known, status=202)

    def _answer(
        self,
        payment_id: str,
        state: str,
        known: tuple[str, Money] | None,
        reason: str | None = None,
        status: int = 422,
    ) -> Response:
        body: dict[str, object] = {"id": payment_id, "state": state, "reason": reason}
        if known is not None:
            body |= {"uetr": known[0], "direction": "out", "amount": known[1].to_json()}
        return JSONResponse(body, status_code=status)

    async def _report(self, request: Request) -> Response:
        uetr, status = request.path_params["uetr"], request.path_params["status"]
        content = self.write_status(uetr, status)
        return Response(content, media_type="application/xml")

    async def _set_fault(self, request: Request) -> Response:
        wanted = (await request.json())["fault"]
        self.fault = None if wanted is None else CorrespondentFault(wanted)
        return Response(status_code=204)

    def write_status(
        self, uetr: str, status: str, *, reason: str | None = None, at: datetime | None = None
    ) -> bytes:
        """Return a pacs.002 about a payment, with an id of its own."""
        return write_message(
            StatusReport(
                header=StatusHeader(message_id=self._next("S"), created=at or self._now()),
                transactions=(
                    TransactionStatus(
                        uetr=uetr,
                        status=status,
                        original_group=OriginalGroup(
                            message_id="A", message_name="pacs.008.001.12"
                        ),
                        reasons=() if reason is None else (Reason(code=reason),),
                    ),
                ),
            )
        )

    def write_return(self, uetr: str, amount: Money, *, charge: Money | None = None) -> bytes:
        """Return a pacs.004 that sends `amount` back, less what was taken for it."""
        charges = () if charge is None else (Charge(amount=charge, agent=Agent(bic=BIC)),)
        return write_message(
            PaymentReturn(
                header=SettlementHeader(
                    message_id=self._next("R"), created=self._now(), count=1, method="INDA"
                ),
                returns=(
                    Return(
                        return_id=self._next("T"),
                        uetr=uetr,
                        amount=amount,
                        charges=charges,
                        reasons=(Reason(code="AC04"),),
                    ),
                ),
            )
        )

    def _next(self, kind: str) -> str:
        self._reports += 1
        return f"{kind}{self._reports:06d}{uuid.uuid4().hex[:12]}"

    def _now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)


def _read(content: bytes) -> tuple[str, Money]:
    """Return the UETR and the amount of a message with one transfer or return."""
    body = read_message(io.BytesIO(content)).body
    if isinstance(body, CustomerTransfers):
        part: Transfer | Return = body.transfers[0]
    elif isinstance(body, PaymentReturn):
        part = body.returns[0]
    else:
        raise InvalidMessage("must be a pacs.008 or a pacs.004", field="Document")
    return part.uetr or "", part.amount
