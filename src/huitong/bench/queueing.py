"""Many callers behind one poster, each waiting for one transfer at a time, as in an API."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from huitong.bench.population import check_posted
from huitong.kernel.database.unit_of_work import Database
from huitong.ledger import Columns, Job, Poster, Request

#: As the API has it: with two, the second batch forms while the first one is being written.
POSTERS: Final = 2


@dataclass(frozen=True, slots=True)
class Served:
    """What callers got: how many in the measured seconds, and how many with the warming up."""

    count: int
    seconds: float
    posted: int


async def run_callers(
    database: Database, columns: Columns, *, callers: int, seconds: float, posters: int = POSTERS
) -> Served:
    """Let `callers` post the transfers, one at a time each, for `seconds`."""
    poster = Poster(database, clock=lambda: datetime.now(UTC), posters=posters)
    await poster.start()
    try:
        waiting = iter(columns.to_requests())
        # Posters connect with their first batch: that is not part of the speed.
        warmed = await _run(poster, islice(waiting, callers), callers, seconds)
        started = time.perf_counter()
        count = await _run(poster, waiting, callers, seconds)
        return Served(count, time.perf_counter() - started, warmed + count)
    finally:
        await poster.stop()


async def _run(poster: Poster, waiting: Iterator[Request], callers: int, seconds: float) -> int:
    deadline = time.perf_counter() + seconds
    return sum(await asyncio.gather(*(_call(poster, waiting, deadline) for _ in range(callers))))


async def _call(poster: Poster, waiting: Iterator[Request], deadline: float) -> int:
    count = 0
    for request in waiting:
        answer = await poster.submit(Job(request))
        assert answer.outcome is not None
        count += check_posted([answer.outcome])
        if time.perf_counter() >= deadline:
            break
    return count
