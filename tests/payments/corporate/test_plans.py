"""On which days a plan pays: worked examples, and against a naive model that walks day by day."""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.corporate.firm import make_plan

from huitong.kernel.calendar import BusinessCalendar, china_calendar
from huitong.kernel.money import Money
from huitong.payments.corporate import (
    AmountRule,
    Convention,
    Plan,
    Rhythm,
    ScheduleInvalid,
    due_date,
    nominal_date,
)
from huitong.payments.corporate.plans import check_plan

WEEKDAYS = BusinessCalendar(
    name="weekdays",
    first_day=date(2020, 1, 1),
    last_day=date(2040, 12, 31),
    days_off=frozenset({date(2026, 5, 1)}),
    makeup_days=frozenset(),
)


def list_dates(plan: Plan, count: int) -> list[str]:
    return [str(nominal_date(plan, number)) for number in range(1, count + 1)]


def test_the_31st_is_the_last_day_of_shorter_months() -> None:
    plan = make_plan(day=31, first_on=date(2027, 1, 15))
    assert list_dates(plan, 4) == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]


def test_the_month_that_has_no_such_day_left_is_passed_over() -> None:
    assert list_dates(make_plan(day=10, first_on=date(2026, 11, 11)), 2) == [
        "2026-12-10",
        "2027-01-10",
    ]


def test_weekly_is_on_its_weekday_and_days_count_from_the_first() -> None:
    friday = make_plan(rhythm=Rhythm.WEEKLY, day=5, first_on=date(2026, 11, 24))
    assert list_dates(friday, 2) == ["2026-11-27", "2026-12-04"]
    tenth = make_plan(rhythm=Rhythm.DAYS, day=10, first_on=date(2026, 11, 24))
    assert list_dates(tenth, 2) == ["2026-11-24", "2026-12-04"]


def test_a_plan_ends_with_its_last_date_or_its_count() -> None:
    assert list_dates(make_plan(first_on=date(2026, 12, 1), last_on=date(2027, 1, 31)), 3) == [
        "2026-12-01",
        "2027-01-01",
        "None",
    ]
    assert list_dates(make_plan(first_on=date(2026, 12, 1), count_max=1), 2) == [
        "2026-12-01",
        "None",
    ]


@pytest.mark.parametrize(
    ("nominal", "convention", "expected"),
    [
        # A Saturday at the end of a month.
        (date(2026, 10, 31), Convention.NONE, date(2026, 10, 31)),
        (date(2026, 10, 31), Convention.FOLLOWING, date(2026, 11, 2)),
        (date(2026, 10, 31), Convention.PRECEDING, date(2026, 10, 30)),
        (date(2026, 10, 31), Convention.MODIFIED_FOLLOWING, date(2026, 10, 30)),
        # National Day, and a Saturday in the middle of a month.
        (date(2026, 10, 1), Convention.FOLLOWING, date(2026, 10, 8)),
        (date(2026, 11, 14), Convention.MODIFIED_FOLLOWING, date(2026, 11, 16)),
        # The calendar of 2030 is not known, and needs not be where it is not asked.
        (date(2030, 1, 1), Convention.FOLLOWING, None),
        (date(2030, 1, 1), Convention.NONE, date(2030, 1, 1)),
    ],
)
def test_conventions_on_the_calendar_of_china(
    nominal: date, convention: Convention, expected: date | None
) -> None:
    assert due_date(nominal, convention, china_calendar()) == expected


