"""Texts of identity cards: labels, look-alikes, the 56 ethnicities, days."""

import re
import unicodedata
from datetime import date
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

#: Letters and signs that are read for digits. Used where only digits can stand, nowhere else.
_LOOK_ALIKES: Final = str.maketrans(
    {
        "O": "0",
        "o": "0",
        "D": "0",
        "Q": "0",
        "〇": "0",
        "○": "0",
        "I": "1",
        "l": "1",
        "i": "1",
        "|": "1",
        "!": "1",
        "丨": "1",
        "Z": "2",
        "z": "2",
        "S": "5",
        "s": "5",
        "b": "6",
        "G": "6",
        "B": "8",
        "q": "9",
        "g": "9",
        "x": "X",
        "×": "X",
        "χ": "X",
        "Х": "X",
        "Χ": "X",
    }
)
_ETHNICITY_NAMES: Final = (
    "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 "
    "拉祜 水 东乡 纳西 景颇 柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 "
    "怒 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺"
)
_ETHNICITIES: Final = frozenset(_ETHNICITY_NAMES.split())
_MIDDLE_DOTS: Final = re.compile(r"[・•‧∙⋅●.]")
_NOT_OF_NAMES: Final = re.compile(r"[^\u3400-\u9fff\U00020000-\U0003ffff·A-Za-z]")
_PUNCTUATION: Final = re.compile(r"[\s,，。、:：;；'\"`~_|()（）\[\]【】<>《》·\-—–]")
_DAY: Final = re.compile(r"([12][0-9]{3})[.\-/年]?([01]?[0-9])[.\-/月]?([0-3]?[0-9])日?")


def tidy(text: str) -> str:
    """Return `text` with half-width signs and without any spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def tidy_name(text: str) -> str:
    """Return a name with one kind of middle dot and nothing that names do not have."""
    return _NOT_OF_NAMES.sub("", _MIDDLE_DOTS.sub("·", tidy(text))).strip("·")


def tidy_address(text: str) -> str:
    """Return an address without spaces and punctuation, for comparison."""
    return _PUNCTUATION.sub("", tidy(text))


def as_digits(text: str) -> str:
    """Return `text` with look-alikes turned into digits and X; for fields of digits only."""
    return tidy(text).translate(_LOOK_ALIKES)


def find_ethnicity(text: str) -> str | None:
    """Return which of the 56 ethnicities `text` names, or None."""
    plain = simplify(tidy(text)).removesuffix("族")
    return plain if plain in _ETHNICITIES else None


def find_day(text: str) -> date | None:
    """Return the first day in `text`, written as 1990年1月31日 or 2010.01.31, or None."""
    match = _DAY.search(as_digits(text))
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def simplify(text: str) -> str:
    """Return `text` in simplified characters, as the engine sometimes reads 漢 for 汉.

    For comparing only: names may hold characters like 乾 that this would change.
    """
    return str(_converter().convert(unicodedata.normalize("NFKC", text)))


@lru_cache(maxsize=1)
def _converter() -> Any:
    return import_module("opencc").OpenCC("t2s")
