"""Signed callbacks as Standard Webhooks writes them.

Source: Standard Webhooks, specification 1.0: `webhook-id`, `webhook-timestamp` (Unix seconds) and
`webhook-signature`, a list of `v1,` + base64(HMAC-SHA256(secret, id "." timestamp "." body)).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from huitong.kernel import limits
from huitong.payments.channels.errors import CallbackNotSigned

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
_PREFIX: Final = "whsec_"
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SECRET_BYTES: Final = range(24, 65)
_SIGNATURES_MAX: Final = 8


def read_secret(text: str) -> bytes:
    """Return the bytes of `whsec_…`; raises ValueError unless it is base64 of 24 to 64 bytes."""
    try:
        secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not text.startswith(_PREFIX) or len(secret) not in _SECRET_BYTES:
        raise ValueError("a secret is whsec_ and the base64 of 24 to 64 bytes")
    return secret


def sign(secret: bytes, *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a callback with this body."""
    timestamp = str(int(at.timestamp()))
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: _signature(secret, message_id, timestamp, body),
    }


def verify(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, now: datetime
) -> str:
    """Return the id of a callback that was signed with one of `secrets`, not long ago.

    Any of several signatures may fit, so that a secret can be replaced. Raises CallbackNotSigned,
    with the same words whatever is wrong with the signature.
    """
    message_id = headers.get(ID_HEADER, "")
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if _ID.fullmatch(message_id) is None or _TIMESTAMP.fullmatch(timestamp) is None:
        raise CallbackNotSigned(f"{ID_HEADER} or {TIMESTAMP_HEADER} is missing or malformed")
    expected = [_signature(each, message_id, timestamp, body).encode() for each in secrets]
    given = headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace").split(b" ")
    signatures = given[:_SIGNATURES_MAX]
    if not any(hmac.compare_digest(each, one) for each in signatures for one in expected):
        raise CallbackNotSigned("no signature fits")
    if abs(now.timestamp() - int(timestamp)) > limits.CALLBACK_AGE_SECONDS_MAX:
        raise CallbackNotSigned(f"{TIMESTAMP_HEADER} is too far from now")
    return message_id


def _signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
