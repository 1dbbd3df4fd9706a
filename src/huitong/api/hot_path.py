"""`POST /v1/payments`: the one route that is not FastAPI's, because most requests are this one.

A FastAPI handler costs more than everything else that a payment needs in this process. The rules
are the same (keys, scopes, idempotency, problems), and the route is in the same OpenAPI document
(`instant_documentation`). Anything else is passed on to the application inside.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request

from huitong import ledger, payments
from huitong.api import problems
from huitong.api.bearer import read_bearer
from huitong.api.gate import Gate, kind_of_key
from huitong.api.instant_body import DECODER, OWN_DECODER, decode, read_payment
from huitong.api.own_payments import OwnPayments
from huitong.api.request_body import check_media_type
from huitong.api.request_context import (
    HSTS_HEADER,
    SECURITY_HEADERS,
    check_headers_length,
    is_secure,
    read_address,
    read_request_id,
    record_error,
)
from huitong.api.security_log import ACTOR, ROUTE, NotOwned, note_refusal
from huitong.identity import SECRET_PREFIX, ApiKey, KeyCache, Session
from huitong.kernel import idempotency, ids, limits, logs, metrics, telemetry
from huitong.kernel.answers import ANSWERS
from huitong.kernel.errors import InvalidField
from huitong.kernel.idempotency import ReplyKey, StoredReply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH: Final = "/v1/payments"
SCOPE: Final = "payments:write"
_BODY_BYTES_MAX: Final = 16_384
_NOT_FOUND: Final = 404
_PAYER_REFUSED: Final = b'"field":"payer"'
_JSON_TYPE: Final = b"application/json"
_PROBLEM_TYPE: Final = b"application/problem+json"
_SECURITY_HEADERS: Final = tuple(
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
)
_SECURE_HEADERS: Final = (
    *_SECURITY_HEADERS,
    (HSTS_HEADER[0].lower().encode(), HSTS_HEADER[1].encode()),
)
_paid = metrics.HTTP_REQUESTS.labels("POST", PATH, "201")
_seconds = metrics.HTTP_REQUEST_SECONDS.labels("POST", PATH)


class HotPath:
    """The ASGI application in front of FastAPI's: pays, and passes everything else on."""

    def __init__(
        self,
        inner: Application,
        *,
        poster: ledger.Poster,
        writer: ledger.Writer,
        keys: KeyCache,
        own: OwnPayments,
        gate: Gate,
        now: Callable[[], datetime],
    ) -> None:
        """Put the poster's queue behind the route; `keys` and `now` are the application's own.

        `own` is asked about requests that come without an API key.
        """
        self._inner = inner
        self._poster = poster
        self._writer = writer
        self._keys = keys
        self._own = own
        self._gate = gate
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a payment, or hand the request to the application inside."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._inner(scope, receive, send)
            return
        request_id = read_request_id(scope["headers"])
        started = time.perf_counter()
        headers: tuple[tuple[bytes, bytes], ...] = ()
        reply: StoredReply | problems.Reply
        try:
            with telemetry.span("pay"):
                reply = await self._pay(scope, receive)
            if ACTOR in scope and reply.status == _NOT_FOUND and _PAYER_REFUSED in reply.body:
                _note_foreign_payer(scope, request_id)
        except Exception as error:  # noqa: BLE001 - the edge: every caller gets an answer
            scope[ROUTE] = PATH
            with logs.request_context(request_id):
                record_error(error, scope)
            reply, headers = problems.make_reply(error, request_id=request_id)
        safety = _SECURE_HEADERS if is_secure(scope) else _SECURITY_HEADERS
        await _send(send, reply, request_id, (*safety, *headers))
        _count(reply.status, time.perf_counter() - started)

    async def _pay(self, scope: Scope, receive: Receive) -> StoredReply:
        headers = _read_headers(scope["headers"])
        header = headers.get(b"authorization")
        self._gate.enter_with(scope, header)
        secret = read_bearer([] if header is None else [header.decode("latin-1")])
        if secret is None or not secret.startswith(SECRET_PREFIX):
            session = await self._own.find_session(Request(scope), secret)
            if session is not None:
                return await self._pay_own(session, headers, scope, receive)
        key = await self._find_key(secret)
        actor = ids.show_id(ids.API_KEY, key.id)
        self._gate.admit(scope, kind_of_key(key), actor, header)
        _check_scope(key, actor, scope)
        name = _read_name(headers)
        body = await _read_body(receive)
        payment = read_payment(decode(body, DECODER), body, self._now())
        payment.acting_merchant_id = key.merchant_id
        if key.merchant_id is not None:
            scope[ACTOR] = actor
        return await self._submit(payment, actor, name, body, scope)

    async def _pay_own(
        self, session: Session, headers: dict[bytes, bytes], scope: Scope, receive: Receive
    ) -> StoredReply:
        actor = scope[ACTOR] = ids.show_id(ids.LOGIN, session.login_id)
        name = _read_name(headers)
        body = await _read_body(receive)
        asked, now = decode(body, OWN_DECODER), self._now()
        payment = read_payment(asked, body, now)
        self._own.bind(payment, session, asked.step_up, address=read_address(scope), now=now)
        return await self._submit(payment, actor, name, body, scope)

    async def _submit(
        self, payment: payments.InstantPayment, caller: str, name: str, body: bytes, scope: Scope
    ) -> StoredReply:
        reply_key = ReplyKey(
            scope=caller, key=name, fingerprint=idempotency.fingerprint("POST", PATH, body)
        )
        job = ledger.Job(key=reply_key, writer=self._writer, payload=payment)
        answer = await self._poster.submit(job)
        if answer.reply is None:
            raise AssertionError("the writer answers every payment")
        if answer.reply.status == _NOT_FOUND:
            payee = payment.payee_account_id or payment.payee_mobile or payment.code_id
            self._gate.note_missing(scope, f"{payment.payer_account_id}:{payee}")
        return answer.reply

    async def _find_key(self, secret: str | None) -> ApiKey:
        key = None if secret is None else await self._keys.find(secret)
        if key is None:
            raise problems.NotAuthenticated(
                "Send an API key that is valid: Authorization: Bearer htk_…"
                if secret is None
                else "This API key is not known, or was revoked.",
                field="Authorization",
            )
        return key


