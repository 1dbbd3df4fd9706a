"""Staff signing in and out: the parts that are inside a transaction."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from huitong.identity.commands.guard import Guard, Key, forgive, note_failure, stand_guard
from huitong.identity.commands.passkeys import SIGN_IN, verify_signature
from huitong.identity.commands.staff_deciding import count_failed_sign_in, decide_sign_in
from huitong.identity.deciding import LogInDecider
from huitong.identity.errors import LogInRefused, TooManyAttempts
from huitong.identity.hashing import Verification
from huitong.identity.mobiles import index_address, key_number
from huitong.identity.policies import SESSION_POLICIES, LockKind
from huitong.identity.staff_errors import FreshSignInNeeded, StaffSessionEnded
from huitong.identity.staff_types import (
    IssuedStaffSession,
    SecondFactor,
    Staff,
    StaffOutcome,
    StaffSession,
    StaffState,
)
from huitong.identity.store import staff as staff_store
from huitong.identity.store import staff_sessions as store
from huitong.identity.tokens import STAFF_SESSION_PREFIX, digest_token, make_token
from huitong.identity.totp import digest_recovery_code, find_step
from huitong.identity.types import Audience, Client, Outcome, RelyingParty, Vault
from huitong.identity.verdicts import Verdict
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import STAFF, show_id, uuid7

TOTP_FIELD: Final = "identity.staff.totp_secret"
_POLICY: Final = SESSION_POLICIES[Audience.STAFF]
#: What a signature of a member's own passkey comes to; whatever is not named here is WRONG.
_OUTCOMES: Final[Mapping[Outcome, StaffOutcome]] = {
    Outcome.LOGGED_IN: StaffOutcome.SIGNED_IN,
    Outcome.EXPIRED: StaffOutcome.EXPIRED,
    Outcome.CLONED_PASSKEY: StaffOutcome.CLONED_PASSKEY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCandidate:
    """An address whose password is to be verified; `staff` is None if nobody has it."""

    email_index: bytes = field(repr=False)
    staff: Staff | None

    @property
    def password_hash(self) -> str | None:
        """What the password is to be verified against; None leads to the dummy."""
        return None if self.staff is None else self.staff.password_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondProof:
    """What came with the password: a code of the authenticator, or a recovery code."""

    factor: SecondFactor
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyProof:
    """What came with the password instead of a code: a challenge that an authenticator signed."""

    challenge_id: uuid.UUID
    credential: Mapping[str, Any] = field(repr=False)
    relying_party: RelyingParty

    @property
    def factor(self) -> SecondFactor:
        """The second factor that this proves."""
        return SecondFactor.PASSKEY


Proof = SecondProof | PasskeyProof


async def find_candidate(
    uow: UnitOfWork,
    *,
    vault: Vault,
    email_index: bytes,
    factor: SecondFactor,
    client: Client,
    now: datetime,
) -> Verdict[StaffCandidate]:
    """Return what an address's password is to be verified against, if it may be tried now.

    The verdict refuses with TooManyAttempts.
    """
    guard = await stand_guard(uow, _keys(vault, client, email_index))
    staff = await staff_store.find_by_email(uow, email_index)
    wait = guard.find_wait_seconds(now)
    if wait is None:
        return Verdict(StaffCandidate(email_index=email_index, staff=staff))
    await store.insert_attempt(
        uow,
        outcome=StaffOutcome.LOCKED,
        second_factor=factor,
        client=client,
        now=now,
        staff_id=None if staff is None else staff.id,
    )
    return Verdict(refusal=TooManyAttempts(wait))


async def sign_in(
    uow: UnitOfWork,
    *,
    vault: Vault,
    decider: LogInDecider | None = None,
    candidate: StaffCandidate,
    verification: Verification,
    new_hash: str | None,
    proof: Proof,
    client: Client,
    now: datetime,
) -> Verdict[IssuedStaffSession]:
    """Open a session for who proved both factors, or count the failure of either.

    A wrong password and a wrong code are one answer, so that neither is guessed alone. The verdict
    refuses with LogInRefused and TooManyAttempts; and, only to who proved both factors, with
    LogInBlocked and PasskeyWanted if the `decider` says so.
    """
    guard = await stand_guard(uow, _keys(vault, client, candidate.email_index))
    wait = guard.find_wait_seconds(now)
    known = candidate.staff
    staff = None if known is None else await staff_store.find_staff(uow, known.id, is_locked=True)
    outcome = StaffOutcome.LOCKED
    if wait is None:
        outcome = await _judge(
            uow, vault, candidate, staff, verification=verification, proof=proof, now=now
        )
    if outcome is StaffOutcome.SIGNED_IN:
        assert staff is not None
        await forgive(uow, guard)
        if new_hash is not None:
            await staff_store.replace_password_hash(uow, staff.id, new_hash)
        if decider is not None:
            decided, refusal = await decide_sign_in(
                uow,
                vault,
                decider,
                staff,
                proof.factor,
                email_index=candidate.email_index,
                client=client,
                now=now,
            )
            if refusal is not None:
                await _note_stopped(uow, decided, staff, proof, client=client, now=now)
                return Verdict(refusal=refusal)
        return Verdict(await _admit(uow, staff, proof.factor, client=client, now=now))
    if wait is None:
        await count_failed_sign_in(
            uow, vault, email_index=candidate.email_index, client=client, now=now
        )
    return await _refuse(uow, guard, outcome, staff, wait=wait, proof=proof, client=client, now=now)


async def _note_stopped(
    uow: UnitOfWork,
    outcome: StaffOutcome,
    staff: Staff,
    proof: Proof,
    *,
    client: Client,
    now: datetime,
) -> None:
    await store.insert_attempt(
        uow,
        outcome=outcome,
        second_factor=proof.factor,
        client=client,
        now=now,
        staff_id=staff.id,
    )


async def find_session(uow: UnitOfWork, token: str, *, now: datetime) -> StaffSession | None:
    """Return the live session of a token as the database has it now, or None."""
    digest = digest_token(STAFF_SESSION_PREFIX, token)
    session = None if digest is None else await store.find_session(uow, digest)
    return session if session is not None and session.is_live(now) else None


async def touch_session(uow: UnitOfWork, session: StaffSession, *, now: datetime) -> None:
    """Record that a session is in use."""
    await store.touch_session(uow, session.id, now=now)


async def hold_session(uow: UnitOfWork, session: StaffSession, *, now: datetime) -> StaffSession:
    """Return the session as it is now, with the roles of now, and keep others from ending it.

    What a member of staff must not do a second after being suspended asks here. Raises
    StaffSessionEnded.
    """
    held = await store.hold_session(uow, session.id)
    if held is None or not held.is_live(now):
        raise StaffSessionEnded("The session has ended.")
    return held


def check_fresh(session: StaffSession, now: datetime, *, without_recovery_code: bool) -> None:
    """Refuse a session that did not begin lately, for what a borrowed desk must not do.

    A recovery code says that the other factor is lost, so it adds no new one where
    `without_recovery_code`. Raises FreshSignInNeeded.
    """
    age_seconds = (now - session.created_at).total_seconds()
    is_recovered = session.second_factor is SecondFactor.RECOVERY_CODE
    if age_seconds >= limits.STAFF_FRESH_SECONDS or (without_recovery_code and is_recovered):
        raise FreshSignInNeeded


async def sign_out(uow: UnitOfWork, *, session: StaffSession, now: datetime) -> None:
    """End this session; one that ended already stays so."""
    await store.end_sessions(
        uow, session.staff.id, because="signed_out", now=now, only=[session.id]
    )


async def _judge(
    uow: UnitOfWork,
    vault: Vault,
    candidate: StaffCandidate,
    staff: Staff | None,
    *,
    verification: Verification,
    proof: Proof,
    now: datetime,
) -> StaffOutcome:
    # First, whatever the password is: a challenge that came once is used up, a copy is found out.
    signed = await _judge_passkey(uow, staff, proof, now=now)
    if staff is None or candidate.staff is None or staff.totp_sealed is None:
        return StaffOutcome.UNKNOWN
    # Verified against what was there a moment ago: a password that was changed since is not it.
    if not verification.is_right or staff.revision != candidate.staff.revision:
        return StaffOutcome.WRONG
    if staff.state is not StaffState.ACTIVE:
        return StaffOutcome.SUSPENDED
    if isinstance(proof, PasskeyProof):
        return signed
    if proof.factor is SecondFactor.RECOVERY_CODE:
        digest = digest_recovery_code(proof.code)
        is_used = await staff_store.use_recovery_code(uow, staff.id, digest, now=now)
        return StaffOutcome.SIGNED_IN if is_used else StaffOutcome.WRONG
    opened = await vault.open(uow, staff.id, {TOTP_FIELD: staff.totp_sealed})
    step = find_step(opened[TOTP_FIELD], proof.code, now)
    if step is None:
        return StaffOutcome.WRONG
    is_new = await staff_store.take_step(uow, staff.id, step)
    return StaffOutcome.SIGNED_IN if is_new else StaffOutcome.REPLAYED


async def _judge_passkey(
    uow: UnitOfWork, staff: Staff | None, proof: Proof, *, now: datetime
) -> StaffOutcome:
    if not isinstance(proof, PasskeyProof):
        return StaffOutcome.WRONG
    signature = await verify_signature(
        uow,
        relying_party=proof.relying_party,
        challenge_id=proof.challenge_id,
        purpose=SIGN_IN,
        holder=None,
        credential=proof.credential,
        now=now,
    )
    is_own = staff is not None and signature.holder_id in (None, staff.id)
    return _OUTCOMES.get(signature.outcome, StaffOutcome.WRONG) if is_own else StaffOutcome.WRONG


async def _admit(
    uow: UnitOfWork, staff: Staff, factor: SecondFactor, *, client: Client, now: datetime
) -> IssuedStaffSession:
    """Open a session. The token is always a new one, whatever the client brought along."""
    await _make_room(uow, staff.id, now=now)
    session = StaffSession(
        id=uuid7(),
        staff=staff,
        second_factor=factor,
        created_at=now,
        expires_at=now + timedelta(seconds=_POLICY.live_seconds),
        idle_seconds=_POLICY.idle_seconds,
        last_seen_at=now,
    )
    token = make_token(STAFF_SESSION_PREFIX)
    digest = digest_token(STAFF_SESSION_PREFIX, token)
    assert digest is not None
    await store.insert_session(uow, session, digest)
    await store.insert_attempt(
        uow,
        outcome=StaffOutcome.SIGNED_IN,
        second_factor=factor,
        client=client,
        now=now,
        staff_id=staff.id,
        session_id=session.id,
    )
    if factor is SecondFactor.RECOVERY_CODE:
        # Whoever audits looks at these: a telephone is lost, or a list of codes is.
        await audit.record(
            uow, action="identity.use_recovery_code", subject=show_id(STAFF, staff.id)
        )
    return IssuedStaffSession(session=session, token=token)


async def _refuse(
    uow: UnitOfWork,
    guard: Guard,
    outcome: StaffOutcome,
    staff: Staff | None,
    *,
    wait: int | None,
    proof: Proof,
    client: Client,
    now: datetime,
) -> Verdict[IssuedStaffSession]:
    if wait is None:
        await note_failure(uow, guard, now=now)
    await store.insert_attempt(
        uow,
        outcome=outcome,
        second_factor=proof.factor,
        client=client,
        now=now,
        staff_id=None if staff is None else staff.id,
    )
    return Verdict(refusal=LogInRefused() if wait is None else TooManyAttempts(wait))


async def _make_room(uow: UnitOfWork, staff_id: uuid.UUID, *, now: datetime) -> None:
    sessions = await store.list_open(uow, staff_id)
    surplus = sessions[: max(0, len(sessions) - limits.STAFF_SESSIONS_MAX + 1)]
    if surplus:
        await store.end_sessions(uow, staff_id, because="too_many", now=now, only=surplus)


def _keys(vault: Vault, client: Client, email_index: bytes) -> list[Key]:
    # The lock of an e-mail address is of the kind that numbers have: its rule is the same.
    return [
        (LockKind.ADDRESS, index_address(vault, client)),
        (LockKind.NUMBER, key_number(Audience.STAFF, email_index)),
    ]
