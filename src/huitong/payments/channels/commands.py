"""What staff and contradictions do to channels: off at once, on and terms by two people."""

import hashlib
from dataclasses import replace
from datetime import datetime

import msgspec

from huitong.kernel import audit, logs
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.channels import store
from huitong.payments.channels.errors import ChannelChanged, ChannelNotFound
from huitong.payments.channels.terms import (
    check_rules,
    show_channel,
    show_rules,
)
from huitong.payments.channels.types import Channel, RoutingRule

_log = logs.get_logger(__name__)


async def get_channel(uow: UnitOfWork, name: str) -> Channel:
    """Return a channel; raises ChannelNotFound."""
    for channel in await store.list_channels(uow):
        if channel.name == name:
            return channel
    raise ChannelNotFound(f"there is no channel {name}", field="channel")


async def switch_off(uow: UnitOfWork, *, name: str, reason: str, now: datetime) -> Channel:
    """Give a channel nothing new from now on; what it may have got is still asked about.

    One person, or a contradiction, is enough. Nothing changes if it is off already. Raises
    ChannelNotFound.
    """
    channel = await _lock(uow, name)
    if not channel.is_enabled:
        return channel
    return await _switch(uow, channel, to=False, reason=reason, now=now)


async def switch_on(uow: UnitOfWork, *, name: str, reason: str, now: datetime) -> Channel:
    """Let a channel carry new payments again; two people agreed. Raises ChannelNotFound."""
    channel = await _lock(uow, name)
    if channel.is_enabled:
        return channel
    return await _switch(uow, channel, to=True, reason=reason, now=now)


async def save_channel(
    uow: UnitOfWork, channel: Channel, *, was: str, reason: str, now: datetime
) -> Channel:
    """Write what a channel can do and costs, as two people agreed; a new one starts switched off.

    `was` is the digest of what they saw. Raises ChannelChanged if it is something else by now.
    """
    known = await store.find_channel(uow, channel.name, is_locked=True)
    if digest_terms(known) != was:
        raise ChannelChanged(f"the terms of {channel.name} are other ones by now", field="channel")
    saved = replace(channel, is_enabled=known is not None and known.is_enabled)
    await store.save_channel(uow, saved, now=now)
    await audit.record(
        uow,
        action="channels.save_channel",
        subject=channel.name,
        details={"terms": show_channel(saved), "was": was, "reason": reason},
    )
    return saved


async def check_rules_fit(uow: UnitOfWork, rules: list[RoutingRule]) -> None:
    """Refuse rules that name channels which are not there, or clash; raises InvalidField."""
    check_rules(rules, await store.list_channels(uow))


async def replace_rules(
    uow: UnitOfWork,
    rules: list[RoutingRule],
    *,
    was: str,
    reason: str,
) -> None:
    """Put these rules of routing in the place of all others, as two people agreed.

    `was` is the digest of those that they saw. Raises ChannelChanged, InvalidField.
    """
    await store.lock_rules(uow)
    await check_rules_fit(uow, rules)
    if digest_rules(await store.list_rules(uow)) != was:
        raise ChannelChanged("the rules of routing are other ones by now", field="rules")
    await store.replace_rules(uow, rules)
    details = {"rules": show_rules(rules), "was": was, "reason": reason}
    await audit.record(uow, action="channels.replace_rules", subject="channels", details=details)


def digest_terms(channel: Channel | None) -> str:
    """Return a digest of what a channel can do and costs, switched on or not; None has one too."""
    shown = None if channel is None else show_channel(replace(channel, is_enabled=True))
    return hashlib.sha256(msgspec.json.encode(shown, order="deterministic")).hexdigest()


def digest_rules(rules: list[RoutingRule]) -> str:
    """Return a digest of rules of routing."""
    return hashlib.sha256(msgspec.json.encode(show_rules(rules))).hexdigest()


async def _lock(uow: UnitOfWork, name: str) -> Channel:
    channel = await store.find_channel(uow, name, is_locked=True)
    if channel is None:
        raise ChannelNotFound(f"there is no channel {name}", field="channel")
    return channel


async def _switch(
    uow: UnitOfWork, channel: Channel, *, to: bool, reason: str, now: datetime
) -> Channel:
    switched = replace(channel, is_enabled=to)
    await store.switch_channel(uow, channel.name, is_enabled=to, now=now)
    _log.warning("channel_switched", channel=channel.name, is_enabled=to)
    await audit.record(
        uow,
        action="channels.switch_on" if to else "channels.switch_off",
        subject=channel.name,
        details={"reason": reason},
    )
    return switched
