"""Loans that run: who gets paid first, what is reversed, and that every cent is somewhere."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.lending.schedules import Cycle, Row, TimeUnit
from huitong.lending.servicing import (
    EARLIEST_FIRST,
    PRINCIPAL_IN_ADVANCE,
    Charge,
    ChargeBack,
    Direction,
    Disbursement,
    Event,
    Loan,
    Part,
    Payment,
    Postponement,
    Refund,
    Walk,
    Waterfall,
    replay,
)

START = date(2026, 1, 1)
FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (2, 3, 4))
ROWS = [Row(FEBRUARY, 100, 30, 200), Row(MARCH, 100, 20, 100), Row(APRIL, 100, 10, 0)]
ADVANCED = Waterfall(
    due=(Part.PENALTY, Part.FEE, Part.PRINCIPAL, Part.INTEREST),
    in_advance=(Part.PENALTY, Part.FEE, Part.PRINCIPAL, Part.INTEREST),
)
WATERFALLS = [EARLIEST_FIRST, PRINCIPAL_IN_ADVANCE, ADVANCED]


def run(*events: Event, waterfall: Waterfall = ADVANCED) -> Loan:
    return replay(300, START, ROWS, events, waterfall)


def paid(loan: Loan) -> list[list[int]]:
    return [each.paid for each in loan.instalments]


def test_what_is_due_comes_first_and_the_rest_is_early() -> None:
    loan = run(Payment(on=FEBRUARY, amount=180))
    assert paid(loan) == [[100, 30, 0, 0], [50, 0, 0, 0], [0, 0, 0, 0]]
    assert loan.instalments[0].settled_on == FEBRUARY
    assert (loan.instalments[1].paid_early, loan.instalments[1].open) == (50, 70)


def test_principal_in_advance_saves_interest() -> None:
    loan = run(Payment(on=START, amount=150), waterfall=PRINCIPAL_IN_ADVANCE)
    assert paid(loan) == [[100, 30, 0, 0], [20, 0, 0, 0], [0, 0, 0, 0]]


def test_the_last_ones_can_be_paid_first_or_all_alike() -> None:
    last = run(Payment(on=START, amount=120, direction=Direction.LAST))
    assert paid(last) == [[0] * 4, [10, 0, 0, 0], [100, 10, 0, 0]]
    alike = run(Payment(on=START, amount=100, direction=Direction.ALL_ALIKE))
    assert [each[Part.PRINCIPAL] for each in paid(alike)] == [33, 33, 34]


def test_by_part_all_principal_comes_before_any_interest() -> None:
    by_part = Waterfall(due=ADVANCED.due, in_advance=ADVANCED.in_advance, walk=Walk.BY_PART)
    loan = run(Payment(on=START, amount=310), waterfall=by_part)
    assert paid(loan) == [[100, 10, 0, 0], [100, 0, 0, 0], [100, 0, 0, 0]]


def test_what_is_paid_too_much_is_kept_and_given_back() -> None:
    assert run(Payment(on=START, amount=400)).overpaid == 40
    given_back = run(Payment(on=START, amount=400), Refund(on=MARCH, amount=40))
    assert (given_back.overpaid, given_back.open) == (0, 0)
    too_much = run(Payment(on=START, amount=400), Refund(on=MARCH, amount=50))
    assert too_much.open == 10


def test_a_charge_belongs_to_its_period_and_a_late_one_gets_its_own() -> None:
    fee = Charge(on=START, due=MARCH, amount=7, part=Part.FEE)
    late = Charge(on=START, due=APRIL + timedelta(days=9), amount=9, part=Part.PENALTY)
    loan = run(fee, late)
    assert loan.instalments[1].owed == [100, 20, 7, 0]
    assert loan.instalments[3].owed == [0, 0, 0, 9]


def test_a_payment_that_is_charged_back_is_owed_again() -> None:
    loan = run(Payment(on=FEBRUARY, amount=130), ChargeBack(on=date(2026, 2, 20), amount=130))
    assert loan.instalments[1].owed[Part.PRINCIPAL] == 230
    assert loan.balances() == [200, 100, 0]
    fee = Charge(on=START, due=FEBRUARY, amount=5, part=Part.FEE)
    first = (Part.FEE, Part.INTEREST)
    back = ChargeBack(on=date(2026, 2, 20), amount=135, first=first)
    parts = run(fee, Payment(on=FEBRUARY, amount=135), back)
    assert parts.instalments[1].owed == [200, 50, 5, 0]


def test_more_money_is_spread_over_what_is_due_later() -> None:
    more = Disbursement(on=date(2026, 2, 10), amount=100, down_payment=20)
    loan = run(more)
    assert [each.due for each in loan.instalments] == [FEBRUARY, more.on, MARCH, APRIL]
    assert [each.owed[Part.PRINCIPAL] for each in loan.instalments] == [100, 20, 140, 140]
    assert loan.balances() == [200, 280, 140, 0]


def test_more_money_that_the_schedule_counts_already_is_not_spread() -> None:
    more = Disbursement(on=date(2026, 1, 15), amount=30_000, is_in_schedule=True)
    before, after = run(), run(more)
    assert [each.owed for each in after.instalments] == [each.owed for each in before.instalments]
    assert after.balances()[0] == before.balances()[0] + 30_000


def test_a_postponed_instalment_moves_those_after_it() -> None:
    moved = Postponement(
        on=START, due=MARCH, new_due=date(2026, 3, 20), cycle=Cycle(1, TimeUnit.MONTHS)
    )
    assert [each.due for each in run(moved).instalments] == [
        FEBRUARY,
        date(2026, 3, 20),
        date(2026, 4, 20),
    ]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Payment(on=date(2025, 1, 1), amount=1), "before the loan"),
        (Payment(on=START, amount=0), "above zero"),
        (Charge(on=START, due=MARCH, amount=1, part=Part.INTEREST), "a fee or a penalty"),
        (Disbursement(on=APRIL, amount=1), "No instalment is due after"),
        (
            Postponement(on=START, due=START, new_due=MARCH, cycle=Cycle(1, TimeUnit.MONTHS)),
            "No instalment is due on",
        ),
    ],
)
def test_what_cannot_happen_is_refused(event: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        run(event)


days = st.dates(START, date(2026, 5, 31))
amounts = st.integers(1, 500)
events = st.lists(
    st.one_of(
        st.builds(Payment, on=days, amount=amounts, direction=st.sampled_from(Direction)),
        st.builds(
            Charge, on=st.just(START), due=days, amount=amounts,
            part=st.sampled_from([Part.FEE, Part.PENALTY]),
        ),
        st.builds(ChargeBack, on=days, amount=amounts),
        st.builds(Refund, on=days, amount=amounts),
    ),
    max_size=8,
)  # fmt: skip


@given(events, st.sampled_from(WATERFALLS))
def test_every_cent_is_somewhere(happened: list[Event], waterfall: Waterfall) -> None:
    loan = run(*happened, waterfall=waterfall)
    took = sum(each.amount for each in happened if isinstance(each, Payment))
    gave = sum(each.amount for each in happened if isinstance(each, ChargeBack | Refund))
    charged = sum(each.amount for each in happened if isinstance(each, Charge))
    settled = sum(sum(each.paid) for each in loan.instalments)
    owed = sum(sum(each.owed) for each in loan.instalments)
    # What was taken back or given back came out of what was overpaid, or is owed again.
    assert settled + loan.overpaid - took == (owed - 360 - charged) - gave
    for each in loan.instalments:
        assert all(0 <= paid <= owed for paid, owed in zip(each.paid, each.owed, strict=True))
        assert (each.settled_on is not None) <= (each.open == 0)
    assert loan.balances()[-1] == 0


@given(events, st.data(), st.sampled_from(WATERFALLS))
def test_reversing_restores_the_loan(
    happened: list[Event], data: Any, waterfall: Waterfall
) -> None:
    place = data.draw(st.integers(0, len(happened)))
    extra = Payment(on=data.draw(days), amount=data.draw(amounts))
    before = run(*happened, waterfall=waterfall)
    run(*happened[:place], extra, *happened[place:], waterfall=waterfall)
    assert run(*happened, waterfall=waterfall) == before
