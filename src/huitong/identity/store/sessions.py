"""Devices, sessions and their factors in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.types import Audience, Factor, Session
from huitong.kernel.database.unit_of_work import UnitOfWork

_SESSIONS: Final = """
    SELECT s.id, s.login_id, l.audience, l.subject_id, s.device_id, s.method, s.created_at,
           s.expires_at, s.idle_seconds, s.last_seen_at, s.reduced_until,
           CASE WHEN s.confirmed_at IS NULL THEN s.proof_until END AS proof_until,
           (SELECT jsonb_object_agg(f.factor, f.proved_at) FROM identity.session_factors f
             WHERE f.session_id = s.id) AS factors
      FROM identity.sessions s JOIN identity.logins l ON l.id = s.login_id
     WHERE s.revoked_at IS NULL AND l.state = 'active'
"""
_TOUCH: Final = """
    UPDATE identity.sessions SET last_seen_at = greatest(last_seen_at, :now)
     WHERE digest = :digest AND revoked_at IS NULL
"""


async def insert_session(uow: UnitOfWork, session: Session, digest: bytes) -> None:
    """Insert a session and the factors that it begins with."""
    await uow.execute(
        """
        INSERT INTO identity.sessions (id, login_id, device_id, digest, method, created_at,
                                       expires_at, idle_seconds, last_seen_at, proof_until,
                                       reduced_until)
        VALUES (:id, :login_id, :device_id, :digest, :method, :created_at, :expires_at,
                :idle_seconds, :last_seen_at, CAST(:proof_until AS timestamptz),
                CAST(:reduced_until AS timestamptz))
        """,
        id=session.id,
        login_id=session.login_id,
        device_id=session.device_id,
        digest=digest,
        method=session.method.value,
        created_at=session.created_at,
        expires_at=session.expires_at,
        idle_seconds=session.idle_seconds,
        last_seen_at=session.last_seen_at,
        proof_until=session.proof_until,
        reduced_until=session.reduced_until,
    )
    for factor, proved_at in session.factors.items():
        await set_factor(uow, session.id, factor, proved_at)


async def set_factor(
    uow: UnitOfWork, session_id: uuid.UUID, factor: Factor, proved_at: datetime
) -> None:
    """Record that a session proved a factor."""
    await uow.execute(
        """
        INSERT INTO identity.session_factors AS f (session_id, factor, proved_at)
        VALUES (:session_id, :factor, :proved_at)
            ON CONFLICT (session_id, factor)
            DO UPDATE SET proved_at = greatest(f.proved_at, EXCLUDED.proved_at)
        """,
        session_id=session_id,
        factor=factor.value,
        proved_at=proved_at,
    )


async def find_session_by_digest(uow: UnitOfWork, digest: bytes) -> Session | None:
    """Return the session of a token that was not revoked, expired or not, or None."""
    return _one(await uow.fetch_one(f"{_SESSIONS} AND s.digest = :digest", digest=digest))


async def has_session(uow: UnitOfWork, digest: bytes) -> bool:
    """Say whether a token ever opened a session that is not pruned yet, whatever became of it."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM identity.sessions WHERE digest = :digest)", digest=digest
    )
    return found


async def hold_session(uow: UnitOfWork, session_id: uuid.UUID) -> Session | None:
    """Return a session that nobody revokes until the transaction ends, or None."""
    return _one(
        await uow.fetch_one(f"{_SESSIONS} AND s.id = :id FOR NO KEY UPDATE OF s", id=session_id)
    )


async def touch_session(uow: UnitOfWork, digest: bytes, *, now: datetime) -> None:
    """Record that the session of a token was used."""
    await uow.execute(_TOUCH, digest=digest, now=now)


async def list_sessions(uow: UnitOfWork, login_id: uuid.UUID) -> list[Session]:
    """Return a login's sessions that were not revoked, oldest first."""
    rows = await uow.execute(
        f"{_SESSIONS} AND s.login_id = :login_id ORDER BY s.id", login_id=login_id
    )
    return [_read_session(row) for row in rows]


