"""Signing up with a number of one's own, before anybody is known."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import identity
from huitong.api.authentication import PUBLIC, application_of
from huitong.api.documentation import errors
from huitong.api.request_body import PublicRoute
from huitong.api.schemas.sign_up import BeginSignUp, SignUpView, show_sign_up
from huitong.api.sessions import read_client, stranger
from huitong.kernel.ids import ONE_TIME_CODE, read_id

router: Final = APIRouter(
    prefix="/v1/identity/sign-ups",
    tags=["Logging in"],
    route_class=PublicRoute,
    dependencies=[PUBLIC],
)


@router.post(
    "",
    operation_id="beginSignUp",
    summary="Sign up with a code",
    status_code=201,
    response_model=SignUpView,
    responses=errors(
        identity.NumberHasLogin, caller="stranger", is_command=True, has_idempotency_key=False
    ),
)
async def begin_sign_up(request: Request, body: BeginSignUp) -> SignUpView:
    """Use up a code and get the authority to apply for an account with its number.

    A number without a decision has one application: proved again, it goes on with that. Who has the
    number learns if it has a login already; the code is then still good for logging in.
    """
    application = application_of(request)
    issued = await identity.begin_sign_up(
        application.desk,
        code_id=read_id(ONE_TIME_CODE, body.code_id, field="code_id"),
        code=body.code,
        client=read_client(request, device_token=body.device.token, device_name=body.device.name),
        language=identity.read_accept_language(request.headers.get("accept-language"))
        if body.language is None
        else identity.Language(body.language),
        caller=stranger(request),
        now=application.clock.now(),
    )
    return show_sign_up(issued)
