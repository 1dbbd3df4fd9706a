"""Staff enrolling and signing in: password and second factor, never one of them alone."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from huitong.identity.commands import staff_sessions as sessions
from huitong.identity.commands.staff import index_email, make_invitation, open_member
from huitong.identity.commands.staff_sessions import TOTP_FIELD, Proof, StaffCandidate
from huitong.identity.desk import Desk
from huitong.identity.staff_errors import EnrolmentRefused
from huitong.identity.staff_types import (
    IssuedStaffSession,
    Staff,
    StaffMember,
    StaffSession,
    StaffState,
)
from huitong.identity.store import passkeys as passkey_store
from huitong.identity.store import staff as store
from huitong.identity.store import staff_sessions as session_store
from huitong.identity.tokens import ENROLMENT_PREFIX, digest_token
from huitong.identity.totp import (
    digest_recovery_code,
    find_step,
    make_address,
    make_recovery_codes,
    make_secret,
)
from huitong.identity.types import Client, Vault
from huitong.identity.verdicts import Verdict
from huitong.identity.weak_secrets import check_password, normalise_password
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import Caller, UnitOfWork
from huitong.kernel.ids import STAFF, show_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorSecret:
    """What an authenticator application is set up with, shown once."""

    secret: str = field(repr=False)
    #: `otpauth://…`, as it stands in QR codes.
    address: str = field(repr=False)


async def start_enrolment(
    desk: Desk,
    *,
    token: str,
    invitation: str | None,
    password: str,
    caller: Caller,
    now: datetime,
) -> AuthenticatorSecret:
    """Take a new password, and return a secret for the authenticator whose code finishes it.

    `token` is from the checker, `invitation` from the maker of the approval; the operator's own
    enrolments have none. Nothing is changed before `finish_enrolment`. Raises EnrolmentRefused,
    InvalidField.
    """

    async def find_member(uow: UnitOfWork) -> Verdict[StaffMember]:
        enrolment, staff = await _lock(uow, token, now=now)
        if not _is_invited(desk.vault, enrolment, invitation):
            return await _count_try(uow, enrolment, now=now)
        return Verdict(await open_member(uow, vault=desk.vault, staff=staff))

    member = (await desk.database.run(find_member, caller)).unwrap()
    known = [member.email.partition("@")[0], member.name]
    check_password(password, field="password", known=known)
    password_hash = await desk.hasher.hash(normalise_password(password))
    secret = make_secret()

    async def prepare(uow: UnitOfWork) -> None:
        enrolment, staff = await _lock(uow, token, now=now)
        sealed = await desk.vault.seal(uow, staff.id, {TOTP_FIELD: secret})
        await store.prepare_enrolment(
            uow, enrolment.id, password_hash=password_hash, totp_sealed=sealed[TOTP_FIELD]
        )

    await desk.database.run(prepare, caller)
    return AuthenticatorSecret(secret=secret, address=make_address(secret, member.email))


async def finish_enrolment(
    desk: Desk, *, token: str, code: str, caller: Caller, now: datetime
) -> list[str]:
    """Set both factors after the authenticator's first code; returns the recovery codes, once.

    The code is taken: signing in needs the next one. Passkeys from before are revoked. Raises
    EnrolmentRefused; after `limits.STAFF_ENROLMENT_TRIES_MAX` wrong codes the token is over.
    """
    recovery_codes = make_recovery_codes()

    async def finish(uow: UnitOfWork) -> Verdict[bool]:
        enrolment, staff = await _lock(uow, token, now=now)
        if enrolment.totp_sealed is None:
            raise EnrolmentRefused
        sealed = bytes(enrolment.totp_sealed)
        opened = await desk.vault.open(uow, staff.id, {TOTP_FIELD: sealed})
        step = find_step(opened[TOTP_FIELD], code, now)
        if step is None:
            return await _count_try(uow, enrolment, now=now)
        await store.set_credentials(
            uow, staff.id, password_hash=enrolment.password_hash, totp_sealed=sealed, step=step
        )
        await store.use_enrolment(uow, enrolment.id, now=now)
        digests = [digest_recovery_code(each) for each in recovery_codes]
        await store.replace_recovery_codes(uow, staff.id, digests, now=now)
        await passkey_store.revoke_staff_passkeys(uow, staff.id, now=now)
        await session_store.end_sessions(uow, staff.id, because="credentials_reset", now=now)
        await audit.record(uow, action="identity.enrol_staff", subject=show_id(STAFF, staff.id))
        return Verdict(value=True)

    (await desk.database.run(finish, caller)).unwrap()
    return recovery_codes


async def sign_in(
    desk: Desk,
    *,
    email: str,
    password: str,
    proof: Proof,
    client: Client,
    caller: Caller,
    now: datetime,
) -> IssuedStaffSession:
    """Open a session with both factors, if risk lets it.

    Raises InvalidField, LogInRefused, TooManyAttempts, LogInBlocked, PasskeyWanted. An address that
    nobody has costs one verification as well.
    """
    candidate = await _find_candidate(desk, email, proof, client=client, caller=caller, now=now)
    password = normalise_password(password)
    verification = await desk.hasher.verify(candidate.password_hash, password)
    new_hash = await desk.hasher.hash(password) if verification.needs_rehash else None
    verdict = await desk.database.run(
        lambda uow: sessions.sign_in(
            uow,
            vault=desk.vault,
            decider=desk.decider,
            candidate=candidate,
            verification=verification,
            new_hash=new_hash,
            proof=proof,
            client=client,
            now=now,
        ),
        caller,
    )
    return verdict.unwrap()


async def _find_candidate(
    desk: Desk, email: str, proof: Proof, *, client: Client, caller: Caller, now: datetime
) -> StaffCandidate:
    email_index = index_email(desk.vault, email)
    found = await desk.database.run(
        lambda uow: sessions.find_candidate(
            uow,
            vault=desk.vault,
            email_index=email_index,
            factor=proof.factor,
            client=client,
            now=now,
        ),
        caller,
    )
    return found.unwrap()


async def find_staff_session(
    desk: Desk, token: str, *, caller: Caller, now: datetime
) -> StaffSession | None:
    """Return the live session of a token, or None. It asks the database each time: an end is one.

    Raises DatabaseUnavailable.
    """
    async with desk.database.reading(caller) as uow:
        session = await sessions.find_session(uow, token, now=now)
    if session is None:
        return None
    idle = (now - session.last_seen_at).total_seconds()
    if idle >= limits.STAFF_SESSION_TOUCH_SECONDS:
        await desk.database.run(lambda uow: sessions.touch_session(uow, session, now=now), caller)
    return session


def _is_invited(vault: Vault, enrolment: Row[Any], invitation: str | None) -> bool:
    if enrolment.approval_id is None:
        return True
    expected = make_invitation(vault, enrolment.approval_id)
    return hmac.compare_digest(expected.encode(), (invitation or "").strip().upper().encode())


async def _count_try(uow: UnitOfWork, enrolment: Row[Any], *, now: datetime) -> Verdict[Any]:
    tries = enrolment.tries + 1
    is_last = tries >= limits.STAFF_ENROLMENT_TRIES_MAX
    await store.count_try(uow, enrolment.id, tries=tries, is_last=is_last, now=now)
    return Verdict(refusal=EnrolmentRefused())


async def _lock(uow: UnitOfWork, token: str, *, now: datetime) -> tuple[Row[Any], Staff]:
    """Return an open enrolment, held, and whose it is; raises EnrolmentRefused."""
    digest = digest_token(ENROLMENT_PREFIX, token)
    enrolment = None if digest is None else await store.lock_enrolment(uow, digest, now=now)
    if enrolment is None:
        raise EnrolmentRefused
    staff = await store.find_staff(uow, enrolment.staff_id, is_locked=True)
    if staff is None or staff.state is not StaffState.ACTIVE:
        raise EnrolmentRefused
    return enrolment, staff
