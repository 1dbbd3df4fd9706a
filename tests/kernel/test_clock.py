"""Business days: which calendar day an instant falls on."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.clock import business_day

_INSTANTS = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - Hypothesis adds the zone
    timezones=st.just(UTC),
)
_ZONES = st.sampled_from(
    ["Asia/Shanghai", "Asia/Kathmandu", "America/St_Johns", "Asia/Beirut", "Pacific/Apia", "UTC"]
)


@given(st.lists(st.tuples(_INSTANTS, _ZONES), min_size=1, max_size=4))
def test_is_the_day_of_the_zone_whatever_was_asked_before(
    asked: list[tuple[datetime, str]],
) -> None:
    for instant, zone in asked:
        for step in (timedelta(0), timedelta(microseconds=1), timedelta(minutes=14)):
            moment = instant + step

            assert business_day(moment, zone) == moment.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("second", range(3))
def test_turns_at_sixteen_hours_utc_in_shanghai(second: int) -> None:
    midnight = datetime(2026, 11, 26, 16, tzinfo=UTC)

    assert business_day(midnight - timedelta(microseconds=1)) == date(2026, 11, 26)
    assert business_day(midnight + timedelta(seconds=second)) == date(2026, 11, 27)
    assert business_day(midnight - timedelta(microseconds=1)) == date(2026, 11, 26)


def test_reads_instants_of_other_zones() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert business_day(datetime(2026, 11, 27, 0, 30, tzinfo=tokyo)) == date(2026, 11, 26)


def test_refuses_an_instant_without_a_zone() -> None:
    business_day(datetime(2026, 11, 26, tzinfo=UTC))

    with pytest.raises(ValueError, match="no time zone"):
        business_day(datetime(2026, 11, 26))  # noqa: DTZ001 - the point


def test_knows_the_last_day_of_the_calendar() -> None:
    assert business_day(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "UTC") == date(9999, 12, 31)
