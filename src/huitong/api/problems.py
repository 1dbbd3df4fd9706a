"""Every "no" of the API as one document, `application/problem+json` (RFC 9457).

The domain knows codes, HTTP knows statuses; `STATUS_BY_CODE` is the only place where they meet.
Texts of faults and bugs stay inside: they are for staff.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.responses import Response

from huitong.kernel import limits
from huitong.kernel.errors import Fault, Refusal
from huitong.kernel.idempotency import StoredReply

MEDIA_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:huitong:problem:"
_ERROR_STATUS_MIN: Final = 400
_UNPROCESSABLE: Final = 422

# A refusal without a line of its own takes the line of the class that it is made from: every
# `…NotFound` is a 404, every `…Conflict` a 409, and any other rule of business a 422.
STATUS_BY_CODE: Final[Mapping[str, int]] = {
    "refused": _UNPROCESSABLE,
    "invalid_field": _UNPROCESSABLE,
    "not_found": 404,
    "conflict": 409,
    "limit_exceeded": _UNPROCESSABLE,
    "idempotency_key_reused": _UNPROCESSABLE,
    # The request is sound and contradicts nothing; the business says no.
    "insufficient_funds": _UNPROCESSABLE,
    # It was there, and is gone for good.
    "data_destroyed": 410,
    "export_gone": 410,
    # What the HTTP edge itself refuses.
    "malformed_json": 400,
    "bad_request": 400,
    "not_authenticated": 401,
    "bulk_not_allowed": 403,
    "corporate_not_allowed": 403,
    "crossborder_not_allowed": 403,
    "scope_missing": 403,
    "merchant_not_allowed": 403,
    "log_in_refused": 401,
    "session_ended": 401,
    "callback_not_signed": 401,
    "anti_forgery_header_missing": 403,
    "step_up_required": 403,
    "session_reduced": 403,
    "log_in_blocked": 403,
    "passkey_wanted": 403,
    "too_many_attempts": 429,
    "code_limit_reached": 429,
    "too_many_uploads": 429,
    "rate_limited": 429,
    "caller_blocked": 429,
    "challenge_required": 403,
    "not_permitted": 403,
    "own_record": 403,
    "own_request": 403,
    "amount_above_limit": 403,
    "not_own_branch": 403,
    "not_own_case": 403,
    "staff_session_ended": 401,
    "viewer_cut": 403,
    "not_shown_whole": 403,
    "processing_restricted": 403,
    "consent_missing": 403,
    "fresh_sign_in_needed": 403,
    "enrolment_refused": 401,
    "route_not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "headers_too_large": 431,
    # Faults that a caller may meet.
    "queue_full": 503,
    "database_unavailable": 503,
    "outcome_unknown": 503,
    "idempotency_race": 503,
    "code_not_delivered": 503,
    "service_unavailable": 503,
    "internal_error": 500,
}

# What a caller is told about a fault, instead of its detail.
_FAULT_DETAILS: Final[Mapping[str, str]] = {
    "queue_full": "More requests are waiting than we take. Nothing was done; try again soon.",
    "database_unavailable": "The database cannot be reached now. Try again with the same "
    "Idempotency-Key: what was done already is then not done twice.",
    "outcome_unknown": "Whether it was done is not known yet. Ask again with the same "
    "Idempotency-Key to learn the outcome.",
    "idempotency_race": "The same request is being handled already. Try again soon.",
    "code_not_delivered": "The message could not be sent, and its code is void. Ask for another.",
    "service_unavailable": "Something that we need is not available now. Try again soon.",
}
_FAULT_TITLE: Final = "The service is not available now"
_HEADERS_BY_STATUS: Final[Mapping[int, Mapping[str, str]]] = {
    401: {"WWW-Authenticate": 'Bearer realm="huitong"'},
    403: {"WWW-Authenticate": 'Bearer realm="huitong", error="insufficient_scope"'},
    # The rest of the body may still come, and would be taken for the next request.
    408: {"Connection": "close"},
    503: {"Retry-After": str(limits.RETRY_AFTER_SECONDS)},
}
_NO_HEADERS: Final[Mapping[str, str]] = {}
_STEP_UP_CHALLENGE: Final = 'Bearer realm="huitong", error="insufficient_user_authentication"'


class BadRequest(Refusal):
    """The request cannot be understood, and nothing more exact can be said."""

    code = "bad_request"
    title = "The request could not be understood"


class MalformedJson(Refusal):
    """The body is not one JSON text with one meaning."""

    code = "malformed_json"
    title = "The body is not well-formed JSON"


class NotAuthenticated(Refusal):
    """There is no API key, or none that is valid."""

    code = "not_authenticated"
    title = "A valid API key is needed"


class NotAllowed(Refusal):
    """The key lacks the scope."""

    code = "scope_missing"
    title = "The API key does not have the scope that this needs"


class MerchantNotAllowed(Refusal):
    """The key is bound to a merchant, and this is not that merchant's to do."""

    code = "merchant_not_allowed"
    title = "The API key is bound to a merchant and may not do this"


