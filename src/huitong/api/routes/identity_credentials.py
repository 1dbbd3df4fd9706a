"""Password, payment PIN and passkeys of who is logged in."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import application_of
from huitong.api.documentation import errors
from huitong.api.schemas.common import NoBody
from huitong.api.schemas.identity import (
    ChangePassword,
    PasskeyOptionsView,
    PasskeyPath,
    PasskeysView,
    PasskeyView,
    RegisterPasskey,
    SetPin,
    show_options,
    show_passkey,
)
from huitong.api.sessions import CurrentSession, SessionRoute, clear_cookie
from huitong.kernel.ids import CHALLENGE, PASSKEY, read_id

router: Final = APIRouter(prefix="/v1/identity", tags=["Being logged in"], route_class=SessionRoute)


@router.put(
    "/password",
    operation_id="changePassword",
    summary="Set or change my password",
    status_code=204,
    responses=errors(
        identity.CurrentPasswordWrong,
        identity.CredentialsChanged,
        identity.StepUpRequired,
        identity.SessionReduced,
        identity.TooManyAttempts,
        caller="session",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def change_password(request: Request, body: ChangePassword, me: CurrentSession) -> Response:
    """Set a password and end every session of the login, this one too: log in anew."""
    application = application_of(request)
    await identity.change_password(
        application.desk,
        session=me.session,
        current_password=body.current_password,
        new_password=body.new_password,
        caller=me.caller,
        now=application.clock.now(),
    )
    response = Response(status_code=204)
    clear_cookie(response)
    return response


@router.put(
    "/pin",
    operation_id="setPin",
    summary="Set or change my payment PIN",
    status_code=204,
    responses=errors(
        identity.CredentialsChanged,
        identity.StepUpRequired,
        identity.SessionReduced,
        caller="session",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def set_pin(request: Request, body: SetPin, me: CurrentSession) -> Response:
    """Set the PIN, within minutes of proving a code, a passkey or the password."""
    application = application_of(request)
    await identity.set_pin(
        application.desk,
        session=me.session,
        pin=body.pin,
        caller=me.caller,
        now=application.clock.now(),
    )
    return Response(status_code=204)


@router.get(
    "/passkeys",
    operation_id="listPasskeys",
    summary="List my passkeys",
    response_model=PasskeysView,
    responses=errors(caller="session"),
)
async def list_passkeys(request: Request, me: CurrentSession) -> PasskeysView:
    """Return the passkeys that open the login, oldest first."""
    application = application_of(request)
    async with application.database.reading(me.caller) as uow:
        found = await identity.list_passkeys(uow, vault=application.vault, session=me.session)
    return PasskeysView(data=[show_passkey(each) for each in found])


@router.post(
    "/passkeys/options",
    operation_id="startPasskeyRegistration",
    summary="Get options to register a passkey",
    status_code=201,
    response_model=PasskeyOptionsView,
    responses=errors(
        identity.StepUpRequired,
        identity.SessionReduced,
        identity.TooManyPasskeys,
        caller="session",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def start_passkey_registration(
    request: Request, me: CurrentSession, _body: NoBody | None = None
) -> PasskeyOptionsView:
    """Return options, within minutes of proving a code, a passkey or the password."""
    application = application_of(request)
    options = await identity.start_passkey_registration(
        application.desk, session=me.session, caller=me.caller, now=application.clock.now()
    )
    return show_options(options)


@router.post(
    "/passkeys",
    operation_id="registerPasskey",
    summary="Register a passkey",
    status_code=201,
    response_model=PasskeyView,
    responses=errors(
        identity.PasskeyKnown,
        identity.PasskeyRefused,
        caller="session",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def register_passkey(
    request: Request, body: RegisterPasskey, me: CurrentSession
) -> PasskeyView:
    """Register what an authenticator made for our challenge."""
    application = application_of(request)
    passkey = await identity.finish_passkey_registration(
        application.desk,
        session=me.session,
        challenge_id=read_id(CHALLENGE, body.challenge_id, field="challenge_id"),
        credential=body.credential,
        name=body.name,
        caller=me.caller,
        now=application.clock.now(),
    )
    return show_passkey(passkey)


@router.delete(
    "/passkeys/{passkey}",
    operation_id="revokePasskey",
    summary="Revoke one of my passkeys",
    status_code=204,
    responses=errors(
        identity.PasskeyNotFound, identity.StepUpRequired, identity.SessionReduced, caller="session"
    ),
)
async def revoke_passkey(request: Request, passkey: PasskeyPath, me: CurrentSession) -> Response:
    """Let a passkey open nothing any more, within minutes of proving another factor."""
    application = application_of(request)
    await identity.revoke_passkey(
        application.desk,
        session=me.session,
        passkey_id=read_id(PASSKEY, passkey, field="passkey"),
        caller=me.caller,
        now=application.clock.now(),
    )
    return Response(status_code=204)
