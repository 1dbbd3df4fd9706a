"""Step-up: asking for one more proof, and giving it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from huitong.identity.step_up_rules import rules_at
from huitong.identity.types import Act, Client, Factor, Session
from huitong.kernel.database.unit_of_work import Caller, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStepUp:
    """A step-up, with the authenticator's options if that is the factor."""

    step_up: StepUp
    options: PasskeyOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was committed, and what is still to be sent."""

    step_up: StepUp
    options: PasskeyOptions | None
    issued: IssuedCode | None
    mobile: str = field(repr=False)


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
    PasskeyNotFound, CodeLimitReached, TooManyAttempts, CodeNotDelivered, SessionEnded; and
    StepUpRequired to a session that waits for its second factor and asks for anything else.
    """
    commands.check_factor(act, factor, rules=rules_at(now))
    asked = await desk.database.run(
        lambda uow: _ask(
            uow, desk, session=session, act=act, factor=factor, client=client, now=now
        ),
        caller,
    )
    if asked.issued is not None:
        await desk.send_code(asked.issued, asked.mobile, caller, act=act)
    return OpenedStepUp(step_up=asked.step_up, options=asked.options)


async def _ask(
    uow: UnitOfWork,
    desk: Desk,
    *,
    session: Session,
    act: Act,
    factor: Factor,
    client: Client,
    now: datetime,
) -> _Asked:
    held = await hold_session(uow, session, now=now)
    # Before a message is sent, which costs and may be all that is left for today.
    commands.check_what_is_due(held, act, factor, now)
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
        issued = await _issue(uow, desk, held, mobile, client=client, now=now)
    step_up = await commands.open_step_up(
        uow,
        session=held,
        act=act,
        factor=factor,
        code_id=None if issued is None else issued.id,
        challenge_id=None if options is None else options.challenge_id,
        now=now,
    )
    return _Asked(step_up=step_up, options=options, issued=issued, mobile=mobile)


async def _issue(
    uow: UnitOfWork, desk: Desk, session: Session, mobile: str, *, client: Client, now: datetime
) -> IssuedCode:
    return await issue_code(
        uow,
        vault=desk.vault,
        audience=session.audience,
        purpose=STEP_UP,
        mobile=mobile,
        client=client,
        session=session,
        now=now,
    )


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
