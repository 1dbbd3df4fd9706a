"""Passkeys of the staff: a challenge at the door, and the member's own ones."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import PUBLIC, Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.request_body import CommandRoute, PublicRoute
from huitong.api.schemas.common import NoBody
from huitong.api.schemas.identity import (
    PasskeyOptionsView,
    PasskeyPath,
    PasskeysView,
    PasskeyView,
    RegisterPasskey,
    show_options,
    show_passkey,
)
from huitong.api.sessions import read_client, stranger
from huitong.kernel.ids import CHALLENGE, PASSKEY, read_id

door: Final = APIRouter(
    prefix="/v1/staff", tags=["Staff"], route_class=PublicRoute, dependencies=[PUBLIC]
)
router: Final = APIRouter(prefix="/v1/staff/passkeys", tags=["Staff"], route_class=CommandRoute)

Member = Annotated[Principal, require("staff:own")]


@door.post(
    "/passkey-challenges",
    operation_id="startSignInByPasskey",
    summary="Get options to sign in with a passkey",
    status_code=201,
    response_model=PasskeyOptionsView,
    responses=errors(caller="stranger", is_command=True, has_idempotency_key=False),
)
async def start_sign_in_by_passkey(
    request: Request, _body: NoBody | None = None
) -> PasskeyOptionsView:
    """Return options for the passkey that then goes with the password to `/v1/staff/sessions`."""
    application = application_of(request)
    options = await identity.start_sign_in_by_passkey(
        application.desk,
        client=read_client(request),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return show_options(options)


@router.get(
    "",
    operation_id="listStaffPasskeys",
    summary="List my passkeys as a member of staff",
    response_model=PasskeysView,
    responses=errors(caller="staff"),
)
async def list_passkeys(request: Request, principal: Member) -> PasskeysView:
    """Return the passkeys that serve as my second factor, oldest first."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    async with application.database.reading(principal.caller) as uow:
        found = await identity.list_passkeys(uow, vault=application.vault, session=session)
    return PasskeysView(data=[show_passkey(each) for each in found])


@router.post(
    "/options",
    operation_id="startStaffPasskey",
    summary="Get options to register a passkey as a member of staff",
    status_code=201,
    response_model=PasskeyOptionsView,
    responses=errors(
        identity.FreshSignInNeeded,
        identity.TooManyPasskeys,
        identity.StaffSessionEnded,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def start_registration(
    request: Request, principal: Member, _body: NoBody | None = None
) -> PasskeyOptionsView:
    """Return options, within ten minutes of signing in with a code or a passkey."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    options = await identity.start_staff_passkey(
        application.desk, session=session, caller=principal.caller, now=application.clock.now()
    )
    return show_options(options)


@router.post(
    "",
    operation_id="registerStaffPasskey",
    summary="Register a passkey as a member of staff",
    status_code=201,
    response_model=PasskeyView,
    responses=errors(
        identity.PasskeyKnown,
        identity.PasskeyRefused,
        identity.StaffSessionEnded,
        caller="staff",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def register_passkey(
    request: Request, body: RegisterPasskey, principal: Member
) -> PasskeyView:
    """Register what an authenticator made for our challenge."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    passkey = await identity.finish_staff_passkey(
        application.desk,
        session=session,
        challenge_id=read_id(CHALLENGE, body.challenge_id, field="challenge_id"),
        credential=body.credential,
        name=body.name,
        caller=principal.caller,
        now=application.clock.now(),
    )
    return show_passkey(passkey)


@router.delete(
    "/{passkey}",
    operation_id="revokeStaffPasskey",
    summary="Revoke one of my passkeys as a member of staff",
    status_code=204,
    responses=errors(
        identity.PasskeyNotFound,
        identity.FreshSignInNeeded,
        identity.StaffSessionEnded,
        caller="staff",
    ),
)
async def revoke_passkey(request: Request, passkey: PasskeyPath, principal: Member) -> Response:
    """Let a passkey open nothing any more, within ten minutes of signing in."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    await identity.revoke_staff_passkey(
        application.desk,
        session=session,
        passkey_id=read_id(PASSKEY, passkey, field="passkey"),
        caller=principal.caller,
        now=application.clock.now(),
    )
    return Response(status_code=204)
