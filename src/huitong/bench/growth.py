"""`bench growth`: whether posting slows down as the journal grows.

Two databases side by side, one with a young journal and one with a long one, posted to in turns.
"""

import time
from datetime import UTC, datetime
from typing import Any, Final

import uvloop

from huitong.bench import books
from huitong.bench.filling import fill_journal
from huitong.bench.machine import describe_machine
from huitong.bench.population import ACCOUNTS, Population, check_posted, populate
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import Options, Result, Rounds, Target
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.ledger import post_columns

ROUNDS: Final = 9
YOUNG_ROWS: Final = 100_000
LONG_ROWS: Final = 10_000_000
_YOUNG: Final = "transfers_per_second_at_100_thousand_rows"
_LONG: Final = "transfers_per_second_at_10_million_rows"
_TARGETS: Final = (Target(figure=_LONG, over=_YOUNG, value=0.8),)


def measure(options: Options) -> Result:
    """Run the benchmark on two databases of its own."""
    with scratch_database() as young, scratch_database() as long:
        return uvloop.run(_measure(young, long, options))


class _Side:
    """One of the two databases; its opening balances are the first rows of its journal."""

    def __init__(
        self, database: Database, owner: DriverConnection, population: Population, rows: int
    ) -> None:
        self.database = database
        self.owner = owner
        self.population = population
        self.rows = rows

    async def post(self, batches: int, size: int) -> float:
        """Post some batches; returns transfers a second."""
        prepared = [self.population.make_batch(size) for _ in range(batches)]
        connection = await self.database.connect()
        try:
            # The first batch of a connection loads catalogues and plans.
            warm = self.population.make_batch(min(size, 100))
            self.rows += check_posted(await post_columns(connection, warm, now=datetime.now(UTC)))
            started = time.perf_counter()
            for columns in prepared:
                outcomes = await post_columns(connection, columns, now=datetime.now(UTC))
                self.rows += check_posted(outcomes)
            return batches * size / (time.perf_counter() - started)
        finally:
            await connection.close()

    async def close(self) -> None:
        """Close its connections."""
        await self.database.close()
        await self.owner.close()


async def _measure(young_scratch: Scratch, long_scratch: Scratch, options: Options) -> Result:
    size = options.scaled(min(limits.BATCH_TRANSFERS_MAX, 10_000), least=50)
    rows = options.scaled(LONG_ROWS, least=1_000)
    young = await _prepare(young_scratch, options, added=0)
    long = await _prepare(long_scratch, options, added=rows)
    rounds = Rounds()
    try:
        rate = min(await young.post(1, size), await long.post(1, size))
        batches = max(1, int(rate * options.seconds / (2 * ROUNDS) / size))
        for number in range(1, ROUNDS + 1):
            for name, side in ((_YOUNG, young), (_LONG, long)):
                value = await side.post(batches, size)
                rounds.add(name, value)
                options.say(f"round {number} of {ROUNDS}: {name} {value:,.0f}")
        for side in (young, long):
            await books.check(side.owner, posted=side.rows, opening=0)
    finally:
        await young.close()
        await long.close()
    return _result(rounds, young, long, long_scratch, size)


async def _prepare(scratch: Scratch, options: Options, *, added: int) -> _Side:
    accounts = options.scaled(ACCOUNTS, least=100)
    owner = await scratch.connect_owner()
    options.say(f"a database with {accounts:,} accounts and {accounts + added:,} journal rows")
    population = await populate(scratch, owner, accounts=accounts, seed=options.seed)
    if added:
        await fill_journal(owner, population, rows=added, seed=options.seed, say=options.say)
    # What autovacuum would have done by the time a journal is that long.
    await owner.execute("VACUUM ANALYZE", timeout=None)
    return _Side(scratch.open(), owner, population, accounts + added)


def _result(rounds: Rounds, young: _Side, long: _Side, scratch: Scratch, size: int) -> Result:
    young_rate, long_rate = rounds.median(_YOUNG), rounds.median(_LONG)
    figures: dict[str, Any] = {
        _LONG: long_rate,
        "speed_ratio": round(long_rate / young_rate, 3),
        "rows_at_end_of_long_journal": long.rows,
        "batch_transfers": size,
        "rounds": ROUNDS,
    }
    return Result(
        name="growth",
        title="Posting as the journal grows",
        figures=figures,
        baselines={_YOUNG: young_rate, "rows_at_end_of_young_journal": young.rows},
        machine=describe_machine(scratch),
        details={
            "rounds": rounds.shown(),
            "notes": {
                _LONG: "ledger.post_columns on one connection; the rows before were made by COPY",
                _YOUNG: "the same on a database whose journal held 100,000 rows at the start",
            },
        },
        targets=_TARGETS,
    )
