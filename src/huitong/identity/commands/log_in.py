"""Logging in by code, by password and by passkey: the parts that are inside a transaction.

Whoever has no login goes through the same steps, and gets the same answers, as who has one.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from huitong.identity.commands.admitting import (
    admit_decided,
    block_like_a_wrong_password,
    decide_log_in,
    refuse_at_the_door,
)
from huitong.identity.commands.codes import LOG_IN, prove_code, refuse_code, spend_code
from huitong.identity.commands.guard import (
    Guard,
    forgive,
    guard_number,
    note_failure,
    stand_guard,
)
from huitong.identity.commands.passkeys import Signature, verify_signature
from huitong.identity.commands.tries import Try, record_refused
from huitong.identity.deciding import LogInDecider
from huitong.identity.errors import LoginNotOpened, LogInRefused, TooManyAttempts
from huitong.identity.hashing import Verification
from huitong.identity.mobiles import index_address, index_mobile
from huitong.identity.policies import LockKind
from huitong.identity.store import logins as store
from huitong.identity.types import (
    Audience,
    Client,
    Factor,
    IssuedSession,
    Login,
    LoginState,
    Outcome,
    RelyingParty,
    Vault,
)
from huitong.identity.verdicts import Verdict
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A number whose password is to be verified; `login` is None if it has none."""

    audience: Audience
    mobile_index: bytes = field(repr=False)
    login: Login | None

    @property
    def password_hash(self) -> str | None:
        """What the password is to be verified against; None leads to the dummy."""
        return None if self.login is None else self.login.password_hash


async def log_in_by_code(
    uow: UnitOfWork,
    *,
    vault: Vault,
    decider: LogInDecider | None,
    code_id: uuid.UUID,
    code: str,
    client: Client,
    now: datetime,
) -> Verdict[IssuedSession]:
    """Use up a code and open a session for its number's login.

    The verdict refuses with LogInRefused, TooManyAttempts, LogInBlocked, or LoginNotOpened: the
    last two only to somebody who has the number, and the code is then still good for
    `begin_sign_up` if it has no login.
    """
    redemption = await prove_code(
        uow, vault=vault, code_id=code_id, code=code, purpose=LOG_IN, client=client, now=now
    )
    if redemption.refusal is not None:
        return await refuse_code(uow, vault, redemption, redemption.refusal, client=client, now=now)
    assert redemption.audience is not None
    assert redemption.mobile_index is not None
    login = await store.find_open_login(
        uow, redemption.audience, redemption.mobile_index, is_locked=True
    )
    if login is not None:
        await spend_code(uow, code_id=code_id, now=now)
    if login is not None and login.state is LoginState.ACTIVE:
        factor = Factor.ONE_TIME_CODE
        return await admit_decided(uow, vault, decider, login, factor, client=client, now=now)
    if login is not None:
        suspended = replace(redemption, outcome=Outcome.SUSPENDED)
        return await refuse_code(uow, vault, suspended, LogInRefused(), client=client, now=now)
    not_open = replace(redemption, outcome=Outcome.NOT_OPEN)
    refusal = LoginNotOpened("The code is right, and no login was opened for this number yet.")
    return await refuse_code(uow, vault, not_open, refusal, client=client, now=now)


async def find_candidate(
    uow: UnitOfWork,
    *,
    vault: Vault,
    decider: LogInDecider | None,
    audience: Audience,
    mobile: str,
    client: Client,
    now: datetime,
) -> Verdict[Candidate]:
    """Return what a number's password is to be verified against, if it may be tried now.

    The verdict refuses with TooManyAttempts, and with LogInBlocked whom risk would not let in
    whatever the login: before the password is looked at, so that the answer says nothing of it.
    """
    mobile_index = index_mobile(vault, mobile)
    attempt = _password_try(audience, mobile_index, client, now)
    guard = await guard_number(
        uow, vault, client, audience=audience, mobile_index=mobile_index, now=now
    )
    login = await store.find_open_login(uow, audience, mobile_index)
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        await record_refused(uow, vault, attempt, Outcome.LOCKED, login_id=_id_of(login))
        return Verdict(refusal=TooManyAttempts(wait))
    refusal = None
    if decider is not None:
        refusal = await refuse_at_the_door(uow, vault, decider, attempt)
    if refusal is not None:
        return Verdict(refusal=refusal)
    return Verdict(Candidate(audience=audience, mobile_index=mobile_index, login=login))


