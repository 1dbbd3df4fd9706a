"""Checks of single values by the element that holds them; each returns what is wrong, or None."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from stdnum import bic, iban, lei

from huitong.kernel.currencies import exponent_of
from huitong.kernel.errors import Refusal

# An amount of ISO 20022 has at most 18 digits; explicit 0-9, because \d means other scripts, too.
_AMOUNT = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,17})?")
# The library forgives spaces, small letters and, for an LEI, any length: the standard does not.
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
_UUID4 = re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}")

# A file names few banks and organisations often.
_KEPT: Final = 4_096


def amount_problem(text: str, currency: str) -> str | None:
    """Say why `text` is no amount of `currency`: its shape or more decimals than it has."""
    if _AMOUNT.fullmatch(text) is None:
        return "is not an amount"
    try:
        decimals = exponent_of(currency)
    except Refusal:
        return "has a currency that is not in ISO 4217"
    minor = Decimal(text).scaleb(decimals)
    if minor != minor.to_integral_value():
        return f"has more than the {decimals} decimals of {currency}"
    return None


def _iban_problem(text: str) -> str | None:
    return (
        None
        if _IBAN.fullmatch(text) and iban.is_valid(text)
        else "is not an IBAN: length or check digits are wrong"
    )


@lru_cache(_KEPT)
def _bic_problem(text: str) -> str | None:
    return None if _BIC.fullmatch(text) and bic.is_valid(text) else "is not a BIC"


@lru_cache(_KEPT)
def _lei_problem(text: str) -> str | None:
    return (
        None
        if _LEI.fullmatch(text) and lei.is_valid(text)
        else "is not an LEI: length or check digits are wrong"
    )


def _uetr_problem(text: str) -> str | None:
    return None if _UUID4.fullmatch(text) else "is not a UETR: a version 4 UUID in small letters"


VALUE_CHECKS: Final = MappingProxyType[str, Callable[[str], str | None]](
    {
        "IBAN": _iban_problem,
        "BIC": _bic_problem,
        "BICFI": _bic_problem,
        "AnyBIC": _bic_problem,
        "LEI": _lei_problem,
        "UETR": _uetr_problem,
    }
)
