"""Repayment methods: worked examples, and what must hold of every method."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    InterestKind,
    Method,
    MonthBasis,
    Plan,
    RateChange,
    Repayment,
    TimeUnit,
    YearBasis,
    make_loan_schedule,
    make_periods,
    make_schedule,
)

MONTHLY = Cycle(1, TimeUnit.MONTHS)
DAYS_30_360 = DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30)
START = date(2026, 1, 15)


def plan(count: int = 4, amount: int = 125_000, rate: str = "0.15", **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "periods": make_periods(START, MONTHLY, count),
        "cycle": MONTHLY,
        "day_count": DAYS_30_360,
        "annual_rate": Decimal(rate),
        "disbursements": (Disbursement(START, amount),),
    }
    return Plan(**(values | changes))


def parts(made: Plan, **repayment: Any) -> list[tuple[int, int]]:
    rows = make_loan_schedule(made, Repayment(**repayment))
    return [(row.principal, row.interest) for row in rows]


def test_level_payment() -> None:
    assert parts(plan()) == [(30_671, 1_562), (31_054, 1_179), (31_442, 791), (31_833, 398)]


def test_equal_principal() -> None:
    assert parts(plan(), method=Method.EQUAL_PRINCIPAL) == [
        (31_250, 1_562),
        (31_250, 1_172),
        (31_250, 781),
        (31_250, 391),
    ]


def test_interest_first() -> None:
    assert parts(plan(3, 100_000, "0.12"), method=Method.INTEREST_FIRST) == [
        (0, 1_000),
        (0, 1_000),
        (100_000, 1_000),
    ]


def test_single_payment() -> None:
    assert parts(plan(3, 100_000, "0.12"), method=Method.SINGLE_PAYMENT) == [
        (0, 0),
        (0, 0),
        (100_000, 3_000),
    ]


def test_grace_of_principal_bears_interest_that_is_paid() -> None:
    rows = parts(plan(4, 100_000, "0.12"), principal_grace=2)
    assert rows[:2] == [(0, 1_000), (0, 1_000)]
    assert sum(principal for principal, _ in rows) == 100_000
    assert abs(sum(rows[2]) - sum(rows[3])) <= 1


def test_grace_of_interest_makes_it_due_afterwards() -> None:
    rows = parts(plan(3, 90_000, "0.12"), method=Method.EQUAL_PRINCIPAL, interest_grace=1)
    assert rows == [(30_000, 0), (30_000, 1_500), (30_000, 300)]


def test_interest_free_periods_bear_none() -> None:
    rows = parts(plan(3, 90_000, "0.12"), method=Method.EQUAL_PRINCIPAL, interest_free=2)
    assert rows == [(30_000, 0), (30_000, 0), (30_000, 300)]


def test_a_balloon_is_due_at_the_end() -> None:
    rows = make_loan_schedule(plan(12, 1_000_000, "0.06"), Repayment(balloon=400_000))
    level = rows[0].payment
    assert {row.payment for row in rows[:-1]} == {level}
    assert abs(rows[-1].payment - level - 400_000) <= 12


def test_steps_weigh_level_payments() -> None:
    rows = make_loan_schedule(
        plan(4, 100_000, "0"), Repayment(steps=(Fraction(1), Fraction(1), Fraction(2), Fraction(4)))
    )
    assert [row.payment for row in rows] == [12_500, 12_500, 25_000, 50_000]


def test_a_down_payment_is_due_on_the_first_day() -> None:
    rows = make_loan_schedule(plan(3, 100_000, "0"), Repayment(down_payment=Fraction(1, 4)))
    assert (rows[0].due, rows[0].principal, rows[0].balance) == (START, 25_000, 75_000)
    assert [row.principal for row in rows[1:]] == [25_000] * 3


@pytest.mark.parametrize(
    ("repayment", "words"),
    [
        ({"principal_grace": 4}, "at least one of 4"),
        ({"interest_free": 5}, "Grace must"),
        ({"down_payment": Fraction(1)}, "below the whole"),
        ({"balloon": 125_001}, "between nothing and the principal"),
        ({"steps": (Fraction(1),)}, "a step for each payment"),
        ({"steps": (Fraction(0),) * 4}, "weights of zero or more"),
    ],
)
def test_what_does_not_fit_is_refused(repayment: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_loan_schedule(plan(), Repayment(**repayment))


def test_an_agreed_level_payment_leaves_its_difference_to_the_last() -> None:
    # Interest of 15.62, 10.82 and 5.96: 1,200.00 leave 82.40, which bear 1.03.
    (first, *_, last) = parts(plan(level=40_000))
    assert (first, sum(last)) == ((38_438, 1_562), 8_343)


@pytest.mark.parametrize(("level", "method"), [(0, "level_payment"), (40_000, "equal_principal")])
def test_an_agreed_level_payment_that_does_not_fit_is_refused(level: int, method: str) -> None:
    with pytest.raises(ValueError, match="agreed level payment"):
        make_loan_schedule(plan(level=level), Repayment(method=Method(method)))


def test_a_loan_with_a_later_event_is_refused() -> None:
    moved = plan(rate_changes=(RateChange(date(2026, 2, 1), Decimal(0)),))
    with pytest.raises(ValueError, match="nothing happen afterwards"):
        make_loan_schedule(moved, Repayment())


repayments = st.builds(
    Repayment,
    method=st.sampled_from(Method),
    interest=st.sampled_from(InterestKind),
    principal_grace=st.integers(0, 3),
    interest_grace=st.integers(0, 3),
    interest_free=st.integers(0, 3),
    down_payment=st.fractions(0, Fraction(9, 10), max_denominator=20),
    balloon=st.integers(0, 10_000),
)


@given(
    repayment=repayments,
    count=st.integers(4, 40),
    amount=st.integers(10_000, 10**10),
    rate=st.decimals("0", "0.36", places=4),
    multiple=st.sampled_from([1, 100]),
)
def test_principal_sums_and_the_balance_never_grows(
    repayment: Repayment, count: int, amount: int, rate: Decimal, multiple: int
) -> None:
    rows = make_loan_schedule(plan(count, amount, str(rate), multiple=multiple), repayment)
    assert sum(row.principal for row in rows) == amount
    balances = [amount, *(row.balance for row in rows)]
    assert balances == sorted(balances, reverse=True)
    assert balances[-1] == 0
    assert all(row.interest >= 0 for row in rows)


@given(st.integers(1, 60), st.integers(100, 10**9), st.decimals("0", "0.36", places=4))
def test_the_plain_level_payment_is_that_of_the_other_engine(
    count: int, amount: int, rate: Decimal
) -> None:
    made = plan(count, amount, str(rate))
    assert make_loan_schedule(made, Repayment()) == make_schedule(made)
