"""The terms of a channel and the rules of routing as they travel: read strictly, and shown."""

import re
from collections.abc import Mapping, Sequence
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

import msgspec

from huitong.kernel.errors import InvalidField
from huitong.payments.channels import limits
from huitong.payments.channels.types import Channel, FeeTier, RoutingRule
from huitong.payments.types import ChannelDirection, ChannelKind

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_BANK: Final = re.compile(r"[0-9]{3}")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class _Tier(msgspec.Struct, forbid_unknown_fields=True):
    currency: str
    rate: str
    amount_from: int = 0
    fixed: int = 0
    maximum: int | None = None


class _Terms(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    kind: ChannelKind
    name_zh: str
    name_en: str
    directions: list[ChannelDirection]
    currencies: list[str]
    amount_min: int = 1
    amount_max: int | None = None
    opens_at: str | None = None
    closes_at: str | None = None
    rail: Literal["hvps", "beps", "ibps"] | None = None
    is_enabled: bool = True
    fees: list[_Tier] = []


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    priority: int
    channel: str
    kind: ChannelKind | None = None
    currency: str | None = None
    amount_from: int = 0
    amount_below: int | None = None
    bank: str | None = None


def check_name(name: str) -> str:
    """Return the name of a channel; raises InvalidField."""
    if _NAME.fullmatch(name) is None:
        raise InvalidField("small letters, digits and hyphens, 32 at most", field="channel")
    return name


def read_channel(terms: Mapping[str, Any]) -> Channel:
    """Return the channel that JSON describes; raises InvalidField, which names what is wrong."""
    read = _convert(terms, _Terms)
    check_name(read.name)
    for field, text in (("name_zh", read.name_zh), ("name_en", read.name_en)):
        _require(1 <= len(text) <= limits.NAME_LENGTH_MAX, field, "1 to 64 characters")
    _require(bool(read.directions), "directions", "in, out or both")
    count = len(read.currencies)
    _require(count <= limits.CURRENCIES_OF_CHANNEL_MAX, "currencies", "too many")
    for currency in read.currencies:
        _check_currency(currency, "currencies")
    _check_sum(read.amount_min, "amount_min", least=1)
    if read.amount_max is not None:
        _check_sum(read.amount_max, "amount_max", least=read.amount_min)
    opens_at, closes_at = _read_hours(read)
    return Channel(
        name=read.name,
        kind=read.kind,
        name_zh=read.name_zh,
        name_en=read.name_en,
        directions=frozenset(read.directions),
        currencies=frozenset(read.currencies),
        amount_min=read.amount_min,
        amount_max=read.amount_max,
        opens_at=opens_at,
        closes_at=closes_at,
        rail=read.rail,
        is_enabled=read.is_enabled,
        fees=_read_tiers(read.fees),
    )


def show_channel(channel: Channel) -> dict[str, Any]:
    """Return the terms of a channel as JSON; sums are minor units, rates are texts."""
    return {
        "name": channel.name,
        "kind": channel.kind.value,
        "name_zh": channel.name_zh,
        "name_en": channel.name_en,
        "directions": sorted(each.value for each in channel.directions),
        "currencies": sorted(channel.currencies),
        "amount_min": channel.amount_min,
        "amount_max": channel.amount_max,
        "opens_at": _show_time(channel.opens_at),
        "closes_at": _show_time(channel.closes_at),
        "rail": channel.rail,
        "is_enabled": channel.is_enabled,
        "fees": [
            {
                "currency": tier.currency,
                "amount_from": tier.amount_from,
                "fixed": tier.fixed,
                "rate": f"{tier.rate.normalize():f}",
                "maximum": tier.maximum,
            }
            for tier in channel.fees
        ],
    }


def read_rules(rules: Sequence[Mapping[str, Any]]) -> list[RoutingRule]:
    """Return the rules that JSON describes, by priority; raises InvalidField."""
    _require(len(rules) <= limits.RULES_AT_ONCE_MAX, "rules", "too many rules")
    return sorted((_read_rule(each) for each in rules), key=lambda rule: rule.priority)


def show_rules(rules: Sequence[RoutingRule]) -> list[dict[str, Any]]:
    """Return rules as JSON."""
    return [
        {
            "priority": rule.priority,
            "channel": rule.channel,
            "kind": None if rule.kind is None else rule.kind.value,
            "currency": rule.currency,
            "amount_from": rule.amount_from,
            "amount_below": rule.amount_below,
            "bank": rule.bank,
        }
        for rule in rules
    ]


def check_rules(rules: Sequence[RoutingRule], channels: Sequence[Channel]) -> None:
    """Refuse rules of channels that are not there, and two of one priority; raises InvalidField."""
    names = {channel.name for channel in channels}
    for rule in rules:
        _require(rule.channel in names, "channel", f"there is no channel {rule.channel}")
    priorities = {rule.priority for rule in rules}
    _require(len(priorities) == len(rules), "priority", "two rules have the same priority")


def _read_rule(described: Mapping[str, Any]) -> RoutingRule:
    read = _convert(described, _Rule)
    _require(1 <= read.priority <= limits.PRIORITY_MAX, "priority", "from 1 to 1000")
    check_name(read.channel)
    if read.currency is not None:
        _check_currency(read.currency, "currency")
    _check_sum(read.amount_from, "amount_from", least=0)
    if read.amount_below is not None:
        _check_sum(read.amount_below, "amount_below", least=read.amount_from + 1)
    if read.bank is not None:
        _require(_BANK.fullmatch(read.bank) is not None, "bank", "three digits")
    return RoutingRule(
        priority=read.priority,
        channel=read.channel,
        kind=read.kind,
        currency=read.currency,
        amount_from=read.amount_from,
        amount_below=read.amount_below,
        bank=read.bank,
    )


def _read_tiers(tiers: Sequence[_Tier]) -> tuple[FeeTier, ...]:
    _require(len(tiers) <= limits.FEE_TIERS_OF_CHANNEL_MAX, "fees", "too many lines")
    found = tuple(
        sorted((_read_tier(each) for each in tiers), key=lambda t: (t.currency, t.amount_from))
    )
    starts = {(tier.currency, tier.amount_from) for tier in found}
    _require(len(starts) == len(found), "fees", "two lines of one currency start alike")
    return found


def _read_tier(tier: _Tier) -> FeeTier:
    _check_currency(tier.currency, "fees.currency")
    _check_sum(tier.amount_from, "fees.amount_from", least=0)
    _check_sum(tier.fixed, "fees.fixed", least=0)
    if tier.maximum is not None:
        _check_sum(tier.maximum, "fees.maximum", least=tier.fixed)
    return FeeTier(
        currency=tier.currency,
        amount_from=tier.amount_from,
        fixed=tier.fixed,
        rate=_read_rate(tier.rate),
        maximum=tier.maximum,
    )


def _read_rate(text: str) -> Decimal:
    wanted = "from 0 to less than 1, with at most 6 places, such as 0.006"
    try:
        rate = Decimal(text)
    except InvalidOperation as error:
        raise InvalidField(wanted, field="fees.rate") from error
    fits = rate.is_finite() and 0 <= rate < 1 and rate == round(rate, limits.RATE_PLACES)
    _require(fits, "fees.rate", wanted)
    return rate


def _read_hours(read: _Terms) -> tuple[time | None, time | None]:
    opens, closes = read.opens_at, read.closes_at
    for field, text in (("opens_at", opens), ("closes_at", closes)):
        _require(text is None or _TIME.fullmatch(text) is not None, field, "such as 08:30")
    _require((opens is None) == (closes is None), "closes_at", "both hours or none")
    if opens is None or closes is None:
        return None, None
    _require(opens != closes, "closes_at", "opens and closes at the same time")
    return time.fromisoformat(opens), time.fromisoformat(closes)


def _show_time(at: time | None) -> str | None:
    return None if at is None else f"{at:%H:%M}"


def _check_currency(text: str, field: str) -> None:
    _require(_CURRENCY.fullmatch(text) is not None, field, "a currency of three letters")


def _check_sum(minor: int, field: str, *, least: int) -> None:
    _require(least <= minor <= limits.MINOR_MAX, field, f"at least {least}, in minor units")


def _require(fits: bool, field: str, wanted: str) -> None:
    if not fits:
        raise InvalidField(wanted, field=field)


def _convert(described: Mapping[str, Any], into: Any) -> Any:
    try:
        return msgspec.convert(described, into)
    except msgspec.ValidationError as error:
        path = re.search(r"`\$\.?([^`]*)`", str(error))
        raise InvalidField(str(error), field=path[1] if path and path[1] else "terms") from error
