"""Interest that follows what is really owed: early, late and lowered, and that the loan ends."""

from dataclasses import replace
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
    LateInterest,
    MonthBasis,
    Plan,
    RateChange,
    Recalculation,
    Receipt,
    Rest,
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
    rules = Recalculation(early=EarlyUse.LOWER_PAYMENTS)
    first, *later = recalculate(PLAN, paid, paid[0].on, rules)
    assert (first.principal, first.balance) == (300_000, 300_000)
    assert {row.payment for row in later[:-1]} == {later[0].payment}
    assert later[0].payment < LEVEL


def test_money_on_the_due_day_pays_its_interest_before_more_principal() -> None:
    # Of 2,000.00 the interest of January takes 61.15.
    paid = [Receipt(FEBRUARY, 200_000)]
    for early in (EarlyUse.LOWER_PAYMENTS, EarlyUse.NEXT_PRINCIPAL, EarlyUse.FEWER_PAYMENTS):
        first, *_ = recalculate(PLAN, paid, FEBRUARY, Recalculation(early=early))
        assert (first.principal, first.interest) == (193_885, 6_115)


def test_the_next_principal_can_be_less_and_the_rest_stay_as_it_was() -> None:
    # 965.09 more than the 973.76 that were due: 997.53 of the next one's shrink to 32.44.
    rules = Recalculation(early=EarlyUse.NEXT_PRINCIPAL)
    _, second, third, *_ = recalculate(PLAN, [Receipt(FEBRUARY, 200_000)], FEBRUARY, rules)
    assert (second.principal, second.interest) == (99_753 - 96_509, 3_738)
    assert third.payment == LEVEL


def test_payments_can_stay_as_they_are_and_be_fewer() -> None:
    rules = Recalculation(early=EarlyUse.FEWER_PAYMENTS)
    rows = recalculate(PLAN, [Receipt(date(2026, 1, 22), 200_000)], FEBRUARY, rules)
    assert [row.payment for row in rows[1:4]] == [LEVEL] * 3
    assert (len(rows), rows[-1].balance) == (5, 0)
    assert rows[-1].payment < LEVEL


def test_a_rest_with_instalments_counts_money_as_of_the_period_s_end() -> None:
    paid = [Receipt(date(2026, 1, 22), 100_000)]
    assert recalculate(PLAN, paid, paid[0].on, Recalculation(rest=Rest.WITH_INSTALMENTS)) == FIRST


def test_a_rest_with_instalments_charges_the_whole_period_for_what_was_late() -> None:
    # 5,026.24 and the overdue 973.76 bear 28 days of February, though all is paid on the 11th.
    rules = Recalculation(rest=Rest.WITH_INSTALMENTS)
    _, second, *_ = recalculate(PLAN, [Receipt(date(2026, 2, 11), LEVEL)], date(2026, 2, 11), rules)
    assert second.interest == 5_523


def test_late_principal_can_bear_interest_only_where_the_loan_was_reckoned() -> None:
    # By 11 April 973.76, 988.64 and 993.76 are overdue: ten days at 12 % are 9.72 more than 30.02.
    april = date(2026, 4, 11)
    rules = Recalculation(late=LateInterest.WHEN_RECKONED)
    rows = recalculate(PLAN, [Receipt(april, 10_000)], april, rules)
    assert rows[:3] == FIRST[:3]
    assert rows[3].interest == 3_002 + 972


def test_overdue_interest_can_bear_interest_too() -> None:
    # 61.15, 46.27 and 41.15 are overdue with the principal: 0.49 more for ten days, in all 10.21.
    april = date(2026, 4, 11)
    rules = Recalculation(late=LateInterest.WHEN_RECKONED, is_compounding=True)
    rows = recalculate(PLAN, [Receipt(april, 10_000)], april, rules)
    assert rows[3].interest == 4_022


def test_a_level_payment_can_be_agreed() -> None:
    # 2,100.00 pays 6,000.00 in three months, and goes on for the 3,000.00 lent in March.
    lent = (*PLAN.disbursements, Disbursement(MARCH, 300_000))
    agreed = replace(PLAN, disbursements=lent, level=210_000)
    rows = recalculate(agreed, [], START)
    assert rows == make_schedule(agreed)
    assert [row.payment for row in rows[:4]] == [210_000] * 4
    assert sum(row.principal for row in rows) == LENT + 300_000


rules_of_all_kinds = st.builds(
    Recalculation,
    early=st.sampled_from(EarlyUse),
    rest=st.sampled_from(Rest),
    late=st.sampled_from(LateInterest),
    is_compounding=st.booleans(),
)
later_lent = st.lists(st.builds(Disbursement, days, st.integers(1, 300_000)), max_size=2)


@given(receipts, rules_of_all_kinds, later_lent)
def test_principal_parts_sum_to_the_principal(
    paid: list[Receipt], rules: Recalculation, more: list[Disbursement]
) -> None:
    more = [each for each in more if each.on < JULY]
    plan = replace(PLAN, disbursements=(*PLAN.disbursements, *more))
    rows = recalculate(plan, paid, JULY, rules)
    lent_until = [sum(each.amount for each in more if each.on < row.due) for row in rows]
    assert sum(row.principal for row in rows) == LENT + sum(each.amount for each in more)
    assert min(row.principal for row in rows) >= 0
    assert min(row.interest for row in rows) >= 0
    assert rows[-1].balance == 0
    owed = LENT
    for row, more_lent in zip(rows, lent_until, strict=True):
        owed -= row.principal
        assert row.balance == owed + more_lent


@given(receipts, days, rules_of_all_kinds)
def test_a_payoff_ends_the_loan_and_saves_later_interest(
    paid: list[Receipt], on: date, rules: Recalculation
) -> None:
    until = [each for each in paid if each.on <= on]
    quoted = quote_payoff(PLAN, until, on, rules)
    received = sum(each.amount for each in until)
    assert quoted + received >= LENT
    if quoted > 0:
        rows = recalculate(PLAN, [*until, Receipt(on, quoted)], on, rules)
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
    changed = replace(PLAN, rate_changes=(RateChange(FEBRUARY, Decimal("0.1")),))
    with pytest.raises(ValueError, match="Nothing but what is lent"):
        recalculate(changed, [], START)


@pytest.mark.parametrize("on", [date(2026, 1, 2), JULY])
def test_money_that_is_lent_outside_the_time_is_refused(on: date) -> None:
    lent = Disbursement(on, LENT)
    kept = () if on < JULY else PLAN.disbursements
    with pytest.raises(ValueError, match="Money must be lent on 2026-01-01"):
        recalculate(replace(PLAN, disbursements=(*kept, lent)), [], START)


def test_an_agreed_payment_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        make_schedule(replace(PLAN, level=0))
