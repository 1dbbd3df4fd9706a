"""Fees and cycles: worked numbers, and what must hold whatever the numbers."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.calendar import china_calendar
from huitong.payments.merchants.cycles import (
    Cycle,
    cutoff_of,
    find_due_cutoff,
    find_next_due,
    settles_at,
)
from huitong.payments.merchants.fees import (
    FeeRule,
    calculate_fee_back,
    calculate_plan_fee,
)
from huitong.payments.merchants.sheets import Means, Sums, plan_release, split_sheet
from huitong.payments.merchants.types import (
    LineKind,
    PayoutWay,
    Recovery,
    Terms,
    Tranche,
)

RULES = (
    FeeRule(
        kind="any",
        volume_from=0,
        rate_permille=Decimal(6),
        fixed=10,
        fee_min=20,
        fee_max=2_500,
    ),
    FeeRule(kind="any", volume_from=1_000_000, rate_permille=Decimal("3.8"), fixed=10),
    FeeRule(kind="static_qr", volume_from=0, rate_permille=Decimal("0.0001")),
)
SHANGHAI = timedelta(hours=8)


@pytest.mark.parametrize(
    ("amount", "before", "fee"),
    [(8_888, 0, 63), (500, 0, 20), (900_000, 0, 2_500), (15, 0, 15), (8_888, 1_000_000, 44)],
)
def test_the_worked_numbers_hold(amount: int, before: int, fee: int) -> None:
    found = calculate_plan_fee(RULES, kind="checkout", amount=amount, volume_before=before)
    assert found == fee


def test_a_kinds_own_rules_go_first() -> None:
    fee = calculate_plan_fee(RULES, kind="static_qr", amount=5_000_000, volume_before=10**9)
    assert fee == 1, "0.5 fen rounds up"


@given(
    fee=st.integers(0, 10_000),
    paid=st.integers(1, 1_000_000),
    cuts=st.lists(st.integers(0, 1_000_000), max_size=8),
)
def test_all_refunds_together_give_back_the_fee(fee: int, paid: int, cuts: list[int]) -> None:
    ends = sorted({*(min(cut, paid) for cut in cuts), paid})
    back, before = 0, 0
    for end in ends:
        part = calculate_fee_back(fee=fee, paid=paid, refunded_before=before, refund=end - before)
        assert part >= 0
        back, before = back + part, end
    assert back == fee


def make_terms(payout_min: int, permille: int, floor: int, recovery: Recovery) -> Terms:
    return Terms(
        merchant_id=uuid.UUID(int=0),
        version=1,
        effective_from=date(2026, 1, 1),
        plan="standard",
        payout_way=PayoutWay.BALANCE,
        cycle_days=1,
        cutoff_minutes=1_440,
        payout_min=payout_min,
        reserve_permille=permille,
        reserve_days=1,
        reserve_floor=floor,
        recovery=recovery,
        approval_id=uuid.UUID(int=0),
        agreed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


_minor = st.integers(0, 100_000)


@given(
    opening=st.integers(-50_000, 50_000),
    payments=_minor,
    refunds=_minor,
    plan_fees=st.integers(-5_000, 5_000),
    available=_minor,
    reserve=_minor,
    owed=_minor,
    payout_available=_minor,
    payout_min=st.integers(0, 5_000),
    permille=st.integers(0, 1_000),
    floor=_minor,
    recovery=st.sampled_from(Recovery),
)
def test_a_split_never_moves_what_is_not_there(  # noqa: PLR0917
    opening: int,
    payments: int,
    refunds: int,
    plan_fees: int,
    available: int,
    reserve: int,
    owed: int,
    payout_available: int,
    payout_min: int,
    permille: int,
    floor: int,
    recovery: Recovery,
) -> None:
    by_kind = dict.fromkeys(LineKind, 0)
    by_kind |= {LineKind.PAYMENT: payments, LineKind.REFUND: -refunds}
    sums = Sums(count=2, by_kind=by_kind, plan_fees=plan_fees)
    released = reserve // 2
    means = Means(
        available=available,
        reserve=reserve,
        released=released,
        owed=owed,
        payout_available=payout_available,
    )
    terms = make_terms(payout_min, permille, floor, recovery)
    split = split_sheet(opening=opening, sums=sums, means=means, terms=terms)
    out = split.recovered + split.reserve_held + split.payout
    left = available + plan_fees + released + split.advanced - out
    assert left >= 0, "the account is never overdrawn"
    due = opening + sums.total + released + split.advanced
    assert out <= max(0, due), "no more is settled than is due"
    assert 0 <= split.recovered + split.recovered_direct <= owed + split.advanced
    assert split.recovered_direct <= payout_available
    assert split.advanced == 0 or split.payout == 0
    assert split.payout == 0 or split.payout >= payout_min
    assert min(split.advanced, split.recovered, split.reserve_held, split.payout) >= 0


@given(
    amounts=st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 9)), max_size=8),
    floor=st.integers(0, 3_000),
)
def test_a_release_keeps_the_floor(amounts: list[tuple[int, int]], floor: int) -> None:
    first = date(2026, 11, 23)
    tranches = [
        Tranche(id=number, remaining=amount, release_on=first + timedelta(days=days))
        for number, (amount, days) in enumerate(amounts)
    ]
    released = plan_release(tranches, on=first + timedelta(days=5), floor=floor)
    total = sum(amount for amount, _ in amounts)
    due = sum(amount for amount, days in amounts if days <= 5)
    assert sum(released.values()) == min(due, max(0, total - floor))
    assert all(released[number] <= amounts[number][0] for number in released)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC) - SHANGHAI


def test_holidays_are_settled_after_them() -> None:
    cycle = Cycle(1, 1_440, time(9))
    assert settles_at(date(2026, 9, 30), cycle, china_calendar()) == at(date(2026, 10, 8), 9)
    assert settles_at(date(2026, 11, 27), cycle, china_calendar()) == at(date(2026, 11, 30), 9)
    zero = Cycle(0, 18 * 60, time(9))
    assert settles_at(date(2026, 11, 23), zero, china_calendar()) == at(date(2026, 11, 23), 18)
    assert settles_at(date(2026, 11, 28), zero, china_calendar()) == at(date(2026, 11, 30), 18)


@given(
    days=st.integers(0, 10),
    cutoff=st.integers(1, 1_440),
    start=st.integers(0, 200),
    hours=st.integers(0, 24 * 30),
)
def test_what_is_due_next_is_when_something_is_due(
    days: int, cutoff: int, start: int, hours: int
) -> None:
    cycle, calendar = Cycle(days, cutoff, time(9)), china_calendar()
    since = cutoff_of(date(2026, 1, 1) + timedelta(days=start), cutoff)
    due_at = find_next_due(since, cycle, calendar, since)
    assert find_due_cutoff(since, cycle, calendar, due_at - timedelta(seconds=1)) is None
    found = find_due_cutoff(since, cycle, calendar, due_at + timedelta(hours=hours))
    assert found is not None
    assert found > since
