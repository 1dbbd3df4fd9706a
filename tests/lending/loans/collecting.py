"""A bank whose loans are late: a strategy, days that close, and what debtors were told."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tests.lending.loans.conftest import RULES, Bank, cny

from huitong import lending
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.lending import collections

ZONE = ZoneInfo("Asia/Shanghai")
#: Five days after all loans here are lent; they are overdue from the day after it on.
DUE = date(2026, 10, 6)


@dataclass
class Desk:
    """Agents and debtors of a bank; `told` is every text message that was asked for."""

    bank: Bank
    told: list[collections.Message] = field(default_factory=list)
    reachable: bool = True

    async def tell(self, uow: UnitOfWork, message: collections.Message) -> bool:
        del uow
        if self.reachable:
            self.told.append(message)
        return self.reachable

    async def agree(self, **changes: Any) -> collections.Strategy:
        new = collections.standard_strategy(
            lending.Purpose.CONSUMER, effective_from=self.bank.today
        )
        values = {name: getattr(new, name) for name in type(new).__dataclass_fields__}
        found: collections.Strategy = await self.bank.run(
            collections.add_strategy,
            collections.NewStrategy(**(values | changes)),
            approval_id=uuid7(),
        )
        return found

    def at(self, day: date, clock: str) -> datetime:
        """Move the story to a time of Shanghai's clock."""
        local = datetime.combine(day, time.fromisoformat(clock), ZONE)
        self.bank.now = local.astimezone(UTC)
        return self.bank.now

    async def late(self, days: int, count: int = 1, *, money: int = 0) -> list[lending.Loan]:
        """Lend so many loans to one debtor on 1 October, so many days overdue at noon today."""
        loans = await self.lend(count, money=money)
        await self.bank.close(5 + days - 1)
        await self.collect()
        await self.close()
        return loans

    async def lend(self, count: int = 1, *, money: int = 0) -> list[lending.Loan]:
        """Lend so many loans to one debtor, of which each is due first on `DUE`."""
        await self.bank.add_product()
        debtor = await self.bank.add_borrower(money)
        return [await self.bank.lend(debtor, auto_debit=False, first_due=DUE) for _ in range(count)]

    async def collect(self, **named: Any) -> list[collections.CollectedDay]:
        values: dict[str, Any] = {"rulebook": RULES, "now": self.bank.now, "chunk_size": 3}
        return await collections.collect_days(self.bank.database, **(values | named))

    async def close(self, days: int = 1) -> list[collections.CollectedDay]:
        """Close today and the days after it, and look at the loans after each."""
        found = []
        for _ in range(days):
            await self.bank.close()
            found += await self.collect()
        return found

    async def send(self, **named: Any) -> int:
        """Take the steps of today that go by themselves."""
        taken: int = await self.bank.run(
            collections.carry_out_steps, **({"tell": self.tell, "rulebook": RULES} | named)
        )
        return taken

    async def take(self, staff: uuid.UUID, own: uuid.UUID | None = None) -> Any:
        return await self.bank.run(collections.take_next_task, staff_id=staff, own=own)

    async def contact(self, task: Any, staff: uuid.UUID, **named: Any) -> Any:
        values: dict[str, Any] = {
            "contact_id": uuid7(),
            "staff_id": staff,
            "tell": self.tell,
            "rulebook": RULES,
        }
        return await self.bank.run(collections.begin_contact, task.id, **(values | named))

    async def promise(self, loan: lending.Loan, amount: int, pay_by: date, **named: Any) -> Any:
        values: dict[str, Any] = {"promise_id": uuid7(), "rulebook": RULES}
        return await self.bank.run(
            collections.make_promise,
            loan,
            amount=cny(amount),
            pay_by=pay_by,
            **(values | named),
        )

    async def complain(self, loan: lending.Loan, **named: Any) -> Any:
        values: dict[str, Any] = {
            "complaint_id": uuid7(),
            "customer_id": loan.customer_id,
            "about": collections.About.TOO_OFTEN,
            "words": "请不要再打电话",
            "rulebook": RULES,
        }
        return await self.bank.run(collections.complain, self.bank.vault, **(values | named))

    async def history(self, loan: lending.Loan) -> collections.History:
        found: collections.History = await self.bank.read(collections.get_history, loan)
        return found

    async def rows(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        async with self.bank.database.unit_of_work() as uow:
            return [tuple(row) for row in await uow.execute(statement, **values)]
