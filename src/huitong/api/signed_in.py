"""Finding the member of staff who is signed in: by token, or by a cookie of the staff's own.

A customer's session is never one of staff: the tokens begin otherwise, the cookies have other
names, and they are looked up in other tables.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.bearer import application_of, read_bearer
from huitong.api.logged_in import CLEARED, check_anti_forgery
from huitong.api.request_context import request_id_of
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.ids import STAFF, show_id

STAFF_COOKIE: Final = "__Host-huitong_staff"
TOKEN_PREFIX: Final = "hst_"  # noqa: S105 - how such a token begins


async def find_signed_in(request: Request) -> identity.StaffSession | None:
    """Return the session that a request comes with, or None; raises AntiForgeryHeaderMissing."""
    token = read_bearer(request.headers.getlist("authorization"))
    if token is None and "authorization" not in request.headers:
        token = request.cookies.get(STAFF_COOKIE)
        if token is not None:
            check_anti_forgery(request)
    if token is None or not token.startswith(TOKEN_PREFIX):
        return None
    application = application_of(request)
    return await identity.find_staff_session(
        application.desk,
        token,
        caller=Caller(actor="stranger", request_id=request_id_of(request.scope)),
        now=application.clock.now(),
    )


def has_staff_credentials(request: Request) -> bool:
    """Say whether a request comes with a token or cookie of the staff's, good or not."""
    token = read_bearer(request.headers.getlist("authorization"))
    if token is not None:
        return token.startswith(TOKEN_PREFIX)
    return "authorization" not in request.headers and STAFF_COOKIE in request.cookies


def show_actor(session: identity.StaffSession) -> str:
    """Return the member of staff as the audit trail names them."""
    return show_id(STAFF, session.staff.id)


def set_staff_cookie(response: Response, token: str, seconds: int) -> None:
    """Give a browser its staff session."""
    response.set_cookie(
        STAFF_COOKIE,
        token,
        max_age=seconds,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


def clear_staff_cookie(response: Response) -> None:
    """Take the staff session from a browser, with what it may have kept of our answers."""
    set_staff_cookie(response, "", 0)
    response.headers["Clear-Site-Data"] = CLEARED