def walk(plan: Plan, until: date) -> list[date]:
    """Return nominal dates by looking at every day."""
    found: list[date] = []
    day = plan.first_on
    while day <= until and (plan.last_on is None or day <= plan.last_on):
        last = calendar.monthrange(day.year, day.month)[1]
        is_nominal = {
            Rhythm.ONCE: day == plan.first_on,
            Rhythm.WEEKLY: day.isoweekday() == plan.day,
            Rhythm.MONTHLY: day.day == min(plan.day, last),
            Rhythm.DAYS: plan.day > 0 and (day - plan.first_on).days % plan.day == 0,
        }[plan.rhythm]
        if is_nominal:
            found.append(day)
        day += timedelta(days=1)
    return found[: plan.count_max]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    rhythm = draw(st.sampled_from([Rhythm.WEEKLY, Rhythm.MONTHLY, Rhythm.DAYS]))
    most = {Rhythm.WEEKLY: 7, Rhythm.MONTHLY: 31, Rhythm.DAYS: 60}[rhythm]
    first = draw(st.dates(date(2024, 1, 1), date(2028, 12, 31)))
    return make_plan(
        rhythm=rhythm,
        day=draw(st.integers(1, most)),
        first_on=first,
        last_on=draw(st.none() | st.dates(first, first + timedelta(days=700))),
        count_max=draw(st.none() | st.integers(1, 30)),
    )


@given(plans())
def test_dates_are_those_of_a_model_that_looks_at_every_day(plan: Plan) -> None:
    until = plan.first_on + timedelta(days=800)
    found = []
    for number in range(1, 900):
        nominal = nominal_date(plan, number)
        if nominal is None or nominal > until:
            break
        found.append(nominal)
    assert found == walk(plan, until)


@given(st.dates(date(2021, 1, 1), date(2039, 1, 1)), st.sampled_from(Convention))
def test_a_due_date_is_the_nearest_business_day_that_its_convention_allows(
    nominal: date, convention: Convention
) -> None:
    due = due_date(nominal, convention, WEEKDAYS)
    assert due is not None
    if convention is Convention.NONE or WEEKDAYS.is_business_day(nominal):
        assert due == nominal
        return
    assert WEEKDAYS.is_business_day(due)
    step = timedelta(days=1 if due > nominal else -1)
    between, day = [], nominal
    while day != due:
        between.append(WEEKDAYS.is_business_day(day))
        day += step
    assert not any(between)
    if convention is Convention.FOLLOWING:
        assert due > nominal
    if convention is Convention.PRECEDING:
        assert due < nominal
    if convention is Convention.MODIFIED_FOLLOWING:
        assert due.month == nominal.month


@pytest.mark.parametrize(
    ("rule", "amount", "most", "available", "expected"),
    [
        (AmountRule.FIXED, 100, 100, 5, 100),
        (AmountRule.ABOVE, 1_000, 500, 1_250, 250),
        (AmountRule.ABOVE, 1_000, 500, 9_000, 500),
        (AmountRule.ABOVE, 1_000, 500, 1_000, 0),
        (AmountRule.ABOVE, 1_000, 500, 7, 0),
        (AmountRule.WHOLE, 0, 500, 7, 7),
    ],
)
def test_amounts(rule: AmountRule, amount: int, most: int, available: int, expected: int) -> None:
    plan = make_plan(amount_rule=rule, amount=amount, payment_max=most)
    assert plan.amount_of(Money(available, "CNY")) == Money(expected, "CNY")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"payment_max": 99_99}, "payment_max"),
        ({"amount_rule": AmountRule.WHOLE}, "amount"),
        ({"day": 0}, "day"),
        ({"day": 32}, "day"),
        ({"rhythm": Rhythm.WEEKLY, "day": 8}, "day"),
        ({"rhythm": Rhythm.DAYS, "day": 367}, "day"),
        ({"rhythm": Rhythm.ONCE, "day": 0}, "pay_at"),
        ({"pay_at": datetime(2026, 12, 1, tzinfo=UTC)}, "pay_at"),
        ({"retry_days": 28}, "retry_days"),
        ({"retry_days": -1}, "retry_days"),
        ({"rhythm": Rhythm.DAYS, "day": 60, "retry_days": 32}, "retry_days"),
        ({"rhythm": Rhythm.WEEKLY, "day": 7, "retry_days": 7}, "retry_days"),
        ({"last_on": date(2026, 11, 23)}, "last_on"),
        ({"last_on": date(2057, 11, 23)}, "last_on"),
        ({"last_on": date(2026, 11, 25)}, "day"),
        ({"count_max": 0}, "count_max"),
    ],
)
def test_plans_that_cannot_be_are_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ScheduleInvalid) as caught:
        check_plan(make_plan(**changes))
    assert caught.value.field == field
