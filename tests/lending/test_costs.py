"""What a loan costs all in all: worked figures, and that nothing is left out."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.lending.loans.conftest import TERMS

from huitong import lending
from huitong.lending.costs import CostKind, make_statement, write_statement

ON = date(2026, 10, 1)
PRODUCT = lending.Product(
    id=1,
    code="cash",
    name_zh="现金贷",
    name_en="Cash loan",
    currency="CNY",
    version=1,
    effective_from=ON,
    terms=TERMS,
    approval_id=uuid.uuid4(),
    agreed_at=datetime(2026, 10, 1, tzinfo=UTC),
)
LOAN = lending.LoanTerms(
    principal=12_000_00,
    rate=120_000,
    count=12,
    method=lending.Method.LEVEL_PAYMENT,
    use="household",
)


def test_level_payments_cost_what_their_rate_says() -> None:
    found = make_statement(LOAN, PRODUCT, on=ON)
    assert found.total_cost == 794_23
    assert (found.nominal_rate, found.effective_rate) == (Decimal("0.1200"), Decimal("0.1268"))
    assert [each.kind for each in found.items] == [
        CostKind.INTEREST,
        CostKind.PENALTY,
        CostKind.COMPOUND_INTEREST,
    ]
    assert found.items[1].rate == 180_000
    assert found.items[1].is_contingent


def test_a_fee_for_paying_early_is_listed() -> None:
    product = replace(PRODUCT, terms=replace(TERMS, early_fee=10_000, compounds=False))
    found = make_statement(LOAN, product, on=ON)
    assert [each.kind for each in found.items][-1] is CostKind.EARLY_REPAYMENT_FEE


def test_another_first_day_is_reckoned_in_days() -> None:
    later = make_statement(replace(LOAN, first_due=date(2026, 12, 15)), PRODUCT, on=ON)
    assert later.effective_rate < Decimal("0.1268")


def test_the_digest_is_of_every_figure() -> None:
    found = make_statement(LOAN, PRODUCT, on=ON)
    assert found.digest == make_statement(LOAN, PRODUCT, on=ON).digest
    assert found.digest != make_statement(replace(LOAN, principal=12_000_01), PRODUCT, on=ON).digest
    assert found.digest != make_statement(LOAN, PRODUCT, on=date(2026, 10, 2)).digest


@given(
    st.integers(1_000_00, 200_000_00),
    st.integers(30_000, 180_000),
    st.integers(1, 12),
    st.sampled_from(lending.Method),
)
def test_costs_and_principal_are_all_that_is_paid(
    principal: int, rate: int, count: int, method: lending.Method
) -> None:
    terms = replace(LOAN, principal=principal, rate=rate, count=count, method=method)
    found = make_statement(terms, PRODUCT, on=ON)
    paid = sum(each.principal + each.interest for each in found.instalments)
    assert paid == principal + found.total_cost
    assert abs(found.nominal_rate - Decimal(rate) / 1_000_000) < Decimal("0.02")
    assert write_statement(found)["total_cost"] == found.total_cost
