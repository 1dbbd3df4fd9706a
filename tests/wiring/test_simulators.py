"""The simulators that `huitong up` starts, and the file that says where they answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from huitong.kernel.settings import Settings
from huitong.payments import channels
from huitong.wiring.simulators import ADDRESSES_NAME, find_simulator, open_simulators


def test_listens_for_what_nothing_real_stands_in_for(tmp_path: Path) -> None:
    said: list[str] = []
    settings = Settings(home=tmp_path)
    with open_simulators(settings, has_worker=True, has_demo=True, say=said.append) as opened:
        complete, sockets = opened
        assert sorted(sockets) == ["abroad", "bureau", "channels", "registry", "sms-gateway"]
        port = sockets["sms-gateway"].getsockname()[1]
        assert complete.sms_gateway_url == f"http://127.0.0.1:{port}"
        assert find_simulator(tmp_path, "sms-gateway") == complete.sms_gateway_url
        assert find_simulator(tmp_path, "registry") == complete.registry_url
        abroad = find_simulator(tmp_path, "abroad")
        assert complete.fx_rates_url == f"{abroad}/market"
        assert complete.correspondent_url == f"{abroad}/bank"
        assert find_simulator(tmp_path, "bank") == complete.bank_channel_url
        # `bank` is the one of `bank_channel_url`.
        kinds = {"bank": channels.KINDS["bank"].value}
        assert kinds | {name: kind for name, kind, _ in complete.channels} == channels.KINDS
        assert [url for _, _, url in complete.channels] == [
            f"{complete.bank_channel_url}/{name}" for name, _, _ in complete.channels
        ]
    assert len(said) == 2
    assert sockets["channels"].fileno() == -1
    assert find_simulator(tmp_path, "bank") is None
    assert not (tmp_path / ADDRESSES_NAME).exists()


@pytest.mark.parametrize(
    ("has_worker", "has_demo", "expected"),
    [(True, False, ["channels", "sms-gateway"]), (False, True, ["sms-gateway"])],
)
def test_registries_are_simulated_for_demonstrations_only(
    tmp_path: Path, has_worker: bool, has_demo: bool, expected: list[str]
) -> None:
    settings = Settings(home=tmp_path)
    with open_simulators(
        settings, has_worker=has_worker, has_demo=has_demo, say=lambda _: None
    ) as (_, sockets):
        assert sorted(sockets) == expected


def test_what_is_real_is_left_alone(tmp_path: Path) -> None:
    settings = replace(
        Settings(home=tmp_path),
        bank_channel_url="https://bank.example",
        fx_rates_url="https://rates.example",
        bureau_url="https://bureau.example",
        correspondent_url="https://abroad.example",
        registry_url="https://registry.example",
        sms_gateway_url="https://sms.example",
    )
    with open_simulators(settings, has_worker=True, has_demo=True, say=lambda _: None) as opened:
        assert opened == (settings, {})
        assert find_simulator(tmp_path, "bank") is None
