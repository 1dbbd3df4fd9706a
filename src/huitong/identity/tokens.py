"""Random tokens of sessions and devices: 256 bits each, of which only the digest is kept.

Nothing is gained by a slow hash where there is nothing to guess.
"""

import hashlib
import re
import secrets
from typing import Final

SESSION_PREFIX: Final = "hts_"
DEVICE_PREFIX: Final = "htd_"
STAFF_SESSION_PREFIX: Final = "hst_"
ENROLMENT_PREFIX: Final = "hse_"
SIGN_UP_PREFIX: Final = "htu_"
TOKEN_PATTERN: Final = "[A-Za-z0-9_-]{43}"  # noqa: S105 - a shape
_BYTES: Final = 32
_SHAPES: Final = {
    prefix: re.compile(f"{prefix}{TOKEN_PATTERN}")
    for prefix in (
        SESSION_PREFIX,
        DEVICE_PREFIX,
        STAFF_SESSION_PREFIX,
        ENROLMENT_PREFIX,
        SIGN_UP_PREFIX,
    )
}


def make_token(prefix: str) -> str:
    """Return a new token with 256 random bits."""
    return prefix + secrets.token_urlsafe(_BYTES)


def digest_token(prefix: str, token: str) -> bytes | None:
    """Return the SHA-256 digest of a token, or None if the text cannot be one of ours."""
    if _SHAPES[prefix].fullmatch(token) is None:
        return None
    return hashlib.sha256(token.encode("ascii")).digest()
