"""`bench auth`: what knowing a session adds to each request, beside one query for each."""

import asyncio
import hashlib
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import uvloop

from huitong import identity
from huitong.bench.machine import describe_machine
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.identity import SessionCache
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.ids import uuid7

SESSIONS: Final = 20_000
_WARMING_AT_ONCE: Final = 4
_PAUSE_EVERY: Final = 20
_PAUSE_SECONDS: Final = 0.001
_TARGETS: Final = (Target(figure="session_check_p99_ms", value=0.2, is_maximum=True),)
_POLL_SECONDS: Final = 0.005
_REVOKE: Final = """
UPDATE identity.sessions SET revoked_at = now(), revoked_because = 'revoked' WHERE digest = $1
"""
_NOTES: Final[Mapping[str, str]] = {
    "session_check_p99_ms": "SessionCache.authenticate in the process that serves, random "
    "sessions, while it asks for revocations twice a second and renews each session once a minute",
    "session_check_processor_ms": "processor time of the whole process for each check: the check, "
    "the questions and renewals beside it, and the loop of the benchmark",
    "first_check_p99_ms": "the first check of each session in a process, which asks the database, "
    f"{_WARMING_AT_ONCE} at a time",
    "revocation_seen_after_seconds": "from a commit elsewhere to the first refusal; at most "
    f"{limits.SESSION_NEWS_SECONDS_MAX:g}",
    "query_each_p99_ms": "one query on a pooled connection for each check, one reader",
}

Check = Callable[[str], Awaitable[object]]


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch:
        return uvloop.run(_measure(scratch, options))


async def _measure(scratch: Scratch, options: Options) -> Result:
    count = options.scaled(SESSIONS, least=50)
    options.say(f"opening {count:,} sessions")
    owner = await scratch.connect_owner()
    database = scratch.open()
    cache = SessionCache(database)
    try:
        tokens = await _open_sessions(owner, count)
        await owner.execute("VACUUM ANALYZE")
        figures, baselines = await _compare(owner, database, cache, tokens, options)
    finally:
        await cache.stop()
        await database.close()
        await owner.close()
    return Result(
        name="auth",
        title="Knowing the session of a request",
        figures={**figures, "sessions": count},
        baselines=baselines,
        machine=describe_machine(scratch),
        details={"notes": dict(_NOTES)},
        targets=_TARGETS,
    )


async def _compare(
    owner: DriverConnection,
    database: Database,
    cache: SessionCache,
    tokens: list[str],
    options: Options,
) -> tuple[dict[str, Any], dict[str, Any]]:
    chance = random.Random(options.seed)  # noqa: S311 - it is to be repeatable
    await cache.learn_news()
    await cache.start()
    options.say("every session's first check")
    first = await _warm(cache, tokens, chance)
    options.say("checking random sessions")
    processor = time.process_time()
    remembered = await _check(_by_cache(cache), tokens, chance, seconds=options.seconds * 0.6)
    processor = time.process_time() - processor
    options.say("the same with a query each")
    queried = await _check(_by_query(database), tokens, chance, seconds=options.seconds * 0.3)
    revoked_seconds = await _revoke(owner, cache, tokens[0])
    figures = {
        **_percentiles(remembered, "session_check_p{}_ms"),
        **_percentiles(first, "first_check_p{}_ms"),
        "session_check_processor_ms": round(processor * 1_000 / len(remembered), 4),
        "revocation_seen_after_seconds": round(revoked_seconds, 3),
        "checks": len(remembered),
    }
    return figures, _percentiles(queried, "query_each_p{}_ms")


async def _open_sessions(owner: DriverConnection, count: int) -> list[str]:
    """Make so many logins, each with a device and a session; returns the tokens."""
    now = datetime.now(UTC)
    tokens, logins, devices, sessions, factors = [], [], [], [], []
    for number in range(count):
        login_id, device_id, session_id = uuid7(), uuid7(), uuid7()
        token = f"hts_{uuid.uuid4().hex}{number:011d}"
        index = hashlib.sha256(f"number {number}".encode()).digest()
        tokens.append(token)
        logins.append((login_id, "customer", uuid7(), index, index, now))
        devices.append((device_id, login_id, index, now, now))
        digest = hashlib.sha256(token.encode()).digest()
        ends = now + timedelta(hours=12)
        method = "one_time_code"
        sessions.append((session_id, login_id, device_id, digest, method, now, ends, 1_800, now))
        factors.append((session_id, method, now))
    for table, columns, records in (
        ("logins", "id audience subject_id mobile_index mobile_sealed opened_at", logins),
        ("devices", "id login_id digest created_at last_seen_at", devices),
        (
            "sessions",
            "id login_id device_id digest method created_at expires_at idle_seconds last_seen_at",
            sessions,
        ),
        ("session_factors", "session_id factor proved_at", factors),
    ):
        await owner.copy_records_to_table(
            table, schema_name="identity", columns=columns.split(), records=records
        )
    return tokens


async def _warm(cache: SessionCache, tokens: list[str], chance: random.Random) -> list[float]:
    """Check every session once, as if at some moment of the last minute; returns milliseconds.

    So the sessions come up for renewal one after the other from then on, as they do in a process
    that has run for long.
    """
    times: list[float] = []
    waiting = iter(tokens)
    now = datetime.now(UTC)

    async def work() -> None:
        for token in waiting:
            then = now - timedelta(seconds=chance.random() * limits.SESSION_RENEWAL_SECONDS)
            started = time.perf_counter()
            session = await cache.authenticate(token, now=then)
            times.append((time.perf_counter() - started) * 1_000)
            _check_found(session)

    await asyncio.gather(*(work() for _ in range(_WARMING_AT_ONCE)))
    return times


def _by_cache(cache: SessionCache) -> Check:
    async def check(token: str) -> object:
        return await cache.authenticate(token, now=datetime.now(UTC))

    return check


def _by_query(database: Database) -> Check:
    async def check(token: str) -> object:
        async with database.reading() as uow:
            return await identity.find_session(uow, token, now=datetime.now(UTC))

    return check


async def _check(
    check: Check, tokens: list[str], chance: random.Random, *, seconds: float
) -> list[float]:
    """Check random sessions for `seconds`; returns the milliseconds of each check."""
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        for token in chance.choices(tokens, k=_PAUSE_EVERY):
            started = time.perf_counter()
            session = await check(token)
            times.append((time.perf_counter() - started) * 1_000)
            _check_found(session)
        # As between requests: what else runs in the process gets its turn.
        await asyncio.sleep(_PAUSE_SECONDS)
    return times


async def _revoke(owner: DriverConnection, cache: SessionCache, token: str) -> float:
    """Revoke a session as another process would; returns the seconds until it is refused here."""
    _check_found(await cache.authenticate(token, now=datetime.now(UTC)))
    await owner.execute(_REVOKE, hashlib.sha256(token.encode()).digest())
    started = time.perf_counter()
    while await cache.authenticate(token, now=datetime.now(UTC)) is not None:
        if time.perf_counter() - started > limits.SESSION_NEWS_SECONDS_MAX:
            raise BenchmarkFailed("a revoked session lives on", retryable=False)
        await asyncio.sleep(_POLL_SECONDS)
    return time.perf_counter() - started


def _check_found(session: object) -> None:
    if session is None:
        raise BenchmarkFailed("a live session was not found", retryable=False)


def _percentiles(times: list[float], name: str) -> dict[str, float]:
    return {name.format(at): round(float(np.percentile(times, at)), 4) for at in (50, 99)}
