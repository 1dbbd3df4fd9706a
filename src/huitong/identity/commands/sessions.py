"""Sessions and devices: admitting somebody, listing, renaming, revoking."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.identity.commands.log_in_features import index_agent
from huitong.identity.commands.tries import note_number, try_of
from huitong.identity.errors import DeviceNotFound, SessionEnded, SessionNotFound
from huitong.identity.mobiles import index_address
from huitong.identity.policies import SESSION_POLICIES
from huitong.identity.step_up_rules import check_powers
from huitong.identity.store import logins as login_store
from huitong.identity.store import sessions as store
from huitong.identity.tokens import DEVICE_PREFIX, SESSION_PREFIX, digest_token, make_token
from huitong.identity.types import (
    Client,
    Device,
    Factor,
    IssuedSession,
    Login,
    LogInReason,
    Outcome,
    Session,
    Vault,
)
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import DEVICE, LOGIN, SESSION, show_id, uuid7

_NAME: Final = "identity.devices.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session may do from its first moment; without anything else: everything."""

    attempt_id: uuid.UUID
    wanted: tuple[Factor, ...] = ()
    proof_until: datetime | None = None
    reduced_until: datetime | None = None
    reasons: tuple[LogInReason, ...] = ()

    @property
    def is_provisional(self) -> bool:
        """Whether its device and its place are not to be taken for known yet."""
        return self.proof_until is not None or self.reduced_until is not None

    @property
    def outcome(self) -> Outcome:
        """What the record of the try says."""
        if self.proof_until is not None:
            return Outcome.AWAITS_PROOF
        return Outcome.LOGGED_IN if self.reduced_until is None else Outcome.REDUCED


@dataclass(frozen=True, slots=True)
class _Bound:
    device_id: uuid.UUID
    #: None for a device that was known: it has its token.
    token: str | None


async def admit(
    uow: UnitOfWork,
    vault: Vault,
    login: Login,
    method: Factor,
    *,
    client: Client,
    now: datetime,
    proved_at: datetime | None = None,
    terms: Terms,
) -> IssuedSession:
    """Let somebody in who has proved a factor: bind the device, open a session, record it.

    The factor was proved now, if no other instant is named: its freshness counts from then.
    The caller holds the login's row. The token is always a new one: what a client brings along is
    never taken for a session's (session fixation).
    """
    bound = await _bind_device(uow, vault, login, client=client, terms=terms, now=now)
    await make_room(uow, login.id, is_provisional=terms.is_provisional, now=now)
    session = _begin(login, bound.device_id, method, now, proved_at=proved_at or now, terms=terms)
    token = make_token(SESSION_PREFIX)
    digest = digest_token(SESSION_PREFIX, token)
    assert digest is not None
    await store.insert_session(uow, session, digest)
    await login_store.insert_attempt(
        uow,
        audience=login.audience,
        method=method,
        outcome=terms.outcome,
        client=client,
        now=now,
        mobile_index=login.mobile_index,
        login_id=login.id,
        session_id=session.id,
        device_id=bound.device_id,
        is_new_device=bound.token is not None,
        attempt_id=terms.attempt_id,
        agent_index=index_agent(vault, client),
    )
    await note_number(uow, index_address(vault, client), try_of(login, method, client, now))
    return IssuedSession(
        session=session,
        token=token,
        device_token=bound.token,
        wanted=terms.wanted,
        decision_id=terms.attempt_id,
        reasons=terms.reasons,
    )


def _begin(
    login: Login,
    device_id: uuid.UUID,
    method: Factor,
    now: datetime,
    *,
    proved_at: datetime,
    terms: Terms,
) -> Session:
    policy = SESSION_POLICIES[login.audience]
    return Session(
        id=uuid7(),
        login_id=login.id,
        audience=login.audience,
        subject_id=login.subject_id,
        device_id=device_id,
        method=method,
        created_at=now,
        expires_at=now + timedelta(seconds=policy.live_seconds),
        idle_seconds=policy.idle_seconds,
        last_seen_at=now,
        factors={method: proved_at},
        proof_until=terms.proof_until,
        reduced_until=terms.reduced_until,
    )


async def find_session(uow: UnitOfWork, token: str, *, now: datetime) -> Session | None:
    """Return the live session of a token as the database has it now, or None."""
    digest = digest_token(SESSION_PREFIX, token)
    session = None if digest is None else await store.find_session_by_digest(uow, digest)
    return session if session is not None and session.is_live(now) else None


