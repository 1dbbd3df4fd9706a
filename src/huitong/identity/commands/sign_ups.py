"""Signing up: a proved number becomes a short authority to apply, and then a login.

A sign-up's id is the subject id of the person to be: the rooms that know people name the applicant,
and later the customer, by it. It says nothing about them here but that the number is theirs.
"""

import hmac
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from huitong.identity.commands.admitting import admit_decided
from huitong.identity.commands.codes import LOG_IN, prove_code, refuse_code, spend_code
from huitong.identity.commands.logins import open_login
from huitong.identity.commands.tries import Try, record_refused
from huitong.identity.deciding import LogInDecider
from huitong.identity.errors import (
    LogInRefused,
    MobileHasLogin,
    NumberHasLogin,
    NumberNotProved,
)
from huitong.identity.languages import Language, choose_language
from huitong.identity.mobiles import index_mobile
from huitong.identity.store import logins as login_store
from huitong.identity.store import sign_ups as store
from huitong.identity.tokens import SIGN_UP_PREFIX, digest_token, make_token
from huitong.identity.types import (
    Audience,
    Client,
    Factor,
    IssuedSession,
    IssuedSignUp,
    Login,
    LoginState,
    Outcome,
    SignUp,
    Vault,
)
from huitong.identity.verdicts import Verdict
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import SIGN_UP, show_id, uuid7
from huitong.kernel.logs import get_logger

_log = get_logger(__name__)


async def begin_sign_up(
    uow: UnitOfWork,
    *,
    vault: Vault,
    code_id: uuid.UUID,
    code: str,
    client: Client,
    language: Language | None = None,
    now: datetime,
) -> Verdict[IssuedSignUp]:
    """Use up a code as proof of its number, and return the token of the number's sign-up.

    A number has one sign-up at a time: proved again, it is the same one with a new token, and the
    token before is void. The verdict refuses with LogInRefused and TooManyAttempts, just as logging
    in does, and with NumberHasLogin: only to somebody who has the number, and whose code is then
    still good for logging in.
    """
    redemption = await prove_code(
        uow, vault=vault, code_id=code_id, code=code, purpose=LOG_IN, client=client, now=now
    )
    if redemption.refusal is not None:
        return await refuse_code(uow, vault, redemption, redemption.refusal, client=client, now=now)
    mobile_index = redemption.mobile_index
    assert mobile_index is not None
    if redemption.audience is not Audience.CUSTOMER:
        unknown = replace(redemption, outcome=Outcome.UNKNOWN)
        return await refuse_code(uow, vault, unknown, LogInRefused(), client=client, now=now)
    # Held before the login is looked for: what is being approved just now has then been approved.
    await store.lock_open_sign_up(uow, mobile_index)
    if await login_store.find_open_login(uow, Audience.CUSTOMER, mobile_index) is not None:
        return Verdict(refusal=NumberHasLogin("The code is right: log in with it."))
    await spend_code(uow, code_id=code_id, now=now)
    issued = await _issue(uow, mobile_index, now=now)
    if language is not None:
        await choose_language(uow, subject_id=issued.sign_up.id, language=language, now=now)
    return Verdict(issued)


async def _issue(uow: UnitOfWork, mobile_index: bytes, *, now: datetime) -> IssuedSignUp:
    token = make_token(SIGN_UP_PREFIX)
    digest = digest_token(SIGN_UP_PREFIX, token)
    assert digest is not None
    sign_up = await store.put_sign_up(
        uow,
        new_id=uuid7(),
        mobile_index=mobile_index,
        digest=digest,
        now=now,
        expires_at=now + timedelta(seconds=limits.SIGN_UP_SECONDS),
    )
    await audit.record(
        uow, action="identity.begin_sign_up", subject=show_id(SIGN_UP, sign_up.id), details={}
    )
    return IssuedSignUp(sign_up=sign_up, token=token)


async def find_sign_up(uow: UnitOfWork, token: str, *, now: datetime) -> SignUp | None:
    """Return the sign-up that a token is good for, or None: unknown, void or too old."""
    digest = digest_token(SIGN_UP_PREFIX, token)
    found = None if digest is None else await store.find_sign_up_by_digest(uow, digest)
    return found if found is not None and now < found.expires_at else None


