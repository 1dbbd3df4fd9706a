"""`bench bulk`: a payroll of 100,000 people, from the bytes that arrive to the last one paid.

Beside it what a bank's clerk would script: each line of a sample in a transaction of its own.
"""

import gc
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvloop

from huitong import customers, ledger, payments
from huitong.bench.live_risk import install_live_risk
from huitong.bench.machine import describe_machine
from huitong.bench.naive_posting import post_one
from huitong.bench.population import CURRENCY, Population, populate
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.collector import spare_collector
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.ledger import Columns, TransferCode, post_columns, show_account
from huitong.privacy import Vault
from huitong.wiring.bulk_paying import make_bulk_decider

bulk: Final = payments.bulk
LINES: Final = limits.BULK_LINES_MAX
SAMPLE: Final = 1_000
#: A month's wage is around this many minor units.
_WAGE: Final = 8_000_00
_NAME: Final = "customers.customers.name"
_CHARACTERS: Final = "王李张刘陈杨赵黄周吴伟芳娜敏静丽强磊军洋"
_ADD_PEOPLE: Final = """
INSERT INTO customers.customers (id, name_sealed, mobile_sealed, mobile_index, name_index,
                                 account_class, account_id, currency, opened_at)
SELECT n.id, n.name, m.noise || m.noise, m.noise, n.name_index, 1, n.account_id, $4,
       now() - interval '400 days'
  FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $5::bytea[])
       n(id, name, account_id, name_index)
 CROSS JOIN LATERAL (SELECT sha256(int8send(n.account_id)) AS noise) m
"""
_ADD_MERCHANT: Final = """
INSERT INTO customers.merchants (id, name, name_latin, city_latin, category_code, fee_rate,
                                 account_id, currency, opened_at)
VALUES ($3, 'Benchmark', 'BENCHMARK', 'PINGYAO', '5411', 0, $1, $2, now())
"""
_PAID: Final = """
SELECT count(*) AS lines, sum(amount) AS amount, count(DISTINCT credit_account_id) AS payees
  FROM ledger.transfers WHERE code = $1
"""
_TARGETS: Final = (
    Target(figure="seconds", value=10.0, is_maximum=True),
    Target(figure="lines_per_second", over="naive_lines_per_second", value=20),
)


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    thresholds = gc.get_threshold()
    with scratch_database() as scratch, TemporaryDirectory(prefix="huitong-bench-") as home:
        try:
            return uvloop.run(_measure(scratch, Vault(load_key_ring(Path(home))), options))
        finally:
            # As processes of ours have it, but only while we measure.
            gc.unfreeze()
            gc.set_threshold(*thresholds)


async def _measure(scratch: Scratch, vault: Vault, options: Options) -> Result:
    lines = options.scaled(LINES, least=50)
    options.say(f"opening {lines:,} accounts, with the names of their holders sealed")
    owner = await scratch.connect_owner()
    database = scratch.open()
    try:
        run = _Run(database, vault, await populate(scratch, owner, accounts=lines, seed=1))
        await run.prepare(owner)
        spare_collector()
        await install_live_risk(scratch, now=datetime.now(UTC))
        options.say(f"paying a file of {lines:,} lines")
        await run.pay()
        await _check(owner, run)
        options.say("paying lines one by one")
        naive = await run.pay_one_by_one(options.scaled(SAMPLE, least=10))
    finally:
        await database.close()
        await owner.close()
    seconds = sum(run.seconds.values())
    return Result(
        name="bulk",
        title="A payroll from upload to the last line paid",
        figures={
            "seconds": round(seconds, 2),
            "lines": lines,
            "lines_per_second": round(lines / seconds),
            **{f"{name}_seconds": round(each, 2) for name, each in run.seconds.items()},
        },
        baselines={"naive_lines_per_second": round(naive)},
        machine=describe_machine(scratch),
        details={
            "notes": {
                "seconds": "submit, approve, take the money and pay, with live risk and its model; "
                "every payee another person, names compared with what is sealed",
                "naive_lines_per_second": "one transaction a line, one connection, no names, "
                "no risk",
            }
        },
        targets=_TARGETS,
    )


