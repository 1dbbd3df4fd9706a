"""Close of business for all loans: by chunks of loan numbers, each in one transaction, once.

A day is opened with how large its chunks are; a chunk is closed with its balances, its entries in
the journal and its own row, so whoever is killed leaves nothing half done, and whoever comes later
goes on with the chunks that have no row. Two workers take different chunks.
"""

import asyncio
import uuid
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import (
    SYSTEM,
    Caller,
    Database,
    UnitOfWork,
)
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Request, TransferCode, post_entries
from huitong.lending import limits
from huitong.lending.closing.errors import LendingDayRefused
from huitong.lending.closing.grading import Grade, RulebookGrade
from huitong.lending.closing.rolling import Books, roll_range
from huitong.lending.collections import collect_days
from huitong.lending.loans import postings
from huitong.lending.portfolio import figures
from huitong.lending.products import Control, load_controls, load_currencies

_DAY: Final = "SELECT day, chunk_size, chunks, done_at FROM lending.closed_days"
_IS_DONE: Final = "SELECT EXISTS (SELECT FROM lending.closed_chunks WHERE day = $1 AND chunk = $2)"
_PAUSE_SECONDS: Final = 0.2
_DAY_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('lending.closing'))"
_CHUNK_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('lending.chunk'), $1)"
_OPEN_DAY: Final = """
    INSERT INTO lending.closed_days (day, chunk_size, chunks, started_at)
    SELECT :day, :size, coalesce(max(number), -1) / CAST(:size AS integer) + 1, :now
      FROM lending.loans
"""
_UNDONE: Final = """
    SELECT n AS chunk FROM generate_series(0, CAST(:chunks AS integer) - 1) n
     WHERE NOT EXISTS (SELECT FROM lending.closed_chunks c WHERE c.day = :day AND c.chunk = n)
     ORDER BY n
"""
_END_DAY: Final = """
    UPDATE lending.closed_days SET done_at = greatest(started_at, :now)
     WHERE day = :day AND done_at IS NULL
    RETURNING day
"""
_SUMS: Final = """
    SELECT d.day, d.chunks, coalesce(sum(c.loans), 0)::bigint AS loans,
           coalesce(sum(c.interest), 0)::bigint AS interest,
           coalesce(sum(c.penalty), 0)::bigint AS penalty,
           coalesce(sum(c.to_overdue), 0)::bigint AS to_overdue,
           coalesce(sum(c.provision), 0)::bigint AS provision, d.done_at
      FROM lending.closed_days d LEFT JOIN lending.closed_chunks c ON c.day = d.day
     WHERE d.day = :day GROUP BY d.day
"""
_INSERT_CHUNK: Final = """
    INSERT INTO lending.closed_chunks (day, chunk, loans, interest, penalty, to_overdue, provision,
                                       entry_ids, done_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What closing a day of a range of loans came to, in minor units of all currencies together."""

    day: date
    chunk: int
    loans: int
    interest: int
    penalty: int
    to_overdue: int
    provision: int
    entry_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDay:
    """A day that is closed, and what its chunks came to together."""

    day: date
    chunks: int
    loans: int
    interest: int
    penalty: int
    to_overdue: int
    provision: int
    done_at: datetime


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    chunk_size: int
    chunks: int


async def close_day(
    database: Database,
    day: date,
    *,
    grade: Grade,
    now: datetime,
    chunk_size: int = limits.CHUNK_LOANS,
    caller: Caller = SYSTEM,
) -> ClosedDay:
    """Close a business day of all loans: accruals, dues, debits, classes, provisions, postings.

    Safe to run twice and by many at once: each chunk is closed once, and a day that is closed is
    returned as it is. A loan that is behind, as one that was lent while its day was closed, catches
    up. Raises LendingDayRefused for a day that is not over, or while one before it is not closed.
    """
    return await _close(database, day, grade=grade, now=now, chunk_size=chunk_size, caller=caller)


async def close_moved_day(
    database: Database,
    day: date,
    *,
    grade: Grade,
    now: datetime,
    chunk_size: int = limits.CHUNK_LOANS,
    caller: Caller = SYSTEM,
) -> ClosedDay:
    """Close a day of loans that stand as of its end already: they are valued, figures are taken.

    For a book that comes from elsewhere; days between may be missing. Raises LendingDayRefused for
    a day that is not over, or not after the last one.
    """
    return await _close(
        database, day, grade=grade, now=now, chunk_size=chunk_size, caller=caller, is_moved=True
    )


async def _close(
    database: Database,
    day: date,
    *,
    grade: Grade,
    now: datetime,
    chunk_size: int,
    caller: Caller,
    is_moved: bool = False,
) -> ClosedDay:
    if business_day(now) <= day:
        raise LendingDayRefused(f"{day} is not over", field="day")
    opened = await database.run(
        lambda uow: _open_day(uow, day, chunk_size, now=now, is_moved=is_moved), caller
    )
    if opened is not None:
        await _close_chunks(database, opened, grade=grade, now=now, caller=caller)
    return await database.run(lambda uow: _end_day(uow, day, now=now), caller)


