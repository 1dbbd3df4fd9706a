"""`POST /v1/payments`: the one route that is not FastAPI's, because most requests are this one.

A FastAPI handler costs more than everything else that a payment needs in this process. The rules
are the same (keys, scopes, idempotency, problems), and the route is in the same OpenAPI document
(`instant_documentation`). Anything else is passed on to the application inside.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request

from huitong import ledger, payments
from huitong.api import problems
from huitong.api.bearer import read_bearer
from huitong.api.gate import Gate, kind_of_key
from huitong.api.own_payments import OwnPayments
from huitong.api.request_body import check_media_type, parse_json
from huitong.api.request_context import (
    HSTS_HEADER,
    SECURITY_HEADERS,
    check_headers_length,
    is_secure,
    read_address,
    read_request_id,
    record_error,
)
from huitong.api.schemas.common import MOBILE_PATTERN
from huitong.api.security_log import ACTOR, ROUTE, NotOwned, note_refusal
from huitong.api.validation import shorten
from huitong.identity import SECRET_PREFIX, ApiKey, KeyCache, Session
from huitong.kernel import idempotency, ids, limits, logs, metrics, telemetry
from huitong.kernel.errors import InvalidField
from huitong.kernel.idempotency import ReplyKey, StoredReply
from huitong.kernel.money import Money

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
_MOBILE_SHAPE: Final = re.compile(MOBILE_PATTERN)
_SECURITY_HEADERS: Final = tuple(
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
)
_SECURE_HEADERS: Final = (
    *_SECURITY_HEADERS,
    (HSTS_HEADER[0].lower().encode(), HSTS_HEADER[1].encode()),
)
#: payer, amount, and the two members of the amount.
_MEMBERS_MIN: Final = 4


class AmountBody(msgspec.Struct, forbid_unknown_fields=True):
    """Money as it travels: a decimal text and a currency."""

    amount: str
    currency: str


class PaymentBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an instant payment; exactly one of the three payee forms."""

    payer: str
    amount: AmountBody
    payee: str | None = None
    payee_mobile: str | None = None
    code: str | None = None
    reference: str | None = None
    description: str | None = None
    guardian: str | None = None


class OwnPaymentBody(PaymentBody, forbid_unknown_fields=True):
    """The body of a customer who pays themselves, and may have to prove once more who they are."""

    step_up: str | None = None


BodyT = TypeVar("BodyT", bound=PaymentBody)
_decoder: Final = msgspec.json.Decoder(PaymentBody)
_own_decoder: Final = msgspec.json.Decoder(OwnPaymentBody)
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
        payment = _read_payment(_decode(body, _decoder), body, self._now())
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
        asked, now = _decode(body, _own_decoder), self._now()
        payment = _read_payment(asked, body, now)
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


def _decode(body: bytes, decoder: msgspec.json.Decoder[BodyT]) -> BodyT:
    """Return what a request body says; raises InvalidField naming the field at fault."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _name_field(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise problems.MalformedJson("the body is not JSON", field="body") from error


def _read_payment(asked: PaymentBody, body: bytes, now: datetime) -> payments.InstantPayment:
    """Return the payment that a request asks for; raises InvalidField naming the field at fault."""
    _check_members(asked, body)
    amount = Money.from_json({"amount": asked.amount.amount, "currency": asked.amount.currency})
    if amount.minor <= 0:
        raise InvalidField("must be more than nothing", field="amount.amount")
    return payments.InstantPayment(
        payer_account_id=ledger.read_account(asked.payer, field="payer"),
        payee_account_id=None
        if asked.payee is None
        else ledger.read_account(asked.payee, field="payee"),
        payee_mobile=_read_mobile(asked.payee_mobile),
        code_id=None if asked.code is None else ids.read_id(ids.CODE, asked.code, field="code"),
        amount=amount,
        reference=_read_text(asked.reference, "reference", limits.REFERENCE_LENGTH_MAX),
        description=_read_text(asked.description, "description", limits.DESCRIPTION_LENGTH_MAX),
        guardian_id=None
        if asked.guardian is None
        else ids.read_id(ids.CUSTOMER, asked.guardian, field="guardian"),
        requested_at=now,
    )


def _check_members(asked: PaymentBody, body: bytes) -> None:
    payees = sum(value is not None for value in (asked.payee, asked.payee_mobile, asked.code))
    texts = (asked.reference is not None) + (asked.description is not None)
    texts += asked.guardian is not None
    # Two readers of a text with a member twice may take different ones, and the decoder does not
    # tell. Each member has a colon, so with just as many colons none can be there twice; more of
    # them, as in a description with a colon, are rare enough to read the whole text again.
    if body.count(b":") != _MEMBERS_MIN + payees + texts:
        parse_json(body)
    if payees != 1:
        raise InvalidField("give exactly one of payee, payee_mobile and code", field="payee")


def _read_mobile(value: str | None) -> str | None:
    if value is not None and _MOBILE_SHAPE.fullmatch(value) is None:
        raise InvalidField(
            "must be a mobile number of mainland China, 11 digits", field="payee_mobile"
        )
    return value


def _read_text(value: str | None, field: str, length_max: int) -> str | None:
    if value is None:
        return None
    if not 1 <= len(value) <= length_max:
        raise InvalidField(f"must have 1 to {length_max} characters", field=field)
    if not value.isprintable():
        raise InvalidField("must not hold control characters", field=field)
    return value


def _name_field(message: str) -> InvalidField:
    """Turn msgspec's "… - at `$.amount.currency`" into a refusal that names the field."""
    text, _, path = message.rpartition(" - at `$") if " - at `$" in message else (message, "", "")
    parts = [part for part in path.removesuffix("`").split(".") if part]
    for marker in ("missing required field `", "contains unknown field `"):
        _, found, name = text.partition(marker)
        if found:
            parts.append(name.removesuffix("`"))
            text = "is missing" if marker.startswith("missing") else "is not known here"
    return InvalidField(text, field=".".join(shorten(part) for part in parts) or "body")


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