class AntiForgeryHeaderMissing(Refusal):
    """A browser's cookie came without the header that only our own pages can add."""

    code = "anti_forgery_header_missing"
    title = "Requests with a cookie need one more header"


class RouteNotFound(Refusal):
    """Nothing is served at this path."""

    code = "route_not_found"
    title = "There is nothing at this address"


class MethodNotAllowed(Refusal):
    """The path is served, but not with this method."""

    code = "method_not_allowed"
    title = "This address does not know that method"


class RequestTimeout(Refusal):
    """The request took too long to arrive."""

    code = "request_timeout"
    title = "The request took too long to arrive"


class BodyTooLarge(Refusal):
    """The body has more bytes than we read."""

    code = "body_too_large"
    title = "The body is too large"


class UnsupportedMediaType(Refusal):
    """The body is not declared to be JSON."""

    code = "unsupported_media_type"
    title = "The body must be JSON"


class HeadersTooLarge(Refusal):
    """The headers have more bytes than we read."""

    code = "headers_too_large"
    title = "The headers are too large"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One field that is wrong; `field` is its path from where it stands: `amount.currency`."""

    field: str
    detail: str
    #: body, query, path or header.
    place: str
    #: For the body: a JSON pointer as a URI fragment (RFC 6901), `#/amount/currency`.
    pointer: str | None = None

    def to_json(self) -> dict[str, str]:
        """Return the member of `errors`."""
        shown = {"field": self.field, "in": self.place, "detail": self.detail}
        return shown if self.pointer is None else {**shown, "pointer": self.pointer}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One answer that says no, and why."""

    status: int
    code: str
    title: str
    detail: str
    field: str | None = None
    errors: Sequence[FieldError] = ()
    context: Mapping[str, object] = dataclasses.field(default_factory=dict)
    more_headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to the status, such as Retry-After."""
        return {**_HEADERS_BY_STATUS.get(self.status, _NO_HEADERS), **self.more_headers}

    def to_json(self, request_id: str | None) -> dict[str, Any]:
        """Return the document, without the members that have nothing to say."""
        shown: dict[str, Any] = {
            "type": f"{_TYPE_PREFIX}{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.field is not None:
            shown["field"] = self.field
        if self.errors:
            shown["errors"] = [error.to_json() for error in self.errors]
        if self.context:
            shown["context"] = dict(self.context)
        if request_id is not None:
            shown["request_id"] = request_id
        return shown

    def to_bytes(self, request_id: str | None) -> bytes:
        """Return the document as JSON in UTF-8."""
        return msgspec.json.encode(_make_safe(self.to_json(request_id)))

    def to_response(self, request_id: str | None) -> Response:
        """Return the document as an answer."""
        return Response(
            self.to_bytes(request_id),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers=self.headers,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a body that are sent and not kept; see `StoredReply` for those that are."""

    status: int
    body: bytes


