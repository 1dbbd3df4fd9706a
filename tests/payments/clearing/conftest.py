"""A clearing house with four banks, and proofs that it ties."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeVar

import asyncpg
import pytest

from huitong import ledger, payments
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments import clearing

#: A Monday at noon in Shanghai.
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RULES = Rulebook.load()
#: Head offices of ICBC, ABC, BOC and CCB.
A, B, C, D = "102100099996", "103100000026", "104100000004", "105100000017"

Result = TypeVar("Result")


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def pay(
    debtor: str,
    creditor: str,
    amount: int,
    *,
    rail: clearing.Rail = clearing.Rail.BEPS,
    is_urgent: bool = False,
) -> clearing.NewPayment:
    return clearing.NewPayment(
        id=uuid7(),
        rail=rail,
        debtor=debtor,
        creditor=creditor,
        amount=amount,
        is_urgent=is_urgent,
    )


@dataclass
class House:
    """A clearing house and what a test asks of it."""

    database: Database
    url: str
    banks: dict[str, clearing.Participant] = field(default_factory=dict)

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        return await self.database.run(command)

    async def join(self, code: str, *, cap: int, money: int = 0, collateral: int = 0) -> None:
        self.banks[code] = await self.run(
            lambda uow: clearing.join(
                uow,
                code=code,
                name_zh=f"银行{code[:3]}",
                name_en=f"Bank {code[:3]}",
                net_debit_cap=cny(cap),
                now=NOW,
            )
        )
        for amount, is_collateral in ((money, False), (collateral, True)):
            if amount:
                await self.deposit(code, amount, is_collateral=is_collateral)

    async def deposit(self, code: str, amount: int, *, is_collateral: bool = False) -> None:
        await self.run(
            lambda uow: clearing.deposit(
                uow,
                transfer_id=uuid7(int(NOW.timestamp() * 1_000)),
                code=code,
                amount=cny(amount),
                is_collateral=is_collateral,
                now=NOW,
            )
        )

    async def submit(
        self, *new: clearing.NewPayment, rulebook: Rulebook = RULES
    ) -> list[clearing.ClearingPayment]:
        return await self.run(
            lambda uow: clearing.submit_payments(uow, new, rulebook=rulebook, now=NOW)
        )

    async def states(self, new: Sequence[clearing.NewPayment]) -> list[str]:
        return [each.state.value for each in await self.submit(*new)]

    async def open_window(self) -> clearing.Window:
        async with self.database.reading() as uow:
            window = await clearing.find_open_window(uow)
        assert window is not None
        return window

    async def close(self, rulebook: Rulebook = RULES) -> uuid.UUID:
        window = await self.open_window()
        await self.run(
            lambda uow: clearing.close_window(uow, window.id, rulebook=rulebook, now=NOW)
        )
        return window.id

    async def settle(self, rulebook: Rulebook = RULES) -> clearing.Settlement:
        settled = await clearing.settle_oldest(self.database, rulebook=rulebook, now=NOW)
        assert settled is not None
        return settled

    async def positions(self, window_id: uuid.UUID) -> dict[str, clearing.Position]:
        async with self.database.reading() as uow:
            found = await clearing.list_positions(uow, window_id)
        return {each.participant: each for each in found}

    async def money(self, code: str, *, collateral: bool = False) -> int:
        bank = self.banks[code]
        number = bank.collateral_account_id if collateral else bank.account_id
        async with self.database.reading() as uow:
            return (await ledger.get_balance(uow, number)).posted.minor

    async def count(self, table: str) -> int:
        async with self.database.reading() as uow:
            found: int = await uow.fetch_value(f"SELECT count(*) FROM {table}")
        return found

    async def forge(self, statement: str, *values: object) -> None:
        """Change what no role of the platform may."""
        connection = await asyncpg.connect(self.url)
        await connection.execute(statement, *values)
        await connection.close()

    async def check(self) -> None:
        """Assert that all invariants hold, the ledger's too."""
        await ledger.project_all(self.database)
        report = await ledger.verify_ledger(self.database, more=payments.INVARIANTS)
        assert report.findings == ()
        assert "clearing_settled_as_positions" in report.checked


@pytest.fixture
async def house(database: Database, owner_url: str) -> House:
    async with database.unit_of_work() as uow:
        await ledger.install_chart(uow)
        for month in (date(2026, 11, 1), date(2026, 12, 1)):
            await uow.execute("SELECT ledger.add_partition(:month)", month=month)
    return House(database, owner_url)
