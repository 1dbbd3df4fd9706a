"""Second factors of staff: codes of an authenticator application (RFC 6238), recovery codes."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp

from huitong.kernel import limits

ISSUER: Final = "Huitong"
_RECOVERY_BYTES: Final = 15
_GROUP: Final = 4


def make_secret() -> str:
    """Return a new secret for an authenticator: 160 random bits, in base 32."""
    return pyotp.random_base32()


def make_address(secret: str, account: str) -> str:
    """Return the otpauth:// address that an authenticator reads, often from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the 30-second step since 1970 whose code this is, or None.

    A step to either side counts (RFC 6238, section 5.2). All are compared, so that the time of
    the answer says nothing.
    """
    totp = pyotp.TOTP(secret, interval=limits.TOTP_SECONDS)
    present = int(now.timestamp()) // limits.TOTP_SECONDS
    around = range(present - limits.TOTP_STEPS_AROUND, present + limits.TOTP_STEPS_AROUND + 1)
    matching = [
        step
        for step in around
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
    ]
    return max(matching, default=None)


def make_recovery_codes() -> list[str]:
    """Return new recovery codes of 120 random bits: `ABCD-EFGH-IJKL-MNOP-QRST-UVWX`.

    From 112 bits on a plain digest is enough (OWASP ASVS 5.0, 6.5.2).
    """
    return [
        _group(base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode())
        for _ in range(limits.RECOVERY_CODES)
    ]


def digest_recovery_code(code: str) -> bytes:
    """Return the digest that is kept of a recovery code, however its letters are written."""
    written = code.replace("-", "").replace(" ", "").upper()
    return hashlib.sha256(b"huitong.identity.recovery.v1:" + written.encode()).digest()


def _group(text: str) -> str:
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
