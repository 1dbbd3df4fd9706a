"""What a sign-in of staff is decided from, and passes past a decision, in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from huitong.identity.store.log_in_history import KnownPlace
from huitong.identity.store.logins import read_place_columns
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork

# Newest first by id, which is a time.
_PLACES: Final = """
    SELECT place, region, city, latitude, longitude, max(attempted_at) AS last_at,
           count(*) FILTER (WHERE attempted_at > :since) AS log_ins
      FROM (SELECT place, region, city, latitude, longitude, attempted_at
              FROM identity.staff_attempts
             WHERE staff_id = :staff_id AND attempted_at <= :now AND outcome = 'signed_in'
             ORDER BY id DESC LIMIT :count) recent
     GROUP BY place, region, city, latitude, longitude
     ORDER BY max(attempted_at) DESC
"""
_USE: Final = """
    UPDATE identity.staff_passes SET used_at = :now
     WHERE id = (SELECT id FROM identity.staff_passes
                  WHERE staff_id = :staff_id AND used_at IS NULL AND ends_at > :now
                  ORDER BY ends_at LIMIT 1 FOR UPDATE)
    RETURNING id
"""


async def list_places(
    uow: UnitOfWork, staff_id: uuid.UUID, *, since: datetime, now: datetime
) -> Sequence[KnownPlace]:
    """Return where a member of staff has signed in from lately, the latest first."""
    rows = await uow.execute(
        _PLACES, staff_id=staff_id, since=since, now=now, count=limits.LOG_INS_LOOKED_AT_MAX
    )
    return [
        KnownPlace(
            place=read_place_columns(row),
            last_at=row.last_at,
            log_ins=row.log_ins,
            has_agent=None,
        )
        for row in rows
    ]


async def insert_pass(
    uow: UnitOfWork, pass_id: uuid.UUID, staff_id: uuid.UUID, *, now: datetime, ends_at: datetime
) -> None:
    """Write down that a member of staff may sign in once past a decision of risk."""
    await uow.execute(
        """INSERT INTO identity.staff_passes (id, staff_id, made_at, ends_at)
           VALUES (:id, :staff_id, :now, :ends_at)""",
        id=pass_id,
        staff_id=staff_id,
        now=now,
        ends_at=ends_at,
    )


async def use_pass(uow: UnitOfWork, staff_id: uuid.UUID, *, now: datetime) -> bool:
    """Use a pass up; False if there is none that holds. The caller has locked the member."""
    return await uow.fetch_one(_USE, staff_id=staff_id, now=now) is not None
