"""The clock that a demonstration puts forward, for all processes of a home at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from huitong.kernel import ids
from huitong.kernel.clock import SystemClock
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock, open_shifted_clock


@pytest.fixture(autouse=True)
def clock_of_identifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let identifiers of this process go by the machine's clock again afterwards."""
    monkeypatch.setattr(ids, "_read_milliseconds", ids._read_milliseconds)


def test_a_platform_goes_by_the_machines_clock(tmp_path: Path) -> None:
    assert isinstance(make_clock(Settings(home=tmp_path)), SystemClock)


def test_putting_forward_is_seen_by_all_processes_of_the_home(tmp_path: Path) -> None:
    other = make_clock(Settings(home=tmp_path, clock="shifted"))
    assert abs(other.now() - datetime.now(UTC)) < timedelta(minutes=1)
    open_shifted_clock(tmp_path).put_forward(timedelta(days=2))
    open_shifted_clock(tmp_path).put_forward(timedelta(hours=3))
    ahead = other.now() - datetime.now(UTC)
    assert abs(ahead - timedelta(days=2, hours=3)) < timedelta(minutes=1)


def test_it_goes_forward_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="forward"):
        open_shifted_clock(tmp_path).put_forward(timedelta(microseconds=-1))


def test_another_database_than_the_homes_own_keeps_the_machines_clock() -> None:
    with pytest.raises(InvalidField) as refused:
        Settings.from_environment(
            {"HUITONG_CLOCK": "shifted", "HUITONG_DATABASE_URL": "postgresql://o@db/huitong"}
        )
    assert refused.value.field == "HUITONG_CLOCK"
    settings = Settings.from_environment({"HUITONG_CLOCK": "shifted"})
    assert settings.to_environment()["HUITONG_CLOCK"] == "shifted"


def test_identifiers_carry_the_time_of_the_clock(tmp_path: Path) -> None:
    clock = make_clock(Settings(home=tmp_path, clock="shifted"))
    open_shifted_clock(tmp_path).put_forward(timedelta(days=3))
    carried = ids._read_milliseconds() / 1_000
    assert abs(carried - clock.now().timestamp()) < 60