async def log_in_by_sign_up(
    uow: UnitOfWork,
    *,
    vault: Vault,
    decider: LogInDecider | None,
    token: str,
    client: Client,
    now: datetime,
) -> Verdict[IssuedSession]:
    """Exchange the token of a sign-up that was completed for a session of the login it opened.

    Its number was proved within the token's life, so nobody is asked for a second code; in the
    session the proof is as old as it is. The verdict refuses with LogInRefused: an unknown token,
    one that is too old or exchanged, an application without a decision, a suspended login; and
    with LogInBlocked.
    """
    digest = digest_token(SIGN_UP_PREFIX, token)
    sign_up = None if digest is None else await store.exchange_sign_up(uow, digest, now=now)
    login = None
    if sign_up is not None:
        login = await login_store.find_open_login(
            uow, Audience.CUSTOMER, sign_up.mobile_index, is_locked=True
        )
    if sign_up is None or login is None or login.subject_id != sign_up.id:
        outcome = Outcome.UNKNOWN
    elif login.state is not LoginState.ACTIVE:
        outcome = Outcome.SUSPENDED
    else:
        return await admit_decided(
            uow,
            vault,
            decider,
            login,
            Factor.ONE_TIME_CODE,
            client=client,
            now=now,
            proved_at=sign_up.proved_at,
        )
    attempt = Try(
        audience=Audience.CUSTOMER,
        method=Factor.ONE_TIME_CODE,
        client=client,
        now=now,
        mobile_index=None if sign_up is None else sign_up.mobile_index,
    )
    await record_refused(uow, vault, attempt, outcome)
    return Verdict(refusal=LogInRefused())


async def check_proved_number(
    uow: UnitOfWork, *, vault: Vault, subject_id: uuid.UUID, mobile: str
) -> None:
    """Refuse a number other than the one that the person proved; raises NumberNotProved.

    Nothing is refused for somebody who did not sign up with a number.
    """
    sign_up = await store.find_sign_up(uow, subject_id)
    if sign_up is not None and not _is_of(sign_up, vault, mobile):
        raise NumberNotProved("must be the number that was proved with a code", field="mobile")


async def complete_sign_up(
    uow: UnitOfWork, *, vault: Vault, subject_id: uuid.UUID, mobile: str, now: datetime
) -> Login | None:
    """Open the login of somebody who signed up and became a customer, and return it.

    None for somebody who did not sign up, or whose sign-up is closed; and if another login took the
    number in the meantime: the sign-up then ends without one, which is recorded.
    """
    sign_up = await store.lock_sign_up(uow, subject_id)
    if sign_up is None or not sign_up.is_open:
        return None
    if not _is_of(sign_up, vault, mobile):
        raise AssertionError("an applicant's number is checked whenever it is saved")
    try:
        login = await open_login(
            uow,
            vault=vault,
            login_id=uuid7(),
            audience=Audience.CUSTOMER,
            subject_id=subject_id,
            mobile=mobile,
            now=now,
        )
    except MobileHasLogin:
        _log.warning("sign_up_without_login", sign_up=show_id(SIGN_UP, subject_id))
        await end_sign_up(uow, subject_id=subject_id, now=now)
        return None
    await _close(uow, subject_id, "completed", now=now)
    return login


async def end_sign_up(uow: UnitOfWork, *, subject_id: uuid.UUID, now: datetime) -> None:
    """End a sign-up without a login; who has the number may then begin another one."""
    sign_up = await store.lock_sign_up(uow, subject_id)
    if sign_up is not None and sign_up.is_open:
        await _close(uow, subject_id, "ended", now=now)


async def _close(uow: UnitOfWork, sign_up_id: uuid.UUID, state: str, *, now: datetime) -> None:
    await store.close_sign_up(uow, sign_up_id, state=state, now=now)
    await audit.record(
        uow,
        action="identity.close_sign_up",
        subject=show_id(SIGN_UP, sign_up_id),
        details={"state": state},
    )


def _is_of(sign_up: SignUp, vault: Vault, mobile: str) -> bool:
    return hmac.compare_digest(sign_up.mobile_index, index_mobile(vault, mobile))
