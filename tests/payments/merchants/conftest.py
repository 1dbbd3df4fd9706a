"""Shops with terms in the town of payments, and proofs that what they are paid ties."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.payments.conftest import NOW, Town, cny, new_id

from huitong import customers, ledger, payments
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments import merchants
from huitong.payments.invariants import INVARIANTS

RULES = Rulebook.load()
#: Noon in Shanghai of the Tuesday after the town's Monday.
TUESDAY = NOW + timedelta(days=1)
WEDNESDAY = NOW + timedelta(days=2)
TODAY = date(2026, 11, 23)


def rule(rate: str = "6", **more: Any) -> merchants.FeeRule:
    return merchants.FeeRule(
        **({"kind": "any", "volume_from": 0, "rate_permille": Decimal(rate)} | more)
    )


@dataclass
class Market:
    """Shops, whom they are paid by, and a worker that settles them."""

    town: Town
    customer: customers.Customer
    sheets: list[merchants.Sheet] = field(default_factory=list)

    async def add_plan(
        self,
        code: str = "standard",
        rules: Sequence[merchants.FeeRule] = (rule(),),
        *,
        refunds_return_fee: bool = True,
        effective_from: date = TODAY,
        now: datetime = NOW,
    ) -> merchants.PlanVersion:
        new = merchants.NewVersion(
            plan=code,
            name_zh="标准费率",
            name_en="Standard",
            currency="CNY",
            effective_from=effective_from,
            refunds_return_fee=refunds_return_fee,
            rules=tuple(rules),
        )
        return await self.town.run(
            merchants.add_plan_version, new=new, approval_id=uuid7(), rulebook=RULES, now=now
        )

    async def add_shop(
        self, name: str = "茶馆", *, fee_rate: str = "0", plan: str = "standard", **terms: Any
    ) -> customers.Merchant:
        shop = await self.town.add_merchant(name, fee_rate)
        await self.set_terms(shop, plan=plan, **terms)
        return shop

    async def set_terms(
        self, shop: customers.Merchant, *, now: datetime = NOW, **terms: Any
    ) -> merchants.Terms:
        values: dict[str, Any] = {
            "merchant_id": shop.id,
            "effective_from": TODAY,
            "plan": "standard",
            "payout_way": merchants.PayoutWay.BALANCE,
            "cycle_days": 1,
            "cutoff_minutes": 1_440,
            "payout_min": 0,
            "reserve_permille": 0,
            "reserve_days": 0,
            "reserve_floor": 0,
            "recovery": merchants.Recovery.CARRY,
        }
        return await self.town.run(
            merchants.set_terms,
            new=merchants.NewTerms(**(values | terms)),
            approval_id=uuid7(),
            rulebook=RULES,
            now=now,
        )

    async def pay(
        self, shop: customers.Merchant, amount: str, now: datetime = NOW
    ) -> payments.Order:
        order = await self.town.checkout(shop, amount, order_id=new_id(now), now=now)
        return await self.town.run(
            payments.pay_order,
            order_id=order.id,
            payer_account_id=self.customer.account_id,
            now=now,
        )

    async def refund(
        self, order: payments.Order, amount: str, now: datetime = NOW
    ) -> payments.Refund:
        return await self.town.run(
            payments.refund,
            order_id=order.id,
            refund_id=new_id(now),
            amount=cny(amount),
            now=now,
        )

    async def settle(self, now: datetime = TUESDAY) -> list[merchants.Sheet]:
        await ledger.project_all(self.town.database)
        made = await merchants.settle_due(self.town.database, rulebook=RULES, now=now)
        self.sheets.extend(made)
        return made

    async def account(self, shop: customers.Merchant) -> merchants.SettledAccount:
        found = await self.town.read(merchants.list_settled_accounts, shop.id)
        return next(each for each in found if each.role is merchants.Role.MERCHANT)

    async def settled(self, shop: customers.Merchant) -> str:
        return await self.town.balance((await self.account(shop)).payout_account_id)

    async def reserve(self, shop: customers.Merchant) -> str:
        number = (await self.account(shop)).reserve_account_id
        assert number is not None
        return await self.town.balance(number)

    async def owed(self, shop: customers.Merchant) -> str:
        number = (await self.account(shop)).owed_account_id
        assert number is not None
        return await self.town.balance(number)

    async def check_ties(self) -> None:
        """Assert that the books tie, and every invariant of the room."""
        await ledger.project_all(self.town.database)
        await self.town.check_ties()
        async with self.town.database.reading() as uow:
            for invariant in INVARIANTS:
                assert await uow.execute(invariant.differences) == [], invariant.name


@pytest.fixture
async def market(town: Town) -> Market:
    async with town.database.unit_of_work() as uow:
        await uow.execute("SELECT ledger.add_partition(:month)", month=date(2027, 1, 1))
    customer = await town.add_customer("李雷", "100000.00", account_class=1)
    market = Market(town, customer)
    await market.add_plan()
    return market


def money(minor: int) -> Money:
    return Money(minor, "CNY")


def as_facts(sheet: merchants.Sheet) -> dict[str, int]:
    """Return what of a sheet is not zero, without where it stands."""
    names = (
        "opening", "payments", "refunds", "fees", "shares", "chargebacks", "dispute_fees",
        "others", "plan_fees", "advanced", "recovered", "recovered_direct", "reserve_held",
        "reserve_released", "payout", "carried",
    )  # fmt: skip
    return {name: getattr(sheet, name) for name in names if getattr(sheet, name)}
