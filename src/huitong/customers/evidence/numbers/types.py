"""What numbers say once they are taken apart. Personal values are left out of every repr."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Sex(StrEnum):
    """The two values of GB/T 2261.1 that an identity number can carry."""

    MALE = "male"
    FEMALE = "female"


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A place of GB/T 2260 as it was called when the number was given out."""

    code: str
    province: str
    name: str
    is_in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentId:
    """A citizen's identity number (GB 11643-1999) and what follows from it.

    `division` is None when the first six digits never were a place's code.
    """

    number: str = field(repr=False)
    birth_on: date = field(repr=False)
    sex: Sex = field(repr=False)
    division: Division | None = field(repr=False)


class PassportKind(StrEnum):
    """Whose passport a number is, as far as its form tells."""

    CHINA_ORDINARY = "china_ordinary"
    CHINA_SERVICE = "china_service"
    CHINA_DIPLOMATIC = "china_diplomatic"
    HONG_KONG = "hong_kong"
    MACAO = "macao"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """A passport number in its compact form."""

    number: str = field(repr=False)
    kind: PassportKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCode:
    """A unified social credit code (GB 32100-2015): who registered what, and where."""

    code: str
    authority: str
    kind: str
    division_code: str
    organisation_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCard:
    """A bank card's number (ISO/IEC 7812)."""

    number: str = field(repr=False)
    is_unionpay: bool
    follows_luhn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mobile:
    """A mobile number of mainland China, eleven digits without the country's code."""

    number: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InternationalNumber:
    """An IBAN (ISO 13616), a BIC (ISO 9362) or an LEI (ISO 17442) in its compact form."""

    number: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """How long an identity card is valid; `until_on` is its last day, None for 长期.

    `years` is the term that the two days make, None for 长期 and for a term that is none.
    """

    from_on: date
    until_on: date | None
    years: int | None
