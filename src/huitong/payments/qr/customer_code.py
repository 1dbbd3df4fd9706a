"""Customer-presented codes: twenty digits that let one till take one payment within a minute.

Layout: our prefix (2), random digits (17), check digit (1). Whether a code was used or is too old
is for the caller to keep, by digest; nothing here stores or looks up.
"""

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from huitong.kernel.errors import InvalidField
from huitong.payments.qr.calculations import damm_check_digit
from huitong.payments.qr.types import CustomerCode

# Tills route by the first two digits. 73 is clear of the ranges that WeChat Pay (10 to 15) and
# Alipay (25 to 30) publish and of UnionPay (62), so that no till sends our code to them.
CUSTOMER_CODE_PREFIX: Final = "73"
CUSTOMER_CODE_LENGTH: Final = 20

_RANDOM_DIGITS: Final = CUSTOMER_CODE_LENGTH - len(CUSTOMER_CODE_PREFIX) - 1
_RANDOM_BYTES: Final = 16
_SHAPE: Final = re.compile(CUSTOMER_CODE_PREFIX + rf"[0-9]{{{CUSTOMER_CODE_LENGTH - 2}}}")


def issue_code(
    *,
    now: datetime,
    lifetime: timedelta,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> CustomerCode:
    """Return a new one-time code, valid in [now, now + lifetime).

    `lifetime` comes from the rulebook; `random_bytes(n)` must be cryptographically strong and is an
    argument for tests only. Seventeen random digits are 56 bits: a guess that must hit one of a
    million live codes succeeds once in 10^11 tries. Nobody can search 10^17 digests within the
    minute that a code is worth anything, so a plain SHA-256 is enough to store.

    Raises `ValueError` for a clock without zone or a lifetime that is not positive: both are
    mistakes of the caller.
    """
    if now.utcoffset() is None:
        raise ValueError("now must be an aware instant")
    if lifetime <= timedelta(0):
        raise ValueError("lifetime must be positive")
    # 128 bits onto 10^17 values: no digit is likelier than another by more than 10^17 / 2^128.
    drawn = int.from_bytes(random_bytes(_RANDOM_BYTES)) % 10**_RANDOM_DIGITS
    body = f"{CUSTOMER_CODE_PREFIX}{drawn:0{_RANDOM_DIGITS}d}"
    text = f"{body}{damm_check_digit(body)}"
    return CustomerCode(text=text, digest=_digest(text), expires_at=now + lifetime)


def read_code(text: str, *, field: str = "code") -> bytes:
    """Return the digest to look a presented code up by, 32 bytes.

    Raises `InvalidField` on `field` for anything that cannot be a code of ours, so that misreadings
    and mistypings never reach the database. The refusal does not repeat the code: it ends in logs.
    """
    if not _SHAPE.fullmatch(text):
        raise InvalidField(
            f"A customer code has {CUSTOMER_CODE_LENGTH} digits and begins with "
            f"{CUSTOMER_CODE_PREFIX}.",
            field=field,
        )
    if damm_check_digit(text) != 0:
        raise InvalidField("The customer code is mistyped: its check digit differs.", field=field)
    return _digest(text)


def _digest(text: str) -> bytes:
    return sha256(text.encode("ascii")).digest()