async def revoke_sessions(
    uow: UnitOfWork,
    login_id: uuid.UUID,
    *,
    because: str,
    now: datetime,
    only: Sequence[uuid.UUID] | None = None,
    device_id: uuid.UUID | None = None,
    spare: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Revoke sessions of a login: all, those named, those of a device, or all but one.

    Returns the ids of those that this call revoked, in order.
    """
    rows = await uow.execute(
        """
        UPDATE identity.sessions SET revoked_at = :now, revoked_because = :because
         WHERE id IN (SELECT id FROM identity.sessions
                       WHERE login_id = :login_id AND revoked_at IS NULL
                         AND (CAST(:only AS uuid[]) IS NULL OR id = ANY(CAST(:only AS uuid[])))
                         AND (CAST(:device_id AS uuid) IS NULL
                              OR device_id = CAST(:device_id AS uuid))
                         AND (CAST(:spare AS uuid) IS NULL OR id <> CAST(:spare AS uuid))
                       ORDER BY id FOR NO KEY UPDATE)
        RETURNING id
        """,
        login_id=login_id,
        now=now,
        because=because,
        only=None if only is None else list(only),
        device_id=device_id,
        spare=spare,
    )
    return sorted(row.id for row in rows)


async def list_revocations(uow: UnitOfWork, since: int, count: int) -> tuple[int, list[uuid.UUID]]:
    """Return the sessions that transactions from number `since` on revoked, at most `count`.

    And where to go on: the oldest transaction that was still running. What committed before the
    statement began and is not returned now was returned before.
    """
    row = await uow.fetch_one(
        """
        SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS horizon,
               ARRAY(SELECT session_id FROM identity.revocations
                      WHERE transaction_id >= CAST(CAST(CAST(:since AS bigint) AS text) AS xid8)
                      LIMIT :count) AS revoked
        """,
        since=since,
        count=count,
    )
    assert row is not None
    return row.horizon, list(row.revoked)


async def insert_device(
    uow: UnitOfWork,
    *,
    device_id: uuid.UUID,
    login_id: uuid.UUID,
    digest: bytes,
    name_sealed: bytes | None,
    trusted_from: datetime | None,
    now: datetime,
) -> None:
    """Insert a device that is known from an instant on, None for not before it is said."""
    await uow.execute(
        """
        INSERT INTO identity.devices (id, login_id, digest, name_sealed, created_at, last_seen_at,
                                      trusted_from)
        VALUES (:id, :login_id, :digest, :name_sealed, :now, :now,
                coalesce(CAST(:trusted_from AS timestamptz), 'infinity'))
        """,
        id=device_id,
        login_id=login_id,
        digest=digest,
        name_sealed=name_sealed,
        trusted_from=trusted_from,
        now=now,
    )


async def trust_device(uow: UnitOfWork, device_id: uuid.UUID, *, from_at: datetime) -> None:
    """Let a device be known from an instant on, or from before if it is known earlier."""
    await uow.execute(
        "UPDATE identity.devices SET trusted_from = least(trusted_from, :from_at) WHERE id = :id",
        id=device_id,
        from_at=from_at,
    )


async def confirm_session(uow: UnitOfWork, session_id: uuid.UUID, *, now: datetime) -> None:
    """Let a session open what it opens: its second factor was proved."""
    await uow.execute(
        "UPDATE identity.sessions SET confirmed_at = :now WHERE id = :id", id=session_id, now=now
    )


async def find_device(
    uow: UnitOfWork, digest: bytes, audience: Audience, mobile_index: bytes, *, now: datetime
) -> uuid.UUID | None:
    """Return the device with this token if the number's login knows it by now, or None."""
    found: uuid.UUID | None = await uow.fetch_value(
        """
        SELECT d.id FROM identity.devices d JOIN identity.logins l ON l.id = d.login_id
         WHERE d.digest = :digest AND d.revoked_at IS NULL AND l.audience = :audience
           AND l.mobile_index = :mobile_index AND l.state <> 'closed' AND d.trusted_from <= :now
        """,
        now=now,
        digest=digest,
        audience=audience.value,
        mobile_index=mobile_index,
    )
    return found


async def find_trusted_device(
    uow: UnitOfWork, digest: bytes, login_id: uuid.UUID, *, now: datetime
) -> uuid.UUID | None:
    """Return the device with this token if it is bound to the login and known by now, or None."""
    found: uuid.UUID | None = await uow.fetch_value(
        "SELECT id FROM identity.devices WHERE digest = :digest AND login_id = :login_id "
        "AND revoked_at IS NULL AND trusted_from <= :now",
        digest=digest,
        login_id=login_id,
        now=now,
    )
    return found


async def is_device_known(uow: UnitOfWork, device_id: uuid.UUID, *, now: datetime) -> bool:
    """Say whether a device is bound and known by now."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM identity.devices WHERE id = :id AND revoked_at IS NULL "
        "AND trusted_from <= :now)",
        id=device_id,
        now=now,
    )
    return found


async def see_device(
    uow: UnitOfWork, login_id: uuid.UUID, digest: bytes, *, now: datetime
) -> uuid.UUID | None:
    """Record that a login's device was seen and return its id; None for any other token."""
    row = await uow.fetch_one(
        """
        UPDATE identity.devices SET last_seen_at = greatest(last_seen_at, :now)
         WHERE digest = :digest AND login_id = :login_id AND revoked_at IS NULL
        RETURNING id
        """,
        login_id=login_id,
        digest=digest,
        now=now,
    )
    return None if row is None else row.id


async def list_devices(uow: UnitOfWork, login_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Return a login's devices that were not revoked, the one seen longest ago first.

    `is_waiting` is true for one whose log-in waits for a second factor.
    """
    return await uow.execute(
        """
        SELECT id, name_sealed, created_at, last_seen_at, trusted_from = 'infinity' AS is_waiting
          FROM identity.devices
         WHERE login_id = :login_id AND revoked_at IS NULL ORDER BY last_seen_at, id
        """,
        login_id=login_id,
    )


async def list_device_ids(
    uow: UnitOfWork, login_id: uuid.UUID, *, is_trusted: bool, now: datetime
) -> list[uuid.UUID]:
    """Return a login's devices that are known by now, or those that are not, in the same order."""
    rows = await uow.execute(
        """
        SELECT id FROM identity.devices
         WHERE login_id = :login_id AND revoked_at IS NULL
           AND (trusted_from <= :now) = :is_trusted
         ORDER BY last_seen_at, id
        """,
        login_id=login_id,
        is_trusted=is_trusted,
        now=now,
    )
    return [row.id for row in rows]


async def update_device_name(
    uow: UnitOfWork, login_id: uuid.UUID, device_id: uuid.UUID, name_sealed: bytes
) -> bool:
    """Give a login's device a name; False if there is no such device."""
    row = await uow.fetch_one(
        "UPDATE identity.devices SET name_sealed = :name WHERE id = :id AND login_id = :login_id "
        "AND revoked_at IS NULL RETURNING id",
        id=device_id,
        login_id=login_id,
        name=name_sealed,
    )
    return row is not None


async def revoke_device(
    uow: UnitOfWork, login_id: uuid.UUID, device_id: uuid.UUID, *, now: datetime
) -> bool:
    """Revoke a login's device; False if there is none that is not revoked."""
    row = await uow.fetch_one(
        "UPDATE identity.devices SET revoked_at = :now WHERE id = :id AND login_id = :login_id "
        "AND revoked_at IS NULL RETURNING id",
        id=device_id,
        login_id=login_id,
        now=now,
    )
    return row is not None


async def revoke_unknown_devices(
    uow: UnitOfWork,
    login_id: uuid.UUID,
    *,
    now: datetime,
    of: uuid.UUID | None = None,
    spare: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Revoke a login's devices that are not known by now: all, that of a session, or all but one.

    Returns the ids of those that this call revoked, in order.
    """
    rows = await uow.execute(
        """
        UPDATE identity.devices SET revoked_at = :now
         WHERE id IN (SELECT id FROM identity.devices
                       WHERE login_id = :login_id AND revoked_at IS NULL AND trusted_from > :now
                         AND (CAST(:of AS uuid) IS NULL
                              OR id = (SELECT device_id FROM identity.sessions
                                        WHERE id = CAST(:of AS uuid)))
                         AND (CAST(:spare AS uuid) IS NULL OR id <> CAST(:spare AS uuid))
                       ORDER BY id FOR NO KEY UPDATE)
        RETURNING id
        """,
        login_id=login_id,
        now=now,
        of=of,
        spare=spare,
    )
    return sorted(row.id for row in rows)


def _one(row: Row[Any] | None) -> Session | None:
    return None if row is None else _read_session(row)


def _read_session(row: Row[Any]) -> Session:
    proved = row.factors or {}
    return Session(
        id=row.id,
        login_id=row.login_id,
        audience=Audience(row.audience),
        subject_id=row.subject_id,
        device_id=row.device_id,
        method=Factor(row.method),
        created_at=row.created_at,
        expires_at=row.expires_at,
        idle_seconds=row.idle_seconds,
        last_seen_at=row.last_seen_at,
        proof_until=row.proof_until,
        reduced_until=row.reduced_until,
        factors={Factor(name): datetime.fromisoformat(at) for name, at in proved.items()},
    )
