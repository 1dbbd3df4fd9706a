"""Loans whose instalments are moved, spread anew, waived or opened again."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.lending.schedules import Cycle, Row, TimeUnit
from huitong.lending.servicing import (
    Charge,
    ChargeBack,
    Event,
    Extension,
    GivenBack,
    Holiday,
    Loan,
    Part,
    Payment,
    ReAging,
    ReAmortization,
    Refund,
    Waiver,
    Waterfall,
    replay,
)

START = date(2026, 1, 1)
FEBRUARY, MARCH, APRIL, MAY = (date(2026, month, 1) for month in (2, 3, 4, 5))
ROWS = [Row(FEBRUARY, 100, 0, 200), Row(MARCH, 100, 0, 100), Row(APRIL, 100, 0, 0)]
WITH_INTEREST = [row._replace(interest=10) for row in ROWS]
MONTHLY = Cycle(1, TimeUnit.MONTHS)
ORDER = Waterfall(
    due=(Part.PENALTY, Part.FEE, Part.PRINCIPAL, Part.INTEREST),
    in_advance=(Part.PENALTY, Part.FEE, Part.PRINCIPAL, Part.INTEREST),
)


def run(*events: Event, rows: list[Row] = ROWS) -> Loan:
    return replay(300, START, rows, events, ORDER)


def principal(loan: Loan) -> list[int]:
    return [each.owed[Part.PRINCIPAL] for each in loan.instalments]


def dues(loan: Loan) -> list[date]:
    return [each.due for each in loan.instalments]


def test_re_aging_moves_what_is_open_to_new_instalments() -> None:
    ten_april = date(2026, 4, 10)
    loan = run(
        Payment(on=FEBRUARY, amount=130),
        ReAging(on=date(2026, 4, 2), first_due=ten_april, count=3, cycle=MONTHLY),
    )
    assert principal(loan) == [100, 30, 0, 57, 57, 56]
    assert dues(loan)[3:] == [ten_april, date(2026, 5, 10), date(2026, 6, 10)]
    assert loan.instalments[1].settled_on == date(2026, 4, 2)
    assert loan.balances()[-1] == 0


def test_re_aging_leaves_charges_where_they_are() -> None:
    loan = run(
        Charge(on=FEBRUARY, due=FEBRUARY, amount=7, part=Part.PENALTY),
        ReAging(on=APRIL, first_due=MAY, count=1, cycle=MONTHLY),
    )
    assert [each.open for each in loan.instalments] == [7, 0, 0, 300]


def test_re_amortization_spreads_what_is_overdue_over_the_rest() -> None:
    loan = run(Payment(on=FEBRUARY, amount=25), ReAmortization(on=date(2026, 2, 20)))
    assert principal(loan) == [25, 138, 137]
    loan = run(ReAmortization(on=MARCH))
    assert principal(loan) == [0, 0, 300]


def test_an_extension_spreads_principal_over_more_instalments() -> None:
    loan = run(Extension(on=START, due=MARCH, count=2, cycle=MONTHLY))
    assert principal(loan) == [100, 50, 50, 50, 50]
    assert dues(loan)[-2:] == [MAY, date(2026, 6, 1)]


def test_a_holiday_moves_principal_on() -> None:
    loan = run(Holiday(on=START, due=MARCH, count=1, cycle=MONTHLY))
    assert principal(loan) == [100, 0, 100, 100]
    assert dues(loan)[-1] == MAY


def test_a_waived_charge_is_not_asked_for() -> None:
    charge = Charge(on=FEBRUARY, due=FEBRUARY, amount=20, part=Part.FEE)
    waiver = Waiver(on=FEBRUARY, due=FEBRUARY, amount=20, part=Part.FEE)
    loan = run(charge, Payment(on=FEBRUARY, amount=5), waiver)
    first = loan.instalments[0]
    assert (first.owed[Part.FEE], first.paid[Part.FEE], first.waived[Part.FEE]) == (20, 5, 15)
    assert first.open == 100


def test_nothing_can_be_waived_where_nothing_is_due() -> None:
    with pytest.raises(ValueError, match="Nothing to waive"):
        run(Waiver(on=FEBRUARY, due=MAY, amount=20, part=Part.FEE))
    with pytest.raises(ValueError, match="Nothing to waive"):
        run(Waiver(on=FEBRUARY, due=FEBRUARY, amount=20, part=Part.PRINCIPAL))


def test_money_given_back_opens_what_was_paid_last() -> None:
    loan = run(Payment(on=FEBRUARY, amount=220), GivenBack(on=MARCH, amount=50))
    assert [sum(each.paid) for each in loan.instalments] == [100, 70, 0]
    assert loan.instalments[1].settled_on is None
    assert loan.instalments[1].paid_early == 70


def test_no_more_can_be_given_back_than_was_paid() -> None:
    with pytest.raises(ValueError, match="less was paid"):
        run(Payment(on=FEBRUARY, amount=20), GivenBack(on=MARCH, amount=50))


def test_overpaid_money_is_given_back_first() -> None:
    loan = run(Payment(on=FEBRUARY, amount=320), GivenBack(on=MARCH, amount=15))
    assert (loan.overpaid, loan.open) == (5, 0)


def test_overpaid_money_settles_a_later_charge_as_of_its_own_day() -> None:
    loan = run(
        Payment(on=MARCH, amount=310),
        Payment(on=APRIL, amount=10),
        Charge(on=MAY, due=MAY, amount=10, part=Part.FEE),
    )
    assert loan.instalments[-1].settled_on == MARCH
    assert loan.credits == [(APRIL, 10)]


def test_what_comes_after_the_end_shares_one_instalment() -> None:
    june = date(2026, 6, 1)
    loan = run(
        Charge(on=MAY, due=MAY, amount=10, part=Part.FEE),
        Charge(on=june, due=june, amount=5, part=Part.PENALTY),
    )
    assert (len(loan.instalments), loan.instalments[-1].due) == (4, june)
    assert loan.instalments[-1].owed == [0, 0, 10, 5]


def test_a_refund_after_the_end_is_shown_once_there_is_an_instalment() -> None:
    refund = Refund(on=date(2026, 4, 20), amount=40)
    paid = Payment(on=APRIL, amount=340)
    assert len(run(paid, refund).instalments) == len(ROWS)
    loan = run(paid, refund, Charge(on=MAY, due=MAY, amount=3, part=Part.FEE))
    assert (loan.instalments[-1].owed[Part.PRINCIPAL], loan.instalments[-1].open) == (40, 3)
    assert loan.balances()[-1] == 0


def test_parts_are_charged_back_once() -> None:
    first = (Part.PENALTY, Part.FEE, Part.INTEREST)
    charge = Charge(on=START, due=FEBRUARY, amount=5, part=Part.PENALTY)
    backs = [ChargeBack(on=MAY, amount=7, first=first) for _ in range(2)]
    loan = run(charge, Payment(on=APRIL, amount=312), *backs)
    assert loan.instalments[-1].owed == [9, 0, 0, 5]


@pytest.mark.parametrize(
    "event",
    [
        Extension(on=START, due=FEBRUARY, count=1, cycle=MONTHLY),
        Holiday(on=START, due=FEBRUARY, count=1, cycle=MONTHLY),
        ReAging(on=APRIL, first_due=MAY, count=1, cycle=MONTHLY),
    ],
)
def test_what_owes_interest_needs_a_new_schedule(event: Event) -> None:
    with pytest.raises(ValueError, match="new schedule"):
        run(event, rows=WITH_INTEREST)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Extension(on=START, due=date(2026, 2, 2), count=1, cycle=MONTHLY), "No instalment is due"),
        (Extension(on=START, due=MARCH, count=0, cycle=MONTHLY), "above zero"),
        (ReAging(on=MARCH, first_due=APRIL, count=1, cycle=MONTHLY), "must be due after"),
        (ReAmortization(on=APRIL), "No instalment is due after"),
    ],
)
def test_what_does_not_fit_the_schedule_is_refused(event: Event, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        run(event)


restructurings = st.one_of(
    st.builds(ReAmortization, on=st.dates(START, date(2026, 3, 31)), multiple=st.integers(1, 30)),
    st.builds(
        ReAging,
        on=st.dates(APRIL, date(2026, 4, 30)),
        first_due=st.dates(MAY, date(2026, 12, 31)),
        count=st.integers(1, 9),
        cycle=st.just(MONTHLY),
        multiple=st.integers(1, 30),
    ),
    st.builds(
        Extension,
        on=st.just(START),
        due=st.sampled_from([FEBRUARY, MARCH, APRIL]),
        count=st.integers(1, 9),
        cycle=st.just(MONTHLY),
        multiple=st.integers(1, 30),
    ),
)


@given(st.integers(1, 299), st.dates(START, APRIL), restructurings)
def test_restructuring_changes_no_debt_and_is_undone_by_leaving_it_out(
    amount: int, on: date, event: Event
) -> None:
    payment = Payment(on=on, amount=amount)
    loan = run(payment, event)
    assert (sum(principal(loan)), loan.open + amount) == (300, 300 + loan.overpaid)
    assert all(each.open_of(part) >= 0 for each in loan.instalments for part in Part)
    assert loan.balances()[-1] == 0
    assert Fraction(sum(sum(each.paid) for each in loan.instalments)) == amount - loan.overpaid
    assert run(payment) == replay(300, START, ROWS, [payment], ORDER)
