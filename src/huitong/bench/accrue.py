"""`bench accrue`: close of business for 1,000,000 active loans, beside one loan at a time.

Loans of three terms at different places in their lives, one in 25 of them overdue. Closing a day
is what `huitong lending close-day` runs: accrual, dues, overdue, debits asked for, classes,
provisions and postings. Afterwards the books of loans must tie with the general ledger.
"""

import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

import uvloop

from huitong import lending
from huitong.bench.loan_book import PRODUCTS, fill_loans
from huitong.bench.machine import describe_machine
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.rulebook import Rulebook

LOANS: Final = 1_000_000
SAMPLE: Final = 500
_SAMPLE_IDS: Final = "SELECT id FROM lending.loans ORDER BY number DESC LIMIT $1"
_TARGETS: Final = (
    Target(figure="seconds", value=60.0, is_maximum=True),
    Target(figure="loans_per_second", over="naive_loans_per_second", value=20),
)
_NOTES: Final = (
    "`naive` closes each loan's day in a transaction of its own, with an entry in the journal. "
    "`again_seconds`: the same day once more, which changes nothing."
)
#: Loans that were filled in have no entry of their own in the journal.
_CHECKED: Final = tuple(each for each in lending.INVARIANTS if each.name != "loan_money_moved")


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch:
        return uvloop.run(_measure(scratch, options))


async def _measure(scratch: Scratch, options: Options) -> Result:
    loans = options.scaled(LOANS, least=100)
    now = datetime.now(UTC)
    day = business_day(now) - timedelta(days=1)
    options.say(f"making {loans:,} loans under {len(PRODUCTS)} products")
    owner = await scratch.connect_owner()
    try:
        await fill_loans(scratch, owner, loans=loans, day=day, now=now)
        async with scratch.open() as database:
            sample = min(SAMPLE, loans // 10)
            options.say(f"closing the day of {sample} loans one at a time")
            naive = await _close_one_by_one(database, owner, sample, now=now)
            options.say("closing the day of all others")
            seconds, closed = await _close_all(database, day, now=now)
            again, same = await _close_all(database, day, now=now)
        if same != closed or closed.loans != loans - sample:
            raise BenchmarkFailed(f"{closed.loans:,} loans were closed, then {same.loans:,}")
        options.say("checking that the books tie")
        await _check(owner)
    finally:
        await owner.close()
    return Result(
        name="accrue",
        title="Close of business for all loans",
        figures={
            "seconds": round(seconds, 2),
            "loans": closed.loans,
            "loans_per_second": round(closed.loans / seconds),
            "again_seconds": round(again, 3),
            "chunks": closed.chunks,
        },
        baselines={"naive_loans_per_second": round(naive, 1)},
        machine=describe_machine(scratch),
        details={"notes": _NOTES},
        targets=_TARGETS,
    )


async def _close_one_by_one(
    database: Database, owner: DriverConnection, sample: int, *, now: datetime
) -> float:
    """Return how many loans a second are closed so."""
    ids = [row["id"] for row in await owner.fetch(_SAMPLE_IDS, sample)]
    started = time.perf_counter()
    for loan_id in ids:
        await database.run(partial(lending.bring_to_today, loan_id=loan_id, now=now))
    return sample / (time.perf_counter() - started)


async def _close_all(
    database: Database, day: date, *, now: datetime
) -> tuple[float, lending.ClosedDay]:
    grade = lending.RulebookGrade.load(Rulebook.load(), day)
    started = time.perf_counter()
    closed = await lending.close_day(database, day, grade=grade, now=now)
    return time.perf_counter() - started, closed


async def _check(owner: DriverConnection) -> None:
    for invariant in _CHECKED:
        rows = await owner.fetch(f"{invariant.differences} LIMIT 3")
        if rows:
            raise BenchmarkFailed(f"{invariant.title}: {[tuple(row) for row in rows]}")
    balances = await owner.fetch(
        "SELECT currency, sum(debits_posted) - sum(credits_posted) AS off FROM ledger.balances "
        "GROUP BY currency"
    )
    if any(row["off"] for row in balances):
        raise BenchmarkFailed("debits and credits differ")
