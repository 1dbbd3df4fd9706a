import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.calendar import (
    BusinessCalendar,
    CalendarNotCovered,
    china_calendar,
    china_exchange_calendar,
)
from huitong.kernel.clock import FixedClock, SystemClock, as_utc, business_day

HOLIDAYS = (
    Path(__file__).parents[3] / "shared" / "data" / "6-wealth-rates" / "cn_public_holidays.csv"
)
CALENDAR = china_calendar()
# Far enough from both ends for every step below to stay inside.
days = st.dates(date(2006, 1, 1), date(2024, 12, 31))
business_days = days.filter(CALENDAR.is_business_day)


def _all_days(calendar: BusinessCalendar) -> Iterator[date]:
    day = calendar.first_day
    while day <= calendar.last_day:
        yield day
        day += timedelta(days=1)


@pytest.mark.skipif(not HOLIDAYS.exists(), reason=f"needs the shared holiday table {HOLIDAYS}")
def test_agrees_with_the_published_holidays_on_every_day() -> None:
    with HOLIDAYS.open(encoding="utf-8", newline="") as file:
        rows = [(date.fromisoformat(row["date"]), row["kind"]) for row in csv.DictReader(file)]
    days_off = {day for day, kind in rows if kind == "holiday"}
    makeup_days = {day for day, kind in rows if kind == "makeup_workday"}
    years = {day.year for day, _ in rows}
    different = [
        day
        for day in _all_days(CALENDAR)
        if CALENDAR.is_business_day(day)
        != (day in makeup_days or (day.weekday() < 5 and day not in days_off))
    ]

    assert different == []
    assert (CALENDAR.first_day.year, CALENDAR.last_day.year) == (min(years), max(years))
    # The table lists days in lieu a second time, under a kind of their own.
    assert {kind for _, kind in rows} == {"holiday", "makeup_workday", "in_lieu"}
    assert {day for day, kind in rows if kind == "in_lieu"} <= days_off


def test_knows_the_spring_festival_of_2026() -> None:
    # State Council notice for 2026: off from 15 to 23 February, worked on the 14th and the 28th.
    february = [date(2026, 2, day) for day in range(1, 29)]

    assert [day.day for day in february if CALENDAR.is_business_day(day)] == [
        2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 24, 25, 26, 27, 28,
    ]  # fmt: skip


def test_knows_the_golden_week_of_2026() -> None:
    # State Council notice for 2026: off from 1 to 7 October, worked on 20 September, 10 October.
    assert CALENDAR.next_business_day(date(2026, 9, 30)) == date(2026, 10, 8)
    assert CALENDAR.is_business_day(date(2026, 9, 20))
    assert CALENDAR.is_business_day(date(2026, 10, 10))
    assert not CALENDAR.is_business_day(date(2026, 10, 11))


def test_the_exchange_stays_closed_on_makeup_weekends() -> None:
    exchange = china_exchange_calendar()

    assert not exchange.is_business_day(date(2026, 2, 14))
    assert exchange.is_business_day(date(2026, 2, 13))
    assert not exchange.is_business_day(date(2026, 2, 16))
    assert exchange.add_business_days(date(2026, 2, 13), 1) == date(2026, 2, 24)


def test_rolls_a_due_date_on_a_holiday_forward() -> None:
    assert CALENDAR.roll_forward(date(2026, 10, 1)) == date(2026, 10, 8)
    assert CALENDAR.roll_forward(date(2026, 10, 8)) == date(2026, 10, 8)
    assert CALENDAR.add_business_days(date(2026, 10, 1), 0) == date(2026, 10, 8)


def test_counts_a_half_open_period() -> None:
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)

    assert CALENDAR.business_days_between(friday, monday) == 1
    assert CALENDAR.business_days_between(monday, friday) == -1
    assert CALENDAR.business_days_between(friday, friday) == 0


@given(business_days, st.integers(-400, 400))
def test_adding_and_subtracting_comes_back(day: date, count: int) -> None:
    there = CALENDAR.add_business_days(day, count)

    assert CALENDAR.is_business_day(there)
    assert CALENDAR.add_business_days(there, -count) == day
    assert CALENDAR.business_days_between(day, there) == count


@given(days)
def test_next_and_previous_skip_only_days_that_are_not_worked(day: date) -> None:
    after, before = CALENDAR.next_business_day(day), CALENDAR.previous_business_day(day)

    assert before < day < after
    between = [before + timedelta(days=step) for step in range(1, (after - before).days)]
    assert [each for each in between if CALENDAR.is_business_day(each)] in ([], [day])
    assert CALENDAR.is_business_day(after)
    assert CALENDAR.is_business_day(before)


@pytest.mark.parametrize("day", [date(2003, 12, 31), date(1900, 1, 1), date(9999, 12, 31)])
def test_refuses_a_year_that_is_not_known(day: date) -> None:
    for ask in (
        lambda: CALENDAR.is_business_day(day),
        lambda: CALENDAR.next_business_day(day),
        lambda: CALENDAR.business_days_between(day, day),
    ):
        with pytest.raises(CalendarNotCovered) as caught:
            ask()
        assert caught.value.context["first_day"] == "2004-01-01"


def test_refuses_to_step_out_of_the_known_years() -> None:
    with pytest.raises(CalendarNotCovered, match=f"1 business days after {CALENDAR.last_day}"):
        CALENDAR.next_business_day(CALENDAR.last_day)
    with pytest.raises(CalendarNotCovered, match="1 business days before 2004-01-01"):
        CALENDAR.previous_business_day(CALENDAR.first_day)


def test_refuses_an_instant_in_place_of_a_day() -> None:
    with pytest.raises(TypeError, match="date"):
        CALENDAR.is_business_day(datetime(2026, 11, 23, tzinfo=UTC))


def test_refuses_a_calendar_that_contradicts_itself() -> None:
    day = date(2026, 1, 1)

    with pytest.raises(ValueError, match="off and worked"):
        BusinessCalendar("odd", day, day, frozenset({day}), frozenset({day}))
    with pytest.raises(ValueError, match="end on or after"):
        BusinessCalendar("odd", day, date(2025, 1, 1), frozenset(), frozenset())


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), date(2026, 11, 23)),
    ],
)
def test_the_business_day_turns_at_midnight_in_shanghai(instant: datetime, day: date) -> None:
    assert business_day(instant) == day
    assert business_day(instant, "UTC") == date(2026, 11, 22)


def test_refuses_an_instant_without_a_zone() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the mistake that is put to the proof

    for ask in (lambda: business_day(naive), lambda: as_utc(naive), lambda: FixedClock(naive)):
        with pytest.raises(ValueError, match="no time zone"):
            ask()


def test_a_fixed_clock_moves_forward_only() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(hours=1))

    assert clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(timedelta(seconds=-1))


def test_the_system_clock_is_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
