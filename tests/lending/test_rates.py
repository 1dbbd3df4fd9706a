"""Annual rates: worked examples, and what must hold of any flows."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong import lending
from huitong.lending import DatedFlow

D = Decimal


def test_a_flat_monthly_fee_costs_twice_as_much_as_it_says() -> None:
    """10,000 in 12 equal instalments with a fee of 0.6 % of the whole loan each month."""
    payment = D(10_000) / 12 + D(60)
    monthly = lending.periodic_rate([D(10_000), *[-payment] * 12])
    assert monthly is not None
    assert round(monthly, 7) == D("0.0108619")
    nominal = lending.nominal_rate(D(10_000), payment, 12)
    assert nominal is not None
    assert round(nominal, 4) == D("0.1303")
    assert round(lending.effective_rate(nominal), 4) == D("0.1384")


@pytest.mark.parametrize("amounts", [[], [D(100)], [D(-1), D(-2)], [D(0), D(0)]])
def test_flows_of_one_sign_have_no_rate(amounts: list[Decimal]) -> None:
    assert lending.periodic_rate(amounts) is None
    flows = [DatedFlow(date(2026, 1, 1), each) for each in amounts]
    assert lending.internal_rate(flows) is None


def test_what_cannot_be_priced_is_refused() -> None:
    flow = DatedFlow(date(2026, 1, 1), D(1))
    with pytest.raises(ValueError, match="above -100 %"):
        lending.net_present_value([flow], D(-1))
    with pytest.raises(ValueError, match="no flow"):
        lending.net_present_value([], D(0))
    with pytest.raises(ValueError, match="at least one"):
        lending.nominal_rate(D(1), D(1), 0)
    with pytest.raises(ValueError, match="in advance"):
        lending.payment_in_advance(D("0.01"), 3, D(100), advance=3)


def test_a_loan_that_is_never_paid_back_has_no_nominal_rate() -> None:
    assert lending.nominal_rate(D(1_000), D("0.001"), 12) is None


@given(
    rate=st.decimals("-0.5", "3", places=4),
    days=st.lists(st.integers(1, 3_650), min_size=1, max_size=30, unique=True),
    principal=st.integers(1_000, 10**9),
)
def test_finds_the_rate_by_which_a_loan_was_made(
    rate: Decimal, days: list[int], principal: int
) -> None:
    start = date(2026, 1, 1)
    share = D(principal) / len(days)
    flows = [DatedFlow(start, -D(principal))] + [
        DatedFlow(start + timedelta(days=n), share * (1 + rate) ** (D(n) / 365)) for n in days
    ]
    found = lending.internal_rate(flows)
    assert found is not None
    assert abs(found - rate) < D("1e-8")


@given(
    count=st.integers(1, 360),
    rate=st.decimals("0.0001", "0.05", places=5),
    principal=st.integers(1, 10**9),
)
def test_an_annuity_costs_its_nominal_rate(count: int, rate: Decimal, principal: int) -> None:
    payment = lending.payment_in_advance(rate, count, D(principal), advance=0)
    found = lending.nominal_rate(D(principal), payment, count)
    assert found is not None
    assert abs(found - 12 * rate) < D("1e-8")


def test_what_flows_are_worth_on_their_last_day() -> None:
    flows = [DatedFlow(date(2023, 1, 1), D(-1_000)), DatedFlow(date(2024, 1, 1), D(500))]
    assert round(lending.net_future_value(flows, D("0.1")), 9) == D(-600)
    with pytest.raises(ValueError, match="no flow"):
        lending.net_future_value([], D("0.1"))
