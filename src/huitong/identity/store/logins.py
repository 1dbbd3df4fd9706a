"""Logins, attempts and lock-outs in the database."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.identity.places import Place
from huitong.identity.policies import LockKind
from huitong.identity.types import Audience, Client, Factor, Login, LoginState, Outcome
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7

_LOGINS: Final = """
    SELECT id, audience, subject_id, mobile_index, mobile_sealed, state, password_hash, pin_hash,
           revision, opened_at
      FROM identity.logins
"""


async def insert_login(uow: UnitOfWork, login: Login) -> bool:
    """Insert a login; False if the identifier, the number or the person has one."""
    row = await uow.fetch_one(
        """
        INSERT INTO identity.logins (id, audience, subject_id, mobile_index, mobile_sealed,
                                     opened_at)
        VALUES (:id, :audience, :subject_id, :mobile_index, :mobile_sealed, :opened_at)
            ON CONFLICT DO NOTHING
        RETURNING id
        """,
        id=login.id,
        audience=login.audience.value,
        subject_id=login.subject_id,
        mobile_index=login.mobile_index,
        mobile_sealed=login.mobile_sealed,
        opened_at=login.opened_at,
    )
    return row is not None


async def find_login(uow: UnitOfWork, login_id: uuid.UUID) -> Login | None:
    """Return a login, or None."""
    return _one(await uow.fetch_one(f"{_LOGINS} WHERE id = :id", id=login_id))


async def lock_login(uow: UnitOfWork, login_id: uuid.UUID) -> Login | None:
    """Return a login that nobody else changes until the transaction ends, or None."""
    return _one(await uow.fetch_one(f"{_LOGINS} WHERE id = :id FOR UPDATE", id=login_id))


async def find_open_login(
    uow: UnitOfWork, audience: Audience, mobile_index: bytes, *, is_locked: bool = False
) -> Login | None:
    """Return the login of a number that is not closed, or None; locked if `is_locked`."""
    return _one(
        await uow.fetch_one(
            f"{_LOGINS} WHERE audience = :audience AND mobile_index = :mobile_index "
            f"AND state <> 'closed'{' FOR UPDATE' if is_locked else ''}",
            audience=audience.value,
            mobile_index=mobile_index,
        )
    )


async def find_login_of_subject(
    uow: UnitOfWork, audience: Audience, subject_id: uuid.UUID
) -> Login | None:
    """Return the login of a person that is not closed, or None."""
    return _one(
        await uow.fetch_one(
            f"{_LOGINS} WHERE audience = :audience AND subject_id = :subject_id "
            "AND state <> 'closed'",
            audience=audience.value,
            subject_id=subject_id,
        )
    )


async def set_state(
    uow: UnitOfWork, login_id: uuid.UUID, state: LoginState, *, now: datetime
) -> None:
    """Set a login's state, and its day of closing if that is what it is."""
    await uow.execute(
        """
        UPDATE identity.logins
           SET state = :state, closed_at = CAST(:closed_at AS timestamptz), revision = revision + 1
         WHERE id = :id
        """,
        id=login_id,
        state=state.value,
        closed_at=now if state is LoginState.CLOSED else None,
    )


async def set_password(
    uow: UnitOfWork, login_id: uuid.UUID, password_hash: str, *, now: datetime
) -> None:
    """Set a login's password, by its hash."""
    await uow.execute(
        "UPDATE identity.logins SET password_hash = :hash, password_changed_at = :now, "
        "revision = revision + 1 WHERE id = :id",
        id=login_id,
        hash=password_hash,
        now=now,
    )


async def replace_password_hash(uow: UnitOfWork, login: Login, password_hash: str) -> None:
    """Put the hash of the same password at another cost in place of the one that was verified."""
    await uow.execute(
        "UPDATE identity.logins SET password_hash = :hash WHERE id = :id AND revision = :revision",
        id=login.id,
        hash=password_hash,
        revision=login.revision,
    )


async def note_objection(
    uow: UnitOfWork, login_id: uuid.UUID, *, now: datetime, to: uuid.UUID | None = None
) -> None:
    """Note that a login's owner objected to log-ins before now.

    Where `to` names a session, only if its powers are still reduced: ending any other one objects
    to nothing.
    """
    await uow.execute(
        """
        UPDATE identity.logins SET objected_at = greatest(objected_at, :now)
         WHERE id = :id AND (CAST(:to AS uuid) IS NULL OR EXISTS (
               SELECT FROM identity.sessions
                WHERE id = CAST(:to AS uuid) AND login_id = :id AND reduced_until > :now))
        """,
        id=login_id,
        now=now,
        to=to,
    )


async def set_pin(uow: UnitOfWork, login_id: uuid.UUID, pin_hash: str, *, now: datetime) -> None:
    """Set a login's payment PIN, by its hash."""
    await uow.execute(
        "UPDATE identity.logins SET pin_hash = :hash, pin_changed_at = :now, "
        "revision = revision + 1 WHERE id = :id",
        id=login_id,
        hash=pin_hash,
        now=now,
    )


