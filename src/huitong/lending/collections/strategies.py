"""Commands: strategies of collection by versions that two people agreed on."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from importlib import resources
from itertools import pairwise
from string import Formatter
from typing import Any, Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.currencies import get_currency
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.yaml_text import read_yaml
from huitong.lending import limits as lending_limits
from huitong.lending.collections import limits, strategy_store
from huitong.lending.collections.errors import StrategyNotFound, StrategyRefused
from huitong.lending.collections.payloads import read_strategy
from huitong.lending.collections.types import (
    BEFORE_DUE,
    Channel,
    NewStep,
    NewStrategy,
    Segment,
    Strategy,
)
from huitong.lending.products import Purpose

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NAMES: Final = frozenset({"amount", "due_on", "days"})
_AUTOMATIC: Final = frozenset({Channel.APP, Channel.SMS})
_STANDARD: Final = "standard_strategy.yaml"


async def check_strategy(uow: UnitOfWork, new: NewStrategy, *, now: datetime) -> int:
    """Return the number that a version would have, and refuse what could never be one.

    Raises InvalidField with the field at fault, StrategyRefused.
    """
    _check_names(new)
    get_currency(new.currency)
    if new.effective_from < business_day(now):
        raise InvalidField("begins today at the earliest", field="effective_from")
    _check_steps(new.before_due, "before_due", -limits.BEFORE_DUE_DAYS_MAX, 0)
    _check_segments(new.segments)
    last = await strategy_store.find_last(uow, new.purpose, new.currency)
    if last is None:
        return 1
    if new.effective_from <= last.new.effective_from:
        raise StrategyRefused(
            f"version {last.version} begins on {last.new.effective_from}; the next one later",
            field="effective_from",
        )
    return last.version + 1


def list_warnings(new: NewStrategy, *, rulebook: Rulebook, on: date) -> list[str]:
    """Return what the rulebook advises against, for the person who decides, each with its rule."""
    key = "collection.cycle.days.min"
    least = rulebook.integer(key, on)
    begins = sorted({each.days_min for each in new.segments})
    short = [after for before, after in pairwise(begins) if after - before < least]
    return [
        f"the stage before day {day} is shorter than {least} days (rule {key})" for day in short
    ]


async def add_strategy(
    uow: UnitOfWork, new: NewStrategy, *, approval_id: uuid.UUID, now: datetime
) -> Strategy:
    """Write a version down; what was agreed on after its first day begins today.

    Once for each approval. Raises what `check_strategy` raises.
    """
    await strategy_store.lock_strategies(uow)
    new = replace(new, effective_from=max(new.effective_from, business_day(now)))
    version = await check_strategy(uow, new, now=now)
    await strategy_store.insert_strategy(uow, new, version, approval_id=approval_id, now=now)
    await audit.record(
        uow,
        action="lending.add_collection_strategy",
        subject=f"{new.purpose.value}.{new.currency}",
        details={"version": version, "effective_from": new.effective_from.isoformat()},
    )
    added = await strategy_store.find_last(uow, new.purpose, new.currency)
    assert added is not None, "it was written a moment ago"
    return added


async def list_strategies(uow: UnitOfWork, purpose: Purpose) -> list[Strategy]:
    """Return all versions for a purpose, by currency, first first; raises StrategyNotFound."""
    found = await strategy_store.list_versions(uow, purpose)
    if not found:
        raise StrategyNotFound(f"nothing was agreed on for {purpose.value}", field="purpose")
    return found


def standard_strategy(purpose: Purpose, *, effective_from: date) -> NewStrategy:
    """Return the strategy that ships with the house, in CNY, for two people to agree on."""
    return replace(_load_standard(), purpose=purpose, effective_from=effective_from)


@cache
def _load_standard() -> NewStrategy:
    read: Any = read_yaml(resources.files(__package__).joinpath(_STANDARD).read_text("utf-8"))
    return read_strategy({"purpose": Purpose.CONSUMER.value, "effective_from": "2018-01-01"} | read)


def _check_names(new: NewStrategy) -> None:
    most = lending_limits.NAME_LENGTH_MAX
    for field, name in (("name_zh", new.name_zh), ("name_en", new.name_en)):
        if not name.strip() or len(name) > most or not name.isprintable():
            raise InvalidField(f"has 1 to {most} printable characters", field=field)


def _check_segments(segments: Sequence[Segment]) -> None:
    if not 1 <= len(segments) <= limits.SEGMENTS_MAX:
        raise InvalidField(f"has 1 to {limits.SEGMENTS_MAX}", field="segments")
    codes = [each.code for each in segments]
    for place, each in enumerate(segments):
        field = f"segments.{place}"
        if _CODE.fullmatch(each.code) is None or each.code == BEFORE_DUE:
            raise InvalidField("has 1 to 32 of a-z, 0-9 and _", field=f"{field}.code")
        if codes.index(each.code) < place:
            raise InvalidField("is named twice", field=f"{field}.code")
        _check_range(each.days_min, 1, limits.OVERDUE_DAYS_MAX, f"{field}.days_min")
        _check_range(each.amount_min, 0, limits.AMOUNT_MAX, f"{field}.amount_min")
        if each.score_max is not None:
            _check_range(each.score_max, 0, limits.SCORE_MAX, f"{field}.score_max")
        _check_steps(each.steps, f"{field}.steps", each.days_min, limits.OVERDUE_DAYS_MAX)


def _check_steps(steps: Sequence[NewStep], field: str, least: int, most: int) -> None:
    if len(steps) > limits.STEPS_MAX:
        raise InvalidField(f"has at most {limits.STEPS_MAX}", field=field)
    taken = set()
    for place, each in enumerate(steps):
        where = f"{field}.{place}"
        _check_range(each.day, least, most, f"{where}.day")
        if (each.day, each.channel) in taken:
            raise InvalidField("that channel is used on that day already", field=f"{where}.channel")
        taken.add((each.day, each.channel))
        if each.is_automatic and each.channel not in _AUTOMATIC:
            raise InvalidField("only app and sms go by themselves", field=f"{where}.channel")
        if each.day <= 0 and not each.is_automatic:
            raise InvalidField(
                "nobody calls before a loan is overdue", field=f"{where}.is_automatic"
            )
        check_text(each.text_zh, limits.TEXT_ZH_LENGTH_MAX, f"{where}.text_zh")
        check_text(each.text_en, limits.TEXT_EN_LENGTH_MAX, f"{where}.text_en")


def check_text(text: str, most: int, field: str) -> None:
    """Raise InvalidField for a text that is empty, too long, has a link, or names a person."""
    if not text.strip() or len(text) > most or not text.isprintable():
        raise InvalidField(f"has 1 to {most} printable characters", field=field)
    if "://" in text or "www." in text:
        raise InvalidField("has no link", field=field)
    try:
        parsed = [(name, spec, how) for _, name, spec, how in Formatter().parse(text)]
    except ValueError:
        raise InvalidField("has braces that do not close", field=field) from None
    for name, spec, how in parsed:
        if name is not None and (name not in _NAMES or spec or how):
            raise InvalidField(f"may name {', '.join(sorted(_NAMES))} only", field=field)


def _check_range(value: int, least: int, most: int, field: str) -> None:
    if type(value) is not int or not least <= value <= most:
        raise InvalidField(f"must be a whole number from {least} to {most}", field=field)
