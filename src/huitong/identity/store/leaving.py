"""What is kept about somebody's ways in, and taking it away, in the database."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.types import Audience
from huitong.kernel.database.unit_of_work import UnitOfWork

_INDEX_BYTES: Final = 32
_LOGINS: Final = """
    SELECT state, opened_at, closed_at, password_changed_at, pin_changed_at
      FROM identity.logins WHERE audience = :audience AND subject_id = :id ORDER BY id
"""
_DEVICES: Final = """
    SELECT d.id, d.name_sealed, d.created_at, d.last_seen_at, d.revoked_at
      FROM identity.devices d JOIN identity.logins l ON l.id = d.login_id
     WHERE l.audience = :audience AND l.subject_id = :id ORDER BY d.id
"""
_PASSKEYS: Final = """
    SELECT p.id, p.name_sealed, p.created_at, p.last_used_at, p.revoked_at
      FROM identity.passkeys p JOIN identity.logins l ON l.id = p.login_id
     WHERE l.audience = :audience AND l.subject_id = :id ORDER BY p.id
"""
_ATTEMPTS: Final = """
    SELECT a.attempted_at, a.method, a.outcome, CAST(a.network AS text) AS network, a.place,
           a.region, a.city
      FROM identity.attempts a JOIN identity.logins l ON l.id = a.login_id
     WHERE l.audience = :audience AND l.subject_id = :id ORDER BY a.id DESC LIMIT :count
"""
_NOTICES: Final = """
    SELECT n.kind, n.asked_at, n.outcome, n.ended_at
      FROM identity.notices n JOIN identity.logins l ON l.id = n.login_id
     WHERE l.audience = :audience AND l.subject_id = :id ORDER BY n.asked_at DESC, n.id LIMIT :count
"""
_STRIP_DEVICES: Final = """
    UPDATE identity.devices d SET name_sealed = NULL FROM identity.logins l
     WHERE l.id = d.login_id AND l.audience = :audience AND l.subject_id = :id
       AND d.name_sealed IS NOT NULL
    RETURNING d.id
"""
_STRIP_PASSKEYS: Final = """
    UPDATE identity.passkeys p SET name_sealed = NULL, revoked_at = coalesce(p.revoked_at, :now)
      FROM identity.logins l
     WHERE l.id = p.login_id AND l.audience = :audience AND l.subject_id = :id
       AND (p.name_sealed IS NOT NULL OR p.revoked_at IS NULL)
    RETURNING p.id
"""
_STRIP_LOGINS: Final = """
    UPDATE identity.logins SET password_hash = NULL, password_changed_at = NULL, pin_hash = NULL,
                               pin_changed_at = NULL, revision = revision + 1
     WHERE audience = :audience AND subject_id = :id AND num_nulls(password_hash, pin_hash) < 2
    RETURNING id
"""
# A day of the schedule is a business day, so it ends at midnight in Shanghai.
_OLD_ATTEMPTS: Final = """
    SELECT id FROM identity.attempts
     WHERE attempted_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
     ORDER BY attempted_at LIMIT :limit
"""
_OLD_STAFF_ATTEMPTS: Final = """
    SELECT id FROM identity.staff_attempts
     WHERE attempted_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
     ORDER BY attempted_at LIMIT :limit
