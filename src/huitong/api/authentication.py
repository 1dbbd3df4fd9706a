"""Who is calling, and whether they may: one declaration for each route, one check for all callers.

A route declares its permission with `require` (or that anybody may call it, with `PUBLIC`). The
policy of `identity` then decides for API keys (scopes), customers and applicants (their own things)
and staff (roles). A secret is never compared: its SHA-256 digest is looked up, so that the time of
an answer tells nothing about how much of a guess was right.
"""

import uuid
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, Security
from fastapi.security import APIKeyCookie, SecurityScopes
from fastapi.security.http import HTTPBearer
from starlette.requests import HTTPConnection, Request

from huitong import identity
from huitong.api import gate
from huitong.api.applicants import find_applicant, is_applicants
from huitong.api.bearer import application_of, read_bearer
from huitong.api.logged_in import find_logged_in, is_customers
from huitong.api.problems import MerchantNotAllowed, NotAllowed, NotAuthenticated
from huitong.api.request_context import request_id_of
from huitong.api.scopes import SCOPES
from huitong.api.security_log import ACTOR, NotOwned
from huitong.api.signed_in import (
    STAFF_COOKIE,
    find_signed_in,
    has_staff_credentials,
    show_actor,
)
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import API_KEY, LOGIN, SIGN_UP, show_id
from huitong.operations import EntityKind

__all__ = [
    "PUBLIC",
    "SIGNED",
    "Principal",
    "application_of",
    "authenticate",
    "read_bearer",
    "require",
]

_CALLER: Final = "huitong.principal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller of one request: a key, a customer, an applicant or staff; and the request's id."""

    request_id: str | None
    key: identity.ApiKey | None = None
    customer: identity.Session | None = field(default=None, repr=False)
    applicant: identity.SignUp | None = field(default=None, repr=False)
    staff: identity.StaffSession | None = field(default=None, repr=False)

    @property
    def is_partner(self) -> bool:
        """Whether a program or a member of staff calls, and not the person themselves."""
        return self.customer is None and self.applicant is None

    @property
    def scope(self) -> str:
        """Whose Idempotency-Keys these are, and who acts, as a public id."""
        if self.key is not None:
            return show_id(API_KEY, self.key.id)
        if self.staff is not None:
            return show_actor(self.staff)
        if self.applicant is not None:
            return show_id(SIGN_UP, self.applicant.id)
        assert self.customer is not None
        return show_id(LOGIN, self.customer.login_id)

    @property
    def caller(self) -> Caller:
        """Who acts, as the audit trail records it."""
        return Caller(actor=self.scope, request_id=self.request_id)

    @property
    def bound_to(self) -> uuid.UUID | None:
        """The only merchant or person whose things the caller may touch; None without a bound."""
        if self.key is not None:
            return self.key.merchant_id
        if self.applicant is not None:
            return self.applicant.id
        return None if self.customer is None else self.customer.subject_id

    def may_act_for(self, owner_id: uuid.UUID | None) -> bool:
        """Say whether what belongs to `owner_id` (None: to nobody) is this caller's."""
        return self.bound_to is None or self.bound_to == owner_id

    def check_merchant(self, merchant_id: uuid.UUID | None) -> None:
        """Refuse a key that is bound to another merchant; raises MerchantNotAllowed."""
        if not self.may_act_for(merchant_id):
            raise MerchantNotAllowed("The API key acts for another merchant.")

    def check_owner(
        self,
        owner_id: uuid.UUID | None,
        what: str,
        shown: str,
        *,
        refusal: type[NotFound] = NotFound,
    ) -> None:
        """Refuse as NotFound what is somebody else's: its existence is not this caller's affair.

        In the words that the room has for what does not exist, so that nobody can tell them apart.
        """
        if not self.may_act_for(owner_id):
            told = f"there is no {what} {shown}"
            raise refusal(told, context={"id": shown}) from NotOwned(told)


async def authenticate(request: Request) -> Principal:
    """Return the caller of a request; asks once for each request.

    Raises NotAuthenticated, and AntiForgeryHeaderMissing for a cookie that comes alone.
    """
    known = request.scope.get(_CALLER)
    if isinstance(known, Principal):
        return known
    principal = await _find_principal(request)
    request.scope[_CALLER] = principal
    request.scope[ACTOR] = principal.scope
    if principal.customer is None:
        # Customers are let in where their session is found, which some routes do by themselves.
        gate.admit(request.scope, _kind_of(principal), principal.scope)
    return principal