class _Run:
    """One business, whom it pays, and how long each step took."""

    def __init__(self, database: Database, vault: Vault, population: Population) -> None:
        self.database, self.vault, self.population = database, vault, population
        self.accounts = [int(each) for each in population.customers]
        self.amounts = [_WAGE + at % 1_000 for at in range(len(self.accounts))]
        self.merchant_id = uuid7()
        self.people: list[uuid.UUID] = []
        self.seconds: dict[str, float] = {}
        self._decider, self._caches = make_bulk_decider(database, SystemClock())
        self._payer = bulk.FilePayer(database)

    async def prepare(self, owner: DriverConnection) -> None:
        """Make people with sealed names, and a business with money and two users."""
        self.people = [uuid7() for _ in self.accounts]
        for start in range(0, len(self.people), limits.SUBJECTS_AT_ONCE_MAX):
            some = range(start, min(start + limits.SUBJECTS_AT_ONCE_MAX, len(self.people)))
            records = {self.people[at]: {_NAME: _name(at)} for at in some}
            async with self.database.unit_of_work() as uow:
                sealed = await self.vault.seal_many(uow, records)
            names = [fields[_NAME] for fields in sealed.values()]
            accounts = [self.accounts[at] for at in some]
            indexes = [customers.index_name(self.vault, self.people[at], _name(at)) for at in some]
            await owner.execute(_ADD_PEOPLE, list(sealed), names, accounts, CURRENCY, indexes)
        account = self.population.merchant
        await owner.execute(_ADD_MERCHANT, account, CURRENCY, self.merchant_id)
        await self._fund(owner, account, 2 * sum(self.amounts))
        for person, role in zip(
            self.people, (bulk.Role.SUBMITTER, bulk.Role.APPROVER), strict=False
        ):
            await self._name_user(person, role)
        await owner.execute("VACUUM ANALYZE")

    async def _name_user(self, person: uuid.UUID, role: payments.bulk.Role) -> None:
        user = bulk.BusinessUser(
            merchant_id=self.merchant_id,
            customer_id=person,
            role=role,
            amount_max=Money(sum(self.amounts), CURRENCY),
        )
        await self.database.run(
            lambda uow: bulk.name_business_user(uow, user, now=datetime.now(UTC))
        )

    async def _fund(self, owner: DriverConnection, account: int, amount: int) -> None:
        transfer = ledger.Transfer(
            id=uuid7(),
            debit_account_id=self.population.bank,
            credit_account_id=account,
            amount=amount,
            currency=CURRENCY,
            code=TransferCode.OPENING,
            effective_on=self.population.on_day,
        )
        await post_columns(owner, Columns.of([transfer]), now=datetime.now(UTC))

    def write(self) -> bytes:
        """Return the file."""
        total = Money(sum(self.amounts), CURRENCY).format()
        head = f"huitong-bulk,1,payroll,{CURRENCY},{len(self.accounts)},{total}"
        rows = [
            f"R{at},{show_account(account)},{_name(at)},{amount // 100}.{amount % 100:02d},"
            f"{CURRENCY},工资"
            for at, (account, amount) in enumerate(zip(self.accounts, self.amounts, strict=True))
        ]
        return "\n".join([head, "reference,account,name,amount,currency,note", *rows]).encode()

    @contextmanager
    def _clock(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - started

    async def pay(self) -> None:
        """Submit, approve and pay the file as the API and the worker do."""
        content = self.write()
        maker, checker = self.people[:2]
        with self._clock("submit"):
            file = await self.database.run(
                lambda uow: bulk.submit_bulk_file(
                    uow,
                    self.vault,
                    bulk.find_reader(content),
                    file_id=uuid7(),
                    merchant_id=self.merchant_id,
                    submitted_by=maker,
                    content=content,
                    now=datetime.now(UTC),
                )
            )
        with self._clock("approve"):
            await self.database.run(
                lambda uow: bulk.approve_bulk_file(
                    uow,
                    payments.corporate.count_file,
                    file_id=file.id,
                    approved_by=checker,
                    digest=file.digest,
                    now=datetime.now(UTC),
                )
            )
        with self._clock("pay"):
            while await self._step():
                pass
        done = await self.database.run(
            lambda uow: bulk.get_bulk_file(uow, file.id, customer_id=maker)
        )
        if (done.state, done.paid_count) != (bulk.FileState.DONE, len(self.accounts)):
            raise BenchmarkFailed(f"the file is {done.state}, {done.failed_count} lines failed")

    async def _step(self) -> bool:
        for cache in self._caches:
            await cache.learn_news()
        return await self._payer.step(self._decider, datetime.now(UTC))

    async def pay_one_by_one(self, count: int) -> float:
        """Pay `count` lines in transactions of their own; return how many a second."""
        connection = await self.database.connect()
        try:
            started = time.perf_counter()
            for account, amount in zip(self.accounts[:count], self.amounts, strict=False):
                transfer = ledger.Transfer(
                    id=uuid7(),
                    debit_account_id=self.population.merchant,
                    credit_account_id=account,
                    amount=amount,
                    currency=CURRENCY,
                    code=TransferCode.TRANSFER,
                    effective_on=self.population.on_day,
                )
                await post_one(connection, transfer)
            return count / (time.perf_counter() - started)
        finally:
            await connection.close()


async def _check(owner: DriverConnection, run: _Run) -> None:
    """Raise BenchmarkFailed unless everybody was paid once, and the journal says so."""
    row: Any = await owner.fetchrow(_PAID, int(TransferCode.PAYROLL))
    wanted = (len(run.accounts), sum(run.amounts), len(run.accounts))
    if tuple(row) != wanted:
        raise BenchmarkFailed(f"the journal has {tuple(row)}, not {wanted}", retryable=False)


def _name(at: int) -> str:
    first, rest = at % 10, at // 10
    return _CHARACTERS[first] + _CHARACTERS[rest % 20] + _CHARACTERS[rest // 20 % 20]