"""
_OLD_SESSIONS: Final = """
    SELECT id FROM identity.sessions s
     WHERE expires_at <
           (CAST(CAST(:cutoff_on AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai')
       AND NOT EXISTS (SELECT FROM identity.attempts a WHERE a.session_id = s.id)
       AND NOT EXISTS (SELECT FROM identity.step_ups u WHERE u.session_id = s.id)
       AND NOT EXISTS (SELECT FROM identity.one_time_codes c WHERE c.session_id = s.id)
       AND NOT EXISTS (SELECT FROM identity.challenges c WHERE c.session_id = s.id)
     ORDER BY expires_at LIMIT :limit
"""


class PersonsLogins:
    """The rows of one customer, over all logins that they ever had."""

    def __init__(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        """Read and write in the caller's transaction."""
        self._uow = uow
        self._values: dict[str, Any] = {"audience": Audience.CUSTOMER.value, "id": subject_id}

    async def list_logins(self) -> Sequence[Row[Any]]:
        """Return the logins, oldest first."""
        return await self._uow.execute(_LOGINS, **self._values)

    async def list_devices(self) -> Sequence[Row[Any]]:
        """Return the devices, oldest first, names sealed."""
        return await self._uow.execute(_DEVICES, **self._values)

    async def list_passkeys(self) -> Sequence[Row[Any]]:
        """Return the passkeys, oldest first, names sealed."""
        return await self._uow.execute(_PASSKEYS, **self._values)

    async def list_attempts(self, count: int) -> Sequence[Row[Any]]:
        """Return the last tries to log in, newest first."""
        return await self._uow.execute(_ATTEMPTS, count=count, **self._values)

    async def list_notices(self, count: int) -> Sequence[Row[Any]]:
        """Return what they were told last, newest first."""
        return await self._uow.execute(_NOTICES, count=count, **self._values)

    async def strip(self, *, now: datetime) -> int:
        """Take names and credentials away; returns how many rows had any."""
        devices = await self._uow.execute(_STRIP_DEVICES, **self._values)
        passkeys = await self._uow.execute(_STRIP_PASSKEYS, now=now, **self._values)
        logins = await self._uow.execute(_STRIP_LOGINS, **self._values)
        return len(devices) + len(passkeys) + len(logins)

    async def forget(self) -> None:
        """Let nobody find the logins by number any more; sign-ups go."""
        logins = await self._uow.execute(
            "SELECT id FROM identity.logins WHERE audience = :audience AND subject_id = :id",
            **self._values,
        )
        for row in logins:
            await self._uow.execute(
                "UPDATE identity.logins SET mobile_index = :index "
                "WHERE id = :id AND state = 'closed'",
                id=row.id,
                index=secrets.token_bytes(_INDEX_BYTES),
            )
        await self._uow.execute(
            "DELETE FROM identity.sign_ups WHERE id = :id", id=self._values["id"]
        )


async def list_old_attempts(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[uuid.UUID]:
    """Return tries to log in from that day or before."""
    return await _list(uow, _OLD_ATTEMPTS, cutoff_on, limit)


async def list_old_staff_attempts(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[uuid.UUID]:
    """Return tries of staff to sign in from that day or before."""
    return await _list(uow, _OLD_STAFF_ATTEMPTS, cutoff_on, limit)


async def list_old_sessions(uow: UnitOfWork, cutoff_on: date, limit: int) -> list[uuid.UUID]:
    """Return sessions that were over on that day or before, and that nothing names any more."""
    return await _list(uow, _OLD_SESSIONS, cutoff_on, limit)


async def delete_attempts(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> None:
    """Delete tries to log in; the database refuses for those of the last six months."""
    await _delete(uow, "DELETE FROM identity.attempts WHERE id = ANY(CAST(:ids AS uuid[]))", ids)


async def delete_staff_attempts(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> None:
    """Delete tries of staff; the database refuses for those of the last six months."""
    await _delete(
        uow, "DELETE FROM identity.staff_attempts WHERE id = ANY(CAST(:ids AS uuid[]))", ids
    )


async def delete_sessions(uow: UnitOfWork, ids: Sequence[uuid.UUID]) -> None:
    """Delete sessions with what was proved in them."""
    await _delete(
        uow,
        "DELETE FROM identity.session_factors WHERE session_id = ANY(CAST(:ids AS uuid[]))",
        ids,
    )
    await _delete(uow, "DELETE FROM identity.sessions WHERE id = ANY(CAST(:ids AS uuid[]))", ids)


async def _list(uow: UnitOfWork, query: str, cutoff_on: date, limit: int) -> list[uuid.UUID]:
    rows = await uow.execute(query, cutoff_on=cutoff_on, limit=limit)
    return [row.id for row in rows]


async def _delete(uow: UnitOfWork, statement: str, ids: Sequence[uuid.UUID]) -> None:
    await uow.execute(statement, ids=list(ids))