def _kind_of(principal: Principal) -> EntityKind:
    if principal.staff is not None:
        return EntityKind.STAFF
    if principal.key is not None:
        return gate.kind_of_key(principal.key)
    return EntityKind.LOGIN


async def _find_principal(request: Request) -> Principal:
    request_id = request_id_of(request.scope)
    if has_staff_credentials(request):
        staff = await find_signed_in(request)
        if staff is None:
            raise NotAuthenticated(
                "Sign in first: there is no such session.", field="Authorization"
            )
        return Principal(request_id=request_id, staff=staff)
    secret = read_bearer(request.headers.getlist("authorization"))
    if is_customers(request, secret):
        try:
            customer = (await find_logged_in(request)).session
        except identity.SessionEnded as ended:
            raise NotAuthenticated(ended.detail, field="Authorization") from ended
        return Principal(request_id=request_id, customer=customer)
    if is_applicants(secret):
        return Principal(request_id=request_id, applicant=await find_applicant(request))
    key = None if secret is None else await application_of(request).keys.find(secret)
    if key is None:
        raise NotAuthenticated(
            "Send an API key that is valid: Authorization: Bearer htk_…"
            if secret is None
            else "This API key is not known, or was revoked.",
            field="Authorization",
        )
    return Principal(request_id=request_id, key=key)


class _ApiKeyScheme(HTTPBearer):
    """The scheme as the OpenAPI document shows it; `authenticate` has done the work."""

    def __init__(self) -> None:
        super().__init__(
            scheme_name="ApiKey",
            bearerFormat="htk_…",
            description="An API key, made with `huitong keys create`. Each operation names the "
            "scope that the key must have.",
            auto_error=False,
        )

    async def __call__(self, request: HTTPConnection) -> Any:  # noqa: ARG002 - as the base has it
        return None


class _StaffScheme(HTTPBearer):
    """The token of a member of staff, as the OpenAPI document shows it."""

    def __init__(self) -> None:
        super().__init__(
            scheme_name="StaffSession",
            bearerFormat="hst_…",
            description="The token of a staff session, which signing in with two factors gives.",
            auto_error=False,
        )

    async def __call__(self, request: HTTPConnection) -> Any:  # noqa: ARG002 - as the base has it
        return None


class _StaffCookieScheme(APIKeyCookie):
    """The staff's cookie, as the OpenAPI document shows it."""

    def __init__(self) -> None:
        super().__init__(
            name=STAFF_COOKIE,
            scheme_name="StaffCookie",
            description="The session of a member of staff in a browser; needs the header "
            "`X-Huitong-Anti-Forgery: 1` too.",
            auto_error=False,
        )

    async def __call__(self, request: HTTPConnection) -> Any:  # noqa: ARG002 - as the base has it
        return None


class _SignUpScheme(HTTPBearer):
    """The token of somebody who signs up, as the OpenAPI document shows it."""

    def __init__(self) -> None:
        super().__init__(
            scheme_name="SignUp",
            bearerFormat="htu_…",
            description="The token of a sign-up, which proving a number without a login gives.",
            auto_error=False,
        )

    async def __call__(self, request: HTTPConnection) -> Any:  # noqa: ARG002 - as the base has it
        return None


