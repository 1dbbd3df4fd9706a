"""From one line of a rule file to a `Rule`, or to a list of everything that is wrong with it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from typing import Final, TypeVar

from huitong.kernel.currencies import CURRENCIES
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook.types import (
    DECIMAL_UNITS,
    INTEGER_UNITS,
    Confidence,
    Enforcement,
    Rule,
    RuleValue,
    Scope,
    Source,
    Unit,
)

_KEY_SHAPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)+")
_DECIMAL_SHAPE: Final = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?")
_TIME_SHAPE: Final = re.compile(r"[0-9]{2}:[0-9]{2}")
_SOURCE_MEMBERS: Final = frozenset({"title", "number", "issuer", "effective_from"})
_SOURCE_OPTIONS: Final = frozenset({"is_date_assumed"})
_RULE_MEMBERS: Final = frozenset(
    {"key", "value", "unit", "scope", "source", "confidence", "enforcement"}
)
_RULE_OPTIONS: Final = frozenset(
    {"article", "effective_from", "effective_to", "is_date_assumed", "is_volatile", "note"}
)

_Item = TypeVar("_Item")
_Member = TypeVar("_Member", Scope, Confidence, Enforcement)


@dataclass(frozen=True, slots=True)
class DatedSource:
    """A source with the first day of what it says."""

    source: Source
    effective_from: date
    is_date_assumed: bool


def read_sources(value: object, problems: list[str]) -> dict[str, DatedSource]:
    """Return the sources of a file by their short names, adding to `problems` what is wrong."""
    if not isinstance(value, Mapping):
        problems.append("sources must be a mapping")
        return {}
    sources: dict[str, DatedSource] = {}
    for name, facts in value.items():
        found: list[str] = []
        if not isinstance(facts, Mapping):
            problems.append(f"source {name}: must be a mapping")
            continue
        _check_members(facts, _SOURCE_MEMBERS, _SOURCE_OPTIONS, found)
        for member in ("title", "issuer"):
            _expect(_is_filled_text(facts.get(member)), f"{member} must be a text", found)
        number = facts.get("number")
        _expect(number is None or _is_filled_text(number), "number must be a text or null", found)
        day = facts.get("effective_from")
        _expect(type(day) is date, "effective_from must be a day", found)
        assumed = facts.get("is_date_assumed", False)
        _expect(isinstance(assumed, bool), "is_date_assumed must be true or false", found)
        problems.extend(f"source {name}: {problem}" for problem in found)
        if not found and isinstance(day, date):
            source = Source(title=facts["title"], number=number, issuer=facts["issuer"])
            sources[str(name)] = DatedSource(source, day, assumed)
    return sources


def read_rule(
    line: object,
    position: int,
    jurisdiction: str,
    sources: Mapping[str, DatedSource],
    problems: list[str],
) -> Rule | None:
    """Return the rule of one line, or None after adding to `problems` what is wrong with it."""
    if not isinstance(line, Mapping):
        problems.append(f"rule {position}: must be a mapping")
        return None
    found: list[str] = []
    _check_members(line, _RULE_MEMBERS, _RULE_OPTIONS, found)
    key = line.get("key")
    _expect(
        isinstance(key, str) and _KEY_SHAPE.fullmatch(key) is not None,
        "key must be lower-case words joined by dots",
        found,
    )
    value = _read_value(line.get("value"), line.get("unit"), found)
    scope = _read_member(Scope, line, "scope", found)
    confidence = _read_member(Confidence, line, "confidence", found)
    enforcement = _read_member(Enforcement, line, "enforcement", found)
    _expect(
        not (confidence is Confidence.UNCONFIRMED and enforcement is Enforcement.BLOCK),
        "a value with confidence K? must not block",
        found,
    )
    for member in ("note", "article"):
        text = line.get(member)
        _expect(text is None or _is_filled_text(text), f"{member} must be a text", found)
    dated = sources.get(str(line.get("source")))
    _expect(dated is not None, f"source {line.get('source')!r} is not in the file", found)
    period = _read_period(line, dated, found)
    problems.extend(f"rule {position} ({key}): {problem}" for problem in found)
    if found or value is None or dated is None or period is None:
        return None
    if scope is None or confidence is None or enforcement is None:
        return None
    return Rule(
        key=str(key),
        value=value,
        unit=line["unit"],
        scope=scope,
        jurisdiction=jurisdiction,
        source=replace(dated.source, article=line.get("article")),
        effective_from=period.effective_from,
        effective_to=period.effective_to,
        confidence=confidence,
        enforcement=enforcement,
        note=line.get("note"),
        is_date_assumed=period.is_date_assumed,
        is_volatile=line.get("is_volatile", False),
    )


@dataclass(frozen=True, slots=True)
class _Period:
    effective_from: date
    effective_to: date | None
    is_date_assumed: bool


def _read_period(
    line: Mapping[str, object], dated: DatedSource | None, found: list[str]
) -> _Period | None:
    if dated is None:
        return None
    # A day that the rule itself names is its own, so the source's doubt does not carry over.
    own_day = "effective_from" in line
    first = line.get("effective_from", dated.effective_from)
    end = line.get("effective_to")
    assumed = line.get("is_date_assumed", False if own_day else dated.is_date_assumed)
    volatile = line.get("is_volatile", False)
    _expect(isinstance(volatile, bool), "is_volatile must be true or false", found)
    _expect(type(first) is date, "effective_from must be a day", found)
    _expect(end is None or type(end) is date, "effective_to must be a day", found)
    _expect(isinstance(assumed, bool), "is_date_assumed must be true or false", found)
    if type(first) is not date or not (end is None or type(end) is date):
        return None
    _expect(end is None or first < end, "effective_to must be after effective_from", found)
    return _Period(first, end, bool(assumed))


def _read_value(value: object, unit: object, found: list[str]) -> RuleValue | None:
    if isinstance(value, float):
        found.append("value is a binary float: write decimals in quotes")
        return None
    if isinstance(unit, str) and unit in CURRENCIES:
        return _read_amount(value, unit, found)
    if not isinstance(unit, str) or unit not in set(Unit):
        found.append(f"unit {unit!r} is not known")
        return None
    known = Unit(unit)
    result = _READERS[known](value)
    if result is None:
        found.append(f"value {value!r} does not fit the unit {unit}")
    return result


def _read_amount(value: object, currency: str, found: list[str]) -> Decimal | None:
    text = str(value) if type(value) is int else value
    try:
        return Money.parse(text, currency, field="value").to_decimal()
    except InvalidField as refusal:
        found.append(refusal.detail)
        return None


def _whole(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _decimal(value: object) -> Decimal | None:
    text = str(value) if type(value) is int else value
    if isinstance(text, str) and _DECIMAL_SHAPE.fullmatch(text):
        return Decimal(text)
    return None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and _is_filled_text(value) else None


def _pattern(value: object) -> str | None:
    text = _text(value)
    try:
        return None if text is None else re.compile(text).pattern
    except re.error:
        return None


def _time(value: object) -> str | None:
    text = _text(value)
    if text is None or _TIME_SHAPE.fullmatch(text) is None:
        return None
    try:
        return time.fromisoformat(text).strftime("%H:%M")
    except ValueError:
        return None


def _day(value: object) -> str | None:
    return value.isoformat() if type(value) is date else None


def _counts(value: object) -> tuple[int, ...] | None:
    return _several(value, _whole)


def _ratios(value: object) -> tuple[Decimal, ...] | None:
    return _several(value, _decimal)


def _texts(value: object) -> tuple[str, ...] | None:
    return _several(value, _text)


def _several(value: object, read: Callable[[object], _Item | None]) -> tuple[_Item, ...] | None:
    if not isinstance(value, list) or not value:
        return None
    items = [item for item in map(read, value) if item is not None]
    return tuple(items) if len(items) == len(value) else None


_READERS: Final[Mapping[Unit, Callable[[object], RuleValue | None]]] = {
    **dict.fromkeys(INTEGER_UNITS, _whole),
    **dict.fromkeys(DECIMAL_UNITS, _decimal),
    Unit.COUNTS: _counts,
    Unit.RATIOS: _ratios,
    Unit.FLAG: _flag,
    Unit.TEXT: _text,
    Unit.TEXTS: _texts,
    Unit.PATTERN: _pattern,
    Unit.TIME: _time,
    Unit.DATE: _day,
}


def _read_member(
    kind: type[_Member], line: Mapping[str, object], member: str, found: list[str]
) -> _Member | None:
    value = line.get(member)
    if isinstance(value, str) and value in set(kind):
        return kind(value)
    found.append(f"{member} {value!r} is not one of {', '.join(kind)}")
    return None


def _check_members(
    line: Mapping[str, object], needed: frozenset[str], options: frozenset[str], found: list[str]
) -> None:
    missing = sorted(needed - line.keys())
    unknown = sorted(str(member) for member in line.keys() - needed - options)
    _expect(not missing, f"lacks {', '.join(missing)}", found)
    _expect(not unknown, f"has unknown members {', '.join(unknown)}", found)


def _expect(holds: bool, problem: str, found: list[str]) -> None:
    if not holds:
        found.append(problem)


def _is_filled_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != "" and value == value.strip()
