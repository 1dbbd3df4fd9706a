"""CNAPS bank codes (支付系统行号): 3 digits bank, 4 city, 4 branch, 1 check digit."""

import re
from typing import Final

_SHAPE: Final = re.compile(r"[0-9]{12}")
_BODY_LENGTH: Final = 11


def compute_check_digit(body: str) -> int:
    """Return the check digit of the first 11 digits, by ISO 7064 MOD 11,10 (GB/T 17710).

    With P = 10 and for each digit d: S = (P + d) mod 10, or 10 if that is 0; P = 2 S mod 11. The
    digit is (11 - P) mod 10. The standard of the PBOC was not read: developers report from it
    "模10、11双模算法", which is this one (bbs.chinaunix.net/thread-3729478-1-1.html, 2012), and it
    fits the head-office codes tried (rulebook: `rail.cnaps.code.check`). 10210009999 gives 6, the
    code of ICBC's head office being 102100099996. Raises ValueError unless there are 11 digits.
    """
    if len(body) != _BODY_LENGTH or not body.isascii() or not body.isdigit():
        raise ValueError("a bank code has 11 digits before its check digit")
    product = 10
    for digit in body:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10


def is_bank_code(code: str) -> bool:
    """Say whether `code` has 12 digits of which the last one fits the others."""
    if _SHAPE.fullmatch(code) is None:
        return False
    return int(code[_BODY_LENGTH]) == compute_check_digit(code[:_BODY_LENGTH])
