"""Rates that follow the loan prime rate."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from tests.lending.loans.conftest import RULES, Bank
from tests.lending.loans.test_properties import make_loan

from huitong import lending
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.rulebook.loader import load_rules
from huitong.lending.loans.repricing import find_repricing

NOVEMBER = date(2026, 11, 1)


def with_lower_rate() -> Rulebook:
    """Return the rulebook with a one-year rate of 2 % from November on."""
    rules = []
    for rule in load_rules("CN"):
        if rule.key == "lpr.1y":
            rules.append(replace(rule, effective_to=NOVEMBER))
            rules.append(replace(rule, effective_from=NOVEMBER, value=Decimal("0.02")))
        else:
            rules.append(rule)
    return Rulebook("CN", rules)


async def test_a_rate_is_set_anew_on_its_date_once(bank: Bank) -> None:
    await bank.add_product(
        rate_kind=lending.RateKind.LPR_1Y, rate_min=10_000, rate_max=100_000, reprice_months=1
    )
    borrower = await bank.add_borrower()
    with pytest.raises(lending.LoanTermsRefused, match="40000"):
        await bank.lend(borrower, rate=39_999)
    loan = await bank.lend(borrower)
    await bank.close(30)
    rules = with_lower_rate()
    assert await lending.reprice_due(bank.database, rulebook=rules, now=bank.now) == 0
    await bank.close(2)
    await bank.repay(loan, (await bank.state(loan)).owed_now)
    for expected in (1, 0):
        done = await lending.reprice_due(bank.database, rulebook=rules, now=bank.now)
        assert done == expected
    state = await bank.state(loan)
    # 12 % was 3 % and 9 %; of 11,053.81 a month at 11 % is 101.33, from 1 November on.
    assert state.penalty_rate == 165_000
    assert state.carried + state.accrues == 101_33
    assert RULES.decimal("lpr.1y", bank.today) == Decimal("0.03")
    await bank.check_ties()


@pytest.mark.parametrize(
    ("every", "today", "expected"),
    [
        (0, date(2030, 1, 1), None),
        (12, date(2027, 1, 30), None),
        (12, date(2027, 1, 31), date(2027, 1, 31)),
        (1, date(2026, 2, 28), date(2026, 2, 28)),
        (6, date(2027, 1, 30), date(2026, 7, 31)),
    ],
)
def test_finds_the_last_date(every: int, today: date, expected: date | None) -> None:
    loan = make_loan()
    terms = replace(loan.product.terms, reprice_months=every)
    loan = replace(loan, product=replace(loan.product, terms=terms))
    assert find_repricing(loan, today) == expected