async def hold_session(uow: UnitOfWork, session: Session, *, now: datetime) -> Session:
    """Return the session as it is now, and keep others from revoking it until the end.

    What must not be done with a session that ended a second ago asks here. Raises SessionEnded.
    """
    held = await store.hold_session(uow, session.id)
    if held is None or not held.is_live(now):
        raise SessionEnded("The session has ended.")
    return held


async def list_sessions(
    uow: UnitOfWork, *, login_id: uuid.UUID, now: datetime
) -> tuple[Session, ...]:
    """Return a login's live sessions, oldest first; there are never many."""
    found = await store.list_sessions(uow, login_id)
    return tuple(each for each in found if each.is_live(now) and not each.awaits_proof)


async def revoke_session(
    uow: UnitOfWork, *, session: Session, session_id: uuid.UUID, now: datetime
) -> tuple[uuid.UUID, ...]:
    """End one session of the login: this one whatever its powers, another one with all of them.

    A device that is not known yet goes with it, and what it has besides. Returns the ids of the
    sessions that ended. Raises SessionNotFound if the login has none like that any more,
    SessionReduced, StepUpRequired.
    """
    if session_id != session.id:
        check_powers(session, now)
        # The login before the session, as logging in has it.
        await login_store.note_objection(uow, session.login_id, now=now, to=session_id)
    revoked = await store.revoke_sessions(
        uow, session.login_id, because="revoked", now=now, only=[session_id]
    )
    if not revoked:
        raise SessionNotFound(f"There is no session {show_id(SESSION, session_id)}")
    await audit.record(uow, action="identity.revoke_session", subject=show_id(SESSION, session_id))
    unbound = await store.revoke_unknown_devices(uow, session.login_id, now=now, of=session_id)
    for device_id in unbound:
        revoked += await store.revoke_sessions(
            uow, session.login_id, because="device_revoked", now=now, device_id=device_id
        )
    return tuple(revoked)


async def revoke_other_sessions(
    uow: UnitOfWork, *, session: Session, now: datetime
) -> tuple[uuid.UUID, ...]:
    """End every session of the login but this one; returns the ids of those that it ended.

    Devices that are not known yet are unbound: nobody who objected lets them become known.
    Raises SessionReduced, StepUpRequired.
    """
    check_powers(session, now)
    await login_store.note_objection(uow, session.login_id, now=now)
    revoked = await store.revoke_sessions(
        uow, session.login_id, because="revoked", now=now, spare=session.id
    )
    await store.revoke_unknown_devices(uow, session.login_id, now=now, spare=session.device_id)
    await audit.record(
        uow,
        action="identity.revoke_other_sessions",
        subject=show_id(LOGIN, session.login_id),
        details={"sessions": len(revoked)},
    )
    return tuple(revoked)


async def log_out(uow: UnitOfWork, *, session: Session, now: datetime) -> None:
    """End this session; one that ended already stays so."""
    await store.revoke_sessions(
        uow, session.login_id, because="logged_out", now=now, only=[session.id]
    )


async def list_devices(uow: UnitOfWork, *, vault: Vault, session: Session) -> tuple[Device, ...]:
    """Return the devices that are bound to the session's login, with their names."""
    devices = []
    for row in await store.list_devices(uow, session.login_id):
        if row.is_waiting:
            continue
        name = None
        if row.name_sealed is not None:
            opened = await vault.open(uow, session.subject_id, {_NAME: bytes(row.name_sealed)})
            name = opened[_NAME]
        devices.append(
            Device(
                id=row.id,
                name=name,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
            )
        )
    return tuple(devices)


async def rename_device(
    uow: UnitOfWork,
    *,
    vault: Vault,
    session: Session,
    device_id: uuid.UUID,
    name: str,
    now: datetime,
) -> None:
    """Name a device. Raises InvalidField, DeviceNotFound, SessionReduced, StepUpRequired."""
    check_powers(session, now)
    sealed = await _seal_name(uow, vault, session.subject_id, name)
    if not await store.update_device_name(uow, session.login_id, device_id, sealed):
        raise DeviceNotFound(f"There is no device {show_id(DEVICE, device_id)}")


async def revoke_device(
    uow: UnitOfWork, *, session: Session, device_id: uuid.UUID, now: datetime
) -> tuple[uuid.UUID, ...]:
    """Unbind a device and end its sessions, whose ids are returned.

    Raises DeviceNotFound, SessionReduced, StepUpRequired.
    """
    check_powers(session, now)
    if not await store.revoke_device(uow, session.login_id, device_id, now=now):
        raise DeviceNotFound(f"There is no device {show_id(DEVICE, device_id)}")
    revoked = await store.revoke_sessions(
        uow, session.login_id, because="device_revoked", now=now, device_id=device_id
    )
    await audit.record(
        uow,
        action="identity.revoke_device",
        subject=show_id(DEVICE, device_id),
        details={"sessions": len(revoked)},
    )
    return tuple(revoked)


