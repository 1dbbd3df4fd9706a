"""A small town for payments: a ledger, customers with money, merchants, and proofs that it ties."""

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from huitong import customers, ledger, payments
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.privacy import Vault

#: A Monday at noon in Shanghai.
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)

Result = TypeVar("Result")

_TABLES = (
    "payments.orders",
    "payments.refunds",
    "payments.shares",
    "payments.merchant_codes",
    "payments.customer_codes",
    "payments.channel_orders",
    "ledger.balances",
    "ledger.transfers",
    "ledger.holds",
    "ledger.meters",
    "kernel.outbox",
    "kernel.audit",
)
_TOTALS = """
    SELECT currency, sum(debits_posted) - sum(credits_posted), sum(debits_pending)
           - sum(credits_pending)
      FROM ledger.balances GROUP BY currency
"""
_DIFFERENCES = """
    WITH sides AS (
        SELECT debit_account_id AS account_id, amount AS debit, 0 AS credit
          FROM ledger.transfers WHERE kind IN (0, 2)
         UNION ALL
        SELECT credit_account_id, 0, amount FROM ledger.transfers WHERE kind IN (0, 2)
    ), journal AS (
        SELECT account_id, sum(debit) AS debits, sum(credit) AS credits
          FROM sides GROUP BY account_id
    )
    SELECT b.account_id FROM ledger.balances b LEFT JOIN journal j USING (account_id)
     WHERE (b.debits_posted, b.credits_posted)
           <> (coalesce(j.debits, 0), coalesce(j.credits, 0))
"""


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


def new_id(at: datetime = NOW) -> uuid.UUID:
    return uuid7(int(at.timestamp() * 1_000))


