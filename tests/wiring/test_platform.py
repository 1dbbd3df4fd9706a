"""What keeps `huitong up` from starting is said in one sentence that helps."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from huitong.kernel.settings import Settings
from huitong.wiring.platform import PlatformCannotStart, _listen, _only_one, public_url


def settings_for(home: Path, port: int) -> Settings:
    home.mkdir(exist_ok=True)
    return Settings(home=home, port=port, workers=2)


def test_says_which_port_is_taken_and_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(PlatformCannotStart) as caught:
            _listen(settings_for(tmp_path, port), wait_for_predecessor=False)
    assert caught.value.detail == (
        f"Another program uses port {port} on 127.0.0.1. Stop it (`ss -ltnp 'sport = :{port}'` "
        f"shows it), or choose another port: `huitong up --port {port + 1}`."
    )


def test_does_not_share_a_port_with_a_program_that_would_share_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(PlatformCannotStart):
            _listen(settings_for(tmp_path, port), wait_for_predecessor=False)


def test_listens_once_for_each_api_process_on_one_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sockets = _listen(settings_for(tmp_path, port), wait_for_predecessor=False)
    try:
        assert [each.getsockname()[1] for each in sockets] == [port, port]
    finally:
        for each in sockets:
            each.close()


def test_runs_once_in_one_home_and_names_the_other(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, 8123)
    with _only_one(settings) as had_crashed:
        assert had_crashed is False
        with (
            pytest.raises(PlatformCannotStart, match=r"http://127\.0\.0\.1:8123"),
            _only_one(settings),
        ):
            pass
    with _only_one(settings) as had_crashed:
        assert had_crashed is False


def test_notices_that_the_run_before_was_killed(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text('{"pid": 1, "url": "http://127.0.0.1:8000"}')
    with _only_one(settings_for(tmp_path, 8123)) as had_crashed:
        assert had_crashed is True


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("huitong.example", "http://huitong.example:8000"),
    ],
)
def test_prints_an_address_that_a_browser_here_can_open(
    tmp_path: Path, host: str, url: str
) -> None:
    assert public_url(replace(settings_for(tmp_path, 8000), host=host)) == url