async def close_days(
    database: Database, *, rulebook: Rulebook, now: datetime, caller: Caller = SYSTEM
) -> list[ClosedDay]:
    """Close all business days that are over and not closed yet, first first, by the rulebook.

    After each day collections look at what is overdue; where that was broken off it goes on here.
    Without a closed day it begins with yesterday, and not before anything was lent.
    """
    await collect_days(database, rulebook=rulebook, now=now, caller=caller)
    yesterday = business_day(now) - timedelta(days=1)
    async with database.reading(caller) as uow:
        last: date | None = await uow.fetch_value(
            "SELECT max(day) FROM lending.closed_days WHERE done_at IS NOT NULL"
        )
        begun: date | None = await uow.fetch_value("SELECT max(day) FROM lending.closed_days")
        if begun is None and not await uow.fetch_value("SELECT EXISTS (SELECT FROM lending.loans)"):
            return []
    day = begun or yesterday if last is None else last + timedelta(days=1)
    closed = []
    while day <= yesterday:
        grade = RulebookGrade.load(rulebook, day)
        closed.append(await close_day(database, day, grade=grade, now=now, caller=caller))
        await collect_days(database, rulebook=rulebook, now=now, caller=caller)
        day += timedelta(days=1)
    return closed


async def close_chunk(
    uow: UnitOfWork, day: date, chunk: int, size: int, *, grade: Grade, now: datetime
) -> Chunk | None:
    """Close a day of the loans of one range of numbers; None if somebody else does or did.

    Loans that stand later already, as those that were repaid after midnight, are left as they are.
    """
    connection = await uow.driver()
    if not await connection.fetchval(_CHUNK_LOCK, chunk):
        return None
    if await connection.fetchval(_IS_DONE, day, chunk):
        return None
    first, end = chunk * size, (chunk + 1) * size
    books = await roll_range(uow, day, first, end, grade)
    entry_ids = await _post(uow, books, day, now=now)
    await figures.take_figures(
        connection, day, chunk, first, end, buckets=grade.buckets, losses=books.losses
    )
    found = Chunk(
        day=day,
        chunk=chunk,
        loans=books.loans,
        interest=-books.sum(Control.INTEREST_INCOME),
        penalty=-books.sum(Control.PENALTY_INCOME),
        to_overdue=books.sum(Control.OVERDUE),
        provision=-books.sum(Control.PROVISION),
        entry_ids=entry_ids,
    )
    await connection.execute(
        _INSERT_CHUNK, *(getattr(found, each.name) for each in fields(Chunk)), now
    )
    return found


async def _open_day(
    uow: UnitOfWork, day: date, size: int, *, now: datetime, is_moved: bool
) -> _Day | None:
    """Open a day, or find how far it is; None if it is closed."""
    await uow.execute(_DAY_LOCK)
    row = await uow.fetch_one(f"{_DAY} WHERE day = :day", day=day)
    if row is not None:
        return None if row.done_at is not None else _Day(day, row.chunk_size, row.chunks)
    last = await uow.fetch_one(f"{_DAY} ORDER BY day DESC LIMIT 1")
    if last is not None:
        expected = last.day if last.done_at is None else last.day + timedelta(days=1)
        is_skipped = is_moved and last.done_at is not None and expected < day
        if expected != day and not is_skipped:
            raise LendingDayRefused(f"{expected} is to be closed next", field="day")
    await uow.execute(_OPEN_DAY, day=day, size=size, now=now)
    row = await uow.fetch_one(f"{_DAY} WHERE day = :day", day=day)
    assert row is not None, "it was written a moment ago"
    await audit.record(uow, action="lending.open_day", subject=day.isoformat())
    return _Day(day, row.chunk_size, row.chunks)


async def _close_chunks(
    database: Database, opened: _Day, *, grade: Grade, now: datetime, caller: Caller
) -> None:
    while True:
        async with database.reading(caller) as uow:
            undone = [
                row.chunk
                for row in await uow.execute(_UNDONE, day=opened.day, chunks=opened.chunks)
            ]
        if not undone:
            return
        closed = 0
        for chunk in undone:
            step = partial(
                close_chunk,
                day=opened.day,
                chunk=chunk,
                size=opened.chunk_size,
                grade=grade,
                now=now,
            )
            closed += await database.run(step, caller) is not None
        if not closed:
            # Others close what is left; if they die, their locks go and the chunks are taken here.
            await asyncio.sleep(_PAUSE_SECONDS)


async def _end_day(uow: UnitOfWork, day: date, *, now: datetime) -> ClosedDay:
    if await uow.fetch_value(_END_DAY, day=day, now=now) is not None:
        await figures.sum_up(uow, day)
    row = await uow.fetch_one(_SUMS, day=day)
    assert row is not None, "the day was opened"
    return ClosedDay(**row._asdict())


async def _post(
    uow: UnitOfWork, books: Books, day: date, *, now: datetime
) -> tuple[uuid.UUID, ...]:
    controls, now_ms = await load_controls(uow), int(now.timestamp() * 1_000)
    currencies = await load_currencies(uow)
    entries = [
        postings.make_entry(
            changes,
            controls[product],
            entry_id=uuid7(now_ms),
            code=TransferCode.LOAN_DAY,
            currency=currencies[product],
            on=day,
            now_ms=now_ms,
        )
        for product, changes in sorted(books.changes.items())
        if any(changes.values())
    ]
    plans = {each.plan.id: each.plan for each in books.fundings}
    entries += [
        postings.make_entry(
            {},
            {},
            more=changes,
            entry_id=uuid7(now_ms),
            code=TransferCode.LOAN_DAY,
            currency=plans[plan].currency,
            on=day,
            now_ms=now_ms,
        )
        for plan, changes in sorted(books.partners.items())
        if any(changes.values())
    ]
    outcomes = await post_entries(uow, [Request(entry) for entry in entries], now=now)
    for outcome in outcomes:
        if not outcome.is_posted:
            raise RuntimeError(f"the ledger refuses the close of a day: {outcome.reason}")
    return tuple(entry.id for entry in entries if entry.id is not None)
