"""Changing the password, setting the PIN, registering a passkey: by who is logged in."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from huitong.identity.commands import credentials as commands
from huitong.identity.commands import passkeys
from huitong.identity.commands.guard import forgive, note_failure, stand_guard
from huitong.identity.commands.logins import get_login, open_mobile
from huitong.identity.commands.sessions import hold_session
from huitong.identity.commands.step_up import use_step_up
from huitong.identity.desk import Desk
from huitong.identity.errors import CurrentPasswordWrong, TooManyAttempts
from huitong.identity.mobiles import key_device, mask_mobile
from huitong.identity.policies import LockKind
from huitong.identity.step_up_rules import check_powers
from huitong.identity.types import Act, Login, Passkey, Session
from huitong.identity.verdicts import Verdict
from huitong.identity.weak_secrets import check_password, check_pin, normalise_password
from huitong.kernel.database.unit_of_work import Caller, UnitOfWork
from huitong.kernel.errors import InvalidField


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """Whose credential is to be changed, as it is now."""

    login: Login
    mobile: str = field(repr=False)


async def change_password(
    desk: Desk,
    *,
    session: Session,
    current_password: str | None,
    new_password: str,
    caller: Caller,
    now: datetime,
) -> None:
    """Set a new password and end every session of the login, this one too.

    Without `current_password`, a code or passkey must have been proved within minutes.
    Raises InvalidField, CurrentPasswordWrong, TooManyAttempts, StepUpRequired, CredentialsChanged,
    SessionEnded.
    """
    act = None if current_password is not None else Act(kind="identity.change_password")
    owner = await desk.database.run(
        lambda uow: _find_owner(uow, desk, session, act=act, now=now), caller
    )
    check_password(new_password, field="new_password", known=[owner.mobile])
    if current_password is not None:
        if normalise_password(current_password) == normalise_password(new_password):
            raise InvalidField("must differ from the current one", field="new_password")
        await _check_current(
            desk,
            owner.login,
            current_password,
            device_id=session.device_id,
            caller=caller,
            now=now,
        )
    password_hash = await desk.hasher.hash(normalise_password(new_password))
    await desk.database.run(
        lambda uow: commands.set_password(
            uow, session=session, checked=owner.login, password_hash=password_hash, now=now
        ),
        caller,
    )
    desk.sessions.forget_login(session.login_id)


async def set_pin(desk: Desk, *, session: Session, pin: str, caller: Caller, now: datetime) -> None:
    """Set the payment PIN, for the first time or anew, after a factor that was proved lately.

    Raises InvalidField, StepUpRequired, CredentialsChanged, SessionEnded.
    """
    act = Act(kind="identity.set_pin")
    owner = await desk.database.run(
        lambda uow: _find_owner(uow, desk, session, act=act, now=now), caller
    )
    check_pin(pin, field="pin", known=[owner.mobile])
    pin_hash = await desk.hasher.hash(commands.prepare_pin(desk.vault, owner.login, pin))
    await desk.database.run(
        lambda uow: commands.set_pin(
            uow, session=session, checked=owner.login, pin_hash=pin_hash, now=now
        ),
        caller,
    )


async def start_passkey_registration(
    desk: Desk, *, session: Session, caller: Caller, now: datetime
) -> passkeys.PasskeyOptions:
    """Return options to register a passkey, after a factor that was proved lately.

    Raises StepUpRequired, TooManyPasskeys, SessionEnded.
    """
    act = Act(kind="identity.register_passkey")

    async def command(uow: UnitOfWork) -> passkeys.PasskeyOptions:
        owner = await _find_owner(uow, desk, session, act=act, now=now)
        return await passkeys.make_registration_options(
            uow,
            relying_party=desk.relying_party,
            session=session,
            user_name=mask_mobile(owner.mobile),
            now=now,
        )

    return await desk.database.run(command, caller)


async def finish_passkey_registration(
    desk: Desk,
    *,
    session: Session,
    challenge_id: uuid.UUID,
    credential: Mapping[str, Any],
    name: str | None,
    caller: Caller,
    now: datetime,
) -> Passkey:
    """Register the passkey. Raises PasskeyRefused, PasskeyKnown, InvalidField, SessionEnded."""

    async def command(uow: UnitOfWork) -> Passkey:
        await hold_session(uow, session, now=now)
        return await passkeys.register_passkey(
            uow,
            vault=desk.vault,
            relying_party=desk.relying_party,
            session=session,
            challenge_id=challenge_id,
            credential=credential,
            name=name,
            now=now,
        )

    return await desk.database.run(command, caller)


async def revoke_passkey(
    desk: Desk, *, session: Session, passkey_id: uuid.UUID, caller: Caller, now: datetime
) -> None:
    """Revoke a passkey, after a factor that was proved lately.

    Raises PasskeyNotFound, StepUpRequired, SessionEnded.
    """
    act = Act(kind="identity.revoke_passkey")

    async def command(uow: UnitOfWork) -> None:
        await use_step_up(uow, session=session, act=act, step_up_id=None, now=now)
        await passkeys.revoke_passkey(uow, session=session, passkey_id=passkey_id, now=now)

    await desk.database.run(command, caller)


async def _find_owner(
    uow: UnitOfWork, desk: Desk, session: Session, *, act: Act | None, now: datetime
) -> _Owner:
    if act is None:
        check_powers(await hold_session(uow, session, now=now), now)
    else:
        await use_step_up(uow, session=session, act=act, step_up_id=None, now=now)
    login = await get_login(uow, session.login_id)
    return _Owner(login=login, mobile=await open_mobile(uow, vault=desk.vault, login=login))


async def _check_current(
    desk: Desk,
    login: Login,
    current_password: str,
    *,
    device_id: uuid.UUID,
    caller: Caller,
    now: datetime,
) -> None:
    """Verify the present password; failures count like those of the device at the door.

    Somebody who found a phone that is logged in must not guess here what is locked there.
    """
    key = (LockKind.NUMBER, key_device(device_id))

    async def count(uow: UnitOfWork, *, is_right: bool | None) -> Verdict[bool]:
        guard = await stand_guard(uow, [key])
        wait = guard.find_wait_seconds(now)
        if wait is not None:
            return Verdict(refusal=TooManyAttempts(wait))
        if is_right is False:
            await note_failure(uow, guard, now=now)
            return Verdict(refusal=CurrentPasswordWrong("The current password is not right."))
        if is_right:
            await forgive(uow, guard)
        return Verdict(value=True)

    (await desk.database.run(lambda uow: count(uow, is_right=None), caller)).unwrap()
    password = normalise_password(current_password)
    verification = await desk.hasher.verify(login.password_hash, password)
    verdict = await desk.database.run(
        lambda uow: count(uow, is_right=verification.is_right), caller
    )
    verdict.unwrap()
