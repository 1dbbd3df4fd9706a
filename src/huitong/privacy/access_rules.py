"""What counts as unusual reading: measures, windows and thresholds, read from a data file."""

from enum import StrEnum
from functools import cache
from typing import Final

import msgspec

from huitong.privacy.data_files import DataFileInvalidError, Words, parse_file, read_file

_FILE: Final = "access_rules.yaml"
_HOURS_OF_DAY: Final = 24
_WINDOW_MINUTES_MAX: Final = 7 * 24 * 60


class Measure(StrEnum):
    """What is counted for each viewer."""

    PEOPLE_IN_FULL = "people_in_full"
    LOOKS_IN_ODD_HOURS = "looks_in_odd_hours"
    UNRELATED_PEOPLE_IN_FULL = "unrelated_people_in_full"
    SEARCHES_THAT_FOUND_NOBODY = "searches_that_found_nobody"
    SEARCHES_IN_SEQUENCE = "searches_in_sequence"


class OddHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The night in Asia/Shanghai, from an hour on to before another one of the next day."""

    from_hour: int
    until_hour: int


class AccessRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: how much of what in which time is unusual."""

    rule: str
    measure: Measure
    window_minutes: int
    threshold: int
    cuts: bool
    title: Words


class AccessRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of the monitoring."""

    odd_hours: OddHours
    rules: tuple[AccessRule, ...]

    @staticmethod
    def load() -> "AccessRules":
        """Return the rules that ship with us, read once in each process."""
        return _load()

    @staticmethod
    def parse(document: str) -> "AccessRules":
        """Return the rules that a YAML document writes; raises DataFileInvalidError."""
        return _check(parse_file(document.encode(), AccessRules))


def _check(read: AccessRules) -> AccessRules:
    hours = read.odd_hours
    if not 0 <= hours.until_hour < hours.from_hour < _HOURS_OF_DAY:
        raise DataFileInvalidError("odd hours begin in the evening and end in the morning")
    names = [rule.rule for rule in read.rules]
    if len(set(names)) != len(names):
        raise DataFileInvalidError("a rule stands there twice")
    for rule in read.rules:
        if rule.threshold < 1 or not 1 <= rule.window_minutes <= _WINDOW_MINUTES_MAX:
            raise DataFileInvalidError(f"{rule.rule}: threshold or window is out of range")
    return read


@cache
def _load() -> AccessRules:
    return _check(read_file(_FILE, AccessRules))
