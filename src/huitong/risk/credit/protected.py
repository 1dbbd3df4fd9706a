"""Protected attributes: what fairness is measured by, and what no scorecard or model may look at.

Source of the list: 个人信息保护法 Arts. 24 and 28, 妇女权益保障法, 残疾人保障法 and
老年人权益保障法 forbid to treat people differently by these without reason; 15 U.S.C. § 1691 (ECOA)
has most of them, too.
"""

import re
from collections.abc import Iterable
from typing import Final

from huitong.kernel.errors import Refusal

#: Words of which none may be part of a feature's name.
PROTECTED_WORDS: Final = frozenset(
    {
        "sex", "gender", "age", "birth", "birthday", "birthdate", "ethnicity", "ethnic", "race",
        "nationality", "foreign", "religion", "marriage", "marital", "pregnancy", "disability",
        "disabled", "region", "province", "city", "county", "zip", "postcode", "household",
        "hukou", "health",
    }
)  # fmt: skip
#: Names that have such a word and mean something else: how old an account is, say.
_HARMLESS: Final = frozenset({"account_age_days", "file_age_months"})


class ProtectedAttribute(Refusal):
    """A feature is, or gives away, what nobody may be judged by."""

    code = "protected_attribute"
    title = "Protected attributes cannot be features"


def is_protected(name: str) -> bool:
    """Say whether a feature's name has a protected attribute among its words."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    words = set(re.split(r"[^a-z]+", spaced))
    return name not in _HARMLESS and not PROTECTED_WORDS.isdisjoint(words)


def check_features_allowed(names: Iterable[str]) -> None:
    """Raise ProtectedAttribute naming the first feature that nobody may be judged by."""
    for name in names:
        if is_protected(name):
            raise ProtectedAttribute(f"{name} is a protected attribute", field=f"features.{name}")
