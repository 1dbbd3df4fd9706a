"""A simulated credit bureau: one HTTP service that answers by rule and fails on demand.

`huitong bureau` runs it as a process of its own. Of a person it was not told about it makes up a
report from the number, always the same one, and it notes its own enquiries in it.

- `POST /v1/reports` answers a signed question; the same request id gets the same answer, and with
  another body 409. A wrong signature or a time that is too far off gets 401.
- `PUT /people/{id_number}` tells it a person's report, `null` for somebody without any history.
- `POST /faults {"kind", "times", "seconds"}` arranges for trouble, `DELETE /faults` ends it.
"""

import asyncio
import hashlib
import uuid
from collections import deque
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from huitong.kernel import signing
from huitong.kernel.clock import Clock, business_day
from huitong.lending.bureau import limits
from huitong.lending.bureau.client import PATH, Reply
from huitong.lending.bureau.types import (
    OWN_LENDER,
    Account,
    AccountKind,
    Inquiry,
    InquiryReason,
    Report,
    Summary,
    Verdict,
)

#: What the simulator and its clients sign with unless they are given a secret.
SIMULATED_SECRET: Final = b"the simulated credit bureau's secret, known to everybody"
_JSON: Final = "application/json"
_FIELDS: Final = frozenset({"name", "id_number", "consent", "reason"})
_LENDERS: Final = ("BANK_A", "BANK_B", "BANK_C", "CONSUMER_D", "ONLINE_E")
#: Of a hundred people, so many have no history, and so many were late within two years.
_UNKNOWN_IN_100: Final = 10
_LATE_IN_100: Final = 15
_YEAR_DAYS: Final = 365


