"""The outside world of one machine until there is a real one: simulators that speak HTTP.

Owns which of them `huitong up` starts, and the file in the home that says where they answer.
"""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from huitong.kernel.settings import Settings
from huitong.wiring.tls import find_authority

#: The file of a home that says where each simulator of its platform answers, while it runs.
ADDRESSES_NAME: Final = "simulators.json"
#: The simulated channels of all kinds, among which is the bank.
CHANNELS_NAME: Final = "channels"
_HOST: Final = "127.0.0.1"
# The names and kinds of `payments.channels.KINDS` but the bank's. Written down again, because
# `huitong up` would take ten times as long to load, and three times the memory, for these words.
_SIMULATED: Final = (
    ("second-bank", "bank_transfer"),
    ("cards", "card_acquiring"),
    ("wallet", "wallet_qr"),
    ("border", "cross_border"),
)


@contextmanager
def open_simulators(
    settings: Settings, *, has_worker: bool, has_demo: bool, say: Callable[[str], None]
) -> Iterator[tuple[Settings, Mapping[str, socket.socket]]]:
    """Listen for each simulator that nothing real stands in for; yields settings that name them.

    The sockets are by command, for the children that serve them; all close with the block.
    """
    sockets: dict[str, socket.socket] = {}
    addresses: dict[str, str] = {}

    def listen(name: str) -> str:
        sockets[name] = socket.create_server((_HOST, 0))
        addresses[name] = f"http://{_HOST}:{sockets[name].getsockname()[1]}"
        return addresses[name]

    path = settings.home / ADDRESSES_NAME
    try:
        if has_worker and settings.bank_channel_url is None:
            bank_url = addresses["bank"] = listen(CHANNELS_NAME)
            settings = replace(settings, bank_channel_url=bank_url)
            if not settings.channels:
                settings = replace(settings, channels=_simulated_channels(bank_url))
        # Only for demonstrations: it confirms almost everybody, and then customers are opened.
        if has_worker and has_demo and settings.registry_url is None:
            settings = replace(settings, registry_url=listen("registry"))
            say("Identity checks: simulated registries, which confirm almost everybody.")
        if has_worker and has_demo and settings.bureau_url is None:
            settings = replace(settings, bureau_url=listen("bureau"))
        if has_worker and has_demo and settings.correspondent_url is None:
            abroad = listen("abroad")
            settings = replace(
                settings,
                fx_rates_url=settings.fx_rates_url or f"{abroad}/market",
                correspondent_url=f"{abroad}/bank",
            )
        if settings.sms_gateway_url is None:
            phone = listen("sms-gateway")
            settings = replace(settings, sms_gateway_url=phone)
            say(f"One-time codes: a simulated phone shows them at {phone}/messages?mobile=…")
        path.write_text(json.dumps(addresses) + "\n", encoding="utf-8")
        yield settings, sockets
    finally:
        path.unlink(missing_ok=True)
        for listening in sockets.values():
            listening.close()


def _simulated_channels(url: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, kind, f"{url}/{name}") for name, kind in _SIMULATED)


def find_command(name: str, settings: Settings) -> tuple[str, ...]:
    """Return the arguments of `huitong` that serve a simulator of a platform."""
    if name != CHANNELS_NAME:
        return (name,)
    if settings.tls_certificate is not None:
        # What was given is for other names than this machine's own: they are asked, and do not
        # call.
        return (name, "simulate")
    scheme = "https" if settings.is_tls else "http"
    url = f"{scheme}://{_HOST}:{settings.port}/v1/channel-callbacks"
    authority = ("--callback-ca", str(find_authority(settings))) if settings.is_tls else ()
    return (name, "simulate", "--callback-url", url, *authority)


def find_simulator(home: Path, name: str) -> str | None:
    """Return where a simulator of the platform in `home` answers; None if there is none."""
    try:
        found = json.loads((home / ADDRESSES_NAME).read_text(encoding="utf-8")).get(name)
    except FileNotFoundError:
        return None
    return None if found is None else str(found)
