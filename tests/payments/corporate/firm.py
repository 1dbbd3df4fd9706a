"""A corporation with money, people who act for it, and a supplier."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from huitong import customers, ledger
from huitong.kernel.money import Money
from huitong.payments import bulk, corporate

#: ICBC's head office.
BANK = "102100099996"


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


def at(day: date, hour: int = 10) -> datetime:
    """Return an hour of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 8)


@dataclass
class Firm:
    """A corporation with 1,000 yuan, a submitter, two approvers, a viewer, and a supplier."""

    town: Any
    now: datetime
    new_id: Any
    merchant: customers.Merchant
    supplier: customers.Merchant
    maker: customers.Customer
    checkers: list[customers.Customer]
    viewer: customers.Customer
    stranger: customers.Customer
    made: list[uuid.UUID] = field(default_factory=list)

    @property
    def payee(self) -> corporate.NewPayee:
        return corporate.NewPayee(name=self.supplier.name, account_id=self.supplier.account_id)

    async def set_mandate(self, **more: Any) -> corporate.Mandate:
        values = {
            "merchant_id": self.merchant.id,
            "payment_max": cny("500.00"),
            "day_max": cny("800.00"),
            "total_max": None,
            "bands": (
                corporate.Band(amount_from=cny("0.00"), approvers=1),
                corporate.Band(amount_from=cny("200.00"), approvers=2),
            ),
        }
        new = corporate.NewMandate(**(values | more))
        mandate: corporate.Mandate = await self.town.database.run(
            lambda uow: corporate.set_mandate(uow, new, now=self.now)
        )
        return mandate

    async def instruct(self, money: str = "10.00", **more: Any) -> corporate.Instruction:
        values = {
            "instruction_id": self.new_id(self.now),
            "merchant_id": self.merchant.id,
            "made_by": self.maker.id,
            "payee": self.payee,
            "amount": cny(money),
            "description": "发票 2026-11",
            "now": self.now,
        }
        made: corporate.Instruction = await self.town.database.run(
            lambda uow: corporate.instruct_payment(uow, self.town.vault, **(values | more))
        )
        return made

    async def schedule(self, plan: corporate.Plan, **more: Any) -> corporate.Instruction:
        values = {
            "instruction_id": self.new_id(self.now),
            "merchant_id": self.merchant.id,
            "made_by": self.maker.id,
            "payee": self.payee,
            "plan": plan,
            "now": self.now,
        }
        made: corporate.Instruction = await self.town.database.run(
            lambda uow: corporate.instruct_schedule(uow, self.town.vault, **(values | more))
        )
        return made

    async def approve(
        self, instruction: corporate.Instruction, who: int = 0, decider: Any = None, **more: Any
    ) -> corporate.Instruction:
        values = {
            "instruction_id": instruction.id,
            "approved_by": self.checkers[who].id,
            "digest": instruction.digest,
            "now": self.now,
        }
        approved: corporate.Instruction = await self.town.database.run(
            lambda uow: corporate.approve_instruction(uow, decider, **(values | more))
        )
        return approved

    async def put_in_force(self, **plan: Any) -> corporate.Instruction:
        """Instruct and approve a plan of up to 199.99."""
        return await self.approve(await self.schedule(make_plan(**plan)))

    async def run_on(self, day: date, hour: int = 10) -> int:
        """Run what is due at an hour of a day; returns how many steps that took."""
        self.now, steps = at(day, hour), 0
        while await corporate.run_next_standing_order(self.town.database, None, now=self.now):
            steps += 1
        return steps

    async def standing(self, instruction: corporate.Instruction) -> corporate.StandingOrder:
        found: corporate.StandingOrder = await self.town.read(
            corporate.get_standing_order, instruction.id, customer_id=self.viewer.id
        )
        return found

    async def runs(self, instruction: corporate.Instruction) -> list[corporate.StandingRun]:
        """Return what became of its due dates, first one first."""
        order = await self.standing(instruction)
        found: list[corporate.StandingRun] = await self.town.read(
            corporate.list_standing_runs, order, limit=1_000
        )
        return found[::-1]

    async def funds(self) -> str:
        shown: str = await self.town.available(self.merchant.account_id)
        return shown

    async def paid(self) -> str:
        shown: str = await self.town.balance(self.supplier.account_id)
        return shown

    async def freeze(self, account_id: int, state: ledger.AccountState) -> None:
        await self.town.run(
            ledger.set_account_state, account_id=account_id, state=state, reason="a court order"
        )


def make_plan(**values: Any) -> corporate.Plan:
    """Return a plan: 100.00 on the first of each month, if nothing else is said."""
    amount = values.pop("amount", 100_00)
    defaults = {
        "currency": "CNY",
        "amount_rule": corporate.AmountRule.FIXED,
        "amount": amount,
        "payment_max": amount,
        "rhythm": corporate.Rhythm.MONTHLY,
        "day": 1,
        "first_on": date(2026, 11, 24),
        "description": "房租",
    }
    return corporate.Plan(**(defaults | values))


async def name_user(town: Any, user: bulk.BusinessUser, now: datetime) -> None:
    """Name a user of a business."""
    await town.database.run(lambda uow: bulk.name_business_user(uow, user, now=now))
