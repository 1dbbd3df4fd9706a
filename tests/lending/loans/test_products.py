"""Products as data: what terms may be, by themselves and by the rulebook; versions by two."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, TERMS, TODAY, Bank

from huitong import lending
from huitong.kernel.errors import InvalidField
from huitong.lending.products.checks import check_terms


def check(**changes: Any) -> None:
    check_terms(replace(TERMS, **changes), "CNY", rulebook=RULES, on=TODAY)


@pytest.mark.parametrize(
    ("changes", "rule", "field"),
    [
        ({"rate_max": 240_001}, "loan.cost.max", "rate_max"),
        ({"penalty_share": 500_001}, "loan.penalty.overdue.max", "penalty_share"),
        ({"penalty_share": 299_999}, "loan.penalty.overdue.min", "penalty_share"),
        ({"early_fee": 30_001}, "loan.early_fee.max", "early_fee"),
        ({"uses": ("household", "shares")}, "loan.internet.forbidden_uses", "uses"),
        ({"amount_max": 200_000_01}, "loan.internet.consumer.max", "amount_max"),
        ({"count_max": 13}, "loan.internet.bullet.line.years", "count_max"),
        (
            {"count_max": 61, "methods": (lending.Method.LEVEL_PAYMENT,)},
            "loan.personal.consumer.term.years",
            "count_max",
        ),
        (
            {"purpose": lending.Purpose.BUSINESS, "amount_max": 500_000_01},
            "loan.personal.business.self_payout.max",
            "amount_max",
        ),
        (
            {"rate_kind": lending.RateKind.LPR_1Y, "rate_max": 210_001},
            "loan.cost.max",
            "rate_max",
        ),
    ],
)
def test_terms_outside_a_rule_are_refused_by_its_name(
    changes: dict[str, Any], rule: str, field: str
) -> None:
    check()
    with pytest.raises(lending.ProductAgainstRule) as caught:
        check(**changes)
    assert (caught.value.context, caught.value.field) == ({"rule": rule}, field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount_min": 0}, "amount_min"),
        ({"amount_min": TERMS.amount_max + 1}, "amount_max"),
        ({"count_max": 481}, "count_max"),
        ({"reprice_months": 12}, "reprice_months"),
        ({"methods": ()}, "methods"),
        ({"uses": ("Household",)}, "uses"),
        ({"order": TERMS.order[:3] * 2}, "order"),
        ({"grades": (lending.GradeRange("A", 0, 100_000),)}, "grades.0"),
        ({"cycle": lending.Cycle(1, lending.TimeUnit.WEEKS)}, "day_count.month"),
        ({"principal_grace_max": 12}, "principal_grace_max"),
    ],
)
def test_terms_that_cannot_be_name_the_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check(**changes)
    assert caught.value.field == field


def test_terms_are_kept_as_they_are() -> None:
    terms = replace(TERMS, grades=(lending.GradeRange("A", 40_000, 80_000),), mandatory=("shop",))
    assert lending.read_terms(lending.write_terms(terms)) == terms


async def test_a_loan_keeps_the_version_it_was_made_under(bank: Bank) -> None:
    await bank.add_product()
    borrower = await bank.add_borrower()
    loan = await bank.lend(borrower)
    with pytest.raises(lending.ProductRefused):
        await bank.add_product(rate_max=100_000)
    bank.now += timedelta(days=1)
    await bank.add_product(rate_max=100_000)
    with pytest.raises(lending.LoanTermsRefused):
        await bank.lend(borrower)
    assert (await bank.lend(borrower, rate=100_000)).product.version == 2
    kept = await bank.read(lending.get_loan, loan.id)
    assert (kept.product.version, kept.product.terms.rate_max) == (1, 180_000)
    listed = await bank.read(lending.list_products, on=bank.today)
    assert [each.version for each in listed] == [2]
    with pytest.raises(lending.ProductNotFound):
        await bank.read(lending.get_product, "cash", on=TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"principal": 999_99}, "principal"),
        ({"count": 13}, "count"),
        ({"rate": 29_999}, "rate"),
        ({"use": "shares"}, "use"),
        ({"first_due": TODAY}, "first_due"),
        ({"interest_free": 7}, "interest_free"),
    ],
)
async def test_a_loan_outside_its_product_is_refused(
    bank: Bank, changes: dict[str, Any], field: str
) -> None:
    await bank.add_product()
    borrower = await bank.add_borrower()
    with pytest.raises(lending.LoanTermsRefused) as caught:
        await bank.lend(borrower, **changes)
    assert caught.value.field == field
    assert await bank.balance(borrower.account_id) == 0


async def test_money_goes_to_the_merchant_where_the_terms_say_so(bank: Bank) -> None:
    await bank.add_product()
    borrower, shop = await bank.add_borrower(), await bank.add_borrower()
    with pytest.raises(InvalidField):
        await bank.lend(borrower, payee=lending.Payee.MERCHANT)
    await bank.lend(borrower, payee=lending.Payee.MERCHANT, payout_account_id=shop.account_id)
    assert await bank.balance(shop.account_id) == 12_000_00
    assert await bank.balance(borrower.account_id) == 0
    await bank.check_ties()
