"""Account numbers: digits that a person can read out, with two that catch a slip.

The check is ISO 7064 MOD 97-10, the one of the IBAN: the whole number leaves 1 when divided by
97, so that every single wrong digit and every swap of two neighbours is found.
"""

import re
from typing import Final

from huitong.kernel import ids
from huitong.kernel.errors import InvalidField

_MODULUS: Final = 97
_SHAPE: Final = re.compile(rf"{ids.ACCOUNT}_([1-9][0-9]{{2,17}})")


def make_account_number(serial: int) -> int:
    """Return the account number of a serial: `make_account_number(1000000001)` → 100000000190.

    Worked: 1000000001 * 100 = 100000000100 leaves 8 when divided by 97; 98 - 8 = 90.
    """
    return serial * 100 + 98 - serial * 100 % _MODULUS


def show_account(number: int) -> str:
    """Return the public form of an account number: `acct_100000000190`."""
    return f"{ids.ACCOUNT}_{number}"


def read_account(text: object, *, field: str) -> int:
    """Return the account number behind its public form; raises InvalidField naming `field`."""
    found = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidField(f"{field} must be an account like acct_100000000190", field=field)
    number = int(found[1])
    if number % _MODULUS != 1:
        raise InvalidField(
            f"{field} has a mistyped digit: its check digits do not fit", field=field
        )
    return number
