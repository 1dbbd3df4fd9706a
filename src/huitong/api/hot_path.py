"""`POST /v1/payments`: the one route that is not FastAPI's, because most requests are this one.

A FastAPI handler costs more than everything else that a payment needs in this process. The rules
are the same (keys, scopes, idempotency, problems), and the route is in the same OpenAPI document
(`instant_documentation`). Anything else is passed on to the application inside.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any, Final

import msgspec

from huitong import ledger, payments
from huitong.api import problems
from huitong.kernel import idempotency, ids, limits, logs, metrics, telemetry
from huitong.kernel.api_keys import ApiKey, KeyCache
from huitong.kernel.errors import Fault, InvalidField, Refusal
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
_BEARER: Final = b"Bearer "
_PROBLEM_TYPE: Final = b"application/problem+json"


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


_decoder: Final = msgspec.json.Decoder(PaymentBody)
_log = logs.get_logger(__name__)
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
        now: Callable[[], datetime],
    ) -> None:
        """Put the poster's queue behind the route; `keys` and `now` are the application's own."""
        self._inner = inner
        self._poster = poster
        self._writer = writer
        self._keys = keys
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a payment, or hand the request to the application inside."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._inner(scope, receive, send)
            return
        request_id = ids.show_id(ids.REQUEST, ids.uuid7())
        started = time.perf_counter()
        headers: tuple[tuple[bytes, bytes], ...] = ()
        reply: StoredReply | problems.Reply
        try:
            with telemetry.span("pay"):
                reply = await self._pay(scope, receive)
        except Exception as error:  # noqa: BLE001 - the edge: every caller gets an answer
            if not isinstance(error, Refusal | Fault):
                metrics.BUGS.labels("api").inc()
                _log.exception("payment_failed", request_id=request_id)
            reply, headers = problems.make_reply(error, request_id=request_id)
        await _send(send, reply, request_id, headers)
        _count(reply.status, time.perf_counter() - started)

    async def _pay(self, scope: Scope, receive: Receive) -> StoredReply:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        key = await self._authenticate(headers.get(b"authorization", b""))
        name = _read_idempotency_key(headers)
        if not headers.get(b"content-type", b"").startswith(b"application/json"):
            raise problems.UnsupportedMediaType("send application/json", field="Content-Type")
        body = await _read_body(receive)
        payment = _read_payment(body, self._now())
        payment.acting_merchant_id = key.merchant_id
        reply_key = ReplyKey(
            scope=ids.show_id(ids.API_KEY, key.id),
            key=name,
            fingerprint=idempotency.fingerprint("POST", PATH, body),
        )
        job = ledger.Job(key=reply_key, writer=self._writer, payload=payment)
        answer = await self._poster.submit(job)
        if answer.reply is None:
            raise AssertionError("the writer answers every payment")
        return answer.reply

    async def _authenticate(self, header: bytes) -> ApiKey:
        if not header.startswith(_BEARER) or len(header) > limits.API_KEY_LENGTH_MAX:
            raise problems.NotAuthenticated("send your API key as `Authorization: Bearer htk_…`")
        key = await self._keys.find(header[len(_BEARER) :].decode("latin-1"))
        if key is None:
            raise problems.NotAuthenticated("this API key is unknown or was revoked")
        if SCOPE not in key.scopes:
            raise problems.NotAllowed(f"this API key does not have the scope {SCOPE}")
        return key


def _read_idempotency_key(headers: dict[bytes, bytes]) -> str:
    value = headers.get(b"idempotency-key")
    if value is None:
        raise InvalidField(
            "send an Idempotency-Key of your own making, so that a retry cannot pay twice",
            field="Idempotency-Key",
        )
    return idempotency.check_key(value.decode("latin-1"))


async def _read_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        _check_size(len(body))
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidField("the body ended too early", field="body")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        _check_size(size)
    return b"".join(parts)


def _check_size(size: int) -> None:
    if size > _BODY_BYTES_MAX:
        raise problems.BodyTooLarge(f"the body has at most {_BODY_BYTES_MAX} bytes", field="body")


def _read_payment(body: bytes, now: datetime) -> payments.InstantPayment:
    """Return the payment in a request body; raises InvalidField naming the field at fault."""
    try:
        asked = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _name_field(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise problems.MalformedJson("the body is not JSON", field="body") from error
    given = [asked.payee, asked.payee_mobile, asked.code]
    if sum(value is not None for value in given) != 1:
        raise InvalidField("give exactly one of payee, payee_mobile and code", field="payee")
    amount = Money.parse(asked.amount.amount, asked.amount.currency, field="amount.amount")
    if amount.minor <= 0:
        raise InvalidField("must be more than nothing", field="amount.amount")
    return payments.InstantPayment(
        payer_account_id=ledger.read_account(asked.payer, field="payer"),
        payee_account_id=None
        if asked.payee is None
        else ledger.read_account(asked.payee, field="payee"),
        payee_mobile=_read_text(asked.payee_mobile, "payee_mobile", limits.REFERENCE_LENGTH_MAX),
        code_id=None if asked.code is None else ids.read_id(ids.CODE, asked.code, field="code"),
        amount=amount,
        reference=_read_text(asked.reference, "reference", limits.REFERENCE_LENGTH_MAX),
        description=_read_text(asked.description, "description", limits.DESCRIPTION_LENGTH_MAX),
        requested_at=now,
    )


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
    text, _, path = message.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    for marker in ("missing required field `", "contains unknown field `"):
        _, found, name = text.partition(marker)
        if found:
            field = f"{field}.{name.rstrip('`')}" if field else name.rstrip("`")
    return InvalidField(text, field=field or "body")


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
                (b"x-content-type-options", b"nosniff"),
                (b"cache-control", b"no-store"),
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


def render_payment(payment: payments.InstantPayment) -> bytes:
    """Return a paid order as `PaymentView` shows it; the tests compare the two."""
    amount = payment.amount
    nothing = Money.zero(amount.currency).to_json()
    merchant = payment.merchant_id
    return msgspec.json.encode(
        {
            "id": ids.show_id(ids.PAYMENT, payment.order_id),
            "kind": payment.kind.value,
            "status": "succeeded",
            "amount": amount.to_json(),
            "authorised": None,
            "fee": nothing if payment.fee is None else payment.fee.to_json(),
            "fee_returned": nothing,
            "refunded": nothing,
            "shared": nothing,
            "payer": ledger.show_account(payment.payer_account_id),
            "payee": ledger.show_account(payment.payee_account_id or 0),
            "merchant": None if merchant is None else ids.show_id(ids.MERCHANT, merchant),
            "reference": payment.reference,
            "description": payment.description,
            "created_at": payment.requested_at,
            "expires_at": None,
            "completed_at": payment.completed_at,
            "failure_code": None,
        }
    )
