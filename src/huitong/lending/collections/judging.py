"""Once a business day is closed: promises judged, cases opened and closed, steps planned.

Over ranges of loan numbers, each in one transaction with a row of its own, so that whoever is
killed leaves nothing half done and each range is looked at once. All by statements over whole
sets, however many loans there are.
"""

import asyncio
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.lending.collections import judging_sql as sql
from huitong.lending.collections import limits

_PAUSE_SECONDS: Final = 0.2
_DAY_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('lending.collecting'))"
_CHUNK_LOCK: Final = (
    "SELECT pg_try_advisory_xact_lock(hashtext('lending.collecting.chunk'), :chunk)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedDay:
    """What followed from the close of a day: counts of cases, promises and planned steps."""

    day: date
    opened: int
    closed: int
    kept: int
    broken: int
    planned: int


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    chunk_size: int
    chunks: int


async def collect_days(
    database: Database,
    *,
    rulebook: Rulebook,
    now: datetime,
    chunk_size: int = limits.CHUNK_LOANS,
    caller: Caller = SYSTEM,
) -> list[CollectedDay]:
    """Look at all loans once for each day that is closed and was not looked at, first first.

    It begins with the last closed day. Safe to run twice and by many at once.
    """
    collected: list[CollectedDay] = []
    while True:
        opened = await database.run(lambda uow: _open_day(uow, chunk_size, now=now), caller)
        if opened is None:
            return collected
        await _collect_chunks(database, opened, rulebook=rulebook, now=now, caller=caller)
        end = partial(_end_day, day=opened.day, now=now)
        collected.append(await database.run(end, caller))


async def collect_chunk(
    uow: UnitOfWork,
    day: date,
    chunk: int,
    size: int,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> CollectedDay | None:
    """Look at one range of loans after a day; None if somebody else does or did."""
    if not await uow.fetch_value(_CHUNK_LOCK, chunk=chunk):
        return None
    if await uow.fetch_value(sql.IS_DONE, day=day, chunk=chunk):
        return None
    today = day + timedelta(days=1)
    values: dict[str, Any] = {
        "day": day,
        "today": today,
        "first": chunk * size,
        "end": (chunk + 1) * size,
        "now": now,
    }
    kept, broken = await _judge(uow, values)
    closed = await _close(uow, values)
    opened = len(await uow.execute(sql.OPEN_CASES, **_without(values, "day", "now")))
    score = _score_points(rulebook, today)
    await uow.execute(sql.REFRESH_CASES, **_without(values, "day", "now"), **score)
    planned = await _plan(uow, values)
    found = CollectedDay(
        day=day, opened=opened, closed=closed, kept=kept, broken=broken, planned=planned
    )
    await uow.execute(sql.INSERT_CHUNK, chunk=chunk, now=now, **asdict(found))
    return found


async def _judge(uow: UnitOfWork, values: dict[str, Any]) -> tuple[int, int]:
    rows = await uow.execute(sql.JUDGE_PROMISES, **_without(values, "today", "now"))
    kept = sum(row.state == "kept" for row in rows)
    return kept, len(rows) - kept


async def _close(uow: UnitOfWork, values: dict[str, Any]) -> int:
    rows = await uow.execute(sql.CLOSE_CASES, **_without(values, "now"))
    if rows:
        loans = [row.loan for row in rows]
        await uow.execute(sql.END_PROMISES, loans=loans, day=values["day"])
        await uow.execute(sql.END_TASKS, loans=loans, now=values["now"])
    return len(rows)


async def _plan(uow: UnitOfWork, values: dict[str, Any]) -> int:
    await uow.execute(sql.LAPSE_TASKS, **_without(values, "day"))
    await uow.execute(sql.RELEASE_TASKS, first=values["first"], end=values["end"])
    within = _without(values, "day", "now")
    planned = len(await uow.execute(sql.PLAN_STEPS, **within))
    before = [row.day for row in await uow.execute(sql.DAYS_BEFORE_DUE, today=values["today"])]
    if before:
        dues = [values["today"] - timedelta(days=each) for each in before if each < 0]
        planned += len(await uow.execute(sql.PLAN_REMINDERS, **within, dues=dues))
    return planned


def _score_points(rulebook: Rulebook, on: date) -> dict[str, object]:
    names = ("start", "case", "broken", "kept")
    points: dict[str, object] = {
        f"score_{name}": rulebook.integer(f"collection.score.{name}", on) for name in names
    }
    back = rulebook.integer("collection.score.days", on)
    return points | {"since": on - timedelta(days=back)}


def _without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


async def _open_day(uow: UnitOfWork, size: int, *, now: datetime) -> _Day | None:
    """Open the next day that is to be looked at, or find how far it is; None if there is none."""
    await uow.execute(_DAY_LOCK)
    row = await uow.fetch_one(sql.BEGUN_DAY)
    if row is None:
        day = await uow.fetch_value(sql.NEXT_DAY)
        if day is None:
            return None
        row = await uow.fetch_one(sql.OPEN_DAY, day=day, size=size, now=now)
    assert row is not None, "it was there or was written"
    return _Day(row.day, row.chunk_size, row.chunks)


async def _collect_chunks(
    database: Database, opened: _Day, *, rulebook: Rulebook, now: datetime, caller: Caller
) -> None:
    while True:
        async with database.reading(caller) as uow:
            rows = await uow.execute(sql.UNDONE, day=opened.day, chunks=opened.chunks)
        if not rows:
            return
        done = 0
        for row in rows:
            step = partial(
                collect_chunk,
                day=opened.day,
                chunk=row.chunk,
                size=opened.chunk_size,
                rulebook=rulebook,
                now=now,
            )
            done += await database.run(step, caller) is not None
        if not done:
            # Others look at what is left; if they die, their locks go and it is taken here.
            await asyncio.sleep(_PAUSE_SECONDS)


async def _end_day(uow: UnitOfWork, day: date, *, now: datetime) -> CollectedDay:
    await uow.execute(sql.END_DAY, day=day, now=now)
    row = await uow.fetch_one(sql.SUMS, day=day)
    assert row is not None, "the day was opened"
    return CollectedDay(**row._asdict())
