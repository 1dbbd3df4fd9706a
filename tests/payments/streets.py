"""A payer, a merchant, and every way to pay from one to the other, behind which risk decides."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.payments.test_assessing import Guarded
from tests.payments.test_instant import open_till
from tests.risk.decisioning.rules.conftest import Desk

from huitong import payments, risk
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

#: Of each row its key, and what does not depend on whose it is.
_ROWS = """
    SELECT key, first_us, last_us, count_1m, count_1h, count_1d, count_30d, amount_1h, amount_1d,
           amount_30d, new_payees_1d, tests_1h, fast_outflows_30d, round_nights_30d,
           bit_count(others::bit(64)), others_day
      FROM risk.features
"""
PAYER, PAYEE = b"\x01", b"\x02"

Pay = Callable[..., Awaitable[payments.Order]]


@dataclass
class Street(Guarded):
    """Ways are prepared first: what they return pays, and may be called again."""

    town: Any
    merchant: Any

    async def checkout(self, amount: str = "600.00", payer: Any = None) -> Pay:
        order = await self.town.checkout(self.merchant, amount)
        return self.pay_later(order.id, payer)

    async def dynamic_code(self, amount: str = "600.00", payer: Any = None) -> Pay:
        code = await self.town.run(
            payments.create_merchant_code,
            code_id=uuid7(),
            merchant_id=self.merchant.id,
            kind=payments.CodeKind.DYNAMIC,
            amount=Money.parse(amount, "CNY"),
        )
        return self.pay_later(code.order_id, payer)

    async def customer_code(self, amount: str = "600.00", payer: Any = None) -> Pay:
        customer_id = (payer or self.payer).id
        code = await self.town.run(payments.issue_customer_code, customer_id=customer_id)
        return self._bind(
            payments.collect_by_code,
            order_id=uuid7(),
            merchant_id=self.merchant.id,
            code=code.text,
            amount=Money.parse(amount, "CNY"),
        )

    async def authorisation(self, amount: str = "600.00", payer: Any = None) -> Pay:
        return self._bind(
            payments.authorise,
            order_id=uuid7(),
            payer_account_id=(payer or self.payer).account_id,
            merchant_id=self.merchant.id,
            amount=Money.parse(amount, "CNY"),
        )

    async def withdrawal(self, amount: str = "600.00", payer: Any = None) -> Pay:
        return self._bind(
            payments.request_withdrawal,
            order_id=uuid7(),
            account_id=(payer or self.payer).account_id,
            amount=Money.parse(amount, "CNY"),
        )

    def pay_later(self, order_id: uuid.UUID | None, payer: Any = None) -> Pay:
        return self._bind(
            payments.pay_order,
            order_id=order_id,
            payer_account_id=(payer or self.payer).account_id,
            attempt_id=uuid7(),
        )

    def _bind(self, command: Any, **fixed: Any) -> Pay:
        async def run(**how: Any) -> payments.Order:
            values = {"decider": self.decider, **fixed, **how}
            paid: payments.Order = await self.town.run(command, **values)
            return paid

        return run

    async def list_decisions(self) -> dict[uuid.UUID, risk.Action]:
        rows = await self.desk.run(lambda uow: uow.execute("SELECT id, action FROM risk.decisions"))
        return {row.id: risk.Action(row.action) for row in rows}

    async def read_rows(self) -> dict[bytes, tuple[Any, ...]]:
        """Return all counters by their key."""
        rows = await self.desk.run(lambda uow: uow.execute(_ROWS))
        return {bytes(row.key): tuple(row)[1:] for row in rows}


def key_of(role: bytes, account_id: int) -> bytes:
    return role + account_id.to_bytes(8, "big")


def pair_of(payer_account_id: int, payee_account_id: int) -> bytes:
    return b"\x06" + payer_account_id.to_bytes(8, "big") + payee_account_id.to_bytes(8, "big")


@asynccontextmanager
async def open_street(town: Any, now: datetime) -> AsyncIterator[Street]:
    payer = await town.add_customer("李雷", "5000.00")
    payee = await town.add_customer("韩梅", "10.00")
    merchant = await town.add_merchant("茶馆")
    rules = risk.RuleCache(
        town.database, {risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES}, now=lambda: now
    )
    await rules.learn_news()
    decider = risk.PaymentDecider(town.database, rules, Rulebook.load())
    desk = Desk(town.database, now=now, catalogue=risk.PAYMENT_FEATURES)
    async with open_till(town.database, town.vault, now, decider) as till:
        yield Street(till, desk, rules, decider, payer, payee, town, merchant)
