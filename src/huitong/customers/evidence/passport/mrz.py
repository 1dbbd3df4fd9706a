"""The two lines of a passport that machines read, taken apart (ICAO Doc 9303, parts 3 and 4).

Line 1: P, kind, issuer (3), names (39). Line 2, with check digits by weights 7, 3, 1: number
(9, 1), nationality (3), birth (6, 1), sex (1), last day (6, 1), optional data (14, 1), and one over
number, birth, last day and optional data with their own check digits.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from huitong.customers.evidence.numbers import check_digit_icao
from huitong.customers.evidence.numbers.types import Sex

FILLER: Final = "<"
_OPTIONAL_LENGTH: Final = 14
_NUMBER_LENGTH: Final = 9
_COUNTRY_LENGTH: Final = 3
_FIRST_LINE: Final = re.compile(r"P([A-Z<])([A-Z]{3}|[A-Z]<<)([A-Z<]{2,})")
_SIGN: Final = r"[0-9OQDIZSGBL]"
# A short number has fillers behind it, of which a reader may see more or fewer.
_SECOND_LINE: Final = re.compile(
    rf"([A-Z0-9]{{9}}|[A-Z0-9]{{1,8}}<+)({_SIGN})([A-Z012568]{{3}}|[A-Z]<<)({_SIGN}{{6}})({_SIGN})"
    rf"([MFX<])({_SIGN}{{6}})({_SIGN})([A-Z0-9<]*?)([0-9OQDIZSGBL<])({_SIGN})"
)
_DIGITS: Final = str.maketrans("OQDIZSGBL", "000125681")
_LETTERS: Final = str.maketrans("012568", "OIZSGB")
_SEXES: Final = {"M": Sex.MALE, "F": Sex.FEMALE}
#: Codes of Doc 9303-3, section 5, that ISO 3166-1 does not have, and the state they belong to.
_STATES: Final = {"D": "DEU", "GBD": "GBR", "GBN": "GBR", "GBO": "GBR", "GBP": "GBR", "GBS": "GBR"}
_CENTURY: Final = 100
_THIS_CENTURY: Final = 2000


class MrzField(StrEnum):
    """What the two lines say."""

    NUMBER = "number"
    ISSUER = "issuer"
    NATIONALITY = "nationality"
    NAME_LATIN = "name_latin"
    SEX = "sex"
    BIRTH_ON = "birth_on"
    VALID_UNTIL_ON = "valid_until_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineZone:
    """The two lines, taken apart. States are ISO 3166-1 codes where there is one.

    `broken` are the fields whose check digit is wrong; `is_whole` says whether the last digit, over
    all of them, is right. A day that is none, and a sex that is not told, are None.
    """

    issuer: str
    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    number: str = field(repr=False)
    nationality: str
    birth_on: date | None = field(repr=False)
    sex: Sex | None = field(repr=False)
    valid_until_on: date | None
    broken: frozenset[MrzField] = frozenset()
    is_whole: bool = True

    @property
    def name_latin(self) -> str:
        """The names as one text: surname, then given names."""
        return f"{self.surname} {self.given_names}".strip()

    @property
    def is_sound(self) -> bool:
        """Whether every check digit is right."""
        return self.is_whole and not self.broken


def parse_mrz(first: str, second: str, *, today: date) -> MachineZone | None:
    """Take the two lines apart as they were read; None for lines that are not a passport's.

    Spaces are ignored, letters that look like digits are digits where only digits stand, and runs
    of fillers may be too long or too short. Worked: `P<UTOERIKSSON<<ANNA<MARIA<…` and
    `L898902C36UTO7408122F1204159ZE184226B<<<<<10` of Doc 9303-4, appendix B.
    """
    parts = _SECOND_LINE.fullmatch(_tidy(second))
    if parts is None:
        return None
    state = parts[3].translate(_LETTERS)
    # Nothing in the first line is a digit.
    text = _tidy(first).translate(_LETTERS)
    if text[1:4] == state != text[2:5]:
        # The single filler behind the P was overlooked: passports are their citizens' states'.
        text = f"P{FILLER}{text[1:]}"
    names = _FIRST_LINE.fullmatch(text)
    if names is None:
        return None
    number = parts[1].rstrip(FILLER).ljust(_NUMBER_LENGTH, FILLER)
    birth, until = parts[4].translate(_DIGITS), parts[7].translate(_DIGITS)
    optional = parts[9].rstrip(FILLER).ljust(_OPTIONAL_LENGTH, FILLER)
    checks = [parts[place].translate(_DIGITS) for place in (2, 5, 8, 10, 11)]
    number = _repair(number, checks[0])
    broken = {
        name
        for name, text, check in (
            (MrzField.NUMBER, number, checks[0]),
            (MrzField.BIRTH_ON, birth, checks[1]),
            (MrzField.VALID_UNTIL_ON, until, checks[2]),
        )
        if not _is_right(text, check)
    }
    # Where there is no optional data its check digit may be a filler, which counts as nothing.
    whole = f"{number}{checks[0]}{birth}{checks[1]}{until}{checks[2]}{optional}{checks[3]}"
    surname, _, given = names[3].strip(FILLER).partition(FILLER * 2)
    return MachineZone(
        issuer=_read_state(names[2]),
        surname=_read_name(surname),
        given_names=_read_name(given),
        number=number.rstrip(FILLER),
        nationality=_read_state(state),
        birth_on=_read_birth(birth, today),
        sex=_SEXES.get(parts[6]),
        valid_until_on=_read_day(_THIS_CENTURY, until),
        broken=frozenset(broken),
        is_whole=_is_right(whole, checks[4]),
    )


def tidy_latin(text: str) -> str:
    """Return a name as the lines have it: capitals, one space for whatever separates."""
    return " ".join(re.sub(r"[^A-Z]+", " ", text.upper()).split())


def _tidy(text: str) -> str:
    return re.sub(r"[^A-Z0-9<]", "", text.upper())


def _repair(number: str, check: str) -> str:
    """Return the number, with letters read as digits if only that makes its check digit right.

    That also lets one in ten wrong numbers with such a letter pass; the number is compared with
    what was typed anyway.
    """
    if _is_right(number, check):
        return number
    for text in (number.replace("O", "0"), number[0] + number[1:].translate(_DIGITS)):
        if _is_right(text, check):
            return text
    return number


def _is_right(text: str, check: str) -> bool:
    value = "0" if check == FILLER else check
    return value.isdigit() and check_digit_icao(text) == int(value)


def _read_state(code: str) -> str:
    bare = code.rstrip(FILLER)
    return _STATES.get(bare, bare)


def _read_name(text: str) -> str:
    return " ".join(part for part in text.split(FILLER) if part)


def _read_birth(digits: str, today: date) -> date | None:
    """Return the last day with these digits that is not in the future."""
    this = _read_day(_THIS_CENTURY, digits)
    if this is not None and this <= today:
        return this
    return _read_day(_THIS_CENTURY - _CENTURY, digits)


def _read_day(century: int, digits: str) -> date | None:
    try:
        return date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return None
