"""A till behind which risk decides, for tests of what is let through and what is stopped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.payments.test_instant import Till, open_till
from tests.risk.decisioning.rules.conftest import Desk

from huitong import payments, risk
from huitong.kernel.rulebook import Rulebook

LARGE = "amount > 50000"


@dataclass
class Guarded:
    """A till behind which risk decides, and whom it decides about."""

    till: Till
    desk: Desk
    rules: risk.RuleCache
    decider: risk.PaymentDecider
    payer: Any
    payee: Any

    async def live(self, predicate: str = LARGE, action: str = "block") -> Any:
        version = await self.desk.make_live(predicate, action=action)
        await self.rules.learn_news()
        return version

    async def put_on_list(self, kind: str, entity: risk.Entity) -> None:
        approval_id = await self.desk.approve("risk.change_list")
        until = None if kind != "allow" else self.desk.now.replace(year=self.desk.now.year + 1)
        change = risk.ListChange(list=risk.ListKind(kind), add=((entity, until),))
        await self.desk.run(
            lambda uow: risk.change_list(
                uow, change, reason="test", approval_id=approval_id, now=self.desk.now
            )
        )

    def make(self, amount: str, **how: Any) -> payments.InstantPayment:
        return self.till.make(self.payer, amount, payee_account_id=self.payee.account_id, **how)

    async def send(self, *made: payments.InstantPayment) -> list[Any]:
        return await self.till.send(*made)

    async def find(self, payment: payments.InstantPayment) -> risk.Decision:
        found: risk.Decision = await self.desk.run(
            lambda uow: risk.get_decision(uow, payment.order_id)
        )
        return found

    async def replay(self, decision: risk.Decision) -> risk.Replay:
        found: risk.Replay = await self.desk.run(lambda uow: risk.replay_decision(uow, decision))
        return found

    async def explain(self, decision: risk.Decision) -> list[str]:
        reasons = await self.desk.run(lambda uow: risk.explain_decision(uow, decision))
        return [each.code for each in reasons]


@asynccontextmanager
async def open_guarded(town: Any, now: datetime) -> AsyncIterator[Guarded]:
    """Open it, with a payer who has 5,000 yuan and a payee who has 10."""
    payer = await town.add_customer("李雷", "5000.00")
    payee = await town.add_customer("韩梅", "10.00")
    rules = risk.RuleCache(
        town.database, {risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES}, now=lambda: now
    )
    await rules.learn_news()
    decider = risk.PaymentDecider(town.database, rules, Rulebook.load())
    desk = Desk(town.database, now=now, catalogue=risk.PAYMENT_FEATURES)
    async with open_till(town.database, town.vault, now, decider) as till:
        yield Guarded(till, desk, rules, decider, payer, payee)