async def _bind_device(
    uow: UnitOfWork, vault: Vault, login: Login, *, client: Client, terms: Terms, now: datetime
) -> _Bound:
    # Known from now on, after a time in which nobody objects, or once it is confirmed.
    trusted_from = None if terms.proof_until is not None else (terms.reduced_until or now)
    if client.device_token is not None:
        digest = digest_token(DEVICE_PREFIX, client.device_token)
        if digest is not None:
            known = await store.see_device(uow, login.id, digest, now=now)
            if known is not None:
                if trusted_from is not None:
                    await store.trust_device(uow, known, from_at=trusted_from)
                await _unbind_oldest(
                    uow, login.id, is_trusted=True, most=limits.DEVICES_PER_LOGIN_MAX, now=now
                )
                return _Bound(known, None)
    await make_room_for_device(uow, login.id, is_provisional=terms.is_provisional, now=now)
    token = make_token(DEVICE_PREFIX)
    digest = digest_token(DEVICE_PREFIX, token)
    assert digest is not None
    sealed = None
    if client.device_name is not None:
        sealed = await _seal_name(uow, vault, login.subject_id, client.device_name)
    device_id = uuid7()
    await store.insert_device(
        uow,
        device_id=device_id,
        login_id=login.id,
        digest=digest,
        name_sealed=sealed,
        trusted_from=trusted_from,
        now=now,
    )
    return _Bound(device_id, token)


async def make_room_for_device(
    uow: UnitOfWork, login_id: uuid.UUID, *, is_provisional: bool, now: datetime
) -> None:
    """Unbind the devices seen longest ago where one more of the kind would be too many.

    And known ones that became too many by time alone: those that nobody objected to are known from
    an instant on at which nothing runs, so they are counted at the next log-in.
    """
    most = limits.DEVICES_PER_LOGIN_MAX if is_provisional else limits.DEVICES_PER_LOGIN_MAX - 1
    await _unbind_oldest(uow, login_id, is_trusted=True, most=most, now=now)
    if is_provisional:
        most = limits.LOG_INS_WAITING_MAX - 1
        await _unbind_oldest(uow, login_id, is_trusted=False, most=most, now=now)


async def _unbind_oldest(
    uow: UnitOfWork, login_id: uuid.UUID, *, is_trusted: bool, most: int, now: datetime
) -> None:
    """Unbind devices of a kind, those seen longest ago, until there are at most `most`."""
    devices = await store.list_device_ids(uow, login_id, is_trusted=is_trusted, now=now)
    for device_id in devices[: max(0, len(devices) - most)]:
        await store.revoke_device(uow, login_id, device_id, now=now)
        await store.revoke_sessions(
            uow, login_id, because="device_revoked", now=now, device_id=device_id
        )


async def make_room(
    uow: UnitOfWork, login_id: uuid.UUID, *, is_provisional: bool, now: datetime
) -> None:
    """End the oldest sessions of a login where one more of the kind would be too many.

    Those that wait for a second factor or have reduced powers are counted apart: who has a stolen
    password pushes nobody out with it.
    """
    most = limits.LOG_INS_WAITING_MAX if is_provisional else limits.SESSIONS_PER_LOGIN_MAX
    sessions = [
        each
        for each in await store.list_sessions(uow, login_id)
        if (each.awaits_proof or each.is_reduced(now)) is is_provisional
    ]
    surplus = sessions[: max(0, len(sessions) - most + 1)]
    if surplus:
        await store.revoke_sessions(
            uow, login_id, because="too_many", now=now, only=[each.id for each in surplus]
        )


async def _seal_name(uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, name: str) -> bytes:
    check_device_name(name)
    sealed = await vault.seal(uow, subject_id, {_NAME: name})
    return sealed[_NAME]


def check_device_name(name: str) -> None:
    """Refuse a name that nobody could read; raises InvalidField."""
    is_fit = name.strip() and len(name) <= limits.DEVICE_NAME_LENGTH_MAX and name.isprintable()
    if not is_fit:
        raise InvalidField(
            f"must have 1 to {limits.DEVICE_NAME_LENGTH_MAX} printable characters",
            field="device_name",
        )