async def log_in_by_password(
    uow: UnitOfWork,
    *,
    vault: Vault,
    decider: LogInDecider | None,
    candidate: Candidate,
    verification: Verification,
    new_hash: str | None,
    client: Client,
    now: datetime,
) -> Verdict[IssuedSession]:
    """Open a session for a candidate whose password was verified, or count the failure.

    `new_hash` is of the same password at the present cost. The verdict refuses with LogInRefused
    and TooManyAttempts: also a right password, if others failed in the meantime, because guesses
    that come all at once must not get more tries than those that come one after the other.
    """
    audience, mobile_index = candidate.audience, candidate.mobile_index
    guard = await guard_number(
        uow, vault, client, audience=audience, mobile_index=mobile_index, now=now
    )
    login = await store.find_open_login(uow, audience, mobile_index, is_locked=True)
    outcome, refusal = _judge_password(candidate, login, verification, guard, now)
    attempt = _password_try(audience, mobile_index, client, now)
    decided = None
    if decider is not None and outcome is not Outcome.LOCKED:
        # Also about a wrong one, whose decision is thrown away: the answer takes as long.
        decided = await decide_log_in(uow, vault, decider, attempt, login)
    if refusal is not None:
        if outcome is not Outcome.LOCKED:
            await note_failure(uow, guard, now=now)
        await record_refused(uow, vault, attempt, outcome, login_id=_id_of(login))
        return Verdict(refusal=refusal)
    assert login is not None
    if decider is not None and decided is not None and decided.is_block:
        await note_failure(uow, guard, now=now)
        await block_like_a_wrong_password(
            uow, vault, decider, decided, attempt=attempt, login=login
        )
        return Verdict(refusal=LogInRefused())
    await forgive(uow, guard)
    if new_hash is not None:
        await store.replace_password_hash(uow, login, new_hash)
    factor = Factor.PASSWORD
    return await admit_decided(
        uow, vault, decider, login, factor, client=client, now=now, decided=decided
    )


async def log_in_by_passkey(
    uow: UnitOfWork,
    *,
    vault: Vault,
    decider: LogInDecider | None,
    relying_party: RelyingParty,
    challenge_id: uuid.UUID,
    credential: Mapping[str, Any],
    client: Client,
    now: datetime,
) -> Verdict[IssuedSession]:
    """Verify what an authenticator signed and open a session for the passkey's login.

    It cannot be guessed, so a locked number does not stop it; failures count for the address. The
    verdict refuses with LogInRefused, TooManyAttempts and LogInBlocked.
    """
    guard = await stand_guard(uow, [(LockKind.ADDRESS, index_address(vault, client))])
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        locked = Signature(outcome=Outcome.LOCKED)
        refusal = TooManyAttempts(wait)
        return await _refuse_passkey(uow, vault, locked, refusal, client=client, now=now)
    signature = await verify_signature(
        uow,
        relying_party=relying_party,
        challenge_id=challenge_id,
        purpose=LOG_IN,
        holder=None,
        credential=credential,
        now=now,
    )
    if signature.outcome is Outcome.LOGGED_IN:
        assert signature.holder_id is not None
        login = await store.lock_login(uow, signature.holder_id)
        assert login is not None
        if login.state is LoginState.ACTIVE:
            factor = Factor.PASSKEY
            return await admit_decided(uow, vault, decider, login, factor, client=client, now=now)
        signature = replace(signature, outcome=Outcome.SUSPENDED)
    await note_failure(uow, guard, now=now)
    return await _refuse_passkey(uow, vault, signature, LogInRefused(), client=client, now=now)


def _judge_password(
    candidate: Candidate,
    login: Login | None,
    verification: Verification,
    guard: Guard,
    now: datetime,
) -> tuple[Outcome, Refusal | None]:
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        return Outcome.LOCKED, TooManyAttempts(wait)
    if login is None or candidate.login is None:
        return Outcome.UNKNOWN, LogInRefused()
    # Verified against what was there a moment ago: a password that was changed since is no longer.
    is_same = (login.id, login.revision) == (candidate.login.id, candidate.login.revision)
    if not (verification.is_right and is_same):
        return Outcome.WRONG, LogInRefused()
    if login.state is not LoginState.ACTIVE:
        return Outcome.SUSPENDED, LogInRefused()
    return Outcome.LOGGED_IN, None


def _password_try(audience: Audience, mobile_index: bytes, client: Client, now: datetime) -> Try:
    return Try(
        audience=audience,
        method=Factor.PASSWORD,
        client=client,
        now=now,
        mobile_index=mobile_index,
    )


def _id_of(login: Login | None) -> uuid.UUID | None:
    return None if login is None else login.id


async def _refuse_passkey(
    uow: UnitOfWork,
    vault: Vault,
    signature: Signature,
    refusal: Refusal,
    *,
    client: Client,
    now: datetime,
) -> Verdict[IssuedSession]:
    attempt = Try(audience=signature.audience, method=Factor.PASSKEY, client=client, now=now)
    await record_refused(uow, vault, attempt, signature.outcome, login_id=signature.holder_id)
    return Verdict(refusal=refusal)
