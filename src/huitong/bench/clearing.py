"""`bench clearing`: 100,000 payments between banks into one netting window, closed and settled.

Beside it what nets nothing: each payment of a sample moves money by itself, in a transaction.
"""

import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import uvloop

from huitong import ledger, payments
from huitong.bench.machine import describe_machine
from huitong.bench.naive_posting import post_one
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

clearing: Final = payments.clearing
PAYMENTS: Final = 100_000
BANKS: Final = 20
SAMPLE: Final = 1_000
#: What each bank has, and may owe, in minor units: enough that most goes at once and some waits.
_MONEY: Final = 50_000_000_00
_CAP: Final = 3_000_000_00
_AMOUNT_MAX: Final = 50_000_00
_TARGETS: Final = (
    Target(figure="accepted_per_second", value=1_000),
    Target(figure="accepted_per_second", over="gross_one_by_one_per_second", value=10),
    Target(figure="settle_seconds", value=20.0, is_maximum=True),
)


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch:
        return uvloop.run(_measure(scratch, options))


async def _measure(scratch: Scratch, options: Options) -> Result:
    count = options.scaled(PAYMENTS, least=100)
    owner = await scratch.connect_owner()
    database = scratch.open()
    try:
        house = _House(database, random.Random(options.seed))  # noqa: S311 - no secret
        options.say(f"letting {BANKS} banks join")
        await house.open()
        options.say(f"handing in {count:,} payments")
        accepting = await _time(lambda: house.hand_in(count))
        options.say("closing and settling the window")
        closing = await _time(house.close)
        settling = await _time(house.settle)
        await house.check(count)
        options.say("moving money for each payment by itself")
        gross = await house.pay_one_by_one(options.scaled(SAMPLE, least=10))
    finally:
        await database.close()
        await owner.close()
    return Result(
        name="clearing",
        title="A netting window from the first payment to its settlement",
        figures={
            "accepted_per_second": round(count / accepting),
            "close_seconds": round(closing, 3),
            "settle_seconds": round(settling, 3),
            "payments": count,
            "waited": house.waited,
            "netted_bps": house.netted_bps,
        },
        baselines={"gross_one_by_one_per_second": round(gross)},
        machine=describe_machine(scratch),
        details={
            "notes": {
                "accepted_per_second": f"{BANKS} banks, {limits.CLEARING_PAYMENTS_MAX} payments a "
                "transaction, with positions, caps and queues",
                "waited": "payments that had to wait for a cap at some time",
                "netted_bps": "share of the sum of all payments that needed no money, in 1/10,000",
                "gross_one_by_one_per_second": "one transaction a payment, one connection",
            }
        },
        targets=_TARGETS,
    )


async def _time(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


class _House:
    """Banks, one window, and what went through it."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self.database, self.chance, self.rulebook = database, chance, Rulebook.load()
        self.now = datetime.now(UTC)
        self.banks: list[Any] = []
        self.window: Any = None
        self.waited = 0
        self.netted_bps = 0

    async def open(self) -> None:
        """Let banks join, each with money and a cap."""

        async def prepare(uow: UnitOfWork) -> None:
            await ledger.install_chart(uow)
            await ledger.add_partitions(uow, now=self.now)
            for number in range(1, BANKS + 1):
                stem = f"{100 + number}10000000"[:11]
                code = stem + str(clearing.compute_check_digit(stem))
                bank = await clearing.join(
                    uow,
                    code=code,
                    name_zh=f"银行{number}",
                    name_en=f"Bank {number}",
                    net_debit_cap=Money(_CAP, clearing.CURRENCY),
                    now=self.now,
                )
                await clearing.deposit(
                    uow,
                    transfer_id=uuid7(),
                    code=code,
                    amount=Money(_MONEY, clearing.CURRENCY),
                    now=self.now,
                )
                self.banks.append(bank)

        await self.database.run(prepare)

    def make(self, count: int) -> list[payments.clearing.NewPayment]:
        """Return payments between two banks each, of random amounts."""
        new = []
        for _ in range(count):
            debtor, creditor = self.chance.sample(self.banks, 2)
            new.append(
                clearing.NewPayment(
                    id=uuid7(),
                    rail=clearing.Rail.BEPS,
                    debtor=debtor.code,
                    creditor=creditor.code,
                    amount=self.chance.randint(1, _AMOUNT_MAX),
                    is_urgent=self.chance.random() < 0.05,  # noqa: PLR2004 - one in twenty
                )
            )
        return new

    async def hand_in(self, count: int) -> None:
        """Hand payments in, as many at a time as are taken."""
        for first in range(0, count, limits.CLEARING_PAYMENTS_MAX):
            found = await self._submit(min(limits.CLEARING_PAYMENTS_MAX, count - first))
            self.waited += sum(each.state is not clearing.PaymentState.ACCEPTED for each in found)

    async def _submit(self, count: int) -> list[payments.clearing.ClearingPayment]:
        new = self.make(count)
        return await self.database.run(
            lambda uow: clearing.submit_payments(uow, new, rulebook=self.rulebook, now=self.now)
        )

    async def close(self) -> None:
        """Close the window; what still waits is carried on."""
        async with self.database.reading() as uow:
            self.window = await clearing.find_open_window(uow)
        await self.database.run(
            lambda uow: clearing.close_window(
                uow, self.window.id, rulebook=self.rulebook, now=self.now + timedelta(minutes=30)
            )
        )

    async def settle(self) -> None:
        """Settle the window in one entry."""
        await clearing.settle_oldest(
            self.database, rulebook=self.rulebook, now=self.now + timedelta(minutes=30)
        )

    async def check(self, count: int) -> None:
        """Raise BenchmarkFailed unless every payment is there, and money moved as positions say."""
        async with self.database.reading() as uow:
            positions = await clearing.list_positions(uow, self.window.id)
            settled = await uow.fetch_value(
                "SELECT count(*) FROM payments.clearing_payments WHERE state = 'settled'"
            )
            waiting = len(await clearing.list_queued(uow, is_gross=False, limit=count))
            carried = await uow.fetch_value(
                "SELECT count(*) FROM payments.clearing_payments WHERE state = 'accepted'"
            )
            held = await ledger.get_balances(uow, [bank.account_id for bank in self.banks])
        if settled + waiting + carried != count:
            raise BenchmarkFailed(f"{settled + waiting + carried} of {count} payments are there")
        for bank, position in zip(
            sorted(self.banks, key=lambda each: each.code), positions, strict=True
        ):
            if held[bank.account_id].posted.minor != _MONEY + position.due:
                raise BenchmarkFailed(f"{bank.code} does not hold what its position says")
        sent = sum(position.sent for position in positions)
        moved = sum(max(position.due, 0) for position in positions)
        self.netted_bps = 10_000 - 10_000 * moved // sent

    async def pay_one_by_one(self, count: int) -> float:
        """Return how many payments a second move money each by itself."""
        accounts = {bank.code: bank.account_id for bank in self.banks}
        connection = await self.database.connect()
        today = business_day(self.now)
        new = self.make(count)
        started = time.perf_counter()
        try:
            for each in new:
                transfer = ledger.Transfer(
                    id=uuid7(),
                    debit_account_id=accounts[each.debtor],
                    credit_account_id=accounts[each.creditor],
                    amount=each.amount,
                    currency=clearing.CURRENCY,
                    code=ledger.TransferCode.SETTLEMENT,
                    effective_on=today,
                )
                await post_one(connection, transfer)
        finally:
            await connection.close()
        return count / (time.perf_counter() - started)
