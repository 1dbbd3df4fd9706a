"""A bookkeeper for the ledger's tests: opens accounts and posts, each in a unit of work."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.ledger import (
    Account,
    BalanceLimit,
    Entry,
    Outcome,
    Request,
    Transfer,
    TransferCode,
    TransferKind,
    post_entries,
)
from huitong.ledger.accounts import NewAccount, open_accounts
from huitong.ledger.chart import install_chart
from huitong.ledger.lines import project_all

DAY = date(2026, 3, 2)


@dataclass
class Bookkeeper:
    """Posts into one database, as the application; tampers with it, as the superuser."""

    database: Database
    owner_url: str

    async def open(
        self,
        count: int = 1,
        *,
        chart_code: str = "2011.01",
        currency: str = "CNY",
        limits: BalanceLimit | None = None,
    ) -> list[Account]:
        new = [
            NewAccount(
                chart_code=chart_code, currency=currency, name=f"Account {number}", limits=limits
            )
            for number in range(count)
        ]
        return await self.database.run(lambda uow: open_accounts(uow, new))

    async def open_pair(self, currency: str = "CNY") -> tuple[Account, Account]:
        """Cash in a bank, and a customer whose balance it backs."""
        (cash,) = await self.open(chart_code="1011", currency=currency)
        (customer,) = await self.open(currency=currency)
        return cash, customer

    def transfer(self, debit: Account | None, credit: Account | None, amount: int | None, **more):
        currency = "" if debit is None else debit.currency
        return Transfer(
            **{
                "id": uuid7(),
                "debit_account_id": 0 if debit is None else debit.id,
                "credit_account_id": 0 if credit is None else credit.id,
                "amount": amount,
                "currency": currency,
                "code": TransferCode.TRANSFER,
                "effective_on": DAY,
                **more,
            }
        )

    async def post(self, *transfers: Transfer, **options: Any) -> list[Outcome]:
        """Post transfers in one batch, each by itself or all linked; all must succeed."""
        async with self.database.unit_of_work() as uow:
            return await self.post_within(uow, *transfers, **options)

    async def post_within(self, uow, *transfers: Transfer, linked=False, now=None):
        outcomes = await post_entries(
            uow, _requests(transfers, linked), now=now or datetime.now(UTC)
        )
        assert all(outcome.is_posted for outcome in outcomes), outcomes
        return outcomes

    async def move(self, debit: Account, credit: Account, amount: int, **more: Any) -> uuid.UUID:
        """Post one transfer and return its id."""
        transfer = self.transfer(debit, credit, amount, **more)
        await self.post(transfer)
        return transfer.id

    async def hold(self, debit: Account, credit: Account, amount: int, **more) -> uuid.UUID:
        return await self.move(debit, credit, amount, kind=TransferKind.PENDING, **more)

    async def resolve(
        self, hold_id: uuid.UUID, kind: TransferKind, amount: int | None = None, **more
    ) -> uuid.UUID:
        transfer = self.transfer(None, None, amount, kind=kind, pending_id=hold_id, **more)
        await self.post(transfer)
        return transfer.id

    async def project(self) -> int:
        return await project_all(self.database)

    async def fetch(self, statement: str, *values: object) -> list[tuple]:
        """Read with the superuser's eyes."""
        async with self.superuser() as connection:
            return [tuple(row) for row in await connection.fetch(statement, *values)]

    async def tamper(self, statement: str, *values: object) -> None:
        """Change rows behind the ledger's back, with triggers and foreign keys switched off."""
        async with self.superuser() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            status = await connection.execute(statement, *values)
            assert status.endswith(" 0") is False, f"nothing was tampered with: {status}"

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.owner_url)
        try:
            yield connection
        finally:
            await connection.close()


@pytest.fixture
async def books(database: Database, owner_url: str) -> Bookkeeper:
    """A bookkeeper over a fresh ledger with the chart and this month's partition."""
    month = datetime.now(UTC).date().replace(day=1)
    neighbours = {month, (month - timedelta(days=1)).replace(day=1)}
    neighbours.add((month + timedelta(days=31)).replace(day=1))
    async with database.unit_of_work() as uow:
        await install_chart(uow)
        for each in sorted(neighbours):
            await uow.execute("SELECT ledger.add_partition(:month)", month=each)
    return Bookkeeper(database, owner_url)


def _requests(transfers: Sequence[Transfer], linked: bool) -> list[Request]:
    if linked:
        return [Request(Entry(tuple(transfers), id=uuid7()))]
    return [Request(Entry((transfer,))) for transfer in transfers]
