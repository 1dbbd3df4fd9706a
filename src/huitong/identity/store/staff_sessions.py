"""Sessions of staff, and tries to sign in, in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.staff_types import SecondFactor, StaffOutcome, StaffSession
from huitong.identity.store.logins import place_columns
from huitong.identity.store.staff import STAFF_COLUMNS, read_staff
from huitong.identity.types import Client
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7

_SESSIONS: Final = f"""
    SELECT x.id, x.second_factor, x.created_at, x.expires_at, x.idle_seconds, x.last_seen_at,
           {STAFF_COLUMNS}
      FROM identity.staff_sessions x JOIN identity.staff s ON s.id = x.staff_id
     WHERE x.revoked_at IS NULL AND s.state = 'active'
"""  # noqa: S608 - our own columns


async def insert_session(uow: UnitOfWork, session: StaffSession, digest: bytes) -> None:
    """Insert a session."""
    await uow.execute(
        """
        INSERT INTO identity.staff_sessions (id, staff_id, digest, second_factor, created_at,
                                             expires_at, idle_seconds, last_seen_at)
        VALUES (:id, :staff_id, :digest, :second_factor, :created_at, :expires_at, :idle_seconds,
                :last_seen_at)
        """,
        id=session.id,
        staff_id=session.staff.id,
        digest=digest,
        second_factor=session.second_factor.value,
        created_at=session.created_at,
        expires_at=session.expires_at,
        idle_seconds=session.idle_seconds,
        last_seen_at=session.last_seen_at,
    )


async def find_session(uow: UnitOfWork, digest: bytes) -> StaffSession | None:
    """Return the session of a token that was not ended, expired or not, or None."""
    row = await uow.fetch_one(f"{_SESSIONS} AND x.digest = :digest", digest=digest)
    return None if row is None else _read_session(row)


async def hold_session(uow: UnitOfWork, session_id: uuid.UUID) -> StaffSession | None:
    """Return a session that nobody ends until the transaction does, or None.

    Held first and read after it: roles that were changed meanwhile are then the new ones.
    """
    await uow.execute(
        """
        SELECT FROM identity.staff_sessions x JOIN identity.staff s ON s.id = x.staff_id
         WHERE x.id = :id FOR NO KEY UPDATE OF x FOR SHARE OF s
        """,
        id=session_id,
    )
    row = await uow.fetch_one(f"{_SESSIONS} AND x.id = :id", id=session_id)
    return None if row is None else _read_session(row)


async def touch_session(uow: UnitOfWork, session_id: uuid.UUID, *, now: datetime) -> None:
    """Record that a session was used."""
    await uow.execute(
        "UPDATE identity.staff_sessions SET last_seen_at = greatest(last_seen_at, :now) "
        "WHERE id = :id AND revoked_at IS NULL",
        id=session_id,
        now=now,
    )


async def list_open(uow: UnitOfWork, staff_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of a member's sessions that were not ended, oldest first."""
    rows = await uow.execute(
        "SELECT id FROM identity.staff_sessions WHERE staff_id = :staff_id "
        "AND revoked_at IS NULL ORDER BY id",
        staff_id=staff_id,
    )
    return [row.id for row in rows]


async def end_sessions(
    uow: UnitOfWork,
    staff_id: uuid.UUID,
    *,
    because: str,
    now: datetime,
    only: Sequence[uuid.UUID] | None = None,
) -> int:
    """End all sessions of a member, or those named; returns how many this call ended."""
    rows = await uow.execute(
        """
        UPDATE identity.staff_sessions SET revoked_at = :now, revoked_because = :because
         WHERE staff_id = :staff_id AND revoked_at IS NULL
           AND (CAST(:only AS uuid[]) IS NULL OR id = ANY(CAST(:only AS uuid[])))
        RETURNING id
        """,
        staff_id=staff_id,
        because=because,
        now=now,
        only=None if only is None else list(only),
    )
    return len(rows)


async def insert_attempt(
    uow: UnitOfWork,
    *,
    outcome: StaffOutcome,
    second_factor: SecondFactor,
    client: Client,
    now: datetime,
    staff_id: uuid.UUID | None = None,
    session_id: uuid.UUID | None = None,
) -> None:
    """Record a try to sign in."""
    await uow.execute(
        """
        INSERT INTO identity.staff_attempts (id, attempted_at, staff_id, session_id,
                                             second_factor, outcome, network, place, region, city,
                                             latitude, longitude, request_id)
        VALUES (:id, :now, :staff_id, :session_id, :second_factor, :outcome, :network, :place,
                :region, :city, CAST(:latitude AS numeric), CAST(:longitude AS numeric),
                :request_id)
        """,
        id=uuid7(),
        now=now,
        staff_id=staff_id,
        session_id=session_id,
        second_factor=second_factor.value,
        outcome=outcome.value,
        network=client.network,
        **place_columns(client.place),
        request_id=client.request_id,
    )


def _read_session(row: Row[Any]) -> StaffSession:
    return StaffSession(
        id=row.id,
        staff=read_staff(row),
        second_factor=SecondFactor(row.second_factor),
        created_at=row.created_at,
        expires_at=row.expires_at,
        idle_seconds=row.idle_seconds,
        last_seen_at=row.last_seen_at,
    )