def status_of(refusal: type[Refusal]) -> int:
    """Return the HTTP status of a kind of refusal."""
    for ancestor in refusal.__mro__:
        status = STATUS_BY_CODE.get(getattr(ancestor, "code", ""))
        if status is not None:
            return status
    return _UNPROCESSABLE


def make_problem(error: Exception) -> Problem:
    """Return the problem for anything that was raised; a surprise says nothing about itself."""
    if isinstance(error, Refusal):
        return Problem(
            # A class may give its instances codes of their own, as the ledger's reasons do.
            status=STATUS_BY_CODE.get(error.code) or status_of(type(error)),
            code=error.code,
            title=error.title,
            detail=_read_detail(error),
            field=error.field,
            context=error.context,
            more_headers=_read_headers(error),
        )
    if isinstance(error, Fault) and (error.retryable or error.code in _FAULT_DETAILS):
        code = error.code if error.code in _FAULT_DETAILS else "service_unavailable"
        return Problem(status=503, code=code, title=_FAULT_TITLE, detail=_FAULT_DETAILS[code])
    return Problem(
        status=500,
        code="internal_error",
        title="Something went wrong here",
        detail="We have been told; name the request_id if you ask about it. A request may be sent "
        "again with the same Idempotency-Key without being done twice.",
    )


def _read_headers(refusal: Refusal) -> Mapping[str, str]:
    seconds = refusal.context.get("retry_after_seconds")
    if isinstance(seconds, int):
        return {"Retry-After": str(seconds), **_show_rate_limit(refusal, seconds)}
    if refusal.code in ("step_up_required", "challenge_required"):
        # RFC 9470's word for it; the scope is not what is missing.
        return {"WWW-Authenticate": _STEP_UP_CHALLENGE}
    return _NO_HEADERS


def _show_rate_limit(refusal: Refusal, seconds: int) -> Mapping[str, str]:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4."""
    policy = refusal.context.get("policy")
    if policy is None:
        return _NO_HEADERS
    quota, window = refusal.context["quota"], refusal.context["window_seconds"]
    return {
        "RateLimit-Policy": f'"{policy}";q={quota};w={window}',
        "RateLimit": f'"{policy}";r=0;t={seconds}',
    }


def _read_detail(refusal: Refusal) -> str:
    # Rooms word it either way: "payer must be …", or "must be …" about the field.
    is_about_field = refusal.detail.startswith(("must ", "is "))
    if refusal.field is not None and is_about_field:
        return f"{refusal.field} {refusal.detail}"
    return refusal.detail


def make_reply(
    error: Exception, *, request_id: str | None
) -> tuple[Reply, tuple[tuple[bytes, bytes], ...]]:
    """Return the problem for `error` as status and bytes, with its headers as ASGI has them."""
    problem = make_problem(error)
    headers = tuple(
        (name.lower().encode("ascii"), value.encode("ascii"))
        for name, value in problem.headers.items()
    )
    return Reply(problem.status, problem.to_bytes(request_id)), headers


def store_refusal(refusal: Refusal, *, request_id: str | None = None) -> StoredReply:
    """Return a refusal as the reply that is kept for its Idempotency-Key."""
    problem = make_problem(refusal)
    return StoredReply(problem.status, problem.to_bytes(request_id))


def media_type_of(status: int) -> str:
    """Return the media type of a stored reply: its status tells whether it is a problem."""
    return MEDIA_TYPE if status >= _ERROR_STATUS_MIN else "application/json"


def describe_code(code: str, titles: Mapping[str, str]) -> str:
    """Return a code's title, for the documentation; `titles` are those of all refusals."""
    if code in titles:
        return titles[code]
    return _FAULT_DETAILS.get(code, code.replace("_", " ").capitalize())


def _make_safe(value: Any) -> Any:
    """Return `value` with lone surrogates escaped: a caller may send them, UTF-8 has none."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_make_safe(key): _make_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_make_safe(item) for item in value]
    return value
