"""Numbers as people type them: full-width digits, spaces and dashes."""

import re
import unicodedata
from typing import Final

from huitong.kernel import limits

# Spaces of all kinds, invisible marks that phones paste along, and the dashes people group with.
_SEPARATORS: Final = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u2010-\u2015\u2212\-·.]")


def compact(text: str) -> str:
    """Return `text` without separators, in half-width capitals; "" if it is far too long.

    Nothing else is changed: a letter that looks like a digit stays a letter.
    """
    if len(text) > limits.IDENTITY_NUMBER_TEXT_LENGTH_MAX:
        return ""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def is_digits(text: str) -> bool:
    """Whether `text` has ASCII digits only and at least one of them."""
    return text.isascii() and text.isdigit()
