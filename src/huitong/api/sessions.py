"""People's sessions over HTTP: cookies, clients, and the routes that need somebody logged in.

The cookie is `__Host-`, Secure, HttpOnly and SameSite=Strict, and whatever cookie comes to a log-in
is not looked at: the session is always a new one.
"""

import ipaddress
from typing import Annotated, Any, Final

from fastapi import Security
from fastapi.security import APIKeyCookie
from fastapi.security.http import HTTPBearer
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import application_of
from huitong.api.logged_in import (
    ANTI_FORGERY_HEADER,
    CLEARED,
    COOKIE,
    LoggedIn,
    check_anti_forgery,
    find_any_session,
    find_logged_in,
)
from huitong.api.request_body import PublicRoute
from huitong.api.request_context import read_address, request_id_of
from huitong.kernel.database.unit_of_work import Caller

__all__ = [
    "ANTI_FORGERY_HEADER",
    "CLEARED",
    "COOKIE",
    "AnySession",
    "CurrentSession",
    "LoggedIn",
    "SessionRoute",
    "check_anti_forgery",
    "clear_cookie",
    "find_logged_in",
    "read_client",
    "set_cookie",
    "stranger",
]

#: For a request whose connection has no address, such as one over a Unix socket.
_NO_ADDRESS: Final = ipaddress.IPv4Address(0)
#: What `huitong.api.declarations` reads from the guard of a route.
_PERMISSION: Final = "login:own"


def read_client(
    request: Request, *, device_token: str | None = None, device_name: str | None = None
) -> identity.Client:
    """Return where a request comes from."""
    address = read_address(request.scope) or _NO_ADDRESS
    return identity.Client(
        address=address,
        place=application_of(request).desk.places.find(address),
        device_token=device_token,
        device_name=device_name,
        agent=request.headers.get("user-agent"),
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
    """Take the session from a browser, with what it may have kept of our answers."""
    set_cookie(response, "", 0)
    response.headers["Clear-Site-Data"] = CLEARED


class SessionRoute(PublicRoute):
    """A route for people: knows who is logged in first, and then reads a strict body."""

    async def know_caller(self, request: Request) -> None:
        """Find the session; raises SessionEnded, AntiForgeryHeaderMissing."""
        await find_any_session(request)


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


class _RequireSession:
    """Lets a request pass that comes from somebody who is logged in."""

    permission: Final = _PERMISSION

    async def __call__(
        self,
        request: Request,
        _token: Annotated[Any, Security(_BearerScheme())],
        _cookie: Annotated[Any, Security(_CookieScheme())],
    ) -> LoggedIn:
        return await find_logged_in(request)


class _RequireAnySession(_RequireSession):
    """Lets a request pass also from a session that waits for its second factor."""

    async def __call__(
        self,
        request: Request,
        _token: Annotated[Any, Security(_BearerScheme())],
        _cookie: Annotated[Any, Security(_CookieScheme())],
    ) -> LoggedIn:
        return await find_any_session(request)


#: What the few routes take that give the second factor, or leave without it.
AnySession = Annotated[LoggedIn, Security(_RequireAnySession())]
#: What a route that needs somebody who is logged in takes.
CurrentSession = Annotated[LoggedIn, Security(_RequireSession())]