_key_scheme: Final = _ApiKeyScheme()
_sign_up_scheme: Final = _SignUpScheme()
_staff_scheme: Final = _StaffScheme()
_staff_cookie: Final = _StaffCookieScheme()


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request pass whose caller has the permission that the route declares."""

    permission: str
    is_for_merchants: bool = False
    is_for_customers: bool = False
    is_for_applicants: bool = False

    async def check(self, request: Request) -> Principal:
        """Return the caller; raises NotAuthenticated, NotAllowed, NotPermitted."""
        principal = await authenticate(request)
        if principal.key is not None:
            self._check_key(principal.key)
        elif principal.staff is not None:
            if not identity.AccessPolicy.load().permits(
                principal.staff.staff.roles, self.permission
            ):
                raise identity.NotPermitted(self.permission)
        elif principal.applicant is not None:
            self._check_applicant()
        else:
            assert principal.customer is not None
            self._check_customer(principal.customer)
        return principal

    def _check_key(self, key: identity.ApiKey) -> None:
        # A key may have a scope from before it was taken out of what keys may have.
        if self.permission not in SCOPES:
            raise identity.NotPermitted(self.permission)
        if self.permission not in key.scopes:
            raise NotAllowed(
                f"The API key needs the scope {self.permission}.",
                context={"scopes": [self.permission]},
            )
        if key.merchant_id is not None and not self.is_for_merchants:
            raise MerchantNotAllowed("A key that is bound to a merchant may not do this.")

    def _check_customer(self, session: identity.Session) -> None:
        is_permitted = (
            self.is_for_customers
            and session.audience is identity.Audience.CUSTOMER
            and self.permission in identity.AccessPolicy.load().customer_permissions
        )
        if not is_permitted:
            raise identity.NotPermitted(self.permission)

    def _check_applicant(self) -> None:
        policy = identity.AccessPolicy.load()
        if not (self.is_for_applicants and self.permission in policy.applicant_permissions):
            raise identity.NotPermitted(self.permission)


class _KeyGuard(Guard):
    """A guard of a route that API keys may call too; the document names the scope."""

    __slots__ = ()

    async def __call__(
        self,
        request: Request,
        scopes: SecurityScopes,  # noqa: ARG002 - for the document
        _documented: Annotated[Any, Depends(_key_scheme)],
    ) -> Principal:
        return await self.check(request)


class _ApplicantGuard(_KeyGuard):
    """A guard of a route that people may call who sign up; the document names their token, too."""

    __slots__ = ()

    async def __call__(  # type: ignore[override] # the framework reads the signature
        self,
        request: Request,
        scopes: SecurityScopes,  # noqa: ARG002 - for the document
        _documented: Annotated[Any, Depends(_key_scheme)],
        _sign_up: Annotated[Any, Depends(_sign_up_scheme)],
    ) -> Principal:
        return await self.check(request)


class _StaffGuard(Guard):
    """A guard of a route that is for staff only."""

    __slots__ = ()

    async def __call__(
        self,
        request: Request,
        _documented: Annotated[Any, Depends(_staff_scheme)],
        _cookie: Annotated[Any, Depends(_staff_cookie)],
    ) -> Principal:
        return await self.check(request)


class _CustomerGuard(Guard):
    """A guard of a route that is for customers only; the document names their session."""

    __slots__ = ()

    async def __call__(self, request: Request) -> Principal:
        return await self.check(request)


class _Public:
    """What a route has that anybody may call; `huitong.api.declarations` looks for it."""

    permission: Final = "public"

    async def __call__(self, request: Request) -> None:
        """Let everybody pass, by the address's budget; raises RateLimited, CallerBlocked."""
        gate.admit_stranger(request.scope)


#: The declaration of routes that anybody may call.
PUBLIC: Final[Any] = Depends(_Public())


class _Signed(_Public):
    """What a route has that anybody may call who signs: the route counts who does not."""

    async def __call__(self, request: Request) -> None:
        """Let everybody pass."""


#: The declaration of routes that check a signature before they let anybody in.
SIGNED: Final[Any] = Depends(_Signed())


def require(
    permission: str,
    *,
    is_for_merchants: bool = False,
    is_for_customers: bool = False,
    is_for_applicants: bool = False,
) -> Any:
    """Return the dependency of a route whose caller needs `permission`.

    Keys bound to a merchant pass only with `is_for_merchants`, customers with `is_for_customers`
    and people who sign up with `is_for_applicants`; such a route then checks that what it touches
    is theirs.
    """
    assert permission in identity.AccessPolicy.load().permissions, permission
    if permission in SCOPES:
        kind = _ApplicantGuard if is_for_applicants else _KeyGuard
        guard = kind(permission, is_for_merchants, is_for_customers, is_for_applicants)
        return Security(guard, scopes=[permission])
    if is_for_customers:
        return Security(_CustomerGuard(permission, is_for_customers=True))
    return Security(_StaffGuard(permission))