async def insert_attempt(
    uow: UnitOfWork,
    *,
    audience: Audience | None,
    method: Factor,
    outcome: Outcome,
    client: Client,
    now: datetime,
    mobile_index: bytes | None = None,
    login_id: uuid.UUID | None = None,
    session_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
    is_new_device: bool | None = None,
    attempt_id: uuid.UUID | None = None,
    agent_index: bytes | None = None,
) -> None:
    """Record one try to log in; of the address only the network is kept."""
    await uow.execute(
        """
        INSERT INTO identity.attempts (id, attempted_at, audience, method, outcome, mobile_index,
                                       login_id, session_id, device_id, is_new_device, network,
                                       place, region, city, latitude, longitude, request_id,
                                       agent_index)
        VALUES (:id, :now, :audience, :method, :outcome, :mobile_index, :login_id, :session_id,
                :device_id, :is_new_device, CAST(:network AS cidr), :place,
                :region, :city, CAST(:latitude AS numeric), CAST(:longitude AS numeric),
                :request_id, CAST(:agent_index AS bytea))
        """,
        id=attempt_id or uuid7(),
        now=now,
        audience=None if audience is None else audience.value,
        method=method.value,
        outcome=outcome.value,
        mobile_index=mobile_index,
        login_id=login_id,
        session_id=session_id,
        device_id=device_id,
        is_new_device=is_new_device,
        network=client.network,
        **place_columns(client.place),
        request_id=client.request_id,
        agent_index=agent_index,
    )


async def confirm_attempt(uow: UnitOfWork, session_id: uuid.UUID, *, now: datetime) -> None:
    """Record that a log-in that waited for a second factor came through: as it was made."""
    await uow.execute(
        """
        INSERT INTO identity.attempts (id, attempted_at, audience, method, outcome, mobile_index,
                                       login_id, session_id, device_id, is_new_device, network,
                                       place, region, city, latitude, longitude, request_id,
                                       agent_index)
        SELECT :id, :now, audience, method, 'logged_in', mobile_index, login_id, session_id,
               device_id, is_new_device, network, place, region, city, latitude, longitude,
               request_id, agent_index
          FROM identity.attempts WHERE session_id = :session_id AND outcome = 'awaits_proof'
        """,
        id=uuid7(),
        now=now,
        session_id=session_id,
    )


async def lock_failures(
    uow: UnitOfWork, keys: Sequence[tuple[LockKind, bytes]]
) -> dict[tuple[LockKind, bytes], Row[Any]]:
    """Return the failures of each key, rows that nobody else changes meanwhile.

    They are made if there are none, and locked in order of kind and key, so that two callers
    cannot wait for each other.
    """
    found = {}
    for kind, key in sorted(set(keys)):
        # Without a change that means something, but it locks: one statement for "make or lock".
        row = await uow.fetch_one(
            """
            INSERT INTO identity.lockouts AS l (kind, key) VALUES (:kind, :key)
                ON CONFLICT (kind, key) DO UPDATE SET failures = l.failures
            RETURNING failures, last_failed_at, locked_until
            """,
            kind=kind.value,
            key=key,
        )
        assert row is not None
        found[kind, key] = row
    return found


async def set_failures(
    uow: UnitOfWork,
    kind: LockKind,
    key: bytes,
    *,
    failures: int,
    last_failed_at: datetime | None,
    locked_until: datetime | None,
) -> None:
    """Write what a key's failures have come to."""
    await uow.execute(
        """
        UPDATE identity.lockouts
           SET failures = :failures, last_failed_at = CAST(:last_failed_at AS timestamptz),
               locked_until = CAST(:locked_until AS timestamptz)
         WHERE kind = :kind AND key = :key
        """,
        kind=kind.value,
        key=key,
        failures=failures,
        last_failed_at=last_failed_at,
        locked_until=locked_until,
    )


def place_columns(place: Place | None) -> dict[str, str | Decimal | None]:
    """Return a place as the columns of an attempt."""
    if place is None:
        return dict.fromkeys(("place", "region", "city", "latitude", "longitude"))
    latitude, longitude = (
        None if each is None else Decimal(str(each)) for each in (place.latitude, place.longitude)
    )
    return {
        "place": place.country,
        "region": place.region,
        "city": place.city,
        "latitude": latitude,
        "longitude": longitude,
    }


def read_place_columns(row: Row[Any]) -> Place | None:
    """Return the place that an attempt's columns write."""
    if row.place is None:
        return None
    return Place(
        country=row.place,
        region=row.region,
        city=row.city,
        latitude=None if row.latitude is None else float(row.latitude),
        longitude=None if row.longitude is None else float(row.longitude),
    )


def _one(row: Row[Any] | None) -> Login | None:
    if row is None:
        return None
    values = row._asdict()
    return Login(
        **{
            **values,
            "audience": Audience(row.audience),
            "state": LoginState(row.state),
            "mobile_index": bytes(row.mobile_index),
            "mobile_sealed": bytes(row.mobile_sealed),
        }
    )
