"""What a file of level payments names by variables is found from its figures, or said not to be."""

import itertools
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyPrincipal,
    MonthBasis,
    Plan,
    RateChange,
    TimeUnit,
    YearBasis,
    make_periods,
    make_schedule,
    share_of_year,
)
from huitong.lending.tie_out.level_payments import compare_level_payments

START, MARCH, APRIL = date(2024, 1, 1), date(2024, 3, 1), date(2024, 4, 1)
MONTHLY = Cycle(1, TimeUnit.MONTHS)
PLAN = Plan(
    periods=make_periods(START, MONTHLY, 6),
    cycle=MONTHLY,
    day_count=DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30),
    annual_rate=Decimal("0.07"),
    disbursements=(Disbursement(START, 10_000),),
)
FIFTEENTH = date(2024, 2, 15)


def factor(plan: Plan, place: int, start: date, end: date) -> float:
    numerator, denominator = share_of_year(plan.day_count, MONTHLY, plan.periods[place], start, end)
    changes = [each.annual_rate for each in plan.rate_changes if each.on <= start]
    rate = changes[-1] if changes else plan.annual_rate
    return float(round(rate * numerator / denominator, 12))


def print_rows(plan: Plan, cut: date) -> list[dict[str, Any]]:
    """Return the checks of a plan as such a file prints them, a row cut in two on a day."""
    checks = []
    for place, (row, period) in enumerate(zip(make_schedule(plan), plan.periods, strict=True)):
        cuts = [period.start, *([cut] if period.start < cut < period.due else []), period.due]
        due = sum(each.amount for each in plan.early if each.on == row.due)
        amounts = [row.interest / 100, row.principal / 100, (row.balance - due) / 100]
        for part, (start, end) in enumerate(itertools.pairwise(cuts)):
            share = factor(plan, place, start, end)
            checks.append({"check": [place, part, row.payment / 100, share, *amounts]})
    return checks


def make_case(*calls: dict[str, Any]) -> dict[str, Any]:
    def write(day: date) -> str:
        return f"{day.year}, {day.month}, {day.day}"

    periods = [
        {"period": number, "from": write(start), "due": write(due)}
        for number, (start, due) in enumerate(PLAN.periods, 1)
    ]
    terms = [
        {"annual_rate_percent": 7.0}, {"DaysInYearType": "DAYS_360"},
        {"DaysInMonthType": "DAYS_30"}, {"frequency": "MONTHS"}, {"repayEvery": 1},
        {"money_var": "disbursedAmount", "value": 100.0},
        {"call": "addDisbursement", "args": "LocalDate.of(2024, 1, 1), disbursedAmount"},
    ]  # fmt: skip
    return {"test": "case", "events": [*periods, *terms, *calls]}


def differences(case: dict[str, Any]) -> set[str | None]:
    ties = list(compare_level_payments([case]))
    assert len(ties) == 6
    return {each.difference for each in ties}


@pytest.mark.parametrize("on", [date(2024, 2, 1), FIFTEENTH, date(2024, 1, 20)])
def test_a_new_rate_and_its_day_are_found_from_the_factors(on: date) -> None:
    changed = replace(PLAN, rate_changes=(RateChange(on, Decimal("0.04")),))
    call = {"call": "changeInterestRate", "args": "interestChangeDate, interestRateNewValue"}
    assert differences(make_case(call, *print_rows(changed, on))) == {None}


def test_a_rate_that_is_none_of_the_factors_is_not_guessed() -> None:
    call = {"call": "changeInterestRate", "args": "interestChangeDate, interestRateNewValue"}
    case = make_case(call, *print_rows(PLAN, START))
    assert differences(case) == {"not covered: a new rate that the figures do not tell"}


PAID = [
    {"money_var": "correction", "value": 16.77},
    {"call": "payPrincipal", "args": "dueDate, correctionDate, correction"},
]


def test_the_only_day_that_gives_the_figures_is_that_of_a_payment() -> None:
    early = replace(PLAN, early=(EarlyPrincipal(MARCH, FIFTEENTH, 1_677),))
    assert differences(make_case(*PAID, *print_rows(early, FIFTEENTH))) == {None}


def test_a_payment_that_no_day_explains_is_said_to_be_none() -> None:
    early = replace(PLAN, early=(EarlyPrincipal(MARCH, FIFTEENTH, 1_600),))
    (why,) = differences(make_case(*PAID, *print_rows(early, FIFTEENTH)))
    assert why == "not covered: no days of payPrincipal of 16.77 give the printed figures"


def test_a_payment_of_an_amount_that_is_not_told_ends_the_comparison() -> None:
    call = {"call": "payPrincipal", "args": "dueDate, correctionDate, correction"}
    (why,) = differences(make_case(call, *print_rows(PLAN, START)))
    assert why == "not covered: payPrincipal of an amount that the file does not tell"
