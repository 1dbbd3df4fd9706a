"""`bench statement`: one page of 50 lines of a busy account, anywhere in its history."""

import random
import time
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import uvloop

from huitong.bench.filling import fill_journal
from huitong.bench.machine import describe_machine
from huitong.bench.population import ACCOUNTS, Population, check_posted, populate
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.ledger import list_statement, post_columns

ROWS: Final = 10_000_000
ENTRIES: Final = 1_000_000
PAGE_LINES: Final = 50
#: About what one second of full load leaves for the projector to do.
TAIL_ROWS: Final = 10_000
_JOURNAL_PAGES: Final = 3
_PERCENTILES: Final = (50, 99)
_TARGETS: Final = (Target(figure="p99_ms", value=5.0, is_maximum=True),)
_BUILD: Final = (
    "SET work_mem = '512MB'",
    # In account order, so that each account's lines lie side by side, as they do after the
    # projector has gone over an account many times and the table was clustered.
    """
INSERT INTO ledger.lines (account_id, line, transfer_id, side, amount, balance_after, other_id,
                          code, effective_on, recorded_at)
SELECT account_id, row_number() OVER w, id, side, amount, sum(-side * amount) OVER w, other_id,
       code, effective_on, recorded_at
  FROM (SELECT debit_account_id AS account_id, credit_account_id AS other_id, 1 AS side, id,
               sequence, amount, code, effective_on, recorded_at FROM ledger.transfers
         UNION ALL
        SELECT credit_account_id, debit_account_id, -1, id, sequence, amount, code, effective_on,
               recorded_at FROM ledger.transfers) sides
WINDOW w AS (PARTITION BY account_id ORDER BY sequence ROWS UNBOUNDED PRECEDING)
    """,
    """
INSERT INTO ledger.line_heads (account_id, line, balance)
SELECT account_id, count(*), sum(-side * amount) FROM ledger.lines GROUP BY account_id
    """,
    """
INSERT INTO ledger.movements (account_id, effective_on, debits, credits, lines)
SELECT account_id, effective_on, coalesce(sum(amount) FILTER (WHERE side = 1), 0),
       coalesce(sum(amount) FILTER (WHERE side = -1), 0), count(*)
  FROM ledger.lines GROUP BY account_id, effective_on
    """,
    """
UPDATE ledger.projection SET sequence = (SELECT (last_value << 16) | 65535 FROM ledger.batches)
    """,
    "RESET work_mem",
    "VACUUM ANALYZE",
)
_JOURNAL_PAGE: Final = """
SELECT * FROM ledger.transfers
 WHERE debit_account_id = $1 OR credit_account_id = $1 ORDER BY sequence DESC OFFSET $2 LIMIT $3
"""


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch:
        return uvloop.run(_measure(scratch, options))


async def _measure(scratch: Scratch, options: Options) -> Result:
    rows = options.scaled(ROWS, least=1_000)
    owner = await scratch.connect_owner()
    database = scratch.open()
    try:
        population = await _build(scratch, owner, rows, options)
        account = population.merchant
        entries = await owner.fetchval(
            "SELECT line FROM ledger.line_heads WHERE account_id = $1", account
        )
        chance = random.Random(options.seed)  # noqa: S311 - it is to be repeatable
        options.say(f"reading pages of an account with {entries:,} entries")
        cursors = [str(chance.randint(2, entries + 1)) for _ in range(10_000)]
        settled = await _read_pages(database, account, cursors, options.seconds / 2)
        tail = options.scaled(TAIL_ROWS, least=100)
        await _leave_tail(database, population, tail)
        unsettled = await _read_pages(database, account, [None, *cursors], options.seconds / 4)
        journal = [
            await _read_journal_page(owner, account, chance.randrange(entries))
            for _ in range(_JOURNAL_PAGES)
        ]
    finally:
        await database.close()
        await owner.close()
    figures: dict[str, Any] = {
        **_percentiles(settled, "p{}_ms"),
        **_percentiles(unsettled, "with_unprojected_tail_p{}_ms"),
        "pages_read": len(settled),
        "transfers": rows,
        "entries_of_the_account": entries,
        "unprojected_transfers": tail,
        "page_lines": PAGE_LINES,
    }
    return Result(
        name="statement",
        title="One page of a statement",
        figures=figures,
        baselines={"page_from_journal_ms": round(float(np.median(journal)), 1)},
        machine=describe_machine(scratch),
        details={
            "notes": {
                "p99_ms": "ledger.list_statement in a transaction of its own, random pages, one "
                "reader; data made by COPY and set-based SQL",
                "with_unprojected_tail_p99_ms": "the same, with transfers that the projector has "
                "not reached, read from the journal",
                "page_from_journal_ms": "the same page straight from the journal, without lines",
            }
        },
        targets=_TARGETS,
    )


async def _build(
    scratch: Scratch, owner: DriverConnection, rows: int, options: Options
) -> Population:
    accounts = options.scaled(ACCOUNTS, least=100)
    population = await populate(scratch, owner, accounts=accounts, seed=options.seed)
    await fill_journal(
        owner,
        population,
        rows=rows,
        merchant_share=ENTRIES / ROWS,
        seed=options.seed,
        say=options.say,
    )
    options.say("building statement lines")
    for statement in _BUILD:
        await owner.execute(statement, timeout=None)
    return population


async def _leave_tail(database: Database, population: Population, rows: int) -> None:
    connection = await database.connect()
    try:
        columns = population.make_batch(rows, is_hot=True)
        check_posted(await post_columns(connection, columns, now=datetime.now(UTC)))
    finally:
        await connection.close()


async def _read_pages(
    database: Database, account: int, cursors: list[str | None] | list[str], seconds: float
) -> list[float]:
    """Read pages one after the other for `seconds`; returns the milliseconds of each."""
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    warming = 20
    while True:
        for cursor in cursors:
            started = time.perf_counter()
            async with database.reading() as uow:
                page = await list_statement(uow, account, cursor=cursor, limit=PAGE_LINES)
            ended = time.perf_counter()
            if not page.items or (cursor and page.items[0].line != int(cursor) - 1):
                raise BenchmarkFailed(f"the page after {cursor} is not right", retryable=False)
            if warming:
                warming -= 1
            else:
                times.append((ended - started) * 1_000)
            if ended >= deadline and times:
                return times


async def _read_journal_page(owner: DriverConnection, account: int, offset: int) -> float:
    started = time.perf_counter()
    await owner.fetch(_JOURNAL_PAGE, account, offset, PAGE_LINES, timeout=None)
    return (time.perf_counter() - started) * 1_000


def _percentiles(times: list[float], name: str) -> dict[str, float]:
    return {name.format(at): round(float(np.percentile(times, at)), 2) for at in _PERCENTILES}
