"""What products may say besides: flat interest, due days that are no business days, fees."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lending.loans.conftest import RULES, TERMS, TODAY, Bank, new_id
from tests.lending.loans.test_properties import check, make_loan

from huitong import lending
from huitong.kernel.errors import InvalidField
from huitong.lending.costs import CostKind, make_statement
from huitong.lending.loans import acts
from huitong.lending.loans.planning import find_period, make_instalments
from huitong.lending.products.checks import check_terms
from huitong.lending.schedules import adjust

FLAT: dict[str, Any] = {
    "interest": lending.InterestKind.FLAT,
    "allows_steps": False,
    "principal_grace_max": 0,
    "interest_free_max": 0,
    "methods": (lending.Method.LEVEL_PAYMENT, lending.Method.EQUAL_PRINCIPAL),
}


def product_with(**changes: Any) -> lending.Loan:
    loan = make_loan(principal=12_000_00, rate=72_000, count=12)
    terms = replace(loan.product.terms, early_fee=0, **changes)
    return replace(loan, product=replace(loan.product, terms=terms))


def plan(loan: lending.Loan) -> list[lending.Instalment]:
    return make_instalments(loan.terms, loan.product.terms, loan.lent_on)


def test_flat_interest_is_on_what_was_lent_and_its_real_rate_is_shown() -> None:
    loan = product_with(**FLAT)
    rows = plan(loan)
    # A flat 0.6 % a month: the reference's example, 13.03 % nominal and 13.84 % effective.
    assert {each.interest for each in rows} == {72_00}
    assert {each.principal for each in rows} == {1_000_00}
    statement = make_statement(loan.terms, loan.product, on=loan.lent_on)
    assert (statement.nominal_rate, statement.effective_rate) == (
        Decimal("0.1303"),
        Decimal("0.1384"),
    )
    assert statement.total_cost == 864_00


def test_principal_paid_early_bears_no_flat_interest_any_more() -> None:
    running = acts.lend(loan := product_with(**FLAT), plan(loan))
    acts.close_days(running, running.instalments[0].due)
    acts.apply(
        running,
        lending.EventKind.EARLY_REPAYMENT,
        1_072_00 + 5_500_00,
        {"mode": lending.EarlyMode.LOWER_PAYMENTS.value},
    )
    check(running)
    later = [each for each in running.instalments if each.number >= running.state.next_number]
    assert sum(each.principal for each in later) == 5_500_00
    assert {each.interest for each in later} == {33_00}


async def test_flat_interest_above_the_ceiling_of_cost_is_refused(bank: Bank) -> None:
    await bank.add_product("flat", **FLAT)
    borrower = await bank.add_borrower()
    loan = await bank.lend(borrower, "flat", rate=130_000)
    with pytest.raises(lending.LoanTermsRefused, match=r"24\.91%.*loan\.cost\.max"):
        await bank.lend(borrower, "flat", rate=140_000)
    with pytest.raises(lending.LoanChangeRefused) as caught:
        await bank.run(
            lending.change_rate, loan.id, change_id=new_id(), rate=130_001, rulebook=RULES
        )
    assert caught.value.field == "rate"
    await bank.close(35)
    await bank.check_ties()


CONVENTIONS = lending.BusinessDays


@pytest.mark.parametrize(
    ("day", "convention", "expected"),
    [
        (date(2026, 10, 31), CONVENTIONS.NONE, date(2026, 10, 31)),
        (date(2026, 10, 31), CONVENTIONS.FOLLOWING, date(2026, 11, 2)),
        (date(2026, 10, 31), CONVENTIONS.MODIFIED_FOLLOWING, date(2026, 10, 30)),
        (date(2026, 10, 31), CONVENTIONS.PRECEDING, date(2026, 10, 30)),
        # National Day: 1 to 7 October are off.
        (date(2026, 10, 3), CONVENTIONS.FOLLOWING, date(2026, 10, 8)),
        # Of a year that is not known yet only weekends count.
        (date(2027, 10, 1), CONVENTIONS.FOLLOWING, date(2027, 10, 1)),
        (date(2027, 10, 2), CONVENTIONS.FOLLOWING, date(2027, 10, 4)),
    ],
)
def test_due_days_go_where_the_convention_says(
    day: date, convention: lending.BusinessDays, expected: date
) -> None:
    assert adjust(day, convention, known_year=2026) == expected


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CONVENTIONS), st.integers(0, 200), st.integers(1, 12))
def test_periods_of_adjusted_due_days_follow_each_other(
    convention: lending.BusinessDays, days: int, count: int
) -> None:
    loan = product_with(business_days=convention)
    loan = replace(
        loan,
        lent_on=date(2026, 1, 1) + timedelta(days=days),
        terms=replace(loan.terms, count=count),
    )
    rows = plan(loan)
    periods = [find_period(loan, number) for number in range(count)]
    assert [(each.start, each.due) for each in rows] == [tuple(each) for each in periods]
    for each in rows:
        assert adjust(each.due, convention, known_year=2026) == each.due
    check(acts.lend(loan, rows))


async def test_a_due_day_on_a_holiday_is_paid_on_the_next_business_day(bank: Bank) -> None:
    await bank.add_product(business_days=lending.BusinessDays.FOLLOWING)
    borrower = await bank.add_borrower(money=50_000_00)
    loan = await bank.lend(borrower, count=2, first_due=date(2026, 10, 31))
    assert [each.due for each in await bank.schedule(loan)] == [
        date(2026, 11, 2),
        date(2026, 11, 30),
    ]
    await bank.close(31)
    assert (await bank.state(loan)).owed_now == 0
    await bank.close(1)
    assert (await bank.state(loan)).due > 0
    await bank.check_ties()


async def test_fees_are_due_told_and_paid(bank: Bank) -> None:
    await bank.add_product(disbursement_fee=5_000, service_fee=1_000, late_fee=20_00)
    borrower = await bank.add_borrower(money=50_000_00)
    loan = await bank.lend(borrower)
    # Half a percent at once, a tenth of a percent with each payment.
    assert (await bank.state(loan)).fees == 60_00
    await bank.close(31)
    state = await bank.state(loan)
    assert (state.fees, state.owed_now) == (72_00, 72_00 + 1_066_19)
    await bank.close(3)
    # Not paid on its day: the fee for being late comes once.
    assert (await bank.state(loan)).fees == 92_00
    owed = (await bank.state(loan)).owed_now
    event = await bank.repay(loan, owed)
    assert (await bank.state(loan)).fees_paid == 92_00
    await bank.check_ties()
    await bank.run(lending.reverse, loan.id, reversal_id=new_id(bank.now), event_id=event.id)
    assert (await bank.state(loan)).fees == 92_00
    # As if it had been paid in time, no fee for being late is asked.
    await bank.repay(loan, 72_00 + 1_066_19, on=bank.today - timedelta(days=3))
    assert (await bank.state(loan)).owed_now == 0
    await bank.check_ties()


def test_the_cost_statement_names_every_fee_and_counts_them_in() -> None:
    loan = product_with(disbursement_fee=5_000, service_fee=1_000, late_fee=20_00)
    statement = make_statement(loan.terms, loan.product, on=loan.lent_on)
    items = {each.kind: each for each in statement.items}
    assert (items[CostKind.DISBURSEMENT_FEE].amount, items[CostKind.SERVICE_FEE].amount) == (
        60_00,
        144_00,
    )
    assert (items[CostKind.LATE_FEE].amount, items[CostKind.LATE_FEE].each) == (None, 20_00)
    interest = items[CostKind.INTEREST].amount
    assert interest is not None
    assert statement.total_cost == interest + 60_00 + 144_00
    plain = make_statement(loan.terms, product_with().product, on=loan.lent_on)
    assert statement.nominal_rate > plain.nominal_rate + Decimal("0.02")


async def test_fees_that_cost_more_than_the_ceiling_are_refused(bank: Bank) -> None:
    await bank.add_product(service_fee=5_000)
    borrower = await bank.add_borrower()
    with pytest.raises(lending.LoanTermsRefused) as caught:
        await bank.lend(borrower, rate=180_000)
    assert caught.value.context == {"rule": "loan.cost.max"}
    await bank.lend(borrower, rate=120_000)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (FLAT | {"allows_steps": True}, "allows_steps"),
        (FLAT | {"interest_free_max": 1}, "interest_free_max"),
        (FLAT | {"principal_grace_max": 1}, "principal_grace_max"),
        (FLAT | {"rate_kind": lending.RateKind.LPR_1Y}, "rate_kind"),
        ({"disbursement_fee": 100_001}, "disbursement_fee"),
        ({"service_fee": -1}, "service_fee"),
        ({"late_fee": 50_01}, "late_fee"),
        ({"line_years": 2}, "line_years"),
        (
            {
                "business_days": lending.BusinessDays.FOLLOWING,
                "cycle": lending.Cycle(7, lending.TimeUnit.DAYS),
                "day_count": lending.DayCount(
                    lending.YearBasis.DAYS_360, lending.MonthBasis.ACTUAL
                ),
            },
            "business_days",
        ),
    ],
)
def test_terms_that_cannot_be_are_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises((InvalidField, lending.ProductAgainstRule)) as caught:
        check_terms(replace(TERMS, **changes), "CNY", rulebook=RULES, on=TODAY)
    assert caught.value.field == field
