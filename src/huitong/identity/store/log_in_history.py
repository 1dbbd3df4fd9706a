"""What is known of a login, a number and an address before the next log-in, in three queries.

Failures are decayed counters with a half-life of an hour: n after a failure is
n 2^(-t/3600) + 1, t seconds after the one before. Worked: failures at 0 s and at 3,600 s give
0.5 + 1 = 1.5 at 3,600 s, and 0.75 an hour later.
"""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.places import Place
from huitong.identity.store.logins import read_place_columns
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork

_HALF_LIFE_SECONDS: Final = 3_600
_COUNTERS: Final = """
    SELECT n.failures_1h AS failures, n.counted_at AS failures_at,
           a.failures_1h AS address_failures, a.counted_at AS address_failures_at,
           (SELECT count(*) FROM (SELECT FROM identity.address_tries
             WHERE address_index = :address AND on_day = :on_day LIMIT :count) t) AS address_logins
      FROM (SELECT) one
      LEFT JOIN identity.failure_counts n ON n.kind = 'number' AND n.key = :number
      LEFT JOIN identity.failure_counts a ON a.kind = 'address' AND a.key = :address
"""
# Both kinds in one order, so that two who fail at once cannot wait for each other. Beyond sixty
# half-lives nothing is left, and the exponential would underflow.
_COUNT_FAILURE: Final = """
    INSERT INTO identity.failure_counts AS f (kind, key, failures_1h, counted_at)
    SELECT kind, key, 1, :now
      FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bytea[])) AS given(kind, key) ORDER BY kind
        ON CONFLICT (kind, key) DO UPDATE
       SET failures_1h = 1 + f.failures_1h * power(2.0, -least(60, greatest(0,
               CAST(extract(epoch FROM excluded.counted_at - f.counted_at) AS float8) / 3600))),
           counted_at = greatest(f.counted_at, excluded.counted_at)
"""
_NOTE_TRY: Final = """
    INSERT INTO identity.address_tries (address_index, on_day, number_key)
    VALUES (:address, :on_day, :number) ON CONFLICT DO NOTHING
"""
# Newest first by id, which is a time; what waited for a second factor in vain is not among them,
# and one of reduced powers only once its time is over and its owner did not object meanwhile: by
# ending its session from another one, by unbinding its device, or to all at once (`objected_at`),
# whatever had ended its session by then. Of objections to all only the last is kept, so one that
# comes later undoes what was known by such log-ins: rather that than one too few.
_PLACES: Final = """
    SELECT place, region, city, latitude, longitude, max(attempted_at) AS last_at,
           count(*) FILTER (WHERE attempted_at > :since) AS log_ins,
           bool_or(agent_index = CAST(:agent AS bytea)) AS has_agent,
           bool_or(agent_index IS NOT NULL) AS has_any_agent
      FROM (SELECT place, region, city, latitude, longitude, attempted_at, agent_index
              FROM identity.attempts a
             WHERE login_id = :login_id AND attempted_at <= :now
               AND outcome IN ('logged_in', 'reduced')
               AND (outcome = 'logged_in' OR (attempted_at <= :undisputed AND NOT EXISTS (
                   SELECT FROM identity.sessions s
                    WHERE s.id = a.session_id AND s.revoked_because IN (
                          'revoked', 'device_revoked', 'password_changed', 'login_suspended'))
                   AND NOT EXISTS (
                   SELECT FROM identity.devices d
                    WHERE d.id = a.device_id
                      AND d.revoked_at - a.attempted_at <= CAST(:reduced_for AS interval))
                   AND NOT EXISTS (
                   SELECT FROM identity.logins l
                    WHERE l.id = a.login_id AND l.objected_at >= a.attempted_at)))
             ORDER BY id DESC LIMIT :count) recent
     GROUP BY place, region, city, latitude, longitude
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Failures of the last hour or so, decayed, and how many numbers an address tried today."""

    failures: float
    address_failures: float
    address_logins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlace:
    """Where somebody has logged in from; `place` is None where addresses had none.

    `log_ins` counts those since the instant asked about. `has_agent` says whether one was with
    the program asked about, None if no program is known.
    """

    place: Place | None
    last_at: datetime
    log_ins: int
    has_agent: bool | None


