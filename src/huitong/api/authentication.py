"""Who is calling: API keys as Bearer tokens, their scopes, and the merchant they may be bound to.

A secret is never compared: its SHA-256 digest is looked up, so that the time of an answer tells
nothing about how much of a guess was right.
"""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Security
from fastapi.security import SecurityScopes
from fastapi.security.http import HTTPBearer
from starlette.requests import HTTPConnection, Request

from huitong.api.problems import MerchantNotAllowed, NotAllowed, NotAuthenticated
from huitong.api.request_context import request_id_of
from huitong.api.scopes import SCOPES
from huitong.identity import ApiKey
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import API_KEY, show_id
from huitong.wiring.application import Application

_CALLER: Final = "huitong.principal"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request: a key, and the request's id for the trail."""

    key: ApiKey
    request_id: str | None

    @property
    def scope(self) -> str:
        """Whose Idempotency-Keys these are."""
        return show_id(API_KEY, self.key.id)

    @property
    def caller(self) -> Caller:
        """Who acts, as the audit trail records it."""
        return Caller(actor=self.scope, request_id=self.request_id)

    @property
    def merchant_id(self) -> uuid.UUID | None:
        """The only merchant for which the key may act; None for a key without such a bound."""
        return self.key.merchant_id

    def may_act_for(self, merchant_id: uuid.UUID | None) -> bool:
        """Say whether what belongs to `merchant_id` (None: to no merchant) is this caller's."""
        return self.key.merchant_id is None or self.key.merchant_id == merchant_id

    def check_merchant(self, merchant_id: uuid.UUID | None) -> None:
        """Refuse a key that is bound to another merchant; raises MerchantNotAllowed."""
        if not self.may_act_for(merchant_id):
            raise MerchantNotAllowed("The API key acts for another merchant.")

    def check_owner(self, merchant_id: uuid.UUID | None, what: str) -> None:
        """Refuse as NotFound what is another merchant's: its existence is not this key's affair."""
        if not self.may_act_for(merchant_id):
            raise NotFound(f"There is no {what}")


def application_of(request: Request) -> Application:
    """Return the application that a request came to."""
    return cast("Application", request.app.state.application)


async def authenticate(request: Request) -> Principal:
    """Return the caller of a request; raises NotAuthenticated. Asks once for each request."""
    known = request.scope.get(_CALLER)
    if isinstance(known, Principal):
        return known
    secret = read_bearer(request.headers.getlist("authorization"))
    key = None if secret is None else await application_of(request).keys.find(secret)
    if key is None:
        raise NotAuthenticated(
            "Send an API key that is valid: Authorization: Bearer htk_…"
            if secret is None
            else "This API key is not known, or was revoked.",
            field="Authorization",
        )
    principal = Principal(key, request_id_of(request.scope))
    request.scope[_CALLER] = principal
    return principal


def read_bearer(values: list[str]) -> str | None:
    """Return the secret in the Authorization headers of a request, or None if there is no one."""
    # Two headers have no meaning; which one a proxy in front had checked is not known.
    if len(values) != 1:
        return None
    scheme, _, secret = values[0].partition(" ")
    secret = secret.strip(" ")
    if scheme.lower() != "bearer" or not 1 <= len(secret) <= limits.API_KEY_LENGTH_MAX:
        return None
    return secret


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


_scheme: Final = _ApiKeyScheme()


@dataclass(frozen=True, slots=True)
class _Guard:
    """Lets a request pass whose key has the scopes; bound keys only where merchants may act."""

    is_for_merchants: bool

    async def __call__(
        self,
        request: Request,
        scopes: SecurityScopes,
        _documented: Annotated[Any, Depends(_scheme)],
    ) -> Principal:
        principal = await authenticate(request)
        missing = [scope for scope in scopes.scopes if scope not in principal.key.scopes]
        if missing:
            raise NotAllowed(
                f"The API key needs the scope {', '.join(missing)}.", context={"scopes": missing}
            )
        if principal.merchant_id is not None and not self.is_for_merchants:
            raise MerchantNotAllowed("A key that is bound to a merchant may not do this.")
        return principal


def require(scope: str, *, is_for_merchants: bool = False) -> Any:
    """Return the dependency of a route that needs a key with `scope`.

    Keys bound to a merchant pass only with `is_for_merchants`; such a route then checks that what
    it touches is that merchant's.
    """
    assert scope in SCOPES, scope
    return Security(_Guard(is_for_merchants), scopes=[scope])
