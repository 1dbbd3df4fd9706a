"""How both ends sign: HMAC-SHA256 over what a message says, when, and about which request.

A request's signature covers method, path, time, request id and body; it is good for
`REGISTRY_CLOCK_SECONDS_MAX` around its time, and within that its request id is good for one body.
An answer's covers status, request id and body, so that no other answer can be put in its place.
"""

import hashlib
import hmac
import uuid
from datetime import datetime
from typing import Final

from huitong.kernel import limits

TIME_HEADER: Final = "x-huitong-time"
REQUEST_HEADER: Final = "x-huitong-request"
SIGNATURE_HEADER: Final = "x-huitong-signature"

_SIGNATURE_LENGTH: Final = 64
_TIME_DIGITS_MAX: Final = 12


def sign_request(
    secret: bytes, *, method: str, path: str, time: int, request_id: uuid.UUID, body: bytes
) -> str:
    """Return the signature of a request in hexadecimal; `time` is in seconds since 1970."""
    return _sign(secret, "request", method.upper(), path, str(time), request_id.hex, body=body)


def sign_answer(secret: bytes, *, status: int, request_id: uuid.UUID, body: bytes) -> str:
    """Return the signature of an answer in hexadecimal."""
    return _sign(secret, "answer", str(status), request_id.hex, body=body)


def is_same(signature: str | None, expected: str) -> bool:
    """Whether a signature is the expected one, in a time that does not tell where they differ."""
    if signature is None or len(signature) != _SIGNATURE_LENGTH or not signature.isascii():
        return False
    return hmac.compare_digest(signature, expected)


def is_current(time: str | None, now: datetime) -> bool:
    """Whether the time of a request is near enough to `now`."""
    if time is None or not (time.isascii() and time.isdigit() and len(time) <= _TIME_DIGITS_MAX):
        return False
    return abs(int(time) - now.timestamp()) <= limits.REGISTRY_CLOCK_SECONDS_MAX


def _sign(secret: bytes, *parts: str, body: bytes) -> str:
    # None of the parts can hold a line's end, so that no two messages have the same text.
    text = "\n".join((*parts, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