def _check_scope(key: ApiKey, actor: str, scope: Scope) -> None:
    if SCOPE not in key.scopes:
        scope[ACTOR] = actor
        raise problems.NotAllowed(
            f"The API key needs the scope {SCOPE}.", context={"scopes": [SCOPE]}
        )


def _note_foreign_payer(scope: Scope, request_id: str) -> None:
    """Note that a bound key wanted to spend what is not its merchant's, or is nobody's."""
    scope[ROUTE] = PATH
    with logs.request_context(request_id):
        note_refusal(NotOwned("not this caller's account"), scope)


def _read_headers(given: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    check_headers_length(given)
    headers = dict(given)
    if len(headers) != len(given):
        # Two have no meaning; which one a proxy in front had looked at is not known.
        names = [name for name, _ in given]
        if names.count(b"authorization") > 1:
            raise problems.NotAuthenticated("must come once", field="Authorization")
        if names.count(b"idempotency-key") > 1:
            raise InvalidField("must come once", field="Idempotency-Key")
        if names.count(b"content-type") > 1:
            raise problems.UnsupportedMediaType("must come once", field="Content-Type")
    return headers


def _read_name(headers: dict[bytes, bytes]) -> str:
    """Return the Idempotency-Key; refuses a body that is declared to be anything but JSON."""
    value = headers.get(b"idempotency-key")
    if value is None:
        raise InvalidField(
            "send an Idempotency-Key of your own making, so that a retry cannot pay twice",
            field="Idempotency-Key",
        )
    name = idempotency.check_key(value.decode("latin-1"))
    content_type = headers.get(b"content-type")
    if content_type != _JSON_TYPE:
        check_media_type(None if content_type is None else content_type.decode("latin-1"))
    return name


async def _read_body(receive: Receive) -> bytes:
    # Nearly every body comes with its headers. A deadline costs as much as the rest of reading, so
    # there is one only where something must be waited for.
    message = _receive_now(receive)
    if message is not None and not message.get("more_body", False):
        return _join([message])
    messages = [] if message is None else [message]
    size = 0 if message is None else len(message.get("body", b""))
    try:
        async with asyncio.timeout(limits.REQUEST_SECONDS_MAX):
            while not messages or messages[-1].get("more_body", False):
                messages.append(await receive())
                size += len(messages[-1].get("body", b""))
                _check_size(size)
    except TimeoutError:
        raise problems.RequestTimeout(
            f"A request must arrive within {limits.REQUEST_SECONDS_MAX} seconds."
        ) from None
    return _join(messages)


def _receive_now(receive: Receive) -> Message | None:
    """Return the next message if it is here already; if it is not, nothing was taken."""
    steps = receive().__await__()
    try:
        next(steps)
    except StopIteration as done:
        message: Message = done.value
        return message
    # It waits, and giving up a wait is what happens to it in every timeout too.
    steps.close()
    return None


def _join(messages: list[Message]) -> bytes:
    if messages[-1]["type"] == "http.disconnect":
        raise InvalidField("the body ended too early", field="body")
    body = b"".join([message.get("body", b"") for message in messages])
    _check_size(len(body))
    return body


def _check_size(size: int) -> None:
    if size > _BODY_BYTES_MAX:
        raise problems.BodyTooLarge(f"the body has at most {_BODY_BYTES_MAX} bytes", field="body")


async def _send(
    send: Send,
    reply: StoredReply | problems.Reply,
    request_id: str,
    headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    is_problem = reply.status >= 400  # noqa: PLR2004 (HTTP's own line between yes and no)
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                (b"content-type", _PROBLEM_TYPE if is_problem else b"application/json"),
                (b"content-length", str(len(reply.body)).encode()),
                (b"x-request-id", request_id.encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": reply.body})


def _count(status: int, seconds: float) -> None:
    if status == 201:  # noqa: PLR2004 (the usual answer, counted without a look-up)
        _paid.inc()
    else:
        metrics.HTTP_REQUESTS.labels("POST", PATH, str(status)).inc()
    _seconds.observe(seconds)
    ANSWERS.note(status, seconds)
