"""Step-up: asking for one more proof, and giving it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huitong.identity.commands import step_up as commands
from huitong.identity.commands.codes import STEP_UP, IssuedCode, issue_code
from huitong.identity.commands.credentials import prepare_pin
from huitong.identity.commands.logins import get_login, open_mobile
from huitong.identity.commands.passkeys import PasskeyOptions, make_authentication_options
from huitong.identity.commands.sessions import hold_session
from huitong.identity.commands.step_up import StepUp
from huitong.identity.desk import Desk
from huitong.identity.types import Act, Client, Factor, Session
from huitong.kernel.database.unit_of_work import Caller, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStepUp:
    """A step-up, with the authenticator's options if that is the factor."""

    step_up: StepUp
    options: PasskeyOptions | None = None


async def start_step_up(
    desk: Desk,
    *,
    session: Session,
    act: Act,
    factor: Factor,
    client: Client,
    caller: Caller,
    now: datetime,
) -> OpenedStepUp:
    """Open a step-up for an act; sends the code, or returns options, if that is the factor.

    Raises InvalidField (an act without a rule, a factor that does not suit it), PinNotSet,
    PasskeyNotFound, CodeLimitReached, TooManyAttempts, CodeNotDelivered, SessionEnded.
    """
    commands.check_factor(act, factor)

    async def command(uow: UnitOfWork) -> tuple[OpenedStepUp, IssuedCode | None, str]:
        held = await hold_session(uow, session, now=now)
        options, issued, mobile = None, None, ""
        if factor is Factor.PASSKEY:
            options = await make_authentication_options(
                uow,
                relying_party=desk.relying_party,
                purpose=STEP_UP,
                audience=held.audience,
                session=held,
                now=now,
            )
        elif factor is Factor.ONE_TIME_CODE:
            login = await get_login(uow, held.login_id)
            mobile = await open_mobile(uow, vault=desk.vault, login=login)
            issued = await issue_code(
                uow,
                vault=desk.vault,
                audience=held.audience,
                purpose=STEP_UP,
                mobile=mobile,
                client=client,
                session_id=held.id,
                now=now,
            )
        opened = await commands.open_step_up(
            uow,
            session=held,
            act=act,
            factor=factor,
            code_id=None if issued is None else issued.id,
            challenge_id=None if options is None else options.challenge_id,
            now=now,
        )
        return OpenedStepUp(step_up=opened, options=options), issued, mobile

    opened, issued, mobile = await desk.database.run(command, caller)
    if issued is not None:
        await desk.send_code(issued, mobile, caller, act=act)
    return opened


async def prove_step_up_by_code(
    desk: Desk,
    *,
    session: Session,
    step_up_id: uuid.UUID,
    code: str,
    client: Client,
    caller: Caller,
    now: datetime,
) -> StepUp:
    """Prove a step-up with its code. Raises StepUpRefused, TooManyAttempts, SessionEnded."""
    verdict = await desk.database.run(
        lambda uow: commands.prove_by_code(
            uow,
            vault=desk.vault,
            session=session,
            step_up_id=step_up_id,
            code=code,
            client=client,
            now=now,
        ),
        caller,
    )
    desk.sessions.forget(session.id)
    return verdict.unwrap()


async def prove_step_up_by_passkey(
    desk: Desk,
    *,
    session: Session,
    step_up_id: uuid.UUID,
    credential: Mapping[str, Any],
    caller: Caller,
    now: datetime,
) -> StepUp:
    """Prove a step-up with a passkey's signature. Raises StepUpRefused, SessionEnded."""
    verdict = await desk.database.run(
        lambda uow: commands.prove_by_passkey(
            uow,
            relying_party=desk.relying_party,
            session=session,
            step_up_id=step_up_id,
            credential=credential,
            now=now,
        ),
        caller,
    )
    desk.sessions.forget(session.id)
    return verdict.unwrap()


async def prove_step_up_by_pin(
    desk: Desk,
    *,
    session: Session,
    step_up_id: uuid.UUID,
    pin: str,
    caller: Caller,
    now: datetime,
) -> StepUp:
    """Prove a step-up with the payment PIN. Raises StepUpRefused, TooManyAttempts, SessionEnded."""
    found = await desk.database.run(
        lambda uow: commands.find_pin(uow, session=session, step_up_id=step_up_id, now=now), caller
    )
    check = found.unwrap()
    secret = prepare_pin(desk.vault, check.login, pin)
    verification = await desk.hasher.verify(check.pin_hash, secret)
    verdict = await desk.database.run(
        lambda uow: commands.prove_by_pin(
            uow, session=session, check=check, verification=verification, now=now
        ),
        caller,
    )
    desk.sessions.forget(session.id)
    return verdict.unwrap()
