"""Channels, fees, rules, health and callbacks in the database."""

import uuid
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.channels.types import (
    Callback,
    Channel,
    CircuitState,
    FeeTier,
    Health,
    RoutingRule,
)
from huitong.payments.types import ChannelDirection, ChannelKind

_COLUMNS: Final = """
    SELECT name, kind, name_zh, name_en, directions, currencies, amount_min, amount_max, opens_at,
           closes_at, rail, is_enabled
      FROM payments.channels
"""
_CHANNELS: Final = f"{_COLUMNS} ORDER BY name LIMIT :count"
_CHANNEL: Final = f"{_COLUMNS} WHERE name = :name"
_FEE_COLUMNS: Final = """
    SELECT channel, currency, amount_from, fixed, rate, maximum FROM payments.channel_fees
"""
_FEES: Final = f"{_FEE_COLUMNS} ORDER BY channel, currency, amount_from"
_FEES_OF_ONE: Final = f"{_FEE_COLUMNS} WHERE channel = :name ORDER BY currency, amount_from"
_SWITCH: Final = """
    UPDATE payments.channels SET is_enabled = :is_enabled, changed_at = :now WHERE name = :name
"""
_RULES: Final = """
    SELECT priority, channel, kind, currency, amount_from, amount_below, bank
      FROM payments.channel_rules ORDER BY priority LIMIT :count
"""
# Of processes that told lately: one that is gone must not keep a circuit open.
_HEALTH: Final = """
    SELECT channel, bool_or(state = 'open') AS is_open, bool_or(state = 'half_open') AS is_half,
           sum(succeeded) AS succeeded, sum(failed) AS failed, sum(unanswered) AS unanswered
      FROM payments.channel_health
     WHERE reported_at > :since
     GROUP BY channel
"""
_REPORT: Final = """
    INSERT INTO payments.channel_health AS h
           (channel, process_id, state, succeeded, failed, unanswered, reported_at)
    VALUES (:channel, :process_id, :state, :succeeded, :failed, :unanswered, :now)
    ON CONFLICT (channel, process_id) DO UPDATE
       SET state = excluded.state, succeeded = excluded.succeeded, failed = excluded.failed,
           unanswered = excluded.unanswered, reported_at = excluded.reported_at
"""
_SAVE: Final = """
    INSERT INTO payments.channels AS c
           (name, kind, name_zh, name_en, directions, currencies, amount_min, amount_max, opens_at,
            closes_at, rail, is_enabled, changed_at)
    VALUES (:name, :kind, :name_zh, :name_en, CAST(:directions AS text[]),
            CAST(:currencies AS text[]), :amount_min, :amount_max, :opens_at, :closes_at,
            :rail, :is_enabled, :now)
    ON CONFLICT (name) DO UPDATE
       SET name_zh = excluded.name_zh, name_en = excluded.name_en, kind = excluded.kind,
           directions = excluded.directions, currencies = excluded.currencies,
           amount_min = excluded.amount_min, amount_max = excluded.amount_max,
           opens_at = excluded.opens_at, closes_at = excluded.closes_at,
           rail = excluded.rail,
           is_enabled = excluded.is_enabled, changed_at = excluded.changed_at
"""
_ADD_FEE: Final = """
    INSERT INTO payments.channel_fees (channel, currency, amount_from, fixed, rate, maximum)
    VALUES (:channel, :currency, :amount_from, :fixed, :rate, :maximum)
"""
_ADD_RULE: Final = """
    INSERT INTO payments.channel_rules
           (priority, channel, kind, currency, amount_from, amount_below, bank)
    VALUES (:priority, :channel, :kind, :currency, :amount_from, :amount_below, :bank)
"""
_ADD_CALLBACK: Final = """
    INSERT INTO payments.channel_callbacks (channel, id, digest, received_at)
    VALUES (:channel, :id, :digest, :now)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
_PRUNE_CALLBACKS: Final = """
    DELETE FROM payments.channel_callbacks
     WHERE (channel, id) IN (SELECT channel, id FROM payments.channel_callbacks
                              WHERE received_at < :before LIMIT :count)
