"""Conventions that loans of other systems have, each worked by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyUse,
    LateInterest,
    Method,
    MonthBasis,
    Plan,
    RateChange,
    Recalculation,
    Receipt,
    Repayment,
    TimeUnit,
    YearBasis,
    make_loan_schedule,
    make_periods,
    make_schedule,
    quote_payoff,
    recalculate,
)

START, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)
MONTHLY = Cycle(1, TimeUnit.MONTHS)
LENT = 1_000_000
PLAN = Plan(
    periods=make_periods(START, MONTHLY, 3),
    cycle=MONTHLY,
    day_count=DayCount(YearBasis.DAYS_365, MonthBasis.ACTUAL),
    annual_rate=Decimal("0.1"),
    disbursements=(Disbursement(START, LENT),),
)


@pytest.mark.parametrize(
    ("year", "month", "january", "february"),
    [
        # 10,000.00 × 10 % × 31 / 365 and, less 3,000.00, 29 / 365.
        (YearBasis.DAYS_365, MonthBasis.ACTUAL, 8_493, 5_562),
        # 2024 is a leap year: 31 / 366 and 29 / 366.
        (YearBasis.ACTUAL, MonthBasis.ACTUAL, 8_470, 5_546),
        (YearBasis.DAYS_360, MonthBasis.ACTUAL, 8_611, 5_639),
        (YearBasis.DAYS_360, MonthBasis.DAYS_30, 8_333, 5_833),
        (YearBasis.DAYS_364, MonthBasis.ACTUAL, 8_516, 5_577),
    ],
)
def test_days_become_a_share_of_a_year(
    year: YearBasis, month: MonthBasis, january: int, february: int
) -> None:
    changed = replace(PLAN, day_count=DayCount(year, month))
    level = 300_000 + january
    first, second, _ = make_schedule(replace(changed, level=level))
    assert (first.principal, first.interest) == (300_000, january)
    assert second.interest == february


def test_a_year_end_within_a_period_counts_each_day_in_its_own_year() -> None:
    # 15 days of 2023 in 365ths, 16 of 2024 in 366ths: 41.10 + 43.72.
    start = date(2023, 12, 17)
    plan = Plan(
        periods=make_periods(start, MONTHLY, 1),
        cycle=MONTHLY,
        day_count=DayCount(YearBasis.ACTUAL, MonthBasis.ACTUAL),
        annual_rate=Decimal("0.1"),
        disbursements=(Disbursement(start, LENT),),
    )
    (row,) = make_schedule(plan)
    assert row.interest == 8_481


def test_interest_can_pause_while_payments_stay() -> None:
    # From 11 to 20 February none: 10 days on 7,084.93 are 19.41, the 9 days from the 21st 17.47.
    pause = (
        RateChange(date(2024, 2, 11), Decimal(0)),
        RateChange(date(2024, 2, 21), Decimal("0.1")),
    )
    first, second, _ = make_schedule(replace(PLAN, level=300_000, rate_changes=pause))
    assert (first.principal, first.balance) == (300_000 - 8_493, 708_493)
    assert (second.interest, second.principal) == (1_941 + 1_747, 300_000 - 3_688)


def test_a_rate_that_changes_within_a_period_holds_from_its_day() -> None:
    # 14 days at 10 % and 15 at 4 % on 6,696.04: 25.68 and 11.01.
    changed = replace(PLAN, rate_changes=(RateChange(date(2024, 2, 15), Decimal("0.04")),))
    first, second, last = make_schedule(changed)
    assert (first.payment, first.balance) == (338_889, 669_604)
    assert second.interest == 2_568 + 1_101
    assert abs(second.payment - last.payment) <= 1


def test_money_lent_in_parts_bears_interest_from_its_day() -> None:
    # 5,000.00 more on 16 January: 16 days on it are 21.92.
    more = (*PLAN.disbursements, Disbursement(date(2024, 1, 16), 500_000))
    first, *_ = make_schedule(replace(PLAN, disbursements=more))
    assert first.interest == 4_110 + 6_575


def test_equal_principal_in_weeks_and_days() -> None:
    for cycle, days in ((Cycle(2, TimeUnit.WEEKS), 14), (Cycle(15, TimeUnit.DAYS), 15)):
        plan = replace(PLAN, periods=make_periods(START, cycle, 4), cycle=cycle)
        rows = make_loan_schedule(plan, Repayment(method=Method.EQUAL_PRINCIPAL))
        assert {row.principal for row in rows} == {250_000}
        assert rows[0].interest == round(Decimal(LENT) * days / 3_650)


def test_what_is_paid_before_and_after_its_day_is_reckoned_from_that_day() -> None:
    # Ten days early, 3,388.89: 21 days on 10,000.00 are 57.53, ten on 6,611.11 are 18.11.
    (first, *_) = recalculate(PLAN, [Receipt(date(2024, 1, 22), 338_889)], date(2024, 1, 22))
    assert first.interest == 5_753 + 1_811
    # Ten days late: 27.40 on 10,000.00, then 19 days on 6,696.04 are 34.86.
    late = [Receipt(date(2024, 2, 11), 338_889)]
    _, second, _ = recalculate(PLAN, late, date(2024, 2, 11))
    assert second.interest == 2_740 + 3_486


def test_a_payoff_within_a_period_has_interest_until_its_day() -> None:
    # After January's 3,388.89, 14 days on 6,696.04 are 25.68.
    paid = [Receipt(FEBRUARY, 338_889)]
    for early in EarlyUse:
        rules = Recalculation(early=early, late=LateInterest.WHEN_RECKONED)
        assert quote_payoff(PLAN, paid, date(2024, 2, 15), rules) == 669_604 + 2_568


def test_a_down_payment_has_no_place_where_interest_is_reckoned_anew() -> None:
    def make(plan: Plan) -> list[object]:
        return [*make_schedule(plan), make_schedule(plan)[0]]

    with pytest.raises(ValueError, match="down payment"):
        recalculate(PLAN, [], MARCH, make=make)  # type: ignore[arg-type]
