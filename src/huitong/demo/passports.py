"""Drawn data pages of passports of made-up people, marked SPECIMEN 样本 beside what is read.

The size is that of ICAO Doc 9303-4 (125 mm by 88 mm), with the two lines for machines where they
belong, in a font of one width instead of OCR-B.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from PIL import Image, ImageDraw

from huitong.customers import Sex, check_digit_icao
from huitong.demo.id_cards import load_font
from huitong.demo.portraits import draw_portrait

#: 125 mm by 88 mm at 240 dots an inch.
PAGE_SIZE: Final = (1181, 831)

_PAPER: Final = (240, 240, 232)
_INK: Final = (24, 24, 30)
_MARK: Final = (196, 40, 40)
#: The collection's fonts of one width begin after those of five regions.
_MONOSPACED: Final = 7
_LINE_TOP: Final = 668
_LINE_STEP: Final = 72
_CHARACTER_WIDTH: Final = 25.4
_FILLER: Final = "<"
_LINE_LENGTH: Final = 44
_NUMBER_LENGTH: Final = 9
_OPTIONAL_LENGTH: Final = 14
_PHOTO_BOX: Final = (60, 190, 370, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportSpecimen:
    """Somebody who does not exist, with what a passport's page says."""

    issuer: str
    surname: str
    given_names: str
    number: str
    nationality: str
    birth_on: date
    sex: Sex
    valid_until_on: date


def make_lines(holder: PassportSpecimen) -> tuple[str, str]:
    """Return the two lines of a passport, each 44 characters, with all check digits."""
    names = (
        f"{holder.surname}<<{holder.given_names}".upper()
        .replace(" ", _FILLER)
        .replace("-", _FILLER)
    )
    first = f"P<{holder.issuer:<3}{names}".replace(" ", _FILLER)[:_LINE_LENGTH].ljust(
        _LINE_LENGTH, _FILLER
    )
    padded = holder.number.ljust(_NUMBER_LENGTH, _FILLER)
    birth, until = f"{holder.birth_on:%y%m%d}", f"{holder.valid_until_on:%y%m%d}"
    letter = "M" if holder.sex is Sex.MALE else "F"
    optional = _FILLER * _OPTIONAL_LENGTH
    heads = [f"{text}{check_digit_icao(text)}" for text in (padded, birth, until, optional)]
    state = f"{holder.nationality:<3}".replace(" ", _FILLER)
    second = f"{heads[0]}{state}{heads[1]}{letter}{heads[2]}{heads[3]}"
    return first, f"{second}{check_digit_icao(''.join(heads))}"


def draw_passport(holder: PassportSpecimen, *, portrait_seed: int) -> Image.Image:
    """Return the page with portrait, facts and the two lines for machines."""
    page = Image.new("RGB", PAGE_SIZE, _PAPER)
    d = ImageDraw.Draw(page)
    d.text((60, 40), "PASSPORT", _INK, font=load_font(44, _MONOSPACED))
    d.text((620, 50), "SPECIMEN 样本", _MARK, font=load_font(34, _MONOSPACED))
    facts = (
        ("Country", holder.issuer),
        ("Surname", holder.surname),
        ("Given names", holder.given_names),
        ("Date of birth", f"{holder.birth_on:%d %b %Y}".upper()),
        ("Date of expiry", f"{holder.valid_until_on:%d %b %Y}".upper()),
    )
    for place, (label, value) in enumerate(facts):
        y = 150 + place * 92
        d.text((430, y), label, (90, 90, 110), font=load_font(22, _MONOSPACED))
        d.text((430, y + 28), value, _INK, font=load_font(34, _MONOSPACED))
    left, top, right, bottom = _PHOTO_BOX
    page.paste(draw_portrait(portrait_seed).resize((right - left, bottom - top)), (left, top))
    for place, line in enumerate(make_lines(holder)):
        y = _LINE_TOP + place * _LINE_STEP
        for column, character in enumerate(line):
            x = 32 + round(column * _CHARACTER_WIDTH)
            d.text((x, y), character, _INK, font=load_font(40, _MONOSPACED))
    return page