"""


async def list_channels(uow: UnitOfWork) -> list[Channel]:
    """Return all channels with their fee tables, by name."""
    rows = await uow.execute(_CHANNELS, count=limits.CHANNELS_MAX)
    fees: dict[str, list[FeeTier]] = {}
    for row in await uow.execute(_FEES):
        fees.setdefault(row.channel, []).append(_read_tier(row))
    return [_read_channel(row, tuple(fees.get(row.name, ()))) for row in rows]


async def find_channel(uow: UnitOfWork, name: str, *, is_locked: bool = False) -> Channel | None:
    """Return a channel with its fee table, or None; with `is_locked` against other changes."""
    lock = "FOR NO KEY UPDATE" if is_locked else ""
    row = await uow.fetch_one(f"{_CHANNEL} {lock}", name=name)
    if row is None:
        return None
    tiers = await uow.execute(_FEES_OF_ONE, name=name)
    return _read_channel(row, tuple(_read_tier(each) for each in tiers))


async def switch_channel(uow: UnitOfWork, name: str, *, is_enabled: bool, now: datetime) -> None:
    """Write whether a channel that is locked carries anything new."""
    await uow.execute(_SWITCH, name=name, is_enabled=is_enabled, now=now)


async def lock_rules(uow: UnitOfWork) -> None:
    """Lock the rules of routing against other changes, and the channels that they name."""
    await uow.execute("SELECT name FROM payments.channels ORDER BY name FOR NO KEY UPDATE")


async def save_channel(uow: UnitOfWork, channel: Channel, *, now: datetime) -> None:
    """Write a channel, new or changed, with its fee table."""
    await uow.execute(
        _SAVE,
        name=channel.name,
        kind=channel.kind.value,
        name_zh=channel.name_zh,
        name_en=channel.name_en,
        directions=sorted(each.value for each in channel.directions),
        currencies=sorted(channel.currencies),
        amount_min=channel.amount_min,
        amount_max=channel.amount_max,
        opens_at=channel.opens_at,
        closes_at=channel.closes_at,
        rail=channel.rail,
        is_enabled=channel.is_enabled,
        now=now,
    )
    await uow.execute("DELETE FROM payments.channel_fees WHERE channel = :name", name=channel.name)
    for tier in channel.fees:
        await uow.execute(_ADD_FEE, channel=channel.name, **_values(tier))


async def list_rules(uow: UnitOfWork) -> list[RoutingRule]:
    """Return the rules of routing by priority."""
    rows = await uow.execute(_RULES, count=limits.CHANNEL_RULES_MAX)
    return [
        RoutingRule(
            priority=row.priority,
            channel=row.channel,
            kind=None if row.kind is None else ChannelKind(row.kind),
            currency=row.currency,
            amount_from=row.amount_from,
            amount_below=row.amount_below,
            bank=row.bank,
        )
        for row in rows
    ]


async def replace_rules(uow: UnitOfWork, rules: list[RoutingRule]) -> None:
    """Put these rules in the place of all that were there."""
    await uow.execute("DELETE FROM payments.channel_rules")
    for rule in rules:
        values = _values(rule) | {"kind": None if rule.kind is None else rule.kind.value}
        await uow.execute(_ADD_RULE, **values)


async def load_health(uow: UnitOfWork, *, since: datetime) -> dict[str, Health]:
    """Return the health of channels as processes told since an instant, taken together.

    One open circuit is enough to keep new payments away while another channel can carry them.
    """
    return {
        row.channel: Health(
            state=CircuitState.OPEN
            if row.is_open
            else CircuitState.HALF_OPEN
            if row.is_half
            else CircuitState.CLOSED,
            succeeded=row.succeeded,
            failed=row.failed,
            unanswered=row.unanswered,
        )
        for row in await uow.execute(_HEALTH, since=since)
    }


async def report_health(
    uow: UnitOfWork,
    *,
    process_id: uuid.UUID,
    health: Mapping[str, Health],
    now: datetime,
    forget_before: datetime,
) -> None:
    """Write how a process sees its channels, and forget processes that are long gone."""
    known = {row.name for row in await uow.execute("SELECT name FROM payments.channels")}
    for channel in sorted(known & health.keys()):
        seen = health[channel]
        await uow.execute(
            _REPORT,
            channel=channel,
            process_id=process_id,
            state=seen.state.value,
            succeeded=seen.succeeded,
            failed=seen.failed,
            unanswered=seen.unanswered,
            now=now,
        )
    await uow.execute(
        "DELETE FROM payments.channel_health WHERE reported_at < :before", before=forget_before
    )


async def remember_callback(uow: UnitOfWork, callback: Callback, *, now: datetime) -> bytes | None:
    """Keep a callback's id; return the digest of the one with this id before, or None."""
    added = await uow.fetch_one(
        _ADD_CALLBACK, channel=callback.channel, id=callback.id, digest=callback.digest, now=now
    )
    if added is not None:
        return None
    digest = await uow.fetch_value(
        "SELECT digest FROM payments.channel_callbacks WHERE channel = :channel AND id = :id",
        channel=callback.channel,
        id=callback.id,
    )
    return bytes(digest)


async def prune_callbacks(uow: UnitOfWork, *, before: datetime, count: int) -> int:
    """Forget at most `count` callbacks from before an instant; return how many."""
    rows = await uow.execute(f"{_PRUNE_CALLBACKS} RETURNING id", before=before, count=count)
    return len(rows)


def _read_tier(row: Row[Any]) -> FeeTier:
    return FeeTier(
        currency=row.currency,
        amount_from=row.amount_from,
        fixed=row.fixed,
        rate=row.rate,
        maximum=row.maximum,
    )


def _values(record: FeeTier | RoutingRule) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _read_channel(row: Row[Any], fees: tuple[FeeTier, ...]) -> Channel:
    return Channel(
        name=row.name,
        kind=ChannelKind(row.kind),
        name_zh=row.name_zh,
        name_en=row.name_en,
        directions=frozenset(ChannelDirection(each) for each in row.directions),
        currencies=frozenset(row.currencies),
        amount_min=row.amount_min,
        amount_max=row.amount_max,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        rail=row.rail,
        is_enabled=row.is_enabled,
        fees=fees,
    )
