"""Masking: how personal data looks to those who need not see it whole. The only place for it.

How many characters stay visible comes from the rulebook (`mask.*`), the newest value of each: what
is shown is shown now. A text that is no longer than what would stay visible is covered whole.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from huitong.kernel.rulebook import Rulebook
from huitong.privacy.types import DataKind

_STAR: Final = "*"
#: Stands for a part whose length says something about a person.
_HIDDEN: Final = "****"
_GROUP: Final = 4
_NAME_WITH_LAST: Final = 3
_MARKS_OF_CARDS: Final = re.compile(r"[\s-]")
# Province, city and district by the word they end in, as GB/T 2260 names them. Digits and the words
# for streets, towns and villages end the search, unless a name begins with one (镇江, 桐乡, 道里).
# Where this is in doubt, less stays visible: a compound (小区) or a supermarket ends no district.
_SIGN: Final = r"[^\W\d路街道巷弄号镇乡村]"
_PART: Final = rf"(?:景德镇|{_SIGN}乡|[镇乡道路])?{_SIGN}{{0,10}}?"
_CITY: Final = r"(?<!超)市(?!场)"
_TO_DISTRICT: Final = re.compile(
    rf"({_SIGN}{{2,8}}?(?:省|自治区|特别行政区))?"
    rf"({_PART}(?:{_CITY}|自治州|地区|盟))?"
    rf"({_PART}(?:自治县|自治旗|工业园区|(?<![小社园])区|县|旗|{_CITY}))?"
)


def mask(kind: DataKind, text: str) -> str:
    """Return `text` with everything covered that its kind hides.

    `110105194912310021` → `110***********0021`, `13800001234` → `138****1234`, a card → `6222 ****
    **** 1234`, `张小三` → `张*三`, `张三` → `张*`, an address to its district, `lihua@a.cn` →
    `l****a@a.cn`. Never raises: what does not look like its kind is covered whole.
    """
    text = text.strip()
    return _MASKS[kind](text) if text else ""


def _mask_ends(rule: str) -> Callable[[str], str]:
    def mask_ends(text: str) -> str:
        return _cover(text, _visible(f"{rule}.first"), _visible(f"{rule}.last"))

    return mask_ends


def _mask_card(text: str) -> str:
    digits = _MARKS_OF_CARDS.sub("", text)
    first, last = _visible("mask.card.first"), _visible("mask.card.last")
    covered = _cover(digits, first, last)
    if covered.strip(_STAR) == "":
        return covered
    hidden = covered[first : len(covered) - last]
    groups = [hidden[at : at + _GROUP] for at in range(0, len(hidden), _GROUP)]
    return " ".join([covered[:first], *groups, covered[len(covered) - last :]])


def _mask_name(text: str) -> str:
    if text.isascii():
        # A Latin name keeps the first letter of each word: initials, as people write them.
        return " ".join(_cover(word, _visible("mask.name.first"), 0) for word in text.split())
    last = 1 if len(text) >= _NAME_WITH_LAST else 0
    return _cover(text, _visible("mask.name.first"), last)


def _mask_address(text: str) -> str:
    found = _TO_DISTRICT.match(text)
    return (found[0] if found else "") + _HIDDEN


def _mask_email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at or not local:
        return _HIDDEN
    first, last = _visible("mask.email.first"), _visible("mask.email.last")
    if len(local) <= first + last:
        return f"{local[:first] if len(local) > first else ''}{_HIDDEN}@{domain}"
    return f"{local[:first]}{_HIDDEN}{local[len(local) - last :]}@{domain}"


def _cover(text: str, first: int, last: int) -> str:
    if len(text) <= first + last:
        return _STAR * len(text)
    return text[:first] + _STAR * (len(text) - first - last) + text[len(text) - last :]


@cache
def _visible(key: str) -> int:
    value = Rulebook.load().history(key)[-1].value
    assert isinstance(value, int), f"{key} counts characters"
    return value


_MASKS: Final[dict[DataKind, Callable[[str], str]]] = {
    DataKind.ID_NUMBER: _mask_ends("mask.id_number"),
    DataKind.MOBILE: _mask_ends("mask.mobile"),
    DataKind.CARD: _mask_card,
    DataKind.NAME: _mask_name,
    DataKind.ADDRESS: _mask_address,
    DataKind.EMAIL: _mask_email,
    DataKind.PASSPORT: _mask_ends("mask.passport"),
    DataKind.USCC: _mask_ends("mask.uscc"),
    DataKind.PICTURE: lambda _: _HIDDEN,
}
