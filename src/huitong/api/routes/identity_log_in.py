"""Customers logging in: by code, by password, by passkey. Nobody is known yet.

Staff have a door of their own, `/v1/staff/sessions`.
"""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import PUBLIC, application_of
from huitong.api.documentation import errors
from huitong.api.request_body import PublicRoute
from huitong.api.schemas.common import NoBody
from huitong.api.schemas.identity import (
    DeviceBody,
    FinishLogInByCode,
    FinishPasskey,
    LoggedInView,
    LogInByPassword,
    LogInBySignUp,
    PasskeyOptionsView,
    SentCodeView,
    StartLogInByCode,
    show_options,
    show_session,
    show_terms,
)
from huitong.api.sessions import check_anti_forgery, read_client, set_cookie, stranger
from huitong.kernel.ids import CHALLENGE, ONE_TIME_CODE, read_id, show_id

router: Final = APIRouter(
    prefix="/v1/identity",
    tags=["Logging in"],
    route_class=PublicRoute,
    dependencies=[PUBLIC],
)


@router.post(
    "/codes",
    operation_id="startLogInByCode",
    summary="Send a code to log in with",
    status_code=201,
    response_model=SentCodeView,
    responses=errors(
        identity.CodeLimitReached,
        caller="stranger",
        is_command=True,
        has_idempotency_key=False,
        faults=[identity.CodeNotDelivered],
    ),
)
async def start_log_in_by_code(request: Request, body: StartLogInByCode) -> SentCodeView:
    """Send a code to a mobile number, whether or not the number has a login."""
    application = application_of(request)
    sent = await identity.start_log_in_by_code(
        application.desk,
        audience=identity.Audience.CUSTOMER,
        mobile=body.mobile,
        client=_client(request, body.device),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return SentCodeView(
        id=show_id(ONE_TIME_CODE, sent.id),
        expires_at=sent.expires_at,
        resend_after_seconds=sent.resend_after_seconds,
    )


@router.post(
    "/sessions/by-code",
    operation_id="finishLogInByCode",
    summary="Log in with a code",
    status_code=201,
    response_model=LoggedInView,
    responses=errors(
        identity.LoginNotOpened, caller="stranger", is_command=True, has_idempotency_key=False
    ),
)
async def finish_log_in_by_code(
    request: Request, response: Response, body: FinishLogInByCode
) -> LoggedInView:
    """Use up a code and open a session. Who has the number learns if it has no login yet."""
    _check_delivery(request, body.delivery)
    application = application_of(request)
    issued = await identity.finish_log_in_by_code(
        application.desk,
        code_id=read_id(ONE_TIME_CODE, body.code_id, field="code_id"),
        code=body.code,
        client=_client(request, body.device),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return _answer(response, issued, body.delivery)


@router.post(
    "/sessions/by-sign-up",
    operation_id="logInBySignUp",
    summary="Log in after signing up",
    status_code=201,
    response_model=LoggedInView,
    responses=errors(caller="stranger", is_command=True, has_idempotency_key=False),
)
async def log_in_by_sign_up(
    request: Request, response: Response, body: LogInBySignUp
) -> LoggedInView:
    """Exchange the token of a sign-up for a session, once, when the application is approved."""
    _check_delivery(request, body.delivery)
    application = application_of(request)
    issued = await identity.log_in_by_sign_up(
        application.desk,
        token=body.token,
        client=_client(request, body.device),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return _answer(response, issued, body.delivery)


@router.post(
    "/sessions/by-password",
    operation_id="logInByPassword",
    summary="Log in with a password",
    status_code=201,
    response_model=LoggedInView,
    responses=errors(caller="stranger", is_command=True, has_idempotency_key=False),
)
async def log_in_by_password(
    request: Request, response: Response, body: LogInByPassword
) -> LoggedInView:
    """Open a session with number and password; a wrong one and an unknown one are one answer."""
    _check_delivery(request, body.delivery)
    application = application_of(request)
    issued = await identity.log_in_by_password(
        application.desk,
        audience=identity.Audience.CUSTOMER,
        mobile=body.mobile,
        password=body.password,
        client=_client(request, body.device),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return _answer(response, issued, body.delivery)


@router.post(
    "/passkey-challenges",
    operation_id="startLogInByPasskey",
    summary="Get options to log in with a passkey",
    status_code=201,
    response_model=PasskeyOptionsView,
    responses=errors(caller="stranger", is_command=True, has_idempotency_key=False),
)
async def start_log_in_by_passkey(
    request: Request, _body: NoBody | None = None
) -> PasskeyOptionsView:
    """Return options for any passkey that the authenticator has for this site."""
    application = application_of(request)
    options = await identity.start_log_in_by_passkey(
        application.desk,
        audience=identity.Audience.CUSTOMER,
        client=read_client(request),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return show_options(options)


@router.post(
    "/sessions/by-passkey",
    operation_id="finishLogInByPasskey",
    summary="Log in with a passkey",
    status_code=201,
    response_model=LoggedInView,
    responses=errors(caller="stranger", is_command=True, has_idempotency_key=False),
)
async def finish_log_in_by_passkey(
    request: Request, response: Response, body: FinishPasskey
) -> LoggedInView:
    """Open a session with what an authenticator signed for our challenge."""
    _check_delivery(request, body.delivery)
    application = application_of(request)
    issued = await identity.finish_log_in_by_passkey(
        application.desk,
        challenge_id=read_id(CHALLENGE, body.challenge_id, field="challenge_id"),
        credential=body.credential,
        client=_client(request, body.device),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return _answer(response, issued, body.delivery)


def _check_delivery(request: Request, delivery: str) -> None:
    # Another site must not log a browser in either: what its user then enters would be kept in a
    # login that is not the user's.
    if delivery == "cookie":
        check_anti_forgery(request)


def _client(request: Request, device: DeviceBody) -> identity.Client:
    return read_client(request, device_token=device.token, device_name=device.name)


def _answer(response: Response, issued: identity.IssuedSession, delivery: str) -> LoggedInView:
    session = issued.session
    is_cookie = delivery == "cookie"
    if is_cookie:
        seconds = (session.expires_at - session.created_at).total_seconds()
        set_cookie(response, issued.token, int(seconds))
    return LoggedInView(
        session=show_session(session, session.id),
        token=None if is_cookie else issued.token,
        device_token=issued.device_token,
        **show_terms(issued),
    )
