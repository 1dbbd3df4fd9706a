"""A bench for attacking the posting engine: bare accounts, short transfers, totals as tuples."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.ledger import (
    AccountState,
    BalanceLimit,
    Entry,
    Job,
    Outcome,
    Poster,
    Request,
    Transfer,
    TransferCode,
    TransferKind,
    make_account_number,
)
from huitong.ledger.posting import post_exactly

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAY = date(2026, 3, 2)


@dataclass
class Bench:
    """One ledger: `app` is a connection in the application's role, `owner` the superuser's."""

    database: Database
    owner_url: str
    app: Any
    owner: Any
    now: datetime = NOW
    serial: int = field(default=1_000_000_001)

    def clock(self) -> datetime:
        return self.now

    async def open(
        self,
        limits: BalanceLimit = BalanceLimit.NONE,
        *,
        balance_max: int | None = None,
        currency: str = "CNY",
        balance: int = 0,
    ) -> int:
        """Open one account, with a balance if asked: credits, or debits for the mirror limit."""
        number = make_account_number(self.serial)
        self.serial += 1
        debits, credits_ = (
            (balance, 0) if limits is BalanceLimit.CREDITS_MUST_NOT_EXCEED_DEBITS else (0, balance)
        )
        await self.owner.execute(
            "INSERT INTO ledger.accounts (id, chart_code, currency, name)"
            " VALUES ($1, '1011', $2, 'attacked')",
            number,
            currency,
        )
        await self.owner.execute(
            "INSERT INTO ledger.balances (account_id, currency, limits, balance_max,"
            " debits_posted, credits_posted) VALUES ($1, $2, $3, $4, $5, $6)",
            number,
            currency,
            int(limits),
            balance_max,
            debits,
            credits_,
        )
        return number

    async def open_wallet(self, balance: int = 0, **more: Any) -> int:
        """Open an account that cannot be overdrawn."""
        limit = BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS
        return await self.open(limit, balance=balance, **more)

    async def set_state(self, number: int, state: AccountState) -> None:
        await self.owner.execute(
            "UPDATE ledger.balances SET state = $2 WHERE account_id = $1", number, int(state)
        )

    def transfer(self, debit: int = 0, credit: int = 0, amount: int | None = None, **more: Any):
        return Transfer(
            **{
                "id": uuid7(int(self.now.timestamp() * 1_000)),
                "debit_account_id": debit,
                "credit_account_id": credit,
                "amount": amount,
                "currency": "CNY" if debit or credit else "",
                "code": int(TransferCode.TRANSFER),
                "effective_on": DAY,
                **more,
            }
        )

    def hold(self, debit: int, credit: int, amount: int, **more: Any):
        return self.transfer(debit, credit, amount, kind=TransferKind.PENDING, **more)

    def resolve(self, hold: Transfer, kind: TransferKind, amount: int | None = None, **more: Any):
        return self.transfer(amount=amount, kind=kind, pending_id=hold.id, **more)

    def request(self, *transfers: Transfer, meters: Sequence[Any] = ()) -> Request:
        """One entry; with an id of its own if it has several transfers."""
        linked = len(transfers) > 1
        return Request(Entry(tuple(transfers), transfers[0].id if linked else None), meters)

    async def post(self, *requests: Request, connection: Any = None) -> list[Outcome]:
        """Post one batch the exact way, in a transaction of its own."""
        used = self.app if connection is None else connection
        async with used.transaction():
            return await post_exactly(used, requests, now=self.now)

    async def post_queued(self, *requests: Request, **settings: Any) -> list[Outcome]:
        """Post one batch through a poster: the fast way, and the exact way if that says no."""
        poster = Poster(self.database, clock=self.clock, posters=1, **settings)
        await poster.start()
        try:
            answers = await asyncio.gather(
                *[poster.submit(Job(request=request)) for request in requests]
            )
        finally:
            await poster.stop()
        return [answer.outcome for answer in answers]

    async def totals(self, *numbers: int) -> list[tuple[int, int, int, int]]:
        """Debits posted, credits posted, debits pending, credits pending of each account."""
        rows = await self.owner.fetch(
            "SELECT account_id, debits_posted, credits_posted, debits_pending, credits_pending"
            "  FROM ledger.balances WHERE account_id = ANY($1::bigint[])",
            list(numbers),
        )
        found = {row[0]: tuple(row)[1:] for row in rows}
        return [found[number] for number in numbers]

    async def count_journal(self) -> int:
        return await self.owner.fetchval("SELECT count(*) FROM ledger.transfers")

    async def list_differences(self, opened: dict[int, int] | None = None) -> list[Any]:
        """List accounts whose totals are not the sums of the journal and of open holds.

        `opened` are credits that accounts were opened with, outside the journal.
        """
        rows = await self.owner.fetch(_REBUILD)
        opening = opened or {}
        return [
            tuple(row)
            for row in rows
            if (
                row["debits_posted"] != row["debits"]
                or row["credits_posted"] != row["credits"] + opening.get(row["account_id"], 0)
                or row["debits_pending"] != row["held_debits"]
                or row["credits_pending"] != row["held_credits"]
            )
        ]

    async def fetch_meter(self, number: int, meter: int) -> tuple[Any, ...] | None:
        row = await self.owner.fetchrow(
            "SELECT on_day, day_used, day_count, year_used, total_used FROM ledger.meters"
            " WHERE account_id = $1 AND meter = $2",
            number,
            meter,
        )
        return None if row is None else tuple(row)


# Posts of holds carry their amount in the journal; voids and expiries carry nothing.
_REBUILD = """
SELECT b.*,
       (SELECT coalesce(sum(amount), 0) FROM ledger.transfers t
         WHERE t.debit_account_id = b.account_id AND kind <> 1) AS debits,
       (SELECT coalesce(sum(amount), 0) FROM ledger.transfers t
         WHERE t.credit_account_id = b.account_id AND kind <> 1) AS credits,
       (SELECT coalesce(sum(amount), 0) FROM ledger.holds h
         WHERE h.debit_account_id = b.account_id AND state = 0) AS held_debits,
       (SELECT coalesce(sum(amount), 0) FROM ledger.holds h
         WHERE h.credit_account_id = b.account_id AND state = 0) AS held_credits
  FROM ledger.balances b
"""


async def prepare_ledger(owner: Any, months: Iterable[date]) -> None:
    """Give a fresh database a chart code and partitions."""
    await owner.execute(
        "INSERT INTO ledger.chart (code, name_en, name_zh, kind, normal_side)"
        " VALUES ('1011', 'Cash', '现金', 'asset', 'debit') ON CONFLICT DO NOTHING"
    )
    for month in months:
        await owner.execute("SELECT ledger.add_partition($1)", month)


@pytest.fixture(autouse=True)
def log_lines():
    """Keep log lines in memory: drawing a traceback with every local value takes seconds."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def bench(database: Database, owner_url: str) -> AsyncIterator[Bench]:
    """A bench over a fresh ledger, at noon of 2 March 2026 in Shanghai."""
    owner = await asyncpg.connect(owner_url)
    app = await database.connect()
    await prepare_ledger(owner, [date(2026, 2, 1), date(2026, 3, 1)])
    yield Bench(database, owner_url, app, owner)
    await app.close()
    await owner.close()
