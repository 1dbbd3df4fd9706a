"""The administrative divisions of China with their history (GB/T 2260), from python-stdnum."""

import re
from functools import lru_cache
from typing import Final

from stdnum import numdb

from huitong.customers.evidence.numbers.types import Division

_PERIOD: Final = re.compile(r"\[(\d*)-(\d*)\](.*)")
_CACHE_ENTRIES_MAX: Final = 4_096
_YEAR_MIN: Final = 0
_YEAR_MAX: Final = 9_999
# What python-stdnum's table leaves out: residence permits of people from Taiwan carry 830000
# (港澳台居民居住证申领发放办法, 国办发〔2018〕81号, article 4; GB/T 2260 has 810000 and 820000), a
# city without districts has people under its own 市辖区, and the islands' offices before 2012.
_MORE: Final = {
    "830000": ("台湾省", "台湾省"),
    "620201": ("甘肃省", "市辖区"),
    "139002": ("河北省", "辛集市"),
    "460321": ("海南省", "西沙群岛"),
    "460322": ("海南省", "南沙群岛"),
    "460323": ("海南省", "中沙群岛的岛礁及其海域"),
}
# Development zones are 71 to 79 under their city in the codes of the statistical bureau; some
# police stations number people by them, although GB/T 2260 has no such code.
_ZONE_DIGIT: Final = "7"


@lru_cache(maxsize=_CACHE_ENTRIES_MAX)
def find_division(code: str, birth_year: int) -> Division | None:
    """Return the place of a six-digit code for somebody born in `birth_year`, or None.

    Numbers were given out at registration, often years after birth and never before it: a code
    that began later is in order (people of 1977 have codes of 1992), one that had ended is not.
    The name is the one in force in the year of birth, or the first one after it.
    """
    if code in _MORE:
        province, name = _MORE[code]
        return Division(code=code, province=province, name=name, is_in_force=True)
    facts: dict[str, str] = {}
    for _, properties in numdb.get("cn/loc").info(code):
        facts.update(properties)
    if "county" not in facts:
        return None
    names = sorted(_read_periods(facts["county"]))
    current = [name for _, last, name in names if last >= birth_year]
    return Division(
        code=code,
        province=facts["province"],
        name=current[0] if current else names[-1][2],
        is_in_force=bool(current),
    )


def may_be_zone(code: str) -> bool:
    """Whether an unlisted code can be a development zone of a city that exists."""
    return code[4] == _ZONE_DIGIT and find_division(code[:4] + "00", _YEAR_MIN) is not None


def _read_periods(text: str) -> list[tuple[int, int, str]]:
    """Return (first year, last year, name) of each name that a code has had."""
    periods = []
    for part in text.split(","):
        match = _PERIOD.fullmatch(part)
        if match is None:
            periods.append((_YEAR_MIN, _YEAR_MAX, part))
            continue
        first, last, name = match.groups()
        periods.append((int(first or _YEAR_MIN), int(last or _YEAR_MAX), name))
    return periods
