"""Which system a payment takes: amount, urgency, night, holidays, make-up working days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.calendar import CalendarNotCovered, china_calendar
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Confidence, Enforcement, Rulebook
from huitong.payments import clearing

RULES, CALENDAR = Rulebook.load(), china_calendar()
SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def route(amount: str, when: str, *, is_urgent: bool = False) -> clearing.Route:
    return clearing.route_payment(
        Money.parse(amount, "CNY"),
        is_urgent=is_urgent,
        now=at(when),
        calendar=CALENDAR,
        rulebook=RULES,
    )


@pytest.mark.parametrize(
    ("amount", "when", "is_urgent", "rail", "opens"),
    [
        ("1000000.00", "2026-11-23T12:00", False, "beps", None),
        ("1000000.00", "2026-11-23T12:00", True, "ibps", None),
        ("1000000.00", "2026-11-22T03:00", False, "beps", None),
        ("1000000.01", "2026-11-23T12:00", False, "hvps", None),
        ("1000000.01", "2026-11-23T17:14", False, "hvps", None),
        # The day has closed; the next one opens the same evening.
        ("1000000.01", "2026-11-23T17:15", False, "hvps", "2026-11-23T20:30"),
        ("1000000.01", "2026-11-23T20:30", False, "hvps", None),
        # Friday evening waits for Sunday evening, which opens Monday.
        ("1000000.01", "2026-11-27T21:00", False, "hvps", "2026-11-29T20:30"),
        ("1000000.01", "2026-11-29T20:30", False, "hvps", None),
        ("1000000.01", "2026-11-28T12:00", True, "ibps", None),
        # National Day: 1 to 7 October are off, Thursday the 8th is worked.
        ("1000000.01", "2026-10-01T10:00", False, "hvps", "2026-10-07T20:30"),
        # Saturday 10 October 2026 is a make-up working day.
        ("1000000.01", "2026-10-10T10:00", False, "hvps", None),
        ("1000000.01", "2026-10-09T21:00", False, "hvps", None),
    ],
)
def test_a_payment_takes_the_system_for_it(
    amount: str, when: str, is_urgent: bool, rail: str, opens: str | None
) -> None:
    found = route(amount, when, is_urgent=is_urgent)
    assert found.rail.value == rail
    assert found.opens_at == (None if opens is None else at(opens))
    assert all(reason.zh and reason.en for reason in found.reasons)


def test_a_reason_carries_how_strict_and_how_sure_its_rule_is() -> None:
    by_rule = {reason.rule: reason for reason in route("2000000", "2026-11-28T12:00").reasons}
    assert by_rule["rail.beps.credit.max"].enforcement is Enforcement.BLOCK
    assert by_rule["rail.beps.credit.max"].confidence is Confidence.PUBLISHED
    assert by_rule["rail.hvps.opens"].enforcement is Enforcement.WARN
    assert by_rule["rail.hvps.opens"].confidence is Confidence.UNCONFIRMED


@pytest.mark.parametrize("amount", [Money(0, "CNY"), Money(-1, "CNY"), Money(1, "USD")])
def test_other_amounts_are_refused(amount: Money) -> None:
    with pytest.raises(InvalidField) as caught:
        clearing.route_payment(
            amount, is_urgent=False, now=at("2026-11-23T12:00"), calendar=CALENDAR, rulebook=RULES
        )
    assert caught.value.field == "amount"


def test_a_day_beyond_the_calendar_is_refused_and_not_guessed() -> None:
    with pytest.raises(CalendarNotCovered):
        route("2000000", "2031-01-06T12:00")


@given(
    st.integers(0, 600 * 24 * 60).map(
        lambda minutes: at("2025-01-02T00:00") + timedelta(minutes=minutes)
    )
)
def test_the_session_found_is_the_first_that_has_not_closed(now: datetime) -> None:
    session = clearing.find_hvps_session(now, calendar=CALENDAR, rulebook=RULES)
    assert CALENDAR.is_business_day(session.day)
    assert now < session.closes_at
    before = CALENDAR.previous_business_day(session.day)
    closed = datetime(before.year, before.month, before.day, 17, 15, tzinfo=SHANGHAI)
    assert closed <= now
    assert session.closes_at - session.opens_at == timedelta(hours=20, minutes=45)
