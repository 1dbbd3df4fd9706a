"""A settlement that is killed anywhere, and many workers at once: every fen is paid once."""

import asyncio
import contextlib
import random
from typing import Any

import pytest
from tests.payments.conftest import NOW, cny
from tests.payments.killing import start
from tests.payments.merchants.conftest import RULES, TUESDAY, WEDNESDAY, Market, as_facts

from huitong import customers, ledger, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments import merchants

SHOPS = 12
KILLS_MAX = 12
#: The worker's step in a process of its own, over and over, at the time of the test.
WORKER = """
import asyncio, sys
from datetime import datetime
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.payments import merchants

async def work():
    rules, now = Rulebook.load(), datetime.fromisoformat(sys.argv[2])
    async with Database(sys.argv[1], role="huitong_app", size=2) as database:
        ready.set()
        while await merchants.settle_due(database, rulebook=rules, now=now):
            pass

asyncio.run(work())
"""


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("is_before", [True, False])
async def test_killed_at_any_statement_it_settles_exactly_once(
    market: Market, monkeypatch: pytest.MonkeyPatch, is_before: bool
) -> None:
    shop = await market.add_shop(reserve_permille=100, reserve_days=7)
    await market.pay(shop, "100.00")
    await ledger.project_all(market.town.database)
    real, count, kills = UnitOfWork.execute, 0, 0
    for statement in range(1, 60):

        async def execute(uow: UnitOfWork, *args: Any, at: int = statement, **values: Any) -> Any:
            nonlocal count
            count += 1
            if count == at and is_before:
                raise Killed
            result = await real(uow, *args, **values)
            if count == at:
                raise Killed
            return result

        monkeypatch.setattr(UnitOfWork, "execute", execute)
        count = 0
        with contextlib.suppress(Killed):
            await merchants.settle_due(market.town.database, rulebook=RULES, now=TUESDAY)
            break
        kills += 1
        monkeypatch.setattr(UnitOfWork, "execute", real)
        await market.town.check_ties()
    monkeypatch.setattr(UnitOfWork, "execute", real)
    assert kills > 10, "it was killed at every one of its statements"
    [sheet] = await market.town.read(merchants.list_sheets, shop.id, limit=10)
    assert as_facts(sheet) == {
        "payments": 10_000, "plan_fees": -60, "reserve_held": 1_000, "payout": 8_940,
    }  # fmt: skip
    assert await market.settled(shop) == "89.40"
    await market.check_ties()


async def test_a_worker_killed_by_the_system_leaves_nothing_half_done(
    market: Market, owner_url: str
) -> None:
    shops = [await market.add_shop(f"店{number}") for number in range(SHOPS)]
    for shop in shops:
        await market.pay(shop, "10.00")
    await ledger.project_all(market.town.database)
    chance = random.Random(20_261_126)
    for _ in range(KILLS_MAX):
        worker = start(WORKER, owner_url, TUESDAY.isoformat())
        await worker.wait_until_ready()
        await asyncio.sleep(chance.random() * 0.12)
        await worker.kill()
        await market.town.check_ties()
        if len(await market.town.read(merchants.list_sheets, limit=100)) == SHOPS:
            break
    await merchants.settle_due(market.town.database, rulebook=RULES, now=TUESDAY)
    sheets = await market.town.read(merchants.list_sheets, limit=100)
    assert sorted(sheet.payout for sheet in sheets) == [994] * SHOPS
    for shop in shops:
        assert await market.settled(shop) == "9.94"
    await market.check_ties()


async def test_many_workers_settle_each_account_once(market: Market) -> None:
    shops = [await market.add_shop(f"店{number}") for number in range(5)]
    for shop in shops:
        await market.pay(shop, "10.00")
    await ledger.project_all(market.town.database)
    made = await asyncio.gather(
        *(merchants.settle_due(market.town.database, rulebook=RULES, now=TUESDAY) for _ in range(4))
    )
    assert sorted(sheet.merchant_id for each in made for sheet in each) == sorted(
        shop.id for shop in shops
    )
    await market.check_ties()


async def test_refunds_that_race_a_settlement_never_cost_a_fen(market: Market) -> None:
    shop = await market.add_shop(reserve_permille=200, reserve_days=5)
    orders = [await market.pay(shop, "10.00") for _ in range(6)]
    await ledger.project_all(market.town.database)

    async def refund(order: payments.Order) -> bool:
        try:
            await market.refund(order, "7.00", TUESDAY)
        except payments.InsufficientFunds:
            return False
        return True

    results = await asyncio.gather(
        merchants.settle_due(market.town.database, rulebook=RULES, now=TUESDAY),
        *(refund(order) for order in orders),
    )
    refunded = sum(700 for each in results[1:] if each)
    await market.check_ties()
    await market.settle(WEDNESDAY)
    await check_conservation(market, shop, paid=6_000, refunded=refunded)


async def test_every_fen_is_somewhere_after_any_story(market: Market) -> None:
    """Payments, refunds, chargebacks and settlements in a random order, seeded."""
    chance = random.Random(7)
    shop = await market.add_shop(reserve_permille=150, reserve_days=2, payout_min=500)
    orders: list[payments.Order] = []
    paid = refunded = charged = 0
    now = NOW
    for step in range(45):
        what = chance.choice(["pay", "pay", "refund", "charge", "settle", "day"])
        if what == "pay":
            amount = chance.randint(1, 5_000)
            orders.append(await market.pay(shop, Money(amount, "CNY").format(), now))
            paid += amount
        elif what == "refund" and orders:
            with contextlib.suppress(payments.InsufficientFunds, payments.RefundExceedsPayment):
                order = chance.choice(orders)
                minor = chance.randint(1, order.amount.minor)
                await market.refund(order, Money(minor, "CNY").format(), now)
                refunded += minor
        elif what == "charge" and orders and step % 2:
            with contextlib.suppress(merchants.DisputeRefused):
                dispute = await market.town.run(
                    merchants.open_dispute,
                    dispute_id=payments.derive_id(chance.choice(orders).id, 50 + step),
                    order_id=chance.choice(orders).id,
                    origin=merchants.Origin.CHANNEL,
                    reason=merchants.DisputeReason.CANCELLED,
                    stage=merchants.Stage.CHARGEBACK,
                    rulebook=RULES,
                    now=now,
                )
                charged += dispute.amount + dispute.fee
        elif what == "settle":
            await market.settle(now)
        else:
            now += (TUESDAY - NOW) * chance.randint(1, 2)
        await check_conservation(market, shop, paid=paid, refunded=refunded, charged=charged)
    await market.settle(now + (TUESDAY - NOW) * 4)
    await check_conservation(market, shop, paid=paid, refunded=refunded, charged=charged)
    assert market.sheets
    await market.check_ties()


async def check_conservation(
    market: Market, shop: customers.Merchant, *, paid: int, refunded: int, charged: int = 0
) -> None:
    """Assert that all that was paid is settled, owed to the shop, kept, or was taken."""
    town = market.town
    there = [await town.balance(shop.account_id), await market.settled(shop)]
    there.append(await market.reserve(shop))
    minor = sum(cny(each).minor for each in there) - cny(await market.owed(shop)).minor
    sheets = await town.read(merchants.list_sheets, shop.id, limit=100)
    fees = -sum(sheet.plan_fees for sheet in sheets)
    assert minor == paid - refunded - charged - fees
