"""What holds for every loan, whatever happens to it: pure, without a database."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lending.loans.conftest import TERMS

from huitong import lending
from huitong.lending.loans import acts, postings
from huitong.lending.loans.planning import make_instalments
from huitong.lending.loans.state import Rows
from huitong.lending.loans.types import EventKind, LoanEvent, Running

BEGIN = date(2026, 1, 31)
AT = datetime(2026, 1, 31, tzinfo=UTC)


def make_loan(**changes: Any) -> lending.Loan:
    terms = lending.LoanTerms(
        **(
            {
                "principal": 12_000_00,
                "rate": 120_000,
                "count": 6,
                "method": lending.Method.LEVEL_PAYMENT,
                "use": "household",
            }
            | changes
        )
    )
    product = lending.Product(
        id=1,
        code="cash",
        name_zh="现金贷",
        name_en="Cash",
        currency="CNY",
        version=1,
        effective_from=BEGIN,
        terms=replace(TERMS, early_fee=10_000),
        approval_id=uuid.UUID(int=1),
        agreed_at=AT,
    )
    return lending.Loan(
        number=1,
        id=uuid.UUID(int=2),
        product=product,
        customer_id=uuid.UUID(int=3),
        borrower_account_id=10,
        payout_account_id=10,
        currency="CNY",
        lent_on=BEGIN,
        terms=terms,
        entry_id=uuid.UUID(int=4),
        opened_at=AT,
    )


@st.composite
def loans(draw: st.DrawFn) -> lending.Loan:
    count = draw(st.integers(1, 8))
    return make_loan(
        principal=draw(st.integers(100, 200_000_00)),
        rate=draw(st.integers(0, 240_000)),
        count=count,
        method=draw(st.sampled_from(lending.Method)),
        interest_free=draw(st.integers(0, count)),
        down_payment=draw(st.sampled_from([0, 200_000])),
    )


ACTS = st.one_of(
    st.tuples(st.just(EventKind.REPAYMENT), st.integers(1, 5_000_00), st.just({})),
    st.tuples(
        st.just(EventKind.EARLY_REPAYMENT),
        st.integers(1, 50_000_00),
        st.sampled_from([{"mode": mode.value} for mode in lending.EarlyMode]),
    ),
    st.tuples(st.just(EventKind.CHARGE), st.just(0), st.just({"charged": 10_00})),
    st.tuples(st.just(EventKind.WAIVER), st.just(0), st.just({"waived": 1})),
    st.tuples(
        st.just(EventKind.RATE_CHANGE),
        st.just(0),
        st.integers(0, 240_000).map(lambda rate: {"rate": rate}),
    ),
    st.tuples(
        st.just(EventKind.RESCHEDULING),
        st.just(0),
        st.integers(1, 10).map(
            lambda count: {"count": count, "rate": 60_000, "eased_until": "2027-01-01"}
        ),
    ),
)
STORIES = st.lists(st.tuples(st.integers(0, 70), ACTS), max_size=7)


def check(running: Running) -> None:
    """Assert that a loan adds up."""
    state = running.state
    rows = running.instalments
    assert [each.number for each in rows] == list(range(1, len(rows) + 1))
    assert sum(each.principal for each in rows) == state.lent
    assert sum(each.principal_paid for each in rows) == state.principal_paid
    assert sum(each.interest_paid for each in rows) == state.interest_paid
    ahead = [each for each in rows if each.number >= state.next_number]
    if state.is_active:
        assert sum(each.principal for each in ahead) == state.not_due
    assert state.owed_principal + state.principal_paid + state.principal_off == state.lent
    assert state.accrued <= state.accrues
    for name in ("not_due", "due", "overdue", "carried", "accrued", "accrues", "interest_due"):
        assert getattr(state, name) >= 0
    assert (state.overdue + state.interest_overdue > 0) == (state.days_past_due > 0)
    totals = postings.total(Rows.of([state]))
    assert sum(totals.values()) == 0


def tell(loan: lending.Loan, story: list[Any]) -> tuple[Running, list[LoanEvent]]:
    """Let things happen to a loan, one after the other, each on its day."""
    running = acts.lend(loan, make_instalments(loan.terms, loan.product.terms, loan.lent_on))
    check(running)
    events: list[LoanEvent] = []
    for days, (kind, amount, details) in story:
        on = running.state.on_day + timedelta(days=days)
        acts.close_days(running, on)
        check(running)
        if kind is EventKind.RESCHEDULING and running.state.owed_principal == 0:
            continue
        acts.apply(running, kind, amount, details)
        check(running)
        events.append(
            LoanEvent(
                id=uuid.UUID(int=100 + len(events)),
                loan=1,
                position=len(events) + 1,
                kind=kind,
                on_day=on,
                amount=amount,
                details=details,
                reverses=None,
                entry_id=None,
                recorded_at=AT,
            )
        )
    return running, events


def replay(loan: lending.Loan, events: list[LoanEvent], until: date) -> Running:
    rows = make_instalments(loan.terms, loan.product.terms, loan.lent_on)
    return acts.replay(loan, rows, events, until)


@settings(max_examples=40, deadline=None)
@given(loans(), STORIES)
def test_replaying_a_loan_gives_what_happened_to_it(loan: lending.Loan, story: list[Any]) -> None:
    running, events = tell(loan, story)
    assert replay(loan, events, running.state.on_day) == running


@settings(max_examples=40, deadline=None)
@given(loans(), STORIES, st.integers(1, 10_000_00), st.integers(0, 70), st.integers(0, 70))
def test_reversing_a_repayment_leaves_nothing_of_it(
    loan: lending.Loan, story: list[Any], amount: int, days: int, later: int
) -> None:
    running, events = tell(loan, story)
    on = running.state.on_day + timedelta(days=days)
    until = on + timedelta(days=later)
    expected = replay(loan, events, until)
    paid = LoanEvent(
        id=uuid.UUID(int=7),
        loan=1,
        position=len(events) + 1,
        kind=EventKind.REPAYMENT,
        on_day=on,
        amount=amount,
        details={},
        reverses=None,
        entry_id=None,
        recorded_at=AT,
    )
    reversal = replace(
        paid,
        id=uuid.UUID(int=8),
        position=paid.position + 1,
        kind=EventKind.REVERSAL,
        on_day=until,
        amount=0,
        reverses=paid.id,
    )
    check(replay(loan, [*events, paid], until))
    assert replay(loan, [*events, paid, reversal], until) == expected


@settings(max_examples=40, deadline=None)
@given(loans(), st.integers(0, 300))
def test_interest_of_the_days_of_a_period_sums_exactly_to_the_schedule(
    loan: lending.Loan, days: int
) -> None:
    running = acts.lend(loan, make_instalments(loan.terms, loan.product.terms, loan.lent_on))
    acts.close_days(running, loan.lent_on + timedelta(days=days))
    state = running.state
    come = [each for each in running.instalments if each.due <= state.on_day]
    assert state.interest_due + state.interest_overdue == sum(each.interest for each in come)


@settings(max_examples=40, deadline=None)
@given(loans(), STORIES)
def test_what_pays_a_loan_off_pays_it_off(loan: lending.Loan, story: list[Any]) -> None:
    running, _ = tell(loan, story)
    total = acts.quote(running).total
    if running.state.due_day == date(9999, 1, 1) or total == 0:
        return
    acts.apply(
        running, EventKind.EARLY_REPAYMENT, total, {"mode": lending.EarlyMode.SHORTER_TERM.value}
    )
    check(running)
    assert acts.is_settled(running.state)
    assert running.state.interest == 0


def test_writing_off_and_recovering_add_up() -> None:
    running, _ = tell(make_loan(), [(100, (EventKind.REPAYMENT, 1_00, {}))])
    running.state.provision = 5_000_00
    acts.apply(running, EventKind.WRITE_OFF, 0, {})
    check(running)
    assert (running.state.provision, running.state.owed_principal) == (0, 0)
    off = running.state.principal_off + running.state.interest_off + running.state.penalty_off
    assert running.state.recovered == 0
    acts.apply(running, EventKind.RECOVERY, off + 5_00, {})
    assert (running.state.recovered, running.surplus) == (off, 5_00)
    check(running)
