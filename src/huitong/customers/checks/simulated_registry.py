"""A simulated outside world for checks: one HTTP service that answers by rule and fails on demand.

`huitong registry` runs it as a process of its own. It knows nobody: it decides by what it is asked,
so the same question always gets the same answer (see `decide`), and it keeps digests only.

- `POST /v1/checks/{kind}` answers a signed question; the same request id gets the same answer, and
  with another body 409. A wrong signature or a time that is too far off gets 401.
- `PUT /businesses/{code} {"name", "legal_representative", "status", "shareholders"}` tells the
  business register about a company. Of others it says what `decide` does, with a status by words in
  the name (注销, 吊销, 异常), and knows no shareholders.
- `POST /faults {"kind", "on", "times", "seconds"}` arranges for trouble, `DELETE /faults` ends it.
"""

import asyncio
import hashlib
import uuid
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from huitong.customers.checks.simulated_answers import CompanyRecord, decide, find_status
from huitong.customers.checks.types import (
    BusinessFacts,
    CheckKind,
    CheckVerdict,
)
from huitong.customers.evidence.numbers import (
    check_credit_code,
)
from huitong.kernel import limits, signing
from huitong.kernel.clock import Clock, business_day

#: What the simulator and its clients sign with unless they are given a secret.
SIMULATED_SECRET: Final = b"the simulated registry's secret, known to everybody"

_JSON: Final = "application/json"
_FIELDS: Final[dict[CheckKind, tuple[frozenset[str], frozenset[str]]]] = {
    CheckKind.IDENTITY: (frozenset({"name", "id_number"}), frozenset({"photo"})),
    CheckKind.BANK_CARD: (
        frozenset({"card_number", "name"}),
        frozenset({"id_number", "mobile", "id_kind"}),
    ),
    CheckKind.MOBILE: (frozenset({"mobile", "name", "id_number"}), frozenset({"id_kind"})),
    CheckKind.LIVENESS: (frozenset({"picture"}), frozenset()),
    CheckKind.BUSINESS: (frozenset({"credit_code"}), frozenset({"name", "legal_representative"})),
}


class FaultKind(StrEnum):
    """The ways in which a registry can be trouble."""

    #: It answers `seconds` late; longer than the client waits, it times out.
    LATE = "late"
    #: It breaks the connection after it has done its work.
    LOST_ANSWER = "lost_answer"
    #: The network hands the question over twice.
    TWICE = "twice"
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
    """The body of `POST /faults`: the next `times` questions (of kind `on`) have this trouble."""

    kind: FaultKind
    on: CheckKind | None = None
    times: int = 1
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class _Known:
    """What the registry remembers of a request."""

    body_digest: bytes
    answer: bytes


