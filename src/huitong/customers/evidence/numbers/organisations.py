"""Numbers of organisations and accounts: credit code, bank card, IBAN, BIC, LEI."""

import re
from collections.abc import Callable
from typing import Final

from stdnum import bic, iban, lei, luhn
from stdnum.cn import uscc
from stdnum.exceptions import (
    InvalidChecksum,
    InvalidComponent,
    InvalidFormat,
    InvalidLength,
    ValidationError,
)

from huitong.customers.evidence.findings import Checked, Finding, FindingCode, warn
from huitong.customers.evidence.numbers.divisions import find_division
from huitong.customers.evidence.numbers.texts import compact, is_digits
from huitong.customers.evidence.numbers.types import BankCard, CreditCode, InternationalNumber

_CREDIT_CODE_LENGTH: Final = 18
# GB 32100-2015, table 1 with its amendment: who registers (机构编制, 外交, 司法行政, 文化, 民政,
# 旅游, 宗教, 工会, 市场监管, 中央军委, 农业农村, 其他) and, second, what kind of body.
_AUTHORITIES: Final = "123456789ANY"
_KINDS: Final = "123456789"
_CREDIT_CODE_SHAPE: Final = re.compile(r"[0-9A-Z]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
# GB 11714: weights over the eight characters of an organisation code, A = 10 … Z = 35.
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
# Codes count from 2015; the place of a body has no birth year, so any code still in force fits.
_NO_YEAR: Final = 0

_CARD_LENGTH_MIN: Final = 13
_CARD_LENGTH_MAX: Final = 19
_UNIONPAY: Final = "62"

_CODES: Final[tuple[tuple[type[ValidationError], FindingCode], ...]] = (
    (InvalidLength, FindingCode.LENGTH_WRONG),
    (InvalidChecksum, FindingCode.CHECK_DIGIT_WRONG),
    (InvalidComponent, FindingCode.COUNTRY_UNKNOWN),
    (InvalidFormat, FindingCode.FORMAT_WRONG),
)


def check_credit_code(text: str, *, field: str = "credit_code") -> Checked[CreditCode]:
    """Judge a unified social credit code by GB 32100-2015.

    Check character: weights 3^(i-1) mod 31 over 17 characters of the 31-letter alphabet,
    (31 - sum mod 31) mod 31; worked: 91350100M000100Y4 gives 3. A place that GB/T 2260 does not
    list and a wrong inner check digit (GB 11714) are warnings: development zones have codes of
    their own, and codes were once given out by hand.
    """
    code = compact(text)
    problem = _find_form_problem(code, text)
    if problem is not None:
        return Checked(facts=None, findings=(Finding(code=problem, field=field),))
    findings = []
    if code[0] not in _AUTHORITIES or code[1] not in _KINDS:
        findings.append(Finding(code=FindingCode.AUTHORITY_UNKNOWN, field=field))
    if code[-1] != uscc.calc_check_digit(code[:-1]):
        findings.append(Finding(code=FindingCode.CHECK_DIGIT_WRONG, field=field))
    if find_division(code[2:8], _NO_YEAR) is None:
        findings.append(warn(FindingCode.DIVISION_UNKNOWN, field))
    if code[16] != _organisation_check(code[8:16]):
        findings.append(warn(FindingCode.ORGANISATION_CHECK_WRONG, field))
    facts = CreditCode(
        code=code,
        authority=code[0],
        kind=code[1],
        division_code=code[2:8],
        organisation_code=code[8:17],
    )
    return Checked(facts=facts, findings=tuple(findings))


def _find_form_problem(code: str, text: str) -> FindingCode | None:
    if not text.strip():
        return FindingCode.MISSING
    if len(code) != _CREDIT_CODE_LENGTH:
        return FindingCode.LENGTH_WRONG
    if _CREDIT_CODE_SHAPE.fullmatch(code) is None:
        return FindingCode.FORMAT_WRONG
    return None


def _organisation_check(code: str) -> str:
    """Return the check character of an organisation code (GB 11714): 0-9, or X for ten."""
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(code, _ORGANISATION_WEIGHTS, strict=True)
    )
    return "0123456789X"[-total % 11]


def check_bank_card(text: str, *, field: str = "card_number") -> Checked[BankCard]:
    """Judge a bank card's number: 13 to 19 digits, Luhn (ISO/IEC 7812-1, annex B), UnionPay's 62.

    A number that breaks the Luhn rule, or that is not UnionPay's, gets a warning and no error:
    older debit cards of several banks do not follow it.
    """
    number = compact(text)
    if not text.strip():
        return _refuse_card(FindingCode.MISSING, field)
    if not is_digits(number):
        return _refuse_card(FindingCode.FORMAT_WRONG if number else FindingCode.LENGTH_WRONG, field)
    if not _CARD_LENGTH_MIN <= len(number) <= _CARD_LENGTH_MAX:
        return _refuse_card(FindingCode.LENGTH_WRONG, field)
    if len(set(number)) == 1:
        return _refuse_card(FindingCode.FORMAT_WRONG, field)
    card = BankCard(
        number=number,
        is_unionpay=number.startswith(_UNIONPAY),
        follows_luhn=luhn.is_valid(number),
    )
    findings = []
    if not card.follows_luhn:
        findings.append(warn(FindingCode.LUHN_WRONG, field))
    if not card.is_unionpay:
        findings.append(warn(FindingCode.NOT_UNIONPAY, field))
    return Checked(facts=card, findings=tuple(findings))


def _refuse_card(code: FindingCode, field: str) -> Checked[BankCard]:
    return Checked(facts=None, findings=(Finding(code=code, field=field),))


def check_iban(text: str, *, field: str = "iban") -> Checked[InternationalNumber]:
    """Judge an IBAN: ISO 13616 structure of its country, and ISO 7064 MOD 97-10."""
    return _check_with(iban.validate, text, field)


def check_bic(text: str, *, field: str = "bic") -> Checked[InternationalNumber]:
    """Judge a BIC by ISO 9362: eight or eleven characters, with a country that exists."""
    return _check_with(bic.validate, text, field)


def check_lei(text: str, *, field: str = "lei") -> Checked[InternationalNumber]:
    """Judge a legal entity identifier by ISO 17442: twenty characters, MOD 97-10."""
    return _check_with(lei.validate, text, field)


def _check_with(
    validate: Callable[[str], str], text: str, field: str
) -> Checked[InternationalNumber]:
    number = compact(text)
    if not text.strip():
        return Checked(facts=None, findings=(Finding(code=FindingCode.MISSING, field=field),))
    try:
        number = validate(number)
    except ValidationError as error:
        codes = [code for kind, code in _CODES if isinstance(error, kind)]
        code = codes[0] if codes else FindingCode.FORMAT_WRONG
        return Checked(facts=None, findings=(Finding(code=code, field=field),))
    return Checked(facts=InternationalNumber(number=number))
