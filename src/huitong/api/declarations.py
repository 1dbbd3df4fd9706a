"""What each route declares: the permission that its caller needs, and who may have it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import APIRoute

from huitong.api.scopes import SCOPES
from huitong.identity import AccessPolicy

Requirement = dict[str, list[str]]

PUBLIC: Final = "public"
LOGIN: Final = "login:own"
NOBODY: Final = "no credentials"
CUSTOMER: Final = "customer"
APPLICANT: Final = "applicant"
API_KEY: Final = "API key"
YES: Final = "yes"
OWN: Final = "own"
NO: Final = "–"
_STAFF_SECURITY: Final[tuple[Requirement, ...]] = ({"StaffSession": []}, {"StaffCookie": []})
_APPLICANT_SECURITY: Final[tuple[Requirement, ...]] = ({"SignUp": []},)
_CUSTOMER_SECURITY: Final[tuple[Requirement, ...]] = ({"Session": []}, {"SessionCookie": []})


class NotDeclaredError(TypeError):
    """A route declares no permission, or more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one route declares."""

    method: str
    path: str
    permission: str
    is_for_customers: bool = False
    is_for_applicants: bool = False
    is_for_staff: bool = True

    @property
    def security(self) -> list[Requirement] | None:
        """The alternatives that the OpenAPI document names; None leaves it as it is."""
        if self.permission in (PUBLIC, LOGIN):
            return None
        policy = AccessPolicy.load()
        found: list[Requirement] = []
        if self.permission in SCOPES:
            found.append({"ApiKey": [self.permission]})
        if self.is_for_staff and policy.permits(policy.roles, self.permission):
            found.extend(_STAFF_SECURITY)
        if self.is_for_customers:
            found.extend(_CUSTOMER_SECURITY)
        if self.is_for_applicants:
            found.extend(_APPLICANT_SECURITY)
        return found

    def may(self, caller: str) -> str:
        """Return YES, OWN or NO for a role, CUSTOMER, APPLICANT, API_KEY or NOBODY."""
        if self.permission == PUBLIC:
            return YES
        policy = AccessPolicy.load()
        if caller == CUSTOMER:
            is_own = self.permission == LOGIN or self.is_for_customers
            return OWN if is_own and self.permission in policy.customer_permissions else NO
        if caller == APPLICANT:
            is_own = self.is_for_applicants and self.permission in policy.applicant_permissions
            return OWN if is_own else NO
        if caller == API_KEY:
            return f"`{self.permission}`" if self.permission in SCOPES else NO
        if caller == NOBODY or not self.is_for_staff:
            return NO
        return YES if policy.permits([caller], self.permission) else NO


def list_declarations(routes: Iterable[Any]) -> list[Declaration]:
    """Return what each route of the framework declares, in the order of paths.

    Raises NotDeclaredError. The document itself, which the framework serves, is no such route.
    """
    found = [
        Declaration(
            method=method,
            path=route.path,
            permission=guard.permission,
            is_for_customers=getattr(guard, "is_for_customers", False),
            is_for_applicants=getattr(guard, "is_for_applicants", False),
        )
        for route in _list_routes(routes)
        for guard in [_find_guard(route)]
        for method in sorted(route.methods or ())
    ]
    return sorted(found, key=lambda each: (each.path, each.method))


def _list_routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        inner = getattr(route, "original_router", route)
        if isinstance(inner, APIRoute):
            yield inner
        elif hasattr(inner, "routes"):
            yield from _list_routes(inner.routes)


def _find_guard(route: APIRoute) -> Any:
    calls = [each.call for each in route.dependant.dependencies]
    guards = [call for call in calls if isinstance(getattr(call, "permission", None), str)]
    if len(guards) != 1:
        raise NotDeclaredError(f"{route.path} declares {len(guards)} permissions, not one")
    return guards[0]
