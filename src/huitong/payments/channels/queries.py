"""Reading channels: the choice of one, and what staff see."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.channels import breaks, store
from huitong.payments.channels.calculations import choose_route, find_objection
from huitong.payments.channels.errors import NoChannel
from huitong.payments.channels.types import (
    Channel,
    ChannelBreak,
    Health,
    Route,
    RouteRequest,
    RoutingRule,
)

_KEEP: Final = timedelta(seconds=limits.CHANNEL_HEALTH_KEEP_SECONDS)


async def find_route(uow: UnitOfWork, asked: RouteRequest) -> Route | None:
    """Return the channel for what is asked and why, or None if none can carry it."""
    channels = await store.list_channels(uow)
    rules = await store.list_rules(uow)
    health = await store.load_health(uow, since=asked.at - _KEEP)
    return choose_route(channels, rules, health, asked)


async def get_route(uow: UnitOfWork, asked: RouteRequest) -> Route:
    """Return the channel for what is asked and why.

    Raises NoChannel with what speaks against each channel.
    """
    route = await find_route(uow, asked)
    if route is None:
        objections = {
            channel.name: find_objection(channel, asked)
            for channel in await store.list_channels(uow)
            if channel.kind is asked.kind
        }
        raise NoChannel(
            f"no channel carries {asked.amount.to_json()} {asked.direction.value} now",
            context={"objections": objections},
        )
    return route


async def list_channel_states(
    uow: UnitOfWork, *, now: datetime
) -> list[tuple[Channel, Health | None]]:
    """Return each channel and how it does; None where no process told lately."""
    health = await store.load_health(uow, since=now - _KEEP)
    return [(channel, health.get(channel.name)) for channel in await store.list_channels(uow)]


async def list_switched_off(uow: UnitOfWork) -> frozenset[str]:
    """Return the names of the channels that are switched off."""
    return frozenset(
        channel.name for channel in await store.list_channels(uow) if not channel.is_enabled
    )


async def list_channel_breaks(
    uow: UnitOfWork, *, is_open: bool | None = None, limit: int = limits.PAGE_SIZE_DEFAULT
) -> list[ChannelBreak]:
    """Return where channels contradict our books, the newest first; open ones, cured or all."""
    return await breaks.list_breaks(uow, limit=limit, is_open=is_open)


async def report_health(
    uow: UnitOfWork, *, process_id: uuid.UUID, health: Mapping[str, Health], now: datetime
) -> None:
    """Tell how a process sees its channels; what processes told long ago is forgotten."""
    await store.report_health(
        uow, process_id=process_id, health=health, now=now, forget_before=now - _KEEP
    )


async def list_channel_rules(uow: UnitOfWork) -> list[RoutingRule]:
    """Return the rules of routing by priority."""
    return await store.list_rules(uow)