async def load_counters(
    uow: UnitOfWork, *, number_key: bytes, address_index: bytes, on_day: date, now: datetime
) -> Counters:
    """Return what was counted before now; numbers tried are counted to a maximum."""
    row = await uow.fetch_one(
        _COUNTERS,
        number=number_key,
        address=address_index,
        on_day=on_day,
        now=now,
        count=limits.ADDRESS_TRIES_COUNTED_MAX,
    )
    assert row is not None
    return Counters(
        failures=decay(row.failures, row.failures_at, now),
        address_failures=decay(row.address_failures, row.address_failures_at, now),
        address_logins=row.address_logins,
    )


async def count_failure(
    uow: UnitOfWork, *, number_key: bytes | None, address_index: bytes, now: datetime
) -> None:
    """Count one more failure of an address, and of a number if it is known."""
    keys = {"address": address_index}
    if number_key is not None:
        keys["number"] = number_key
    await uow.execute(_COUNT_FAILURE, kinds=list(keys), keys=list(keys.values()), now=now)


async def note_try(
    uow: UnitOfWork, *, number_key: bytes, address_index: bytes, on_day: date
) -> None:
    """Note that a number was tried from an address on a business day, whatever came of it."""
    await uow.execute(_NOTE_TRY, address=address_index, on_day=on_day, number=number_key)


async def list_places(
    uow: UnitOfWork,
    login_id: uuid.UUID,
    *,
    agent_index: bytes | None,
    since: datetime,
    reduced_for: timedelta,
    now: datetime,
) -> list[KnownPlace]:
    """Return where a login's last log-ins were, the latest place first."""
    rows: Sequence[Row[Any]] = await uow.execute(
        _PLACES,
        login_id=login_id,
        agent=agent_index,
        since=since,
        undisputed=now - reduced_for,
        reduced_for=reduced_for,
        now=now,
        count=limits.LOG_INS_LOOKED_AT_MAX,
    )
    return sorted((_read(row) for row in rows), key=lambda each: each.last_at, reverse=True)


async def prune_counters(uow: UnitOfWork, *, before: datetime, on_day: date, count: int) -> int:
    """Delete counters that have decayed, and the tries of days before; returns the most rows."""
    counters = await uow.execute(
        "DELETE FROM identity.failure_counts WHERE (kind, key) IN (SELECT kind, key "
        "FROM identity.failure_counts WHERE counted_at < :before LIMIT :count "
        "FOR UPDATE SKIP LOCKED) RETURNING 1",
        before=before,
        count=count,
    )
    tries = await uow.execute(
        "DELETE FROM identity.address_tries WHERE (address_index, on_day, number_key) IN "
        "(SELECT address_index, on_day, number_key FROM identity.address_tries "
        "WHERE on_day < :on_day LIMIT :count) RETURNING 1",
        on_day=on_day,
        count=count,
    )
    return max(len(counters), len(tries))


def decay(count: float | None, counted_at: datetime | None, now: datetime) -> float:
    """Return what is left of a counter: half of it an hour later. None is a counter of nothing."""
    if count is None or counted_at is None:
        return 0.0
    seconds = max(0.0, (now - counted_at).total_seconds())
    return count * math.pow(2.0, -seconds / _HALF_LIFE_SECONDS)


def _read(row: Row[Any]) -> KnownPlace:
    return KnownPlace(
        place=read_place_columns(row),
        last_at=row.last_at,
        log_ins=row.log_ins,
        has_agent=bool(row.has_agent) if row.has_any_agent else None,
    )
