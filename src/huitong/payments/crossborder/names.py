"""Comparing names: 张三 is 張三 and Zhang San, and is not 张三丰.

Chinese names are one another's only with the same characters, simplified; long ones (of companies)
also if nearly so. A Chinese and a Latin name fit by pinyin, whole, surname first or last. Latin
names fit by their words in any order, nearly, without legal forms (Ltd, Inc); a single word only
exactly. Part of a name never fits: lists are full of two-character names, and so is the country.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final

from rapidfuzz import fuzz, process

#: From so many characters on, one that differs may be a slip of the pen.
_LONG_HAN: Final = 6
#: A letter more or less in words shorter than this makes another name.
_LONG_LATIN: Final = 8
#: One syllable is no name.
_SYLLABLES_MIN: Final = 2
#: Legal forms, which people write or leave out: a company is the same with and without. None of
#: them is a syllable of pinyin, so no part of a person's name goes with them.
_LEGAL_FORMS: Final = frozenset(
    (
        "ag",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "inc",
        "incorporated",
        "limited",
        "llc",
        "llp",
        "ltd",
        "plc",
        "pte",
        "pty",
        "srl",
    )
)
_CERTAIN: Final = 100
_BY_PINYIN: Final = 95


@dataclass(frozen=True, slots=True)
class Listed:
    """A name of a list; aliases of somebody share the entry."""

    list: str
    entry: str
    name: str


@dataclass(frozen=True, slots=True)
class Match:
    """A listed name that fits, how well (of 100), and by what."""

    listed: Listed
    score: int
    why: str


@dataclass(frozen=True, slots=True)
class Form:
    """A name as it is compared: Han characters, or Latin words in order of the alphabet."""

    han: str
    words: tuple[str, ...]

    @property
    def joined(self) -> str:
        """The words as they came, without spaces."""
        return "".join(self.words)


def read_form(name: str) -> Form:
    """Return a name without case, accents, punctuation and traditional characters."""
    text = str(_converter().convert(unicodedata.normalize("NFKC", name))).casefold()
    plain = "".join(
        each for each in unicodedata.normalize("NFD", text) if unicodedata.category(each) != "Mn"
    )
    spaced = "".join(each if each.isalnum() else " " for each in plain)
    if any(_is_han(each) for each in spaced):
        return Form("".join(spaced.split()), ())
    words = tuple(spaced.split())
    named = tuple(word for word in words if word not in _LEGAL_FORMS)
    return Form("", named or words)


def _is_han(character: str) -> bool:
    return "CJK UNIFIED" in unicodedata.name(character, "")


class NameIndex:
    """Listed names, arranged so that one name is looked up among all of them at once."""

    def __init__(self, names: Iterable[Listed]) -> None:
        """Arrange names; a hundred thousand take a second or two."""
        self._han: dict[str, list[Listed]] = {}
        self._latin: dict[str, list[Listed]] = {}
        self._letters: dict[str, list[Listed]] = {}
        self._spelled: dict[str, list[Listed]] = {}
        self.count = 0
        for listed in names:
            self.count += 1
            form = read_form(listed.name)
            if form.han:
                self._han.setdefault(form.han, []).append(listed)
                for spelling in spell(form.han):
                    self._spelled.setdefault(spelling, []).append(listed)
            elif form.words:
                self._latin.setdefault(" ".join(sorted(form.words)), []).append(listed)
                for letters in _orders(form.words):
                    self._letters.setdefault(letters, []).append(listed)
        self._long_han = [each for each in self._han if len(each) >= _LONG_HAN]

    def find(self, name: str, *, score_min: int) -> list[Match]:
        """Return the listed names that fit, best first, each entry of a list once."""
        form = read_form(name)
        found = (
            self._find_han(form.han, score_min) if form.han else self._find_latin(form, score_min)
        )
        best: dict[tuple[str, str], Match] = {}
        for match in found:
            key = (match.listed.list, match.listed.entry)
            if key not in best or best[key].score < match.score:
                best[key] = match
        return sorted(best.values(), key=lambda each: (-each.score, each.listed.entry))

    def _find_han(self, han: str, score_min: int) -> list[Match]:
        found = [Match(each, _CERTAIN, "same_characters") for each in self._han.get(han, ())]
        for spelling in spell(han):
            found += [
                Match(each, _BY_PINYIN, "same_pinyin") for each in self._letters.get(spelling, ())
            ]
        if len(han) >= _LONG_HAN:
            near = process.extract(
                han, self._long_han, scorer=fuzz.ratio, score_cutoff=score_min, limit=None
            )
            for key, score, _ in near:
                if key != han:
                    found += [
                        Match(each, int(score), "similar_characters") for each in self._han[key]
                    ]
        return found

    def _find_latin(self, form: Form, score_min: int) -> list[Match]:
        if not form.words:
            return []
        key = " ".join(sorted(form.words))
        found = [Match(each, _CERTAIN, "same_words") for each in self._latin.get(key, ())]
        for letters in _orders(form.words):
            found += [
                Match(each, _BY_PINYIN, "same_pinyin") for each in self._spelled.get(letters, ())
            ]
        if len(form.words) > 1 and len(key) >= _LONG_LATIN:
            near = process.extract(
                key, list(self._latin), scorer=fuzz.ratio, score_cutoff=score_min, limit=None
            )
            for other, score, _ in near:
                if other != key and " " in other:
                    found += [
                        Match(each, int(score), "similar_words") for each in self._latin[other]
                    ]
        return found


def is_same(one: str, other: str) -> bool:
    """Say whether two ways to write a name may be of the same person or business."""
    return bool(NameIndex([Listed("", "", one)]).find(other, score_min=_BY_PINYIN))


@cache
def _load_speller() -> Callable[[str], list[str]]:
    # Tens of thousands of phrases, which most processes never need.
    spell_han: Callable[[str], list[str]] = import_module("pypinyin").lazy_pinyin
    return spell_han


def spell(han: str) -> tuple[str, ...]:
    """Return how a Chinese name is spelled in pinyin: surname first, and surname last."""
    syllables = [each.casefold() for each in _load_speller()(han)]
    letters = [each for each in syllables if each.isascii() and each.isalpha()]
    if len(letters) != len(syllables) or len(letters) < _SYLLABLES_MIN:
        return ()
    # A surname has one character, sometimes two (欧阳).
    turned = {"".join([*letters[at:], *letters[:at]]) for at in (1, 2) if at < len(letters)}
    return tuple(sorted({"".join(letters), *turned}))


def _orders(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the letters of a Latin name, surname first and last, without spaces."""
    return tuple(sorted({"".join(words), "".join([*words[1:], words[0]])}))


@lru_cache(maxsize=1)
def _converter() -> Any:
    return import_module("opencc").OpenCC("t2s")
