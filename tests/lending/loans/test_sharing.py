"""Shares of loans' balances: pure, whatever happens to a loan."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lending.loans.conftest import Bank
from tests.lending.loans.test_properties import STORIES, loans, replay, tell

from huitong import lending
from huitong.lending.loans import acts, postings
from huitong.lending.loans.funding import Funding, no_base
from huitong.lending.loans.sharing import Base, share_flows, share_totals, split
from huitong.lending.loans.state import Rows
from huitong.lending.partners import Flow, PartnerPart, Plan, Share

WHOLE = 1_000_000
PARTS = [*(part.value for part in PartnerPart), "position"]


def accounts(place: int) -> dict[str, int]:
    return {part: 100 * place + number for number, part in enumerate(PARTS)}


def make_plan(shares: list[int], losses: list[int], fees: list[int]) -> Plan:
    return Plan(
        id=1,
        code="joint",
        version=1,
        currency="CNY",
        effective_from=date(2026, 1, 1),
        products=("cash",),
        is_open=True,
        own_share=shares[0],
        own_loss_share=losses[0],
        shares=tuple(
            Share(
                partner_id=place,
                partner=f"p{place}",
                share=shares[place],
                loss_share=losses[place],
                fee_share=fees[place],
                accounts=accounts(place),
            )
            for place in range(1, len(shares))
        ),
        approval_id=UUID(int=1),
        agreed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@st.composite
def wholes(draw: st.DrawFn, parts: int) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), min_size=parts - 1, max_size=parts - 1)))
    ends = [0, *cuts, WHOLE]
    return [b - a for a, b in itertools.pairwise(ends)]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    parts = draw(st.integers(2, 3))
    fees = draw(st.lists(st.integers(0, WHOLE), min_size=parts, max_size=parts))
    return make_plan(draw(wholes(parts)), draw(wholes(parts)), fees)


@given(st.integers(2, 3).flatmap(wholes), st.integers(0, 10**12), st.integers(0, 10_000))
def test_parts_make_the_whole_are_within_one_unit_and_never_fall(
    shares: list[int], total: int, more: int
) -> None:
    amounts = np.array([total, total + more], np.int64)
    parts = split(amounts, shares)
    assert (sum(parts) == amounts).all()
    for part, share in zip(parts, shares, strict=True):
        assert abs(int(part[0]) * WHOLE - total * share) < WHOLE
        assert part[0] <= part[1]


def test_two_funders_are_split_by_the_largest_remainder() -> None:
    own, other = split(np.array([10_01, 1, 5, 0], np.int64), [700_000, 300_000])
    assert (own.tolist(), other.tolist()) == ([7_01, 1, 4, 0], [3_00, 0, 1, 0])


@settings(max_examples=60, deadline=None)
@given(plans(), loans(), STORIES, st.booleans(), st.booleans())
def test_what_partners_have_of_a_loan_balances_wherever_it_stands(
    plan: Plan, loan: lending.Loan, story: list[Any], is_off: bool, is_suspended: bool
) -> None:
    running, _ = tell(loan, story)
    if is_off and running.state.is_active:
        running.state.suspended = is_suspended and running.state.days_past_due > 0
        acts.write_off(running)
    rows = Rows.of([running.state])
    totals = share_totals(rows, no_base(1), plan)
    assert sum(totals.values()) == 0
    assert sum(postings.total(rows).values()) == 0
    state = running.state
    for place, flow in enumerate(share_flows(rows, no_base(1), plan), 1):
        assert min(flow.lent, flow.principal, flow.interest, flow.penalty, flow.fees) >= 0
        assert totals[accounts(place)["position"]] == -flow.owed
        owed = -totals[accounts(place)["principal"]]
        assert 0 <= owed == flow.lent - flow.principal - _off(plan, place, state)


def _off(plan: Plan, place: int, state: lending.State) -> int:
    shares = [plan.own_share, *(each.share for each in plan.shares)]
    ends = np.array([state.principal_paid, state.principal_paid + state.principal_off], np.int64)
    before, after = split(ends, shares)[place].tolist()
    return int(after - before)


@settings(max_examples=40, deadline=None)
@given(plans(), loans(), STORIES, st.integers(0, 30))
def test_replaying_a_loan_gives_partners_the_same(
    plan: Plan, loan: lending.Loan, story: list[Any], days: int
) -> None:
    running, events = tell(loan, story)
    until = running.state.on_day + timedelta(days=days)
    again = replay(loan, events, until)
    acts.close_days(running, until)
    one, two = (Rows.of([each.state]) for each in (running, again))
    assert share_totals(one, no_base(1), plan) == share_totals(two, no_base(1), plan)


@settings(max_examples=40, deadline=None)
@given(loans(), STORIES, st.integers(0, 60), st.integers(0, 2_000_00))
def test_a_loan_that_is_sold_is_the_buyers_from_then_on_and_nothing_of_before(
    loan: lending.Loan, story: list[Any], days: int, paid: int
) -> None:
    running, _ = tell(loan, story)
    plan, base = make_plan([0, WHOLE], [0, WHOLE], [0, 0]), Base.of([running.state])
    sold = Rows.of([running.state])
    carrying = -sum(share_totals(sold, base, plan).values())
    state = running.state
    owed = state.owed_principal + state.interest + state.penalty + state.compound + state.fees
    assert carrying == owed - state.provision
    assert share_flows(sold, base, plan) == [Flow()]
    acts.close_days(running, state.on_day + timedelta(days=days))
    before = running.state.paid
    if paid:
        acts.apply(running, lending.EventKind.REPAYMENT, paid, {})
    later = Rows.of([running.state])
    totals = share_totals(later, base, plan)
    assert -sum(totals.values()) == carrying
    assert totals[accounts(1)["position"]] == before - running.state.paid
    own = postings.total(later)
    assert own["principal"] + own["overdue"] + totals[accounts(1)["principal"]] == 0


async def test_the_database_splits_as_we_do(bank: Bank) -> None:
    rng = np.random.default_rng(7)
    async with bank.database.unit_of_work() as uow:
        for parts in (2, 3):
            for _ in range(40):
                cuts = np.sort(rng.integers(0, WHOLE + 1, parts - 1))
                shares = np.diff([0, *cuts.tolist(), WHOLE]).tolist()
                total = int(rng.integers(-1_000, 10**12))
                found = await uow.fetch_value(
                    "SELECT lending.split(:total, CAST(:shares AS integer[]))",
                    total=total,
                    shares=shares,
                )
                own = [int(each) for each in split(np.array(total, np.int64), shares)]
                assert found == own, (total, shares)


def test_loans_of_a_plan_are_found_among_others() -> None:
    plan = make_plan([700_000, 300_000], [700_000, 300_000], [0, 0])
    state = lending.State(loan=0, product_id=1, on_day=date(2026, 1, 1), lent=1)
    rows = Rows.of([replace(state, loan=number) for number in (9, 4, 7, 2)])
    funding = Funding(plan, np.array([2, 3, 9], np.int64), no_base(3))
    chosen, places = funding.choose(rows)
    assert chosen.loans.tolist() == [2, 9]
    assert rows.at(places).column("loan").tolist() == [2, 9]
