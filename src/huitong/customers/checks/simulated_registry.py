"""A simulated outside world for checks: one HTTP service that answers by rule and fails on demand.

`huitong registry` runs it as a process of its own. It knows nobody: it decides by what it is asked,
so the same question always gets the same answer (see `decide`), and it keeps digests only.

- `POST /v1/checks/{kind}` answers a signed question; the same request id gets the same answer, and
  with another body 409. A wrong signature or a time that is too far off gets 401.
- `POST /faults {"kind", "on", "times", "seconds"}` arranges for trouble, `DELETE /faults` ends it.
"""

import asyncio
import base64
import hashlib
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from huitong.customers.checks import signing
from huitong.customers.checks.types import PASSPORT, RESIDENT_ID, CheckKind, CheckVerdict
from huitong.customers.evidence.numbers import (
    check_bank_card,
    check_mobile,
    check_passport,
    check_resident_id,
)
from huitong.customers.evidence.pictures import check_upload
from huitong.kernel import limits
from huitong.kernel.clock import Clock, business_day

#: Of 1,000 numbers that are in order, so many belong to somebody else or to nobody.
INCONSISTENT_PER_MILLE: Final = 20
NOT_FOUND_PER_MILLE: Final = 10
#: Words in a name that decide, for demonstrations.
INCONSISTENT_NAME: Final = "不符"
NOT_FOUND_NAME: Final = "查无"
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


def decide(kind: CheckKind, asked: dict[str, str], *, today: date) -> CheckVerdict:
    """Return what the simulated registries say, by these rules in this order.

    1. A number that breaks its own standard, or a picture that is none: not_found.
    2. A name with 查无: not_found; with 不符: inconsistent.
    3. By the first four bytes of SHA-256 over "kind:number" modulo 1,000, where the number is the
       identity number, card number or mobile, or the picture's digest for liveness: below 20
       inconsistent, below 30 not_found (inconsistent for liveness), else consistent. A photo is
       judged in the same way after its number.
    """
    if not _is_in_order(asked, today):
        return CheckVerdict.NOT_FOUND
    name = asked.get("name", "")
    if NOT_FOUND_NAME in name:
        return CheckVerdict.NOT_FOUND
    if INCONSISTENT_NAME in name:
        return CheckVerdict.INCONSISTENT
    keys = {
        CheckKind.IDENTITY: ("id_number", "photo"),
        CheckKind.BANK_CARD: ("card_number",),
        CheckKind.MOBILE: ("mobile",),
        CheckKind.LIVENESS: ("picture",),
    }[kind]
    for key in keys:
        digest = hashlib.sha256(f"{kind.value}:{asked.get(key, '')}".encode()).digest()
        share = int.from_bytes(digest[:4]) % 1_000
        if key in asked and share < INCONSISTENT_PER_MILLE + NOT_FOUND_PER_MILLE:
            is_number = key not in ("photo", "picture")
            is_unknown = is_number and share >= INCONSISTENT_PER_MILLE
            return CheckVerdict.NOT_FOUND if is_unknown else CheckVerdict.INCONSISTENT
    return CheckVerdict.CONSISTENT


def _is_in_order(asked: dict[str, str], today: date) -> bool:
    checks: dict[str, Callable[[str], bool]] = {
        "id_number": lambda text: _is_id_number(text, asked.get("id_kind", RESIDENT_ID), today),
        "card_number": lambda text: check_bank_card(text).is_valid,
        "mobile": lambda text: check_mobile(text).is_valid,
        "photo": _is_picture,
        "picture": _is_picture,
    }
    return all(check(asked[key]) for key, check in checks.items() if key in asked)


def _is_id_number(text: str, kind: str, today: date) -> bool:
    if kind == PASSPORT:
        return check_passport(text).is_valid
    return kind == RESIDENT_ID and check_resident_id(text, today=today).is_valid


def _is_picture(text: str) -> bool:
    try:
        return check_upload(base64.b64decode(text, validate=True)) is None
    except ValueError:
        return False


class RegistrySimulator:
    """The registries behind the HTTP interface. `billed` counts the questions that were charged."""

    def __init__(self, *, clock: Clock, secret: bytes | None = None) -> None:
        """Make a simulator that knows nobody yet; without a secret it takes SIMULATED_SECRET."""
        self._secret = secret or SIMULATED_SECRET
        self._clock = clock
        self._known: dict[uuid.UUID, _Known] = {}
        self.faults: deque[FaultRequest] = deque()
        self.billed = 0
        self.received = 0

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/checks/{kind}", self._check, methods=["POST"]),
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
        verdict = decide(kind, asked, today=business_day(self._clock.now()))
        answer = _describe(request_id, kind, verdict)
        if len(self._known) >= limits.REGISTRY_NONCES_MAX:
            # The oldest is out of its window long since: dictionaries keep the order of insertion.
            self._known.pop(next(iter(self._known)))
        self._known[request_id] = _Known(digest, answer)
        self.billed += 1
        return Response(answer, media_type=_JSON)

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
            body = _describe(uuid.UUID(int=request_id.int ^ 1), kind, CheckVerdict.CONSISTENT)
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


def _describe(request_id: uuid.UUID, kind: CheckKind, verdict: CheckVerdict) -> bytes:
    reference = hashlib.sha256(b"reference" + request_id.bytes).hexdigest()[:20]
    return msgspec.json.encode(
        {
            "request_id": request_id.hex,
            "kind": kind.value,
            "verdict": verdict.value,
            "reference": f"SIM-{reference}",
        }
    )


async def _healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette's shape
    return _respond(200, {"status": "ok"})


def _respond(status: int, body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=_JSON)