@dataclass
class Town:
    """Everything that a test needs to tell a story about payments."""

    database: Database
    vault: Vault
    opened: int = 0
    mobiles: dict[uuid.UUID, str] = field(default_factory=dict)

    async def run(self, command: Callable[..., Awaitable[Result]], **values: Any) -> Result:
        """Run one command in a unit of work of its own, at NOW unless `now` says otherwise."""
        return await self.database.run(lambda uow: command(uow, **({"now": NOW} | values)))

    async def read(
        self, query: Callable[..., Awaitable[Result]], *values: Any, **named: Any
    ) -> Result:
        async with self.database.unit_of_work() as uow:
            return await query(uow, *values, **named)

    async def add_customer(
        self, name: str, money: str | None = None, *, account_class: int = 3
    ) -> customers.Customer:
        self.opened += 1
        mobile = f"1380013{self.opened:04d}"
        customer = await self.database.run(
            lambda uow: customers.open_customer(
                uow,
                self.vault,
                customer_id=new_id(),
                name=name,
                mobile=mobile,
                account_class=account_class,
                now=NOW,
            )
        )
        self.mobiles[customer.id] = mobile
        if money is not None:
            await self.top_up(customer.account_id, money)
        return customer

    async def add_merchant(
        self, name: str, fee_rate: str = "0.006", fee_max: Money | None = None
    ) -> customers.Merchant:
        return await self.run(
            customers.open_merchant,
            merchant_id=new_id(),
            name=name,
            name_latin="HUITONG TEA HOUSE",
            city_latin="PINGYAO",
            category_code="5812",
            fee_rate=Decimal(fee_rate),
            fee_max=fee_max,
        )

    async def top_up(self, account_id: int, money: str) -> payments.Order:
        order = await self.run(
            payments.request_top_up, order_id=new_id(), account_id=account_id, amount=cny(money)
        )
        return await self.answer(order, payments.ChannelVerdict.SUCCEEDED)

    async def answer(
        self, order: payments.Order, verdict: payments.ChannelVerdict, now: datetime = NOW
    ) -> payments.Order:
        """Let the bank say something about a top-up or withdrawal."""
        return await self.run(
            payments.record_channel_answer,
            channel_order_id=payments.derive_id(order.id, 1),
            order_id=order.id,
            answer=payments.ChannelAnswer(verdict=verdict),
            now=now,
        )

    async def checkout(
        self, merchant: customers.Merchant, amount: str | Money, **more: Any
    ) -> payments.Order:
        values = {
            "order_id": new_id(),
            "merchant_id": merchant.id,
            "amount": amount if isinstance(amount, Money) else cny(amount),
        }
        return await self.run(payments.create_checkout, **(values | more))

    async def buy(
        self, customer: customers.Customer, merchant: customers.Merchant, amount: str
    ) -> payments.Order:
        order = await self.checkout(merchant, amount)
        return await self.run(
            payments.pay_order, order_id=order.id, payer_account_id=customer.account_id
        )

    async def balance(self, account_id: int) -> str:
        return (await self.read(ledger.get_balance, account_id)).posted.format()

    async def available(self, account_id: int) -> str:
        return (await self.read(ledger.get_balance, account_id)).available.format()

    async def own(self, name: str) -> str:
        """Return the balance of one of our own accounts: fee_income, channel, unattributed."""
        accounts = await self.read(payments.find_own_accounts, "CNY")
        return await self.balance(getattr(accounts, name))

    async def suspense(self) -> str:
        """Return what channels paid out and should not have, and is not cured yet."""
        return await self.balance(await self.read(payments.find_suspense_account, "CNY"))

    async def topics(self) -> list[str]:
        """Return what was told of payments, oldest first, without the opening of customers."""
        async with self.database.unit_of_work() as uow:
            rows = await uow.execute("SELECT topic FROM kernel.outbox ORDER BY id")
        return [row.topic.split(".")[1] for row in rows if row.topic.startswith("payments.")]

    async def fingerprint(self) -> dict[str, str]:
        """Return a digest of every table that a payment may touch."""
        async with self.database.unit_of_work() as uow:
            return {table: await _digest(uow, table) for table in _TABLES}

    async def check_ties(self) -> None:
        """Assert that debits are credits, and that balances are what the journal says."""
        async with self.database.unit_of_work() as uow:
            for row in await uow.execute(_TOTALS):
                assert tuple(row)[1:] == (0, 0), f"{row.currency} does not tie"
            assert await uow.execute(_DIFFERENCES) == []


async def _digest(uow: UnitOfWork, table: str) -> str:
    rows = await uow.execute(f"SELECT CAST(t AS text) AS line FROM {table} t ORDER BY 1")
    return hashlib.sha256("\n".join(row.line for row in rows).encode()).hexdigest()


@pytest.fixture
async def town(database: Database, vault: Vault) -> Town:
    async with database.unit_of_work() as uow:
        await ledger.install_chart(uow)
        for month in (date(2026, 11, 1), date(2026, 12, 1)):
            await uow.execute("SELECT ledger.add_partition(:month)", month=month)
    town = Town(database, vault)
    # Opened by the first payment otherwise, which would look like a change.
    await town.read(payments.find_own_accounts, "CNY")
    return town


@dataclass
class Refusing:
    """Asserts on leaving that the refusal changed nothing at all."""

    town: Town
    before: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> None:
        self.before = await self.town.fingerprint()

    async def __aexit__(self, *_: object) -> None:
        after = await self.town.fingerprint()
        changed = [table for table, digest in after.items() if digest != self.before[table]]
        assert changed == [], f"a refusal changed {changed}"
        await self.town.check_ties()


@pytest.fixture
def refusing() -> type[Refusing]:
    """`async with refusing(town)`: whatever happens inside must change nothing."""
    return Refusing


@pytest.fixture(name="cny")
def _cny() -> Callable[[str], Money]:
    return cny


@pytest.fixture(name="new_id")
def _new_id() -> Callable[..., uuid.UUID]:
    return new_id


@pytest.fixture
def now() -> datetime:
    return NOW
