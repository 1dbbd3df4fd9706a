"""A refund that the balance does not cover: out of the reserve, then a debt, as the plan says."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from tests.payments.conftest import NOW, cny, new_id
from tests.payments.merchants.conftest import RULES, TUESDAY, WEDNESDAY, Market, rule

from huitong import customers, payments
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7
from huitong.payments import merchants
from huitong.payments.merchants import FeePlanRefused


async def add_plan(market: Market, code: str, *, reserve: bool, debt: int) -> None:
    new = merchants.NewVersion(
        plan=code,
        name_zh="垫付",
        name_en="Covering",
        currency="CNY",
        effective_from=NOW.date(),
        refunds_return_fee=True,
        rules=(rule("0"),),
        refunds_draw_reserve=reserve,
        refund_debt_max=debt,
    )
    await market.town.run(
        merchants.add_plan_version, new=new, approval_id=uuid7(), rulebook=RULES, now=NOW
    )


async def open_paid_out_shop(
    market: Market, *, reserve: bool, debt: int
) -> tuple[customers.Merchant, payments.Order]:
    """Return a shop that was paid 100.00: 90.00 are paid out, 10.00 in the reserve."""
    await add_plan(market, "covering", reserve=reserve, debt=debt)
    shop = await market.add_shop(plan="covering", reserve_permille=100, reserve_days=30)
    order = await market.pay(shop, "100.00")
    [sheet] = await market.settle()
    assert (sheet.payout, sheet.reserve_held) == (9_000, 1_000)
    return shop, order


async def read_state(market: Market, shop: customers.Merchant) -> list[str]:
    payer = await market.town.balance(market.customer.account_id)
    return [
        payer,
        await market.town.balance(shop.account_id),
        await market.reserve(shop),
        await market.owed(shop),
    ]


async def test_the_reserve_bears_first_and_the_rest_is_owed(market: Market) -> None:
    shop, order = await open_paid_out_shop(market, reserve=True, debt=10_000)
    await market.pay(shop, "5.00", TUESDAY)

    made = await market.refund(order, "40.00", TUESDAY)

    # 5.00 are there, 10.00 are kept; the rest of 40.00 is owed.
    assert made.amount == cny("40.00")
    assert await read_state(market, shop) == ["99935.00", "0.00", "0.00", "25.00"]
    await market.check_ties()
    await market.pay(shop, "100.00", TUESDAY)
    [sheet] = await market.settle(WEDNESDAY)
    # 5.00 + 100.00 - 40.00 + 35.00 of cover; 25.00 are recovered, a tenth of 65.00 is kept.
    assert (sheet.others, sheet.recovered, sheet.reserve_held) == (3_500, 2_500, 650)
    assert (sheet.payout, sheet.carried) == (10_000 - 2_500 - 650, 0)
    assert await market.owed(shop) == "0.00"
    await market.check_ties()


@pytest.mark.parametrize(
    ("reserve", "debt", "amount", "state"),
    [
        (True, 0, "10.00", ["99910.00", "0.00", "0.00", "0.00"]),
        (False, 4_000, "40.00", ["99940.00", "0.00", "10.00", "40.00"]),
        (True, 3_000, "40.00", ["99940.00", "0.00", "0.00", "30.00"]),
    ],
)
async def test_the_plan_says_where_it_comes_from(
    market: Market, reserve: bool, debt: int, amount: str, state: list[str]
) -> None:
    shop, order = await open_paid_out_shop(market, reserve=reserve, debt=debt)
    await market.refund(order, amount, TUESDAY)
    assert await read_state(market, shop) == state
    await market.check_ties()


@pytest.mark.parametrize(
    ("reserve", "debt", "amount"),
    [(False, 0, "0.01"), (True, 0, "10.01"), (False, 4_000, "40.01"), (True, 3_000, "40.01")],
)
async def test_more_than_the_plan_lets_is_refused_and_changes_nothing(
    market: Market, reserve: bool, debt: int, amount: str
) -> None:
    shop, order = await open_paid_out_shop(market, reserve=reserve, debt=debt)
    before = await read_state(market, shop)
    with pytest.raises(Refusal) as refused:
        await market.refund(order, amount, TUESDAY)
    assert refused.value.code == "insufficient_funds"
    assert await read_state(market, shop) == before
    await market.check_ties()


async def test_debts_of_all_kinds_count_against_the_bound(market: Market) -> None:
    shop, order = await open_paid_out_shop(market, reserve=False, debt=4_000)
    await market.refund(order, "30.00", TUESDAY)
    with pytest.raises(Refusal):
        await market.refund(order, "10.01", TUESDAY)
    await market.refund(order, "10.00", TUESDAY)
    assert await market.owed(shop) == "40.00"
    await market.check_ties()


async def test_the_same_refund_again_takes_nothing_more(market: Market) -> None:
    shop, order = await open_paid_out_shop(market, reserve=True, debt=4_000)
    refund_id = new_id(TUESDAY)
    for _ in range(2):
        made = await market.town.run(
            payments.refund, order_id=order.id, refund_id=refund_id, amount=cny("20.00"),
            now=TUESDAY,
        )  # fmt: skip
        assert made.amount == cny("20.00")
    assert await read_state(market, shop) == ["99920.00", "0.00", "0.00", "10.00"]
    await market.check_ties()


async def test_refunds_at_once_share_one_reserve_and_one_bound(market: Market) -> None:
    await add_plan(market, "covering", reserve=True, debt=3_000)
    shop = await market.add_shop(plan="covering", reserve_permille=100, reserve_days=30)
    orders = [await market.pay(shop, "20.00") for _ in range(5)]
    await market.settle()
    # 10.00 are kept and 30.00 may be owed: two refunds of 20.00, whichever come first.
    results = await asyncio.gather(
        *(market.refund(order, "20.00", TUESDAY) for order in orders), return_exceptions=True
    )
    made = [each for each in results if isinstance(each, payments.Refund)]
    refused = [each for each in results if isinstance(each, Refusal)]
    assert (len(made), len(refused)) == (2, 3), results
    assert await read_state(market, shop) == ["99940.00", "0.00", "0.00", "30.00"]
    await market.check_ties()


async def test_refunds_beside_a_settlement_and_a_chargeback_tie(market: Market) -> None:
    shop, order = await open_paid_out_shop(market, reserve=True, debt=20_000)
    later = await market.pay(shop, "60.00", TUESDAY)

    async def charge_back() -> None:
        await market.town.run(
            merchants.open_dispute, dispute_id=uuid7(), order_id=later.id,
            origin=merchants.Origin.CHANNEL, reason=merchants.DisputeReason.NOT_RECEIVED,
            stage=merchants.Stage.CHARGEBACK, rulebook=RULES, now=WEDNESDAY,
        )  # fmt: skip

    acts: list[Callable[[], Awaitable[Any]]] = [
        lambda: market.refund(order, "50.00", WEDNESDAY),
        lambda: market.refund(order, "45.00", WEDNESDAY),
        lambda: market.settle(WEDNESDAY),
        charge_back,
    ]
    results = await asyncio.gather(*(act() for act in acts), return_exceptions=True)
    assert [each for each in results if isinstance(each, BaseException)] == []
    await market.check_ties()


@pytest.mark.parametrize("seed", [7, 1823])
async def test_any_order_of_acts_ties(market: Market, seed: int) -> None:
    chance = random.Random(seed)
    await add_plan(market, "covering", reserve=True, debt=6_000)
    shop = await market.add_shop(plan="covering", reserve_permille=200, reserve_days=2)
    orders: list[payments.Order] = []
    now = NOW
    for _ in range(24):
        act = chance.choice(["pay", "refund", "refund", "settle"])
        if act == "pay" or not orders:
            orders.append(await market.pay(shop, f"{chance.randint(10, 90)}.00", now))
        elif act == "refund":
            amount = f"{chance.randint(5, 60)}.37"
            # What is too much is refused, and nothing else may go wrong.
            with suppress(payments.InsufficientFunds, payments.RefundExceedsPayment):
                await market.refund(chance.choice(orders), amount, now)
        else:
            now += timedelta(days=1)
            await market.settle(now)
    await market.check_ties()


async def test_what_no_plan_may_say_is_refused_by_field(market: Market) -> None:
    for debt, error in ((-1, InvalidField), (500_001, FeePlanRefused)):
        with pytest.raises(error) as refused:
            await add_plan(market, "covering", reserve=False, debt=debt)
        assert refused.value.field == "refund_debt_max"
