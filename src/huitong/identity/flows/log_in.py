"""Logging in, from the first word to the open session."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huitong.identity.commands import log_in as commands
from huitong.identity.commands.codes import LOG_IN, issue_code
from huitong.identity.commands.passkeys import PasskeyOptions, make_authentication_options
from huitong.identity.desk import Desk
from huitong.identity.mobiles import check_mobile, index_address
from huitong.identity.types import Audience, Client, IssuedSession
from huitong.identity.weak_secrets import normalise_password
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCode:
    """A code that is on its way to a phone."""

    id: uuid.UUID
    expires_at: datetime
    resend_after_seconds: int = limits.ONE_TIME_CODE_RESEND_SECONDS


async def start_log_in_by_code(
    desk: Desk, *, audience: Audience, mobile: str, client: Client, caller: Caller, now: datetime
) -> SentCode:
    """Send a code to a number, whether or not it has a login, and return what to finish with.

    Sent to every number, because a message that comes only to some, or an outage that shows only
    for some, would tell which numbers have a login. Raises InvalidField, CodeLimitReached,
    TooManyAttempts, CodeNotDelivered.
    """
    check_mobile(mobile)
    issued = await desk.database.run(
        lambda uow: issue_code(
            uow,
            vault=desk.vault,
            audience=audience,
            purpose=LOG_IN,
            mobile=mobile,
            client=client,
            now=now,
        ),
        caller,
    )
    await desk.send_code(issued, mobile, caller)
    return SentCode(id=issued.id, expires_at=issued.expires_at)


async def finish_log_in_by_code(
    desk: Desk, *, code_id: uuid.UUID, code: str, client: Client, caller: Caller, now: datetime
) -> IssuedSession:
    """Open a session with a code.

    Raises LogInRefused, TooManyAttempts, LogInBlocked, LoginNotOpened.
    """
    verdict = await desk.database.run(
        lambda uow: commands.log_in_by_code(
            uow,
            vault=desk.vault,
            decider=desk.decider,
            code_id=code_id,
            code=code,
            client=client,
            now=now,
        ),
        caller,
    )
    return verdict.unwrap()


async def log_in_by_password(
    desk: Desk,
    *,
    audience: Audience,
    mobile: str,
    password: str,
    client: Client,
    caller: Caller,
    now: datetime,
) -> IssuedSession:
    """Open a session with number and password.

    Raises InvalidField, LogInRefused, TooManyAttempts, LogInBlocked. A number without a login, or
    a login without a password, costs one verification as well.
    """
    check_mobile(mobile)
    found = await desk.database.run(
        lambda uow: commands.find_candidate(
            uow,
            vault=desk.vault,
            decider=desk.decider,
            audience=audience,
            mobile=mobile,
            client=client,
            now=now,
        ),
        caller,
    )
    candidate = found.unwrap()
    password = normalise_password(password)
    verification = await desk.hasher.verify(candidate.password_hash, password)
    new_hash = await desk.hasher.hash(password) if verification.needs_rehash else None
    verdict = await desk.database.run(
        lambda uow: commands.log_in_by_password(
            uow,
            vault=desk.vault,
            decider=desk.decider,
            candidate=candidate,
            verification=verification,
            new_hash=new_hash,
            client=client,
            now=now,
        ),
        caller,
    )
    return verdict.unwrap()


async def start_log_in_by_passkey(
    desk: Desk, *, audience: Audience, client: Client, caller: Caller, now: datetime
) -> PasskeyOptions:
    """Return options for any passkey that an authenticator has for us. Raises TooManyAttempts."""
    return await desk.database.run(
        lambda uow: make_authentication_options(
            uow,
            relying_party=desk.relying_party,
            purpose=LOG_IN,
            audience=audience,
            session=None,
            address_index=index_address(desk.vault, client),
            now=now,
        ),
        caller,
    )


async def finish_log_in_by_passkey(
    desk: Desk,
    *,
    challenge_id: uuid.UUID,
    credential: Mapping[str, Any],
    client: Client,
    caller: Caller,
    now: datetime,
) -> IssuedSession:
    """Open a session with what an authenticator signed.

    Raises LogInRefused, TooManyAttempts, LogInBlocked.
    """
    verdict = await desk.database.run(
        lambda uow: commands.log_in_by_passkey(
            uow,
            vault=desk.vault,
            decider=desk.decider,
            relying_party=desk.relying_party,
            challenge_id=challenge_id,
            credential=credential,
            client=client,
            now=now,
        ),
        caller,
    )
    return verdict.unwrap()
