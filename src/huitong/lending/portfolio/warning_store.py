"""SQL of early warnings."""

import json
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.lending.portfolio.warning_types import CreditWarning, Outcome, Sighting, WarnedDay

_LATE: Final = """
    SELECT l.customer_id, max(b.on_day - b.since_day)::bigint AS late
      FROM lending.balances b JOIN lending.loans l ON l.number = b.loan
     WHERE b.is_active AND b.since_day < DATE '9999-01-01'
     GROUP BY l.customer_id ORDER BY l.customer_id
"""
#: What a person closed lately is not opened again; what is open is seen once more.
_SEE: Final = """
    INSERT INTO lending.credit_warnings AS w
           (id, sign, subject, customer_id, details, found_on, last_seen_on)
    SELECT n.id, n.sign, n.subject, n.customer_id, CAST(n.details AS jsonb), $6::date, $6::date
      FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[])
           AS n(id, sign, subject, customer_id, details)
     WHERE NOT EXISTS (SELECT FROM lending.credit_warnings c
            WHERE c.sign = n.sign AND c.subject = n.subject AND c.outcome <> 'gone'
              AND c.closed_on > $7::date)
        ON CONFLICT (sign, subject) WHERE outcome IS NULL
        DO UPDATE SET last_seen_on = excluded.last_seen_on, details = excluded.details
     WHERE w.last_seen_on < excluded.last_seen_on
"""
_OPENED: Final = """
    SELECT count(*) FROM lending.credit_warnings WHERE found_on = :day AND outcome IS NULL
"""
_GONE: Final = """
    WITH gone AS (UPDATE lending.credit_warnings SET outcome = 'gone', closed_on = :day
                   WHERE outcome IS NULL AND last_seen_on < :day RETURNING id)
    SELECT count(*) FROM gone
"""
_WARNING: Final = """
    SELECT id, sign, subject, customer_id, details, found_on, last_seen_on, outcome, note, closed_on
      FROM lending.credit_warnings
"""
#: The grade of a borrower's latest application is that of all their loans.
_FOLLOW: Final = """
    WITH latest AS (
        SELECT DISTINCT ON (a.customer_id) a.customer_id,
               array_position(ARRAY['A', 'B', 'C', 'D', 'E'], s.details->>'grade') AS grade
          FROM lending.application_steps s JOIN lending.applications a ON a.id = s.application_id
         WHERE s.step = 'decided' AND s.at >= :since
           AND s.details->>'grade' IN ('A', 'B', 'C', 'D', 'E')
         ORDER BY a.customer_id, s.at DESC, s.position DESC
    )
    UPDATE lending.credit_marks m SET grade_now = n.grade
      FROM lending.loans l JOIN latest n ON n.customer_id = l.customer_id
     WHERE l.number = m.loan AND l.state = 'active' AND m.grade_now <> n.grade
"""
_WATCH: Final = """
    UPDATE lending.credit_marks m SET is_watched = :is_watched
      FROM lending.loans l
     WHERE l.number = m.loan AND l.customer_id = :customer_id AND l.state = 'active'
       AND m.is_watched <> :is_watched
"""


async def begin_day(uow: UnitOfWork) -> date | None:
    """Return the last closed day if nobody has looked for signs on it; only one looks at a time."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('lending.warning'))")
    day: date | None = await uow.fetch_value(
        """SELECT day FROM lending.closed_days d WHERE done_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM lending.warned_days w WHERE w.day >= d.day)
            ORDER BY day DESC LIMIT 1"""
    )
    return day


async def end_day(uow: UnitOfWork, warned: WarnedDay, *, now: datetime) -> None:
    """Write down that signs were looked for."""
    await uow.execute(
        """INSERT INTO lending.warned_days (day, opened, gone, done_at)
           VALUES (:day, :opened, :gone, :now)""",
        day=warned.day,
        opened=warned.opened,
        gone=warned.gone,
        now=now,
    )


async def list_late(uow: UnitOfWork) -> Sequence[Row[Any]]:
    """Return customers with something overdue, and for how many days."""
    return await uow.execute(_LATE)


async def see(
    uow: UnitOfWork, sightings: Sequence[Sighting], day: date, *, quiet_days: int
) -> tuple[int, int]:
    """Write down the signs of a day; return how many are new, and how many are gone."""
    connection = await uow.driver()
    await connection.execute(
        _SEE,
        [uuid7() for _ in sightings],
        [each.sign for each in sightings],
        [each.subject for each in sightings],
        [each.customer_id for each in sightings],
        [json.dumps(dict(each.details), sort_keys=True) for each in sightings],
        day,
        day - timedelta(days=quiet_days),
    )
    opened = await uow.fetch_value(_OPENED, day=day)
    return int(opened), int(await uow.fetch_value(_GONE, day=day))


async def list_warnings(
    uow: UnitOfWork, *, is_open: bool | None, before_id: uuid.UUID | None, limit: int
) -> list[CreditWarning]:
    """Return warnings, newest first."""
    rows = await uow.execute(
        f"""{_WARNING}
             WHERE (CAST(:is_open AS boolean) IS NULL OR (outcome IS NULL) = :is_open)
               AND (CAST(:before_id AS uuid) IS NULL OR id < :before_id)
             ORDER BY id DESC LIMIT :limit""",
        is_open=is_open,
        before_id=before_id,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def lock_warning(uow: UnitOfWork, warning_id: uuid.UUID) -> CreditWarning | None:
    """Return a warning that nobody else changes until the end, or None."""
    row = await uow.fetch_one(f"{_WARNING} WHERE id = :id FOR UPDATE", id=warning_id)
    return None if row is None else _read(row)


async def close(
    uow: UnitOfWork, warning_id: uuid.UUID, outcome: Outcome, note: str, on: date
) -> None:
    """Write down how a person closed a warning."""
    await uow.execute(
        """UPDATE lending.credit_warnings SET outcome = :outcome, note = :note, closed_on = :day
            WHERE id = :id""",
        id=warning_id,
        outcome=outcome.value,
        note=note,
        day=on,
    )


async def follow_grades(uow: UnitOfWork, *, since: datetime) -> None:
    """Give loans the grade of their borrower's latest application that was decided since then."""
    await uow.execute(_FOLLOW, since=since)


async def watch(uow: UnitOfWork, customer_id: uuid.UUID, *, is_watched: bool) -> None:
    """Put a customer's loans on the watch list, or take them off."""
    await uow.execute(_WATCH, customer_id=customer_id, is_watched=is_watched)


def _read(row: Row[Any]) -> CreditWarning:
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return CreditWarning(**{**row._asdict(), "outcome": outcome})
