"""Which channels a worker has clients for, by its settings."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from huitong.kernel.clock import SystemClock
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import Settings
from huitong.payments import channels
from huitong.wiring.channel_clients import make_clients
from huitong.wiring.simulators import find_command
from huitong.wiring.tls import find_authority, find_tls, make_server_context

NAMED = "second=bank_transfer@https://a.example/x, cards=card_acquiring@http://127.0.0.1:1/cards"


def test_each_channel_that_is_named_has_a_client_of_its_kind() -> None:
    read = Settings.from_environment(
        {"HUITONG_BANK_CHANNEL_URL": "https://bank.example", "HUITONG_CHANNELS": NAMED}
    )
    clients = make_clients(read)
    assert {name: type(client) for name, client in clients.items()} == {
        "bank": channels.HttpBankChannel,
        "second": channels.HttpBankChannel,
        "cards": channels.HttpCardAcquirer,
    }
    again = Settings.from_environment(read.to_environment())
    assert again.channels == read.channels


@pytest.mark.parametrize(
    "text",
    [
        "cards",
        "cards=card_acquiring",
        "Cards=card_acquiring@https://a.example",
        "cards=card_acquiring@http://a.example",
        "a=wallet_qr@https://a.example,a=wallet_qr@https://b.example",
    ],
)
def test_refuses_channels_that_are_named_wrongly(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Settings.from_environment({"HUITONG_CHANNELS": text})
    assert refused.value.field == "HUITONG_CHANNELS"


def test_refuses_a_kind_that_is_none(tmp_path: Path) -> None:
    settings = replace(Settings(home=tmp_path), channels=(("a", "pigeon", "https://a.example"),))
    with pytest.raises(InvalidField, match="pigeon"):
        make_clients(settings)


def test_simulated_channels_call_where_the_api_answers(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert find_command("channels", settings)[-1] == "http://127.0.0.1:8000/v1/channel-callbacks"
    tls = replace(settings, is_tls=True)
    assert find_command("channels", tls)[2:] == (
        "--callback-url",
        "https://127.0.0.1:8000/v1/channel-callbacks",
        "--callback-ca",
        str(tmp_path / "tls" / "ca.crt"),
    )
    given = replace(tls, tls_certificate=tmp_path / "c.pem", tls_key=tmp_path / "k.pem")
    assert find_command("channels", given) == ("channels", "simulate")


async def test_simulated_channels_trust_our_own_authority_and_nobody_without_it(
    tmp_path: Path,
) -> None:
    settings = replace(Settings(home=tmp_path), is_tls=True)
    clock = SystemClock()
    files = find_tls(settings, clock.now())
    assert files is not None
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard.put(await reader.readline())
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=make_server_context(files))
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/calls"
        for authority in (None, tmp_path / "none.crt", find_authority(settings)):
            (channel,) = channels.make_channels(
                clock=clock,
                result_seconds=0.0,
                callback_url=url,
                secrets=dict.fromkeys(channels.KINDS, b"s" * 32),
                authority=authority,
            )[:1]
            assert channel.caller is not None
            channel.caller.schedule(dict, seconds=0.0)
        line = await asyncio.wait_for(heard.get(), timeout=10)
    assert line == b"POST /calls/bank HTTP/1.1\r\n"
    assert heard.empty()
