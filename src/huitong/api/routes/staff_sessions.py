"""Staff enrolling, signing in and signing out."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import PUBLIC, Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.request_body import CommandRoute, PublicRoute
from huitong.api.schemas.common import NoBody
from huitong.api.schemas.staff import (
    AuthenticatorView,
    FinishEnrolment,
    RecoveryCodesView,
    SignedInView,
    SignIn,
    StaffSessionView,
    StartEnrolment,
    show_staff_session,
)
from huitong.api.sessions import check_anti_forgery, read_client, stranger
from huitong.api.signed_in import clear_staff_cookie, set_staff_cookie

door: Final = APIRouter(
    prefix="/v1/staff", tags=["Staff"], route_class=PublicRoute, dependencies=[PUBLIC]
)
router: Final = APIRouter(prefix="/v1/staff", tags=["Staff"], route_class=CommandRoute)

Member = Annotated[Principal, require("staff:own")]


@door.post(
    "/enrolments",
    operation_id="startEnrolment",
    summary="Set a password and get a secret for the authenticator",
    status_code=201,
    response_model=AuthenticatorView,
    responses=errors(
        identity.EnrolmentRefused, caller="stranger", is_command=True, has_idempotency_key=False
    ),
)
async def start_enrolment(request: Request, body: StartEnrolment) -> AuthenticatorView:
    """Begin an enrolment with both halves of it; nothing is set before it is finished."""
    application = application_of(request)
    shown = await identity.start_enrolment(
        application.desk,
        token=body.token,
        invitation=body.invitation,
        password=body.password,
        caller=stranger(request),
        now=application.clock.now(),
    )
    return AuthenticatorView(secret=shown.secret, address=shown.address)


@door.post(
    "/enrolments/finish",
    operation_id="finishEnrolment",
    summary="Prove the authenticator and get recovery codes",
    status_code=201,
    response_model=RecoveryCodesView,
    responses=errors(
        identity.EnrolmentRefused, caller="stranger", is_command=True, has_idempotency_key=False
    ),
)
async def finish_enrolment(request: Request, body: FinishEnrolment) -> RecoveryCodesView:
    """Set both factors with the authenticator's first code."""
    application = application_of(request)
    codes = await identity.finish_enrolment(
        application.desk,
        token=body.token,
        code=body.code,
        caller=stranger(request),
        now=application.clock.now(),
    )
    return RecoveryCodesView(recovery_codes=codes)


@door.post(
    "/sessions",
    operation_id="signIn",
    summary="Sign in as a member of staff",
    status_code=201,
    response_model=SignedInView,
    responses=errors(
        identity.LogInBlocked,
        identity.PasskeyWanted,
        caller="stranger",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def sign_in(request: Request, response: Response, body: SignIn) -> SignedInView:
    """Open a session with both factors; whatever of them is wrong, the answer is one.

    Who proved both may be told that risk stopped it, or wants a passkey as the second one.
    """
    is_cookie = body.delivery == "cookie"
    if is_cookie:
        check_anti_forgery(request)
    application = application_of(request)
    issued = await identity.sign_in(
        application.desk,
        email=body.email,
        password=body.password,
        proof=body.read(application.desk.relying_party),
        client=read_client(request),
        caller=stranger(request),
        now=application.clock.now(),
    )
    if is_cookie:
        seconds = issued.session.expires_at - issued.session.created_at
        set_staff_cookie(response, issued.token, int(seconds.total_seconds()))
    return SignedInView(
        session=show_staff_session(issued.session), token=None if is_cookie else issued.token
    )


@router.get(
    "/me",
    operation_id="getStaffSession",
    summary="See who I am and what I may do",
    response_model=StaffSessionView,
    responses=errors(caller="staff"),
)
async def get_staff_session(principal: Member) -> StaffSessionView:
    """Return this session with its roles and permissions of now."""
    assert principal.staff is not None
    return show_staff_session(principal.staff)


@router.post(
    "/sign-out",
    operation_id="signOut",
    summary="Sign out",
    status_code=204,
    responses=errors(caller="staff", is_command=True, has_idempotency_key=False),
)
async def sign_out(request: Request, principal: Member, _body: NoBody | None = None) -> Response:
    """End this session and take the cookie away."""
    session = principal.staff
    assert session is not None
    application = application_of(request)
    now = application.clock.now()
    await application.database.run(
        lambda uow: identity.sign_out(uow, session=session, now=now), principal.caller
    )
    response = Response(status_code=204)
    clear_staff_cookie(response)
    return response
