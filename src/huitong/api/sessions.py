"""Who is logged in: the token of a session, as a Bearer token or as a browser's cookie.

A cookie travels with every request, also one that another site made the browser send. So a request
that is known by its cookie needs a header of ours too: other sites cannot add one without asking
first (CORS), and are refused. The cookie is `__Host-`, Secure, HttpOnly and SameSite=Strict, and
whatever cookie comes to a log-in is not looked at: the session is always a new one.
"""

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Security
from fastapi.security import APIKeyCookie
from fastapi.security.http import HTTPBearer
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import application_of, read_bearer
from huitong.api.problems import AntiForgeryHeaderMissing
from huitong.api.request_body import PublicRoute
from huitong.api.request_context import request_id_of
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.ids import LOGIN, show_id

COOKIE: Final = "__Host-huitong_session"
ANTI_FORGERY_HEADER: Final = "X-Huitong-Anti-Forgery"
_LOGGED_IN: Final = "huitong.logged_in"
#: For a request whose connection has no address, such as one over a Unix socket.
_NO_ADDRESS: Final = ipaddress.IPv4Address(0)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The caller of one request: a session, and the request's id for the trail."""

    session: identity.Session
    request_id: str | None

    @property
    def caller(self) -> Caller:
        """Who acts, as the audit trail records it."""
        return Caller(actor=show_id(LOGIN, self.session.login_id), request_id=self.request_id)


async def find_logged_in(request: Request) -> LoggedIn:
    """Return who is logged in; raises SessionEnded and AntiForgeryHeaderMissing. Asks once."""
    known = request.scope.get(_LOGGED_IN)
    if isinstance(known, LoggedIn):
        return known
    token = read_bearer(request.headers.getlist("authorization"))
    if token is None and "authorization" not in request.headers:
        token = request.cookies.get(COOKIE)
        if token is not None:
            check_anti_forgery(request)
    application = application_of(request)
    session = None
    if token is not None:
        session = await application.desk.sessions.authenticate(token, now=application.clock.now())
    if session is None:
        raise identity.SessionEnded(
            "Log in first: there is no session, or it has ended.", field="Authorization"
        )
    logged_in = LoggedIn(session, request_id_of(request.scope))
    request.scope[_LOGGED_IN] = logged_in
    return logged_in


def check_anti_forgery(request: Request) -> None:
    """Refuse what another site may have made the browser send; raises AntiForgeryHeaderMissing."""
    if request.headers.get(ANTI_FORGERY_HEADER) != "1":
        raise AntiForgeryHeaderMissing(
            f"Send the header {ANTI_FORGERY_HEADER}: 1 with the cookie.",
            field=ANTI_FORGERY_HEADER,
        )


def read_client(
    request: Request, *, device_token: str | None = None, device_name: str | None = None
) -> identity.Client:
    """Return where a request comes from."""
    address: identity.Address = _NO_ADDRESS
    if request.client is not None:
        try:
            address = ipaddress.ip_address(request.client.host)
        except ValueError:
            address = _NO_ADDRESS
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return identity.Client(
        address=address,
        device_token=device_token,
        device_name=device_name,
        request_id=request_id_of(request.scope),
    )


def stranger(request: Request) -> Caller:
    """Return the caller of a request before anybody is logged in."""
    return Caller(actor="stranger", request_id=request_id_of(request.scope))


def set_cookie(response: Response, token: str, seconds: int) -> None:
    """Give a browser its session."""
    response.set_cookie(
        COOKIE, token, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def clear_cookie(response: Response) -> None:
    """Take the session from a browser."""
    set_cookie(response, "", 0)


class SessionRoute(PublicRoute):
    """A route for people: knows who is logged in first, and then reads a strict body."""

    async def know_caller(self, request: Request) -> None:
        """Find the session; raises SessionEnded, AntiForgeryHeaderMissing."""
        await find_logged_in(request)


class _BearerScheme(HTTPBearer):
    """The Bearer token as the OpenAPI document shows it; `find_logged_in` has done the work."""

    def __init__(self) -> None:
        super().__init__(
            scheme_name="Session",
            bearerFormat="hts_…",
            description="The token of a session, which logging in gives.",
            auto_error=False,
        )

    async def __call__(self, request: HTTPConnection) -> Any:  # noqa: ARG002 - as the base has it
        return None


class _CookieScheme(APIKeyCookie):
    """The cookie as the OpenAPI document shows it."""

    def __init__(self) -> None:
        super().__init__(
            name=COOKIE,
            scheme_name="SessionCookie",
            description="The session of a browser that logged in with `delivery: cookie`; needs "
            f"the header `{ANTI_FORGERY_HEADER}: 1` too.",
            auto_error=False,
        )

    async def __call__(self, request: HTTPConnection) -> Any:  # noqa: ARG002 - as the base has it
        return None


async def _require_session(
    request: Request,
    _token: Annotated[Any, Security(_BearerScheme())],
    _cookie: Annotated[Any, Security(_CookieScheme())],
) -> LoggedIn:
    return await find_logged_in(request)


#: What a route that needs somebody who is logged in takes.
CurrentSession = Annotated[LoggedIn, Security(_require_session)]
