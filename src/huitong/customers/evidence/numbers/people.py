"""Numbers of people: identity card, passport, mobile telephone, and the card's validity."""

import re
from datetime import date, timedelta
from typing import Any, Final

from stdnum.cn import ric

from huitong.customers.evidence.findings import Checked, Finding, FindingCode, warn
from huitong.customers.evidence.numbers.divisions import find_division, may_be_zone
from huitong.customers.evidence.numbers.texts import compact, is_digits
from huitong.customers.evidence.numbers.types import (
    Mobile,
    Passport,
    PassportKind,
    ResidentId,
    Sex,
    Validity,
)

RESIDENT_ID_LENGTH: Final = 18
_RESIDENT_ID_OLD_LENGTH: Final = 15
_AGE_MAX: Final = 130

# 中华人民共和国居民身份证法, article 5: to 15 five years, to 25 ten, to 45 twenty, then for ever.
_TERMS: Final = (5, 10, 20)
_TERM_BY_AGE: Final = ((16, 5), (26, 10), (46, 20))
# The term goes by the age at application; the card counts from its issue, up to 60 days later
# (article 12), and those who apply abroad wait longer.
_ISSUE_DAYS_MAX: Final = 120

_PASSPORT_LENGTH_MIN: Final = 5
_PASSPORT_LENGTH_MAX: Final = 9
_PASSPORT_SHAPE: Final = re.compile(r"(?=.*[0-9])[A-Z0-9]+")
_CHINA: Final = "CHN"
_CHINESE_PASSPORTS: Final = (
    # E and eight digits, or E, a letter (not I or O) and seven; before 2012 G, 14 and 15.
    (
        re.compile(r"E[0-9]{8}|E[A-HJ-NP-Z][0-9]{7}|G[0-9]{8}|1[45][0-9]{7}"),
        PassportKind.CHINA_ORDINARY,
    ),
    (re.compile(r"(SE|P|S)[0-9]{7}|S[0-9]{8}"), PassportKind.CHINA_SERVICE),
    (re.compile(r"(DE|D)[0-9]{7}|D[0-9]{8}"), PassportKind.CHINA_DIPLOMATIC),
    (re.compile(r"[KH][0-9]{8}|[KH]J[0-9]{7}"), PassportKind.HONG_KONG),
    (re.compile(r"M[AB][0-9]{7}"), PassportKind.MACAO),
)
_MOBILE_SHAPE: Final = re.compile(r"1[3-9]\d{9}")
_MOBILE_LENGTH: Final = 11
_COUNTRY_PREFIXES: Final = ("+86", "0086")


def check_resident_id(text: str, *, today: date, field: str = "id_number") -> Checked[ResidentId]:
    """Judge a citizen's identity number by GB 11643-1999 and take it apart.

    Check digit: weights 2^(18-i) mod 11 over the first 17 digits, ISO 7064 MOD 11-2; worked:
    11010519491231002 gives X. `today` bounds the birth date. The facts are there as soon as the
    form and the birth date allow, also when the check digit is wrong.
    """
    number = compact(text)
    problem = _find_form_problem(number, text)
    if problem is not None:
        return Checked(facts=None, findings=(Finding(code=problem, field=field),))
    findings = []
    if not has_right_check_digit(number):
        findings.append(Finding(code=FindingCode.CHECK_DIGIT_WRONG, field=field))
    try:
        birth_on = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        findings.append(Finding(code=FindingCode.BIRTH_DATE_IMPOSSIBLE, field=field))
        return Checked(facts=None, findings=tuple(findings))
    if birth_on > today:
        findings.append(Finding(code=FindingCode.BIRTH_DATE_IN_FUTURE, field=field))
    elif years_between(birth_on, today) > _AGE_MAX:
        findings.append(Finding(code=FindingCode.AGE_IMPLAUSIBLE, field=field))
    division = find_division(number[:6], birth_on.year)
    if division is None and may_be_zone(number[:6]):
        findings.append(warn(FindingCode.DIVISION_UNKNOWN, field))
    elif division is None:
        findings.append(Finding(code=FindingCode.DIVISION_UNKNOWN, field=field))
    elif not division.is_in_force:
        findings.append(warn(FindingCode.DIVISION_NOT_IN_FORCE, field))
    facts = ResidentId(
        number=number,
        birth_on=birth_on,
        sex=Sex.MALE if int(number[16]) % 2 else Sex.FEMALE,
        division=division,
    )
    return Checked(facts=facts, findings=tuple(findings))


def has_right_check_digit(number: str) -> bool:
    """Whether the last of 18 characters is the check digit (ISO 7064 MOD 11-2) of the 17 digits."""
    return number[-1] == ric.calc_check_digit(number)


def _find_form_problem(number: str, text: str) -> FindingCode | None:
    if not text.strip():
        return FindingCode.MISSING
    if len(number) == _RESIDENT_ID_OLD_LENGTH and is_digits(number):
        return FindingCode.OLD_FORM
    if len(number) != RESIDENT_ID_LENGTH:
        return FindingCode.LENGTH_WRONG
    if not is_digits(number[:-1]) or not (is_digits(number[-1]) or number[-1] == "X"):
        return FindingCode.FORMAT_WRONG
    return None


