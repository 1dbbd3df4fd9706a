"""Which channels a worker has clients for, by its settings."""

from dataclasses import replace
from pathlib import Path

import pytest

from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import Settings
from huitong.payments import channels
from huitong.wiring.channel_clients import make_clients
from huitong.wiring.simulators import find_command

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
    assert find_command("channels", tls) == ("channels", "simulate")
