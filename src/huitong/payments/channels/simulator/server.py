"""Several simulated channels in one process: each under its name, `bank` also at the root."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from huitong.kernel.clock import Clock
from huitong.payments.channels.simulator.calling import Caller
from huitong.payments.channels.simulator.channel import SimulatedChannel
from huitong.payments.types import ChannelKind

#: The channels that are simulated unless others are asked for, by name.
KINDS: Final[Mapping[str, ChannelKind]] = MappingProxyType(
    {
        "bank": ChannelKind.BANK_TRANSFER,
        "second-bank": ChannelKind.BANK_TRANSFER,
        "cards": ChannelKind.CARD_ACQUIRING,
        "wallet": ChannelKind.WALLET_QR,
        "border": ChannelKind.CROSS_BORDER,
    }
)


def make_channels(
    *,
    clock: Clock,
    result_seconds: float,
    folder: Path | None = None,
    rates: Mapping[str, float] | None = None,
    seconds: float = 1.0,
    callback_url: str | None = None,
    secrets: Mapping[str, bytes] | None = None,
    authority: Path | None = None,
) -> list[SimulatedChannel]:
    """Return the channels of `KINDS`, with their journals in `folder`.

    They call `callback_url`/{name} if it is given, with `secrets` by name; `authority` signed the
    certificate there, if it is one that machines do not know. Raises InvalidField for rates that
    make no sense.
    """
    made = []
    for name, kind in KINDS.items():
        channel = SimulatedChannel(
            name,
            kind,
            result_seconds=result_seconds,
            clock=clock,
            journal=None if folder is None else folder / f"{name}.jsonl",
        )
        channel.faults.set_rates(rates or {}, seconds=seconds)
        if callback_url is not None and secrets is not None:
            channel.caller = Caller(
                callback_url,
                name,
                secrets[name],
                clock=clock,
                faults=channel.faults,
                authority=authority,
            )
        made.append(channel)
    return made


def make_application(channels: Iterable[SimulatedChannel]) -> Starlette:
    """Return the ASGI application that serves them."""
    routes: list[BaseRoute] = []
    for channel in channels:
        application = channel.application()
        routes.append(Mount(f"/{channel.name}", application))
        if channel.name == "bank":
            routes.append(Mount("/", application))
    # The root last: it takes whatever no name took.
    routes.sort(key=lambda route: isinstance(route, Mount) and route.path == "")
    return Starlette(routes=routes)