def check_passport(
    text: str, *, issuer: str | None = None, field: str = "passport_number"
) -> Checked[Passport]:
    """Judge a passport number: China's own forms, or any of ICAO Doc 9303 (5 to 9 characters).

    `issuer` is the state's code of three letters, if it is known; a passport of CHN must have one
    of China's forms. The number has no check digit outside the machine-readable zone, so only the
    form is judged; see `check_digit_icao` for a number that was read from that zone.
    """
    number = compact(text)
    if not text.strip():
        return _refuse(FindingCode.MISSING, field)
    if not _PASSPORT_LENGTH_MIN <= len(number) <= _PASSPORT_LENGTH_MAX:
        return _refuse(FindingCode.LENGTH_WRONG, field)
    if _PASSPORT_SHAPE.fullmatch(number) is None:
        return _refuse(FindingCode.FORMAT_WRONG, field)
    for shape, kind in _CHINESE_PASSPORTS:
        if issuer in (None, _CHINA) and shape.fullmatch(number):
            return Checked(facts=Passport(number=number, kind=kind))
    if issuer == _CHINA:
        return _refuse(FindingCode.FORMAT_WRONG, field)
    return Checked(facts=Passport(number=number, kind=PassportKind.OTHER))


def check_digit_icao(text: str) -> int:
    """Return the check digit of a machine-readable field (ICAO Doc 9303-3, section 4.9).

    Weights 7, 3, 1 over 0-9, A = 10 … Z = 35 and < = 0, modulo 10; worked: L898902C3 gives 6.
    Raises ValueError for any other character.
    """
    total = 0
    for place, character in enumerate(text):
        value = 0 if character == "<" else int(character, 36)
        total += value * (7, 3, 1)[place % 3]
    return total % 10


def check_mobile(text: str, *, field: str = "mobile") -> Checked[Mobile]:
    """Judge a mobile number of mainland China; +86 and 0086 in front are taken off."""
    number = compact(text)
    if not text.strip():
        return _refuse(FindingCode.MISSING, field)
    for prefix in _COUNTRY_PREFIXES:
        number = number.removeprefix(prefix)
    if number and not is_digits(number):
        return _refuse(FindingCode.FORMAT_WRONG, field)
    if len(number) != _MOBILE_LENGTH:
        return _refuse(FindingCode.LENGTH_WRONG, field)
    if _MOBILE_SHAPE.fullmatch(number) is None:
        return _refuse(FindingCode.FORMAT_WRONG, field)
    return Checked(facts=Mobile(number=number))


def check_validity(
    *,
    from_on: date,
    until_on: date | None,
    today: date,
    birth_on: date | None = None,
    field: str = "validity",
) -> Checked[Validity]:
    """Judge the period of an identity card; `until_on` is its last day, None for 长期.

    Terms and ages are those of 居民身份证法, article 5. Without `birth_on` the age is not judged.
    """
    if until_on is not None and until_on < from_on:
        return _refuse(FindingCode.VALIDITY_REVERSED, field)
    years = None if until_on is None else _find_term(from_on, until_on)
    findings = []
    if until_on is not None and years is None:
        findings.append(Finding(code=FindingCode.VALIDITY_TERM_UNUSUAL, field=field))
    if birth_on is not None and from_on < birth_on:
        findings.append(Finding(code=FindingCode.ISSUED_BEFORE_BIRTH, field=field))
    elif (
        birth_on is not None
        and (until_on is None or years is not None)
        and years not in _terms_at(birth_on, from_on)
    ):
        findings.append(Finding(code=FindingCode.VALIDITY_TERM_NOT_FOR_AGE, field=field))
    if from_on > today:
        findings.append(Finding(code=FindingCode.NOT_YET_VALID, field=field))
    if until_on is not None and until_on < today:
        findings.append(Finding(code=FindingCode.EXPIRED, field=field))
    validity = Validity(from_on=from_on, until_on=until_on, years=years)
    return Checked(facts=validity, findings=tuple(findings))


def years_between(birth_on: date, day: date) -> int:
    """Return the full years from `birth_on` to `day`."""
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def _terms_at(birth_on: date, from_on: date) -> set[int | None]:
    """Return the terms in years (None for 长期) that an application could have led to."""
    days = (from_on - timedelta(days=_ISSUE_DAYS_MAX), from_on)
    return {_term_for(years_between(birth_on, day)) for day in days}


def _term_for(age: int) -> int | None:
    for age_limit, years in _TERM_BY_AGE:
        if age < age_limit:
            return years
    return None


def _find_term(from_on: date, until_on: date) -> int | None:
    for years in _TERMS:
        # A card of 29 February ends on 28 February or 1 March where there is no such day.
        for day in (0, 1) if (from_on.month, from_on.day) == (2, 29) else (0,):
            if _add_years(from_on, years) + timedelta(days=day) == until_on:
                return years
    return None


def _add_years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 2, 28)


def _refuse(code: FindingCode, field: str) -> Checked[Any]:
    return Checked(facts=None, findings=(Finding(code=code, field=field),))
