"""Schedules of level payments: worked examples, and what must hold of all of them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyPrincipal,
    MonthBasis,
    Period,
    Plan,
    RateChange,
    Rounding,
    Row,
    TimeUnit,
    YearBasis,
    add_months,
    make_periods,
    make_schedule,
    share_of_year,
)
from huitong.lending.schedules.progressive import make_general_schedule

D = Decimal
MONTHLY = Cycle(1, TimeUnit.MONTHS)
DAYS_30_360 = DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30)
START = date(2024, 1, 1)


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "periods": make_periods(START, MONTHLY, 6),
        "cycle": MONTHLY,
        "day_count": DAYS_30_360,
        "annual_rate": D("0.094822"),
        "disbursements": (Disbursement(START, 10_000),),
    }
    return Plan(**(values | changes))


def figures(rows: list[Row]) -> list[tuple[int, int, int, int]]:
    return [(row.payment, row.interest, row.principal, row.balance) for row in rows]


def test_a_level_loan_by_30_360() -> None:
    assert figures(make_schedule(plan())) == [
        (1713, 79, 1634, 8366),
        (1713, 66, 1647, 6719),
        (1713, 53, 1660, 5059),
        (1713, 40, 1673, 3386),
        (1713, 27, 1686, 1700),
        (1713, 13, 1700, 0),
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_money_without_interest_comes_back_in_equal_parts(count: int) -> None:
    periods = make_periods(START, MONTHLY, count)
    rows = make_schedule(plan(periods=periods, annual_rate=D(0)))
    assert sum(row.principal for row in rows) == 10_000
    assert {row.interest for row in rows} == {0}
    assert max(row.payment for row in rows) - min(row.payment for row in rows) <= count


def test_payments_can_be_whole_yuan() -> None:
    rows = make_schedule(plan(multiple=100))
    assert [row.payment for row in rows[:-1]] == [1700] * 5
    assert rows[-1].balance == 0


plans = st.builds(
    plan,
    periods=st.builds(
        make_periods,
        st.dates(date(2020, 1, 1), date(2030, 12, 31)),
        st.sampled_from([MONTHLY, Cycle(2, TimeUnit.WEEKS), Cycle(10, TimeUnit.DAYS)]),
        st.integers(1, 48),
    ),
    annual_rate=st.decimals("0", "0.36", places=6),
    day_count=st.builds(DayCount, st.sampled_from(YearBasis), st.sampled_from(MonthBasis)),
    rounding=st.sampled_from(Rounding),
).flatmap(
    lambda made: st.integers(100, 10**9).map(
        lambda amount: Plan(
            periods=made.periods,
            cycle=made.cycle,
            day_count=made.day_count,
            annual_rate=made.annual_rate,
            rounding=made.rounding,
            disbursements=(Disbursement(made.periods[0].start, amount),),
        )
    )
)


@given(plans)
def test_principal_sums_to_what_was_lent_and_the_balance_never_grows(made: Plan) -> None:
    rows = make_schedule(made)
    lent = made.disbursements[0].amount
    assert sum(row.principal for row in rows) == lent
    balances = [lent, *(row.balance for row in rows)]
    assert balances == sorted(balances, reverse=True)
    assert balances[-1] == 0
    assert all(row.interest >= 0 and row.principal >= 0 for row in rows)


@given(plans)
def test_the_fast_way_gives_the_same_rows(made: Plan) -> None:
    assert make_schedule(made) == make_general_schedule(made)


@given(plans, st.data())
def test_early_principal_saves_interest_and_leaves_the_level(made: Plan, data: Any) -> None:
    before = make_schedule(made)
    if len(before) < 3 or before[1].principal == 0:
        return
    period = made.periods[0]
    on = data.draw(st.dates(period.start, period.due))
    if on == period.due:
        return
    early = EarlyPrincipal(made.periods[1].due, on, before[1].principal)
    rows = make_schedule(
        Plan(
            periods=made.periods,
            cycle=made.cycle,
            day_count=made.day_count,
            annual_rate=made.annual_rate,
            rounding=made.rounding,
            disbursements=made.disbursements,
            early=(early,),
        )
    )
    assert sum(row.principal for row in rows) == made.disbursements[0].amount
    assert rows[-1].balance == 0
    assert sum(row.interest for row in rows) <= sum(row.interest for row in before) + len(rows)


def test_what_lies_outside_the_periods_is_refused() -> None:
    late = date(2030, 1, 1)
    with pytest.raises(ValueError, match="Money is lent on 2030-01-01"):
        make_schedule(plan(disbursements=(Disbursement(late, 1),)))
    with pytest.raises(ValueError, match="rate changes on 2030"):
        make_schedule(plan(rate_changes=(RateChange(late, D(0)),)))
    with pytest.raises(ValueError, match="No payment is due on 2024-02-02"):
        make_schedule(plan(early=(EarlyPrincipal(date(2024, 2, 2), START, 1),)))
    with pytest.raises(ValueError, match="at least one payment"):
        make_periods(START, MONTHLY, 0)
    with pytest.raises(ValueError, match="after the loan begins"):
        make_periods(START, MONTHLY, 2, first_due=START)


def test_due_days_come_back_after_a_short_month() -> None:
    periods = make_periods(date(2024, 1, 31), MONTHLY, 3)
    assert [each.due for each in periods] == [
        date(2024, 2, 29),
        date(2024, 3, 31),
        date(2024, 4, 30),
    ]
    assert add_months(date(2023, 12, 31), 2) == date(2024, 2, 29)


def test_shares_of_a_year_are_exact() -> None:
    january = Period(date(2024, 1, 1), date(2024, 2, 1))
    assert share_of_year(DAYS_30_360, MONTHLY, january, january.start, date(2024, 1, 8)) == (
        210,
        11_160,
    )
    turn = Period(date(2023, 12, 31), date(2024, 1, 2))
    actual = DayCount(YearBasis.ACTUAL, MonthBasis.ACTUAL)
    assert share_of_year(actual, MONTHLY, turn, *turn) == (366 + 365, 365 * 366)
