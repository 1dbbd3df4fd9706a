"""Interest that follows what is really owed: early, late and lowered, and that the loan ends."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyUse,
    MonthBasis,
    Plan,
    RateChange,
    Receipt,
    TimeUnit,
    YearBasis,
    make_periods,
    make_schedule,
    quote_payoff,
    recalculate,
)

START = date(2026, 1, 1)
MONTHLY = Cycle(1, TimeUnit.MONTHS)
LENT = 600_000
PLAN = Plan(
    periods=make_periods(START, MONTHLY, 6),
    cycle=MONTHLY,
    day_count=DayCount(YearBasis.DAYS_365, MonthBasis.ACTUAL),
    annual_rate=Decimal("0.12"),
    disbursements=(Disbursement(START, LENT),),
)
FIRST = make_schedule(PLAN)
LEVEL = FIRST[0].payment
FEBRUARY, MARCH, JULY = date(2026, 2, 1), date(2026, 3, 1), date(2026, 7, 1)
days = st.integers(0, 181).map(lambda n: START + timedelta(n))
receipts = st.lists(st.builds(Receipt, days, st.integers(1, 300_000)), max_size=8)


def test_nothing_paid_yet_is_the_first_schedule() -> None:
    assert recalculate(PLAN, [], START) == FIRST


def test_what_is_paid_when_due_changes_nothing() -> None:
    paid = [Receipt(row.due, row.payment) for row in FIRST]
    assert recalculate(PLAN, paid, JULY) == FIRST


def test_early_money_lowers_the_interest_from_its_day() -> None:
    # 21 days on 6,000.00 are 41.42, ten on 5,000.00 are 16.44.
    (first, *_) = recalculate(PLAN, [Receipt(date(2026, 1, 22), 100_000)], date(2026, 1, 22))
    assert (first.interest, first.payment) == (4_142 + 1_644, LEVEL)


def test_overdue_principal_bears_interest_until_it_is_paid() -> None:
    # Until 11 February 6,000.00 is owed, 19.73 for ten days; from then on what was planned.
    _, second, *_ = recalculate(PLAN, [Receipt(date(2026, 2, 11), LEVEL)], date(2026, 2, 11))
    balance = FIRST[0].balance
    rest = round(Decimal(balance) * 12 * 18 / 36_500)
    assert second.interest == 1_973 + rest


def test_until_a_later_day_nothing_is_taken_as_paid() -> None:
    rows = recalculate(PLAN, [], JULY)
    assert [row.interest for row in rows[:2]] == [6_115, 5_523]
    assert rows[1].interest > FIRST[1].interest


def test_more_than_a_payment_can_lower_all_later_ones() -> None:
    paid = [Receipt(date(2026, 1, 22), 300_000)]
    first, *later = recalculate(PLAN, paid, paid[0].on, EarlyUse.LOWER_PAYMENTS)
    assert (first.principal, first.balance) == (300_000, 300_000)
    assert {row.payment for row in later[:-1]} == {later[0].payment}
    assert later[0].payment < LEVEL


@given(receipts, st.sampled_from(EarlyUse))
def test_principal_parts_sum_to_the_principal(paid: list[Receipt], early: EarlyUse) -> None:
    rows = recalculate(PLAN, paid, JULY, early)
    assert sum(row.principal for row in rows) == LENT
    assert min(row.principal for row in rows) >= 0
    assert min(row.interest for row in rows) >= 0
    assert rows[-1].balance == 0


@given(receipts, days, st.sampled_from(EarlyUse))
def test_a_payoff_ends_the_loan_and_saves_later_interest(
    paid: list[Receipt], on: date, early: EarlyUse
) -> None:
    until = [each for each in paid if each.on <= on]
    quoted = quote_payoff(PLAN, until, on, early)
    received = sum(each.amount for each in until)
    assert quoted + received >= LENT
    if quoted > 0:
        rows = recalculate(PLAN, [*until, Receipt(on, quoted)], on, early)
        assert sum(row.payment for row in rows) == received + quoted


@given(receipts)
def test_leaving_a_receipt_out_restores_what_was(paid: list[Receipt]) -> None:
    before = recalculate(PLAN, paid, JULY)
    recalculate(PLAN, [*paid, Receipt(MARCH, 5)], JULY)
    assert recalculate(PLAN, list(reversed(paid)), JULY) == before


@pytest.mark.parametrize(
    ("paid", "as_of"),
    [([Receipt(FEBRUARY, 1)], START), ([Receipt(date(2025, 12, 31), 1)], FEBRUARY)],
)
def test_money_from_outside_the_time_is_refused(paid: list[Receipt], as_of: date) -> None:
    with pytest.raises(ValueError, match="Money comes in between"):
        recalculate(PLAN, paid, as_of)


def test_a_plan_that_changes_is_refused() -> None:
    changed = Plan(
        periods=PLAN.periods,
        cycle=MONTHLY,
        day_count=PLAN.day_count,
        annual_rate=PLAN.annual_rate,
        disbursements=PLAN.disbursements,
        rate_changes=(RateChange(FEBRUARY, Decimal("0.1")),),
    )
    with pytest.raises(ValueError, match="nothing be changed"):
        recalculate(changed, [], START)
