"""The types of elements: how a text becomes a value and a value the text that is written.

A text that is no value of its type raises ValueError with what is wrong.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from huitong.kernel.currencies import exponent_of
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.payments.iso20022.values import VALUE_CHECKS, amount_problem

# Control characters, line ends apart, and what is no character of XML; XML turns CR into LF.
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CODE = re.compile(r"[A-Za-z0-9]+")
_COUNT = re.compile(r"[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
)
_MICROSECONDS: Final = 7
_AMOUNT_DIGITS: Final = 18
_SPACES: Final = " \t\n\r"


@dataclass(frozen=True, slots=True)
class DataType:
    """How one kind of element is read and written; `parse` takes text and currency (or None)."""

    parse: Callable[[str, str | None], Any]
    format: Callable[[Any], str]
    of: type
    has_currency: bool = False


def find_type(name: str) -> DataType:
    """Return the type that a table names: `text35`, `code4`, `A/B/C` for a list, `money` …"""
    fixed = _TYPES.get(name)
    if fixed is not None:
        return fixed
    if "/" in name:
        return _one_of(frozenset(name.split("/")))
    kind = re.fullmatch(r"(text|code)([0-9]+)", name)
    if kind is None:
        raise ValueError(f"no such type: {name}")
    return _text(int(kind[2]), code=kind[1] == "code")


def _text(length: int, *, code: bool) -> DataType:
    def parse(text: str, _currency: str | None) -> str:
        if not 1 <= len(text) <= length:
            raise ValueError(f"must have 1 to {length} characters")
        # What can be printed has no control character; most texts stop here.
        if not text.isprintable() and _NO_TEXT.search(text):
            raise ValueError("holds a character that is not allowed")
        if code and _CODE.fullmatch(text) is None:
            raise ValueError("is not a code")
        return text

    return DataType(parse, str, str)


def _one_of(codes: frozenset[str]) -> DataType:
    told = ", ".join(sorted(codes))

    def parse(text: str, _currency: str | None) -> str:
        if text not in codes:
            raise ValueError(f"must be one of {told}")
        return text

    return DataType(parse, str, str)


def _identifier(name: str) -> DataType:
    check = VALUE_CHECKS[name]

    def parse(text: str, _currency: str | None) -> str:
        problem = check(text)
        if problem is not None:
            raise ValueError(problem)
        return text

    return DataType(parse, str, str)


def _parse_money(text: str, currency: str | None) -> Money:
    text = text.strip(_SPACES)
    if currency is None:
        raise ValueError("has no currency")
    problem = amount_problem(text, currency)
    if problem is not None:
        raise ValueError(problem)
    if len(text) - ("." in text) > _AMOUNT_DIGITS:
        raise ValueError(f"has more than {_AMOUNT_DIGITS} digits")
    try:
        return Money(int(Decimal(text).scaleb(exponent_of(currency))), currency)
    except Refusal as refusal:
        raise ValueError("is too large") from refusal


def _format_money(money: Money) -> str:
    return money.format()


def _parse_count(text: str, _currency: str | None) -> int:
    if _COUNT.fullmatch(text) is None:
        raise ValueError("is not a number of at most 15 digits")
    return int(text)


def _parse_number(text: str, _currency: str | None) -> int:
    text = text.strip(_SPACES)
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("is not a whole number of at most 18 digits")
    return int(text)


def _parse_decimal(text: str, _currency: str | None) -> Decimal:
    text = text.strip(_SPACES)
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError("is not a decimal number")
    number = Decimal(text)
    if len(number.as_tuple().digits) > _AMOUNT_DIGITS:
        raise ValueError(f"has more than {_AMOUNT_DIGITS} digits")
    return number


def _format_decimal(number: Decimal) -> str:
    return f"{number:f}"


def _parse_date(text: str, _currency: str | None) -> date:
    text = text.strip(_SPACES)
    if _DATE.fullmatch(text) is None:
        raise ValueError("is not a date: YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is not a day of the calendar") from error


def _parse_moment(text: str, _currency: str | None) -> datetime:
    text = text.strip(_SPACES)
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("is not a date and time: YYYY-MM-DDThh:mm:ss")
    fraction = found[1]
    if fraction and len(fraction) > _MICROSECONDS:
        if fraction[_MICROSECONDS:].strip("0"):
            raise ValueError("is finer than a microsecond")
        text = text.replace(fraction, fraction[:_MICROSECONDS], 1)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is not a time of the calendar") from error


def _parse_boolean(text: str, _currency: str | None) -> bool:
    text = text.strip(_SPACES)
    if text in {"true", "1"}:
        return True
    if text in {"false", "0"}:
        return False
    raise ValueError("must be true or false")


def _format_boolean(value: bool) -> str:
    return "true" if value else "false"


def _parse_country(text: str, _currency: str | None) -> str:
    if _COUNTRY.fullmatch(text) is None:
        raise ValueError("is not a country: two capital letters")
    return text


def _parse_currency(text: str, _currency: str | None) -> str:
    try:
        exponent_of(text)
    except Refusal as refusal:
        raise ValueError("is not a currency of ISO 4217") from refusal
    return text


_TYPES: Final[dict[str, DataType]] = {
    "iban": _identifier("IBAN"),
    "bic": _identifier("BICFI"),
    "lei": _identifier("LEI"),
    "uetr": _identifier("UETR"),
    "money": DataType(_parse_money, _format_money, Money, has_currency=True),
    "count": DataType(_parse_count, str, int),
    "number": DataType(_parse_number, str, int),
    "decimal": DataType(_parse_decimal, _format_decimal, Decimal),
    "date": DataType(_parse_date, date.isoformat, date),
    "datetime": DataType(_parse_moment, datetime.isoformat, datetime),
    "boolean": DataType(_parse_boolean, _format_boolean, bool),
    "country": DataType(_parse_country, str, str),
    "currency": DataType(_parse_currency, str, str),
}
