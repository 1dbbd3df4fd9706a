"""Pure sums of channels: fees, hours, and the choice of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI
from huitong.kernel.money import Money
from huitong.payments.channels.types import (
    Channel,
    CircuitState,
    Health,
    Route,
    RouteRequest,
    RoutingRule,
)

_NO_RULE: Final = 32_767
_ZONE: Final = ZoneInfo(SHANGHAI)


def calculate_fee(channel: Channel, amount: Money) -> Money:
    """Return what `channel` charges us for `amount`; nothing where its table has no line.

    The line with the largest `amount_from` that is not above the amount counts:
    min(fixed + round(amount × rate), maximum), half up. 2.00 fixed and 0.001 of 1,500.00, at most
    3.00: min(2.00 + 1.50, 3.00) = 3.00.
    """
    tiers = [
        tier
        for tier in channel.fees
        if tier.currency == amount.currency and tier.amount_from <= amount.minor
    ]
    if not tiers:
        return Money.zero(amount.currency)
    tier = max(tiers, key=lambda each: each.amount_from)
    share = (amount.minor * tier.rate).quantize(1, rounding=ROUND_HALF_UP)
    fee = tier.fixed + int(share)
    return Money(fee if tier.maximum is None else min(fee, tier.maximum), amount.currency)


def is_open(channel: Channel, at: datetime) -> bool:
    """Return whether `at` is within the channel's hours in Asia/Shanghai."""
    opens, closes = channel.opens_at, channel.closes_at
    if opens is None or closes is None:
        return True
    local = at.astimezone(_ZONE).time()
    if opens < closes:
        return opens <= local < closes
    return local >= opens or local < closes


def find_objection(channel: Channel, asked: RouteRequest) -> str | None:
    """Return in a word what speaks against a channel, or None if it can carry what is asked."""
    minor = asked.amount.minor
    objections = (
        ("tried", channel.name in asked.tried),
        ("switched_off", not channel.is_enabled),
        ("kind", channel.kind is not asked.kind),
        ("direction", asked.direction not in channel.directions),
        ("currency", bool(channel.currencies) and asked.amount.currency not in channel.currencies),
        ("amount_too_small", minor < channel.amount_min),
        ("amount_too_large", channel.amount_max is not None and minor > channel.amount_max),
        ("closed_now", not is_open(channel, asked.at)),
    )
    return next((word for word, applies in objections if applies), None)


def choose_route(
    channels: Sequence[Channel],
    rules: Sequence[RoutingRule],
    health: Mapping[str, Health],
    asked: RouteRequest,
) -> Route | None:
    """Return the best channel for what is asked, or None if none can carry it.

    Of those that can, channels whose circuit is open come last; then the first rule that fits
    decides, then the smaller fee, the larger share of successes, and the name.
    """
    able: list[tuple[tuple[bool, int, int, int, str], Channel, Money]] = []
    seen: list[dict[str, object]] = []
    for channel in channels:
        objection = find_objection(channel, asked)
        line: dict[str, object] = {"channel": channel.name}
        seen.append(line)
        if objection is not None:
            line["objection"] = objection
            continue
        known = health.get(channel.name, Health())
        fee = calculate_fee(channel, asked.amount)
        rule = _find_rule(rules, channel, asked)
        line |= {
            "fee": fee.to_json(),
            "rule": rule,
            "success_bps": known.success_bps,
            "circuit": known.state.value,
        }
        is_ill = known.state is CircuitState.OPEN
        rank = (is_ill, rule or _NO_RULE, fee.minor, -known.success_bps, channel.name)
        able.append((rank, channel, fee))
    if not able:
        return None
    able.sort(key=lambda each: each[0])
    rank, best, fee = able[0]
    decided_by = _name_reason([rank for rank, _, _ in able])
    because: dict[str, object] = {"decided_by": decided_by, "candidates": seen}
    return Route(channel=best.name, fee=fee, because=because, is_ill=rank[0])


def plan_recheck(
    ended_at: datetime, *, now: datetime, first: timedelta, last: timedelta
) -> datetime | None:
    """Return when a channel is asked again about what has ended; None if it was asked for long.

    First `first` after the end, then each time at twice the age, and for the last time at `last`.
    Of 1 hour and 7 days: after 1, 2, 4, 8, 16, 32, 64, 128 and 168 hours.
    """
    age = now - ended_at
    if age >= last:
        return None
    # A question comes a little after it was due; that must not put the next one off for ever.
    return ended_at + min(max(first, 2 * age), last)


def _find_rule(rules: Sequence[RoutingRule], channel: Channel, asked: RouteRequest) -> int | None:
    fitting = [
        rule.priority
        for rule in rules
        if rule.channel == channel.name
        and rule.kind in (None, asked.kind)
        and rule.currency in (None, asked.amount.currency)
        and rule.amount_from <= asked.amount.minor
        and (rule.amount_below is None or asked.amount.minor < rule.amount_below)
        and rule.bank in (None, asked.bank)
    ]
    return min(fitting, default=None)


def _name_reason(ranks: Sequence[tuple[bool, int, int, int, str]]) -> str:
    """Return what set the first of the sorted ranks apart from the second."""
    if len(ranks) == 1:
        return "only_one"
    words = ("health", "rule", "cost", "success_rate", "name")
    first, second = ranks[0], ranks[1]
    return next(word for word, one, other in zip(words, first, second, strict=True) if one != other)
