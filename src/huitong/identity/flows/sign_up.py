"""Signing up, from the code to the short authority to apply."""

import uuid
from datetime import datetime

from huitong.identity.commands import sign_ups as commands
from huitong.identity.desk import Desk
from huitong.identity.languages import Language
from huitong.identity.types import Client, IssuedSession, IssuedSignUp
from huitong.kernel.database.unit_of_work import Caller


async def begin_sign_up(
    desk: Desk,
    *,
    code_id: uuid.UUID,
    code: str,
    client: Client,
    language: Language | None = None,
    caller: Caller,
    now: datetime,
) -> IssuedSignUp:
    """Begin or resume the sign-up of a code's number, and note in which language to write to it.

    Raises LogInRefused, TooManyAttempts, and NumberHasLogin to the number's owner.
    """
    verdict = await desk.database.run(
        lambda uow: commands.begin_sign_up(
            uow,
            vault=desk.vault,
            code_id=code_id,
            code=code,
            client=client,
            language=language,
            now=now,
        ),
        caller,
    )
    return verdict.unwrap()


async def log_in_by_sign_up(
    desk: Desk, *, token: str, client: Client, caller: Caller, now: datetime
) -> IssuedSession:
    """Exchange the token of a completed sign-up for a session.

    Raises LogInRefused, LogInBlocked.
    """
    verdict = await desk.database.run(
        lambda uow: commands.log_in_by_sign_up(
            uow, vault=desk.vault, decider=desk.decider, token=token, client=client, now=now
        ),
        caller,
    )
    return verdict.unwrap()