class FaultKind(StrEnum):
    """The ways in which a bureau can be trouble."""

    #: It answers `seconds` late.
    LATE = "late"
    #: It breaks the connection after it has done its work.
    LOST_ANSWER = "lost_answer"
    #: It answers 500 and does nothing.
    ERROR = "error"
    #: It refuses to serve us: 403.
    REFUSE = "refuse"
    #: It answers, rightly signed, about another request.
    WRONG_REQUEST = "wrong_request"
    #: Its answer is signed with something else than the secret.
    FORGED = "forged"
    #: It sends bytes that mean nothing, rightly signed.
    GARBAGE = "garbage"
    #: It sends more than anybody wants to read.
    FLOOD = "flood"


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /faults`: the next `times` questions have this trouble."""

    kind: FaultKind
    times: int = 1
    seconds: float = 1.0


class BureauSimulator:
    """The bureau behind the HTTP interface. `enquiries` counts those that are on record."""

    def __init__(self, *, clock: Clock, secret: bytes | None = None) -> None:
        """Make a bureau that was told of nobody yet; without a secret it takes SIMULATED_SECRET."""
        self._secret = secret or SIMULATED_SECRET
        self._clock = clock
        self._known: dict[uuid.UUID, tuple[bytes, bytes]] = {}
        self._enquired: dict[str, list[Inquiry]] = {}
        self.people: dict[str, Report | None] = {}
        self.faults: deque[FaultRequest] = deque()
        self.enquiries = 0

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route(PATH, self._report, methods=["POST"]),
                Route("/people/{number}", self._tell, methods=["PUT"]),
                Route("/faults", self._arrange, methods=["POST"]),
                Route("/faults", self._relent, methods=["DELETE"]),
                Route("/healthz", _healthz, methods=["GET"]),
            ]
        )

    async def _report(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > limits.REQUEST_BYTES_MAX:
            return _respond(413, {"detail": "the question is too long"})
        request_id = self._authenticate(request, body)
        if request_id is None:
            return _respond(401, {"detail": "the signature or the time is wrong"})
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and fault.kind is FaultKind.ERROR:
            return _respond(500, {"detail": "the bureau has a bad day"})
        if fault is not None and fault.kind is FaultKind.REFUSE:
            return _respond(403, {"detail": "the contract has ended"})
        status, answer = self._answer(request_id, body)
        return await self._deliver(status, answer, request_id, fault)

    def _authenticate(self, request: Request, body: bytes) -> uuid.UUID | None:
        time = request.headers.get(signing.TIME_HEADER)
        try:
            request_id = uuid.UUID(request.headers.get(signing.REQUEST_HEADER, ""))
        except ValueError:
            return None
        if time is None or not signing.is_current(time, self._clock.now()):
            return None
        expected = signing.sign_request(
            self._secret,
            method=request.method,
            path=request.url.path,
            time=int(time),
            request_id=request_id,
            body=body,
        )
        signature = request.headers.get(signing.SIGNATURE_HEADER)
        return request_id if signing.is_same(signature, expected) else None

    def _answer(self, request_id: uuid.UUID, body: bytes) -> tuple[int, bytes]:
        digest = hashlib.sha256(body).digest()
        known = self._known.get(request_id)
        if known is not None:
            if known[0] != digest:
                return 409, b'{"detail": "this id belongs to another question"}'
            return 200, known[1]
        try:
            asked = msgspec.json.decode(body, type=dict[str, str])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            asked = {}
        if asked.keys() != _FIELDS or asked["reason"] not in set(InquiryReason):
            return 400, b'{"detail": "the question cannot be read"}'
        if len(self._known) >= limits.SIMULATED_REQUESTS_MAX:
            self._known.pop(next(iter(self._known)))
        reason = InquiryReason(asked["reason"])
        answer = msgspec.json.encode(self._find(request_id, asked["id_number"], reason))
        self._known[request_id] = (digest, answer)
        return 200, answer

    def _find(self, request_id: uuid.UUID, number: str, reason: InquiryReason) -> Reply:
        today = business_day(self._clock.now())
        report = self.people[number] if number in self.people else make_up(number, today)
        inquiries = self._enquired.setdefault(number, [])
        if report is not None:
            told = (*report.inquiries, *inquiries)
            report = msgspec.structs.replace(report, inquiries=told, made_on=today)
        inquiries.append(Inquiry(by=OWN_LENDER, on=today, reason=reason))
        self.enquiries += 1
        verdict = Verdict.NO_RECORD if report is None else Verdict.FOUND
        return Reply(request_id=request_id.hex, verdict=verdict, report=report)

    async def _deliver(
        self, status: int, body: bytes, request_id: uuid.UUID, fault: FaultRequest | None
    ) -> Response:
        trouble, secret = None if fault is None else fault.kind, self._secret
        if fault is not None and trouble is FaultKind.LATE:
            await asyncio.sleep(fault.seconds)
        if trouble is FaultKind.LOST_ANSWER:
            return Response(b"", 200, headers={"content-length": "64", "connection": "close"})
        if trouble is FaultKind.WRONG_REQUEST:
            other = uuid.UUID(int=request_id.int ^ 1)
            body = msgspec.json.encode(Reply(request_id=other.hex, verdict=Verdict.NO_RECORD))
        elif trouble is FaultKind.GARBAGE:
            body = b"\xff\x00{" + body[:10]
        elif trouble is FaultKind.FLOOD:
            body = b" " * (limits.ANSWER_BYTES_MAX + 1)
        elif trouble is FaultKind.FORGED:
            secret = b"not " + secret
        signature = signing.sign_answer(secret, status=status, request_id=request_id, body=body)
        headers = {signing.SIGNATURE_HEADER: signature}
        return Response(body, status, headers=headers, media_type=_JSON)

    async def _tell(self, request: Request) -> Response:
        try:
            report = msgspec.json.decode(await request.body(), type=Report | None)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _respond(400, {"detail": str(error)})
        if len(self.people) >= limits.SIMULATED_REQUESTS_MAX:
            return _respond(400, {"detail": "too many people"})
        self.people[request.path_params["number"]] = report
        return _respond(200, {"people": len(self.people)})

    async def _arrange(self, request: Request) -> Response:
        try:
            fault = msgspec.json.decode(await request.body(), type=FaultRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _respond(400, {"detail": str(error)})
        if not 1 <= fault.times <= limits.SIMULATED_FAULTS_MAX - len(self.faults):
            return _respond(400, {"detail": "too many faults, or none"})
        self.faults.extend([fault] * fault.times)
        return _respond(202, {"faults": len(self.faults)})

    async def _relent(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's shape
        self.faults.clear()
        return _respond(200, {"faults": 0})


def make_up(number: str, today: date) -> Report | None:
    """Return the report that a number stands for, None for one in ten: they have no history."""
    dice = hashlib.sha256(b"credit bureau" + number.encode()).digest()
    if dice[0] * 100 // 256 < _UNKNOWN_IN_100:
        return None
    is_late = dice[1] * 100 // 256 < _LATE_IN_100
    accounts = [
        Account(
            lender=_LENDERS[(dice[2] + place) % len(_LENDERS)],
            kind=AccountKind.CREDIT_CARD if place % 2 else AccountKind.CONSUMER_LOAN,
            opened_on=today - timedelta(days=_YEAR_DAYS * (5 + dice[3] % 10) + place),
            amount=(10 + dice[4 + place] % 30) * 100_000,
            balance=(dice[8 + place] % 10) * 50_000,
            repayment=(dice[8 + place] % 10) * 5_000,
            months="N" * 50 + ("12" if is_late and place == 0 else "NN") + "N" * 8,
        )
        for place in range(1 + dice[12] % 3)
    ]
    return Report(
        number=f"SIM-{dice.hex()[:12]}",
        made_on=today,
        summary=Summary(),
        accounts=tuple(accounts),
    )


async def _healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette's shape
    return _respond(200, {"status": "ok"})


def _respond(status: int, body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=_JSON)
