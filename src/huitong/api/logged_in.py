"""Finding who is logged in: the token of a customer's session, or a browser's cookie.

A cookie travels with every request, also one that another site made the browser send. So a request
that is known by its cookie needs a header of ours too: other sites cannot add one without asking
first (CORS), and are refused.
"""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from huitong import identity
from huitong.api import gate
from huitong.api.bearer import application_of, read_bearer
from huitong.api.problems import AntiForgeryHeaderMissing
from huitong.api.request_context import request_id_of
from huitong.api.security_log import ACTOR
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.ids import LOGIN, show_id
from huitong.operations import EntityKind
from huitong.wiring.application import Application

COOKIE: Final = "__Host-huitong_session"
ANTI_FORGERY_HEADER: Final = "X-Huitong-Anti-Forgery"
#: What a browser throws away when somebody leaves. Not its storage: a page keeps the device's token
#: there, by which this browser is known again.
CLEARED: Final = '"cache"'
_LOGGED_IN: Final = "huitong.logged_in"
_TOKEN_PREFIX: Final = "hts_"  # noqa: S105 - how such a token begins


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The caller of one request: a session, and the request's id for the trail."""

    session: identity.Session
    request_id: str | None

    @property
    def caller(self) -> Caller:
        """Who acts, as the audit trail records it."""
        return Caller(actor=show_id(LOGIN, self.session.login_id), request_id=self.request_id)


def is_customers(request: Request, secret: str | None) -> bool:
    """Say whether a request comes with a customer's token or cookie, good or not."""
    if secret is not None:
        return secret.startswith(_TOKEN_PREFIX)
    return "authorization" not in request.headers and COOKIE in request.cookies


async def find_logged_in(request: Request, application: Application | None = None) -> LoggedIn:
    """Return who is logged in, with everything that was asked of them. Asks once.

    In front of the framework the application must be named. Raises SessionEnded,
    AntiForgeryHeaderMissing, and StepUpRequired for a session that waits for a second factor.
    """
    logged_in = await find_any_session(request, application)
    if logged_in.session.awaits_proof:
        now = (application or application_of(request)).clock.now()
        raise identity.demand_second_factor(logged_in.session, now)
    return logged_in


async def find_any_session(request: Request, application: Application | None = None) -> LoggedIn:
    """Return whose session it is, also one that waits for a second factor and opens nothing yet.

    Raises SessionEnded, AntiForgeryHeaderMissing; RateLimited and CallerBlocked.
    """
    known = request.scope.get(_LOGGED_IN)
    if isinstance(known, LoggedIn):
        return known
    token = read_bearer(request.headers.getlist("authorization"))
    if token is None and "authorization" not in request.headers:
        token = request.cookies.get(COOKIE)
        if token is not None:
            check_anti_forgery(request)
    application = application or application_of(request)
    session = None
    if token is not None:
        session = await application.desk.sessions.authenticate(token, now=application.clock.now())
    if session is None:
        await _meet_stranger(request, application, token)
        raise identity.SessionEnded(
            "Log in first: there is no session, or it has ended.", field="Authorization"
        )
    logged_in = LoggedIn(session, request_id_of(request.scope))
    request.scope[_LOGGED_IN] = logged_in
    request.scope[ACTOR] = logged_in.caller.actor
    gate.admit(request.scope, EntityKind.LOGIN, logged_in.caller.actor)
    return logged_in


async def _meet_stranger(request: Request, application: Application, token: str | None) -> None:
    """Let in by the address who has no session, and count a token that never opened one."""
    secret = token if "authorization" in request.headers else None
    # A key or a token of somebody else's at this door opens nothing, so it guesses nothing.
    is_theirs = is_customers(request, secret)
    if is_theirs and token is not None and not await application.desk.sessions.is_over(token):
        gate.note_guess(request.scope)
    gate.admit_stranger(request.scope)


def check_anti_forgery(request: Request) -> None:
    """Refuse what another site may have made the browser send; raises AntiForgeryHeaderMissing."""
    if request.headers.get(ANTI_FORGERY_HEADER) != "1":
        raise AntiForgeryHeaderMissing(
            f"Send the header {ANTI_FORGERY_HEADER}: 1 with the cookie.",
            field=ANTI_FORGERY_HEADER,
        )
