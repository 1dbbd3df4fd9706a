"""Which passwords and PINs are refused, by rule: what is tried first by whoever guesses.

NIST SP 800-63B (5.1.1.2) asks for length and for a comparison with what is commonly used, and
against rules of composition ("one digit, one capital"), which only move people to `Password1!`.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Final

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

_DISTINCT_MIN: Final = 5
_RUN_SHARE_MAX: Final = 0.5
_RUN_LENGTH_MIN: Final = 3
_WORD_LEFT_MIN: Final = 6
_PART_LENGTH_MIN: Final = 4
#: Longer than an identity number (18) and a bank card's (19): such a number is nobody's.
_DIGITS_ONLY_MIN: Final = 20
#: A day or a year, and a sign or two.
_DECORATION_MAX: Final = 10
_PIN_SHAPE: Final = re.compile(rf"[0-9]{{{limits.PIN_DIGITS}}}")
# Rows of keys and rows of the alphabet, each also read backwards.
_ROWS: Final = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "147258369",
)
_NEIGHBOURS: Final = frozenset(
    pair
    for row in _ROWS
    for text in (row, row[::-1])
    for pair in (text[at : at + 2] for at in range(len(text) - 1))
)
# What stands first in every list of passwords that were found, here and in China.
_COMMON_WORDS: Final = (
    "password", "passwort", "passwd", "mima", "huitong", "qwerty", "iloveyou", "woaini", "aini",
    "admin", "administrator", "welcome", "letmein", "dragon", "monkey", "football", "baseball",
    "sunshine", "princess", "shadow", "master", "superman", "batman", "wechat", "weixin", "alipay",
    "zhifubao", "taobao", "zhongguo", "beijing", "shanghai", "china", "login", "secret", "changeme",
    "default", "5201314", "1314520", "a123456", "abc123", "888888", "666666", "168168", "123456",
)  # fmt: skip
#: What is first tried here, because of what this is: names of the service, its business, its roles.
CONTEXT_WORDS: Final = (
    "huitong", "汇通", "bank", "banking", "yinhang", "银行", "zhifu", "支付", "licai", "理财",
    "daikuan", "贷款", "jinrong", "金融", "finance", "payment", "ledger", "console", "operations",
    "compliance", "auditor", "administrator", "customer", "service", "staff",
)  # fmt: skip
_LEET: Final = str.maketrans("@4301$5!7", "aaeoissit")


def normalise_password(password: str) -> str:
    """Return the password as it is hashed: NFKC, so that every keyboard writes the same bytes."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, field: str, known: Collection[str] = ()) -> None:
    """Refuse a weak password; `known` are texts about its owner, such as the mobile number.

    Raises InvalidField naming `field`; the password is not repeated.
    """
    if not limits.PASSWORD_LENGTH_MIN <= len(password) <= limits.PASSWORD_LENGTH_MAX:
        raise InvalidField(
            f"must have {limits.PASSWORD_LENGTH_MIN} to {limits.PASSWORD_LENGTH_MAX} characters",
            field=field,
        )
    # Normalised first: the wide space of a Chinese keyboard is a space like any other.
    normal = normalise_password(password)
    if not normal.isprintable():
        raise InvalidField("must not contain control characters", field=field)
    reason = _find_weakness(normal.casefold(), known)
    if reason is not None:
        raise InvalidField(f"must not be easy to guess: {reason}", field=field)


def check_pin(pin: str, *, field: str, known: Collection[str] = ()) -> None:
    """Refuse a PIN that is not six digits, or one of those that are tried first.

    Refused are one digit only, runs up or down, one, two or three digits repeated, two blocks,
    and the end or start of a number in `known` (mobile number, birthday). Raises InvalidField.
    """
    if _PIN_SHAPE.fullmatch(pin) is None:
        raise InvalidField(f"must be {limits.PIN_DIGITS} digits", field=field)
    half = limits.PIN_DIGITS // 2
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    is_weak = (
        (len(steps) == 1 and steps <= {0, 1, 9})
        or pin == pin[:2] * half
        or pin[:half] in (pin[half:], pin[half:][::-1])
        or len(set(pin[:half])) == len(set(pin[half:])) == 1
        or any(text.endswith(pin) or text.startswith(pin) for text in known)
    )
    if is_weak:
        raise InvalidField("must not be easy to guess", field=field)


def _find_weakness(folded: str, known: Collection[str]) -> str | None:
    if len(set(folded)) < _DISTINCT_MIN:
        return f"it has fewer than {_DISTINCT_MIN} different characters"
    if folded.isdigit() and len(folded) < _DIGITS_ONLY_MIN:
        return f"it is a number of fewer than {_DIGITS_ONLY_MIN} digits"
    if any(len(text) >= _PART_LENGTH_MIN and text.casefold() in folded for text in known):
        return "it contains something about you"
    if _is_repeated(folded):
        return "it repeats one part"
    if _count_in_runs(folded) > _RUN_SHARE_MAX * len(folded):
        return "it follows the keyboard or the alphabet"
    for text in {folded, folded.translate(_LEET)}:
        if _is_common(text):
            return "it is a common password"
        for word in (*_COMMON_WORDS, *CONTEXT_WORDS):
            if word in text and len(_strip_decoration(text.replace(word, ""))) < _WORD_LEFT_MIN:
                return "it is a common password with something around it"
    return None


def _is_common(text: str) -> bool:
    """Say whether a text is a common password, alone or with a few digits and signs around it."""
    start = next((at for at, letter in enumerate(text) if letter.isalpha()), len(text))
    end = len(text) - next((at for at, last in enumerate(reversed(text)) if last.isalpha()), 0)
    core = text[start:end]
    is_decorated = len(text) - len(core) <= _DECORATION_MAX and core in load_common_passwords()
    return is_decorated or text in load_common_passwords()


@cache
def load_common_passwords() -> frozenset[str]:
    """Return the passwords that were found most often, in small letters; read once."""
    text = resources.files("huitong.identity").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


def _strip_decoration(text: str) -> str:
    """Return what is left beside digits and signs, which are what people add to a word."""
    return "".join(letter for letter in text if letter.isalpha())


def _is_repeated(text: str) -> bool:
    # A text is a part repeated exactly if it stands in its own double elsewhere than at the ends.
    return text in (text + text)[1:-1]


def _count_in_runs(text: str) -> int:
    """Return how many characters stand in runs of at least three neighbours."""
    counted = 0
    length = 1
    for at in range(1, len(text) + 1):
        pair = text[at - 1 : at + 1]
        if len(pair) == 2 and (pair in _NEIGHBOURS or pair[0] == pair[1]):  # noqa: PLR2004
            length += 1
            continue
        if length >= _RUN_LENGTH_MIN:
            counted += length
        length = 1
    return counted
