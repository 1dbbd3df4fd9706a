"""Fee plans and terms: what cannot be agreed on, and who is not taken."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.payments.conftest import cny, new_id
from tests.payments.merchants.conftest import TODAY, TUESDAY, Market, rule

from huitong import customers
from huitong.kernel.errors import InvalidField
from huitong.payments import merchants
from huitong.payments.merchants.csv_sheets import _defuse


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([], "rules"),
        ([rule(kind="checkout")], "rules"),
        ([rule(), rule()], "rules"),
        ([rule(), rule(kind="checkout", volume_from=100)], "rules"),
        ([rule(), rule(kind="cash")], "rules.1.kind"),
        ([rule("100.1")], "rules.0.rate_permille"),
        ([rule("6.00001")], "rules.0.rate_permille"),
        ([rule("NaN")], "rules.0.rate_permille"),
        ([rule(fixed=-1)], "rules.0.fixed"),
        ([rule(fee_min=10, fee_max=9)], "rules.0.fee_max"),
    ],
)
async def test_a_plan_that_cannot_be_says_which_rule(
    market: Market, rules: list[Any], field: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        await market.add_plan("other", rules)
    assert refused.value.field == field
    with pytest.raises(merchants.FeePlanNotFound):
        await market.town.read(merchants.list_plan_versions, "other")


async def test_another_version_takes_notice(market: Market) -> None:
    with pytest.raises(merchants.FeePlanRefused, match="30 days"):
        await market.add_plan(effective_from=TODAY + timedelta(days=29))
    later = TODAY + timedelta(days=30)
    version = await market.add_plan(rules=[rule("5")], effective_from=later)
    assert version.version == 2
    with pytest.raises(merchants.FeePlanRefused, match="later"):
        await market.add_plan(effective_from=later)
    shop = await market.add_shop()
    await market.pay(shop, "100.00")
    [sheet] = await market.settle()
    assert sheet.plan_fees == -60, "the first version is in force until then"


async def test_what_is_agreed_on_late_begins_on_that_day(market: Market) -> None:
    shop = await market.town.add_merchant("茶馆", "0")
    terms = await market.set_terms(shop, now=TUESDAY)
    assert terms.effective_from == date(2026, 11, 24)


async def test_betting_is_not_taken(market: Market) -> None:
    shop = await market.town.run(
        customers.open_merchant,
        merchant_id=new_id(),
        name="彩票站",
        name_latin="LOTTERY",
        city_latin="PINGYAO",
        category_code="7995",
        fee_rate=Decimal(0),
    )
    with pytest.raises(merchants.CategoryRefused):
        await market.set_terms(shop)


async def test_terms_that_do_not_fit_change_nothing(market: Market) -> None:
    shop = await market.add_shop()
    for change in (
        {"cycle_days": 31},
        {"cutoff_minutes": 0},
        {"reserve_permille": 1_001, "reserve_days": 1},
        {"reserve_permille": 10},
        {"payout_min": -1},
        {"plan": "missing"},
    ):
        with pytest.raises((InvalidField, merchants.FeePlanNotFound)):
            await market.set_terms(shop, **change)
    assert len(await market.town.read(merchants.list_terms, shop.id)) == 1


async def test_a_payment_after_new_terms_may_be_due_earlier(market: Market) -> None:
    shop = await market.add_shop(cycle_days=10)
    await market.pay(shop, "10.00")
    assert await market.settle() == []
    await market.set_terms(shop, now=TUESDAY, effective_from=date(2026, 11, 24))
    [sheet] = await market.settle()
    assert sheet.payout == cny("9.94").minor


def test_no_cell_is_a_formula() -> None:
    for cell in ("=1+1", "@SUM(A1)", "+1+1", "-1+1", "\tx"):
        assert _defuse(cell) == f"'{cell}"
    for cell in ("-12.50", "12.50", "茶馆", ""):
        assert _defuse(cell) == cell
