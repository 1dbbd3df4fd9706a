"""Bank codes as clearing is given them."""

from huitong.kernel.errors import InvalidField
from huitong.payments.iso20022 import is_bank_code

_LENGTH = 12


def check_bank_code(code: str, *, field: str) -> None:
    """Raise InvalidField unless `code` has 12 digits of which the last one is right."""
    if len(code) != _LENGTH or not code.isascii() or not code.isdigit():
        raise InvalidField("a bank code has 12 digits", field=field)
    if not is_bank_code(code):
        raise InvalidField("the last digit of the bank code does not fit the others", field=field)