class RegistrySimulator:
    """The registries behind the HTTP interface. `billed` counts the questions that were charged."""

    def __init__(self, *, clock: Clock, secret: bytes | None = None) -> None:
        """Make a simulator that knows nobody yet; without a secret it takes SIMULATED_SECRET."""
        self._secret = secret or SIMULATED_SECRET
        self._clock = clock
        self._known: dict[uuid.UUID, _Known] = {}
        #: Companies that were told to it, by credit code; of others it knows what `decide` says.
        self.companies: dict[str, CompanyRecord] = {}
        self.faults: deque[FaultRequest] = deque()
        self.billed = 0
        self.received = 0

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/checks/{kind}", self._check, methods=["POST"]),
                Route("/businesses/{code}", self._tell, methods=["PUT"]),
                Route("/faults", self._arrange, methods=["POST"]),
                Route("/faults", self._relent, methods=["DELETE"]),
                Route("/healthz", _healthz, methods=["GET"]),
            ]
        )

    async def _check(self, request: Request) -> Response:
        if request.path_params["kind"] not in list(CheckKind):
            return _respond(404, {"detail": "no such check"})
        kind = CheckKind(request.path_params["kind"])
        body = await _read_body(request)
        if body is None:
            return _respond(413, {"detail": "the question is too long"})
        request_id = self._authenticate(request, body)
        if request_id is None:
            return _respond(401, {"detail": "the signature or the time is wrong"})
        self.received += 1
        fault = self._take_fault(kind)
        early = _fail_early(fault)
        if early is not None:
            return early
        answer = self._answer(kind, request_id, body)
        if fault is not None and fault.kind is FaultKind.TWICE:
            answer = self._answer(kind, request_id, body)
        return await self._deliver(answer, request_id, kind, fault)

    def _authenticate(self, request: Request, body: bytes) -> uuid.UUID | None:
        """Return the id of a request that is signed and current, or None."""
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

    def _answer(self, kind: CheckKind, request_id: uuid.UUID, body: bytes) -> Response:
        digest = hashlib.sha256(kind.value.encode() + body).digest()
        known = self._known.get(request_id)
        if known is not None:
            if known.body_digest != digest:
                return _respond(409, {"detail": "this id belongs to another question"})
            return Response(known.answer, media_type=_JSON)
        asked = _read_question(kind, body)
        if asked is None:
            return _respond(400, {"detail": "the question cannot be read"})
        verdict, business = self._decide(kind, asked)
        answer = _describe(request_id, kind, verdict, business)
        if len(self._known) >= limits.REGISTRY_NONCES_MAX:
            # The oldest is out of its window long since: dictionaries keep the order of insertion.
            self._known.pop(next(iter(self._known)))
        self._known[request_id] = _Known(digest, answer)
        self.billed += 1
        return Response(answer, media_type=_JSON)

    def _decide(
        self, kind: CheckKind, asked: dict[str, str]
    ) -> tuple[CheckVerdict, BusinessFacts | None]:
        known = self.companies.get(asked.get("credit_code", ""))
        if kind is CheckKind.BUSINESS and known is not None:
            is_same = all(
                asked.get(name, value) == value
                for name, value in (
                    ("name", known.name),
                    ("legal_representative", known.legal_representative),
                )
            )
            verdict = CheckVerdict.CONSISTENT if is_same else CheckVerdict.INCONSISTENT
            return verdict, BusinessFacts(status=known.status, shareholders=known.shareholders)
        verdict = decide(kind, asked, today=business_day(self._clock.now()))
        if kind is not CheckKind.BUSINESS or verdict is CheckVerdict.NOT_FOUND:
            return verdict, None
        return verdict, BusinessFacts(status=find_status(asked.get("name", "")))

    async def _tell(self, request: Request) -> Response:
        """Let the register know a company from now on, as it is said to be."""
        code = request.path_params["code"]
        body = await _read_body(request)
        try:
            record = msgspec.json.decode(body or b"", type=CompanyRecord)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _respond(400, {"detail": str(error)})
        if not check_credit_code(code).is_valid:
            return _respond(400, {"detail": "the credit code is none"})
        if len(self.companies) >= limits.SIMULATED_COMPANIES_MAX and code not in self.companies:
            return _respond(400, {"detail": "too many companies"})
        self.companies[code] = record
        return _respond(200, {"companies": len(self.companies)})

    async def _deliver(
        self, answer: Response, request_id: uuid.UUID, kind: CheckKind, fault: FaultRequest | None
    ) -> Response:
        trouble = None if fault is None else fault.kind
        if trouble is FaultKind.LOST_ANSWER:
            return LostAnswer()
        if fault is not None and trouble is FaultKind.LATE:
            await asyncio.sleep(fault.seconds)
        body, secret = bytes(answer.body), self._secret
        if trouble is FaultKind.WRONG_REQUEST:
            other = uuid.UUID(int=request_id.int ^ 1)
            body = _describe(other, kind, CheckVerdict.CONSISTENT)
        elif trouble is FaultKind.GARBAGE:
            body = b"\xff\x00{" + body[:10]
        elif trouble is FaultKind.FLOOD:
            body = b" " * (limits.REGISTRY_ANSWER_BYTES_MAX + 1)
        elif trouble is FaultKind.FORGED:
            secret = b"not " + secret
        signature = signing.sign_answer(
            secret, status=answer.status_code, request_id=request_id, body=body
        )
        headers = {signing.SIGNATURE_HEADER: signature}
        return Response(body, answer.status_code, headers=headers, media_type=_JSON)

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

    def _take_fault(self, kind: CheckKind) -> FaultRequest | None:
        for fault in self.faults:
            if fault.on in (None, kind):
                self.faults.remove(fault)
                return fault
        return None


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


def _fail_early(fault: FaultRequest | None) -> Response | None:
    """Return the answer of a registry that does nothing with the question, or None."""
    if fault is not None and fault.kind is FaultKind.ERROR:
        return _respond(500, {"detail": "the registry has a bad day"})
    if fault is not None and fault.kind is FaultKind.REFUSE:
        return _respond(403, {"detail": "the contract has ended"})
    return None


def _read_question(kind: CheckKind, body: bytes) -> dict[str, str] | None:
    try:
        asked = msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    required, optional = _FIELDS[kind]
    return asked if required <= asked.keys() <= required | optional else None


async def _read_body(request: Request) -> bytes | None:
    """Return the body, None as soon as it is longer than any question may be."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limits.REGISTRY_REQUEST_BYTES_MAX:
            return None
    return bytes(body)


def _describe(
    request_id: uuid.UUID,
    kind: CheckKind,
    verdict: CheckVerdict,
    business: BusinessFacts | None = None,
) -> bytes:
    reference = hashlib.sha256(b"reference" + request_id.bytes).hexdigest()[:20]
    described: dict[str, Any] = {
        "request_id": request_id.hex,
        "kind": kind.value,
        "verdict": verdict.value,
        "reference": f"SIM-{reference}",
    }
    if business is not None:
        described["business"] = business
    return msgspec.json.encode(described)


async def _healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette's shape
    return _respond(200, {"status": "ok"})


def _respond(status: int, body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=_JSON)
