"""`bench post`: the posting engine alone, in large batches and behind many waiting callers.

Four ways to write the same random transfers into the same journal, taken in turns: ours in large
batches, ours behind a poster, one transaction a transfer, and COPY without any ledger at all.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

import uvloop

from huitong.bench import books, copying, naive_posting
from huitong.bench.machine import describe_machine, read_peak_memory_mb
from huitong.bench.population import ACCOUNTS, Population, check_posted, populate
from huitong.bench.queueing import run_callers
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import Options, Result, Rounds, Target
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.ledger import Columns, post_columns

ROUNDS: Final = 3
#: What share of the time each way gets. Large batches need it: while one is at its balances, the
#: next one must be on its way to the journal.
_SHARES: Final = {
    "transfers_per_second": 5,
    "transfers_per_second_hot": 5,
    "copy_rows_per_second": 3,
    "copy_from_python_objects_rows_per_second": 1,
    "transfers_per_second_64_clients": 2,
    "transfers_per_second_64_clients_hot": 1,
    "naive_per_second": 2,
    "naive_hot_per_second": 1,
}
#: While one batch is in the database the next one is summed and encoded; large batches take
#: turns with the balances, so more connections would only wait.
POSTING_CONNECTIONS: Final = 2
CLIENTS: Final = 64
_TITLE: Final = "Posting"
_TARGETS: Final = (
    Target(figure="transfers_per_second", value=75_000),
    Target(figure="transfers_per_second_hot", value=75_000),
    Target(figure="transfers_per_second_64_clients", value=30_000),
    Target(figure="transfers_per_second", over="naive_per_second", value=20),
    Target(figure="transfers_per_second", over="copy_rows_per_second", value=0.5),
)

_NOTES: Final = {
    "transfers_per_second": "ledger.post_columns, large batches, random pairs, no refusal",
    "transfers_per_second_hot": "the same; half of all transfers pay one merchant",
    "transfers_per_second_64_clients": "64 callers of ledger.Poster, each awaiting one transfer",
    "naive_per_second": "one transaction a transfer, row locks in order, 8 connections",
    "copy_rows_per_second": "binary COPY, encoded before the clock starts, into a copy of the "
    "journal with its indexes and partitions; same batches and connections; no balances",
    "copy_from_python_objects_rows_per_second": "the same, encoded by the driver from objects",
}

Measurement = Callable[[float], Awaitable[float]]


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch:
        return uvloop.run(_measure(scratch, options))


async def _measure(scratch: Scratch, options: Options) -> Result:
    accounts = options.scaled(ACCOUNTS, least=100)
    batch = options.scaled(limits.COLUMNS_TRANSFERS_MAX, least=50)
    options.say(f"opening {accounts:,} accounts")
    owner = await scratch.connect_owner()
    database = scratch.open()
    try:
        population = await populate(scratch, owner, accounts=accounts, seed=options.seed)
        await copying.prepare(owner)
        run = _Run(database, population, batch)
        rounds = await _take_turns(run, options)
        await books.check(owner, posted=run.posted, opening=accounts)
        await copying.check(owner, run.copied)
    finally:
        await database.close()
        await owner.close()
    return _result(rounds, run, scratch)


class _Run:
    """What is measured, each way with its own data prepared outside the measured time."""

    def __init__(self, database: Database, population: Population, batch: int) -> None:
        self.database = database
        self.population = population
        self.batch = batch
        self.posted = 0
        self.copied = 0
        # How many a second each way managed last: it says how much to prepare for a slot.
        self.rates: dict[str, float] = {}

    def ways(self) -> dict[str, Measurement]:
        """Return each way's name, as in _SHARES, and how to measure it for some seconds."""
        return {
            "transfers_per_second": lambda seconds: self.post("uniform", seconds),
            "transfers_per_second_hot": lambda seconds: self.post("hot", seconds),
            "copy_rows_per_second": self.copy,
            "copy_from_python_objects_rows_per_second": self.copy_objects,
            "transfers_per_second_64_clients": lambda seconds: self.queue("uniform", seconds),
            "transfers_per_second_64_clients_hot": lambda seconds: self.queue("hot", seconds),
            "naive_per_second": lambda seconds: self.naive("uniform", seconds),
            "naive_hot_per_second": lambda seconds: self.naive("hot", seconds),
        }

    async def post(self, way: str, seconds: float) -> float:
        """Post large batches over POSTING_CONNECTIONS; returns transfers a second."""
        batches = self._batches(f"post {way}", seconds, is_hot=way == "hot")

        async def post(connection: DriverConnection, columns: Columns) -> int:
            outcomes = await post_columns(connection, columns, now=datetime.now(UTC))
            posted = check_posted(outcomes)
            self.posted += posted
            return posted

        return self._note(f"post {way}", *await self._spread(batches, post))

    async def copy(self, seconds: float) -> float:
        """COPY the same kind of rows, encoded before, into a table like the journal."""
        batches = self._batches("copy", seconds)
        encoded = [copying.encode(columns) for columns in batches]

        async def copy(connection: DriverConnection, rows: bytes) -> int:
            await copying.copy_encoded(connection, rows)
            return self.batch

        count, elapsed = await self._spread(encoded, copy)
        self.copied += count
        return self._note("copy", count, elapsed)

    async def copy_objects(self, seconds: float) -> float:
        """COPY from Python's objects, as most programs would."""
        # Objects take ten times the memory of columns.
        batches = self._batches("copy objects", seconds, size=max(1, self.batch // 8))
        records = [copying.to_records(columns) for columns in batches]

        async def copy(connection: DriverConnection, rows: list[tuple[Any, ...]]) -> int:
            await copying.copy_records(connection, rows)
            return len(rows)

        count, elapsed = await self._spread(records, copy)
        self.copied += count
        return self._note("copy objects", count, elapsed)

    async def queue(self, way: str, seconds: float) -> float:
        """Post one transfer at a time from each of CLIENTS callers, through the poster."""
        columns = self._transfers(f"queue {way}", seconds, is_hot=way == "hot")
        served = await run_callers(self.database, columns, callers=CLIENTS, seconds=seconds)
        self.posted += served.posted
        return self._note(f"queue {way}", served.count, served.seconds)

    async def naive(self, way: str, seconds: float) -> float:
        """Post in one transaction a transfer."""
        columns = self._transfers(f"naive {way}", seconds, is_hot=way == "hot")
        count, elapsed = await naive_posting.run(self.database, columns, seconds)
        self.posted += count
        return self._note(f"naive {way}", count, elapsed)

    def _batches(
        self, way: str, seconds: float, *, is_hot: bool = False, size: int | None = None
    ) -> list[Columns]:
        size = size or self.batch
        count = max(POSTING_CONNECTIONS, int(self.rates.get(way, 0) * seconds / size))
        return [self.population.make_batch(size, is_hot=is_hot) for _ in range(count)]

    def _transfers(self, way: str, seconds: float, *, is_hot: bool) -> Columns:
        # Half as many again as last time, so that a faster round does not run out of work.
        count = max(100, int(self.rates.get(way, 2_000) * seconds * 1.5))
        return self.population.make_batch(count, is_hot=is_hot)

    def _note(self, way: str, count: int, elapsed: float) -> float:
        self.rates[way] = count / elapsed
        return self.rates[way]

    async def _spread(
        self, pieces: list[Any], work: Callable[[DriverConnection, Any], Awaitable[int]]
    ) -> tuple[int, float]:
        connections = [await self.database.connect() for _ in range(POSTING_CONNECTIONS)]
        try:
            waiting = iter(pieces)
            counted = 0

            async def run(connection: DriverConnection) -> None:
                nonlocal counted
                for piece in waiting:
                    done = await work(connection, piece)
                    counted += done

            started = time.perf_counter()
            await asyncio.gather(*map(run, connections))
            elapsed = time.perf_counter() - started
            return counted, elapsed
        finally:
            for connection in connections:
                await connection.close()


async def _take_turns(run: _Run, options: Options) -> Rounds:
    ways = run.ways()
    unit = options.seconds / (sum(_SHARES.values()) * ROUNDS)
    rounds = Rounds()
    options.say("warming up")
    for measurement in ways.values():
        await measurement(min(unit, 0.3))
    for number in range(1, ROUNDS + 1):
        for name, measurement in ways.items():
            value = await measurement(unit * _SHARES[name])
            rounds.add(name, value)
            options.say(f"round {number} of {ROUNDS}: {name} {value:,.0f}")
    return rounds


def _result(rounds: Rounds, run: _Run, scratch: Scratch) -> Result:
    names = list(rounds.values)
    baselines = [name for name in names if name.startswith(("naive", "copy"))]
    figures: dict[str, Any] = {name: rounds.median(name) for name in names if name not in baselines}
    figures |= {
        "batch_transfers": run.batch,
        "posting_connections": POSTING_CONNECTIONS,
        "rounds": ROUNDS,
        "transfers_posted_and_checked": run.posted,
        "client_rss_mb": round(read_peak_memory_mb(os.getpid()), 1),
    }
    return Result(
        name="post",
        title=_TITLE,
        figures=figures,
        baselines={name: rounds.median(name) for name in baselines},
        machine=describe_machine(scratch),
        details={"rounds": rounds.shown(), "notes": _NOTES},
        targets=_TARGETS,
    )
