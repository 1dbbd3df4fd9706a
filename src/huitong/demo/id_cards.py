"""Drawn identity cards of made-up people, both sides, marked SPECIMEN 样本 beside what is read.

For the demonstration, the tests and the bench: the layout is that of GA 448 (85.6 mm by 54 mm), so
that what reads these cards can be tried on real ones. They are drawn too plainly to be mistaken
for one: no guilloche, no emblem, no wall, and the mark on both sides.
"""

import importlib.util
import io
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from huitong.demo.portraits import draw_portrait
from huitong.demo.specimens import Specimen

#: 85.6 mm by 54 mm at 300 dots an inch.
CARD_SIZE: Final = (1011, 638)

_FONT_PACKAGE: Final = "noto_cjk_sans_otc"
_FONT_FILE: Final = "NotoSansCJK-Regular.ttc"
#: The collection holds the same letters as five regions write them; 2 is simplified Chinese.
_FONT_REGION: Final = 2

#: Where it begins, the text, and whether it is the person's own and not the form's.
_Word: TypeAlias = tuple[int, str, bool]
_Row: TypeAlias = tuple[int, tuple[_Word, ...]]

_PAPER: Final = (232, 240, 246)
_PAPER_LINE: Final = (214, 228, 238)
_INK: Final = (28, 28, 30)
_LABEL: Final = (58, 120, 178)
_MARK: Final = (196, 40, 40)
_CORNER: Final = 34
_ADDRESS_CHARACTERS_A_LINE: Final = 11
_PHOTO_BOX: Final = (640, 90, 940, 470)
_MARK_TEXT: Final = "SPECIMEN 样本"


def draw_front(person: Specimen, *, portrait_seed: int) -> Image.Image:
    """Return the side with the portrait: name, sex, ethnicity, birth date, address and number."""
    card, d = _blank()
    for y, words in _list_rows(person):
        for x, text, is_value in words:
            _write(d, (x, y), text, is_value=is_value)
    for place, line in enumerate(_break_address(person.address)):
        _write(d, (190, 322 + place * 52), line, is_value=True)
    _write(d, (330, 534), person.number, is_value=True, size=46, spread=5)
    left, top, right, bottom = _PHOTO_BOX
    portrait = draw_portrait(portrait_seed).resize((right - left, bottom - top))
    card.paste(portrait, (left, top))
    _mark(d, (640, 28))
    return _cut(card)


def draw_back(person: Specimen) -> Image.Image:
    """Return the side with the issuing authority and the days from and to which it is valid."""
    card, d = _blank()
    for y, text, size in ((70, "中华人民共和国", 56), (160, "居民身份证", 84)):
        _write(d, (330, y), text, is_value=True, size=size, spread=10)
    d.ellipse((80, 70, 240, 230), outline=_MARK, width=6)
    _mark(d, (400, 300))
    until = person.valid_until_on
    end = "长期" if until is None else f"{until:%Y.%m.%d}"
    for y, label, value in (
        (440, "签发机关", person.authority),
        (520, "有效期限", f"{person.valid_from_on:%Y.%m.%d}-{end}"),
    ):
        _write(d, (190, y), label, is_value=False, size=36)
        _write(d, (390, y), value, is_value=True, size=38)
    return _cut(card)


def encode_jpeg(picture: Image.Image, *, quality: int = 90) -> bytes:
    """Return a picture as a JPEG file."""
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def _list_rows(person: Specimen) -> tuple[_Row, ...]:
    """Return what stands in one line each: y, and the words with their x."""
    born = person.birth_on
    return (
        (78, (_label(70, "姓"), _label(118, "名"), _value(190, person.name))),
        (
            160,
            (
                *(_label(70, "性"), _label(118, "别"), _value(190, person.sex)),
                *(_label(290, "民"), _label(338, "族"), _value(410, person.ethnicity)),
            ),
        ),
        (
            240,
            (
                *(_label(70, "出"), _label(118, "生")),
                *(_value(190, f"{born.year}"), _label(290, "年")),
                *(_value(348, f"{born.month}"), _label(400, "月")),
                *(_value(452, f"{born.day}"), _label(504, "日")),
            ),
        ),
        (322, (_label(70, "住"), _label(118, "址"))),
        (540, (_label(70, "公民身份号码"),)),
    )


def _label(x: int, text: str) -> _Word:
    return x, text, False


def _value(x: int, text: str) -> _Word:
    return x, text, True


def _blank() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    card = Image.new("RGB", CARD_SIZE, _PAPER)
    d = ImageDraw.Draw(card)
    for y in range(0, CARD_SIZE[1], 7):
        d.line((0, y, CARD_SIZE[0], y + 60), _PAPER_LINE)
    return card, d


def _cut(card: Image.Image) -> Image.Image:
    """Round the corners, on a table of a darker colour."""
    mask = Image.new("L", CARD_SIZE, 0)
    width, height = CARD_SIZE
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), _CORNER, fill=255)
    table = Image.new("RGB", CARD_SIZE, (96, 92, 88))
    table.paste(card, mask=mask)
    return table


def _mark(d: ImageDraw.ImageDraw, place: tuple[int, int]) -> None:
    d.text(place, _MARK_TEXT, _MARK, font=_font(34))


def _write(
    d: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    *,
    is_value: bool,
    size: int | None = None,
    spread: int = 0,
) -> None:
    font = _font(size or (40 if is_value else 34))
    x, y = place
    for character in text:
        d.text((x, y), character, _INK if is_value else _LABEL, font=font)
        x += round(d.textlength(character, font=font)) + spread


def _break_address(address: str) -> list[str]:
    step = _ADDRESS_CHARACTERS_A_LINE
    return [address[start : start + step] for start in range(0, len(address), step)]


def _font(size: int) -> ImageFont.FreeTypeFont:
    return load_font(size, _FONT_REGION)


@lru_cache(maxsize=32)
def load_font(size: int, index: int) -> ImageFont.FreeTypeFont:
    """Return a font of the collection, in pixels."""
    found = importlib.util.find_spec(_FONT_PACKAGE)
    assert found is not None, "the font comes with the package's dependencies"
    assert found.submodule_search_locations is not None
    path = Path(found.submodule_search_locations[0]) / _FONT_FILE
    return ImageFont.truetype(str(path), size, index=index)
