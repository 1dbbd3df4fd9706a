"""Who may do what: the policy file, and the one question that every route asks of it.

Casbin decides which role has which permission; amounts, branches, cases and own records are
attributes of a single act and are looked at here.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

import casbin
import yaml
from casbin.model import FastModel

from huitong.identity.staff_errors import (
    AmountAboveLimit,
    NotOwnBranch,
    NotOwnCase,
    NotPermitted,
    OwnRecord,
)
from huitong.identity.staff_types import Staff
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.money import Money
from huitong.kernel.yaml_text import read_yaml

_POLICY: Final = "permissions.yaml"
_MODEL: Final = "permissions_model.conf"
#: The places of role and permission in a line of the policy.
_QUESTION: Final = (0, 1)


class AccessPolicyInvalidError(ValueError):
    """The policy's file cannot be used; a mistake of whoever changed it, found at start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What one role may do, and within which bounds."""

    permits: frozenset[str]
    amount_max: Mapping[str, Money] = field(default_factory=dict)
    own_branch: frozenset[str] = frozenset()
    own_cases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRule:
    """What is needed to ask for an act and to decide on it, and how long a request stands."""

    request: str
    approve: str
    lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What is particular to one act; None for what it does not have.

    `concerns` are the people whom it is about, `assigned_to` the member of staff whose case it is.
    """

    amount: Money | None = None
    branch: str | None = None
    assigned_to: uuid.UUID | None = None
    concerns: Collection[uuid.UUID] = field(default=(), repr=False)


_NO_ATTRIBUTES: Final = Attributes()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """The whole policy, with Casbin's answer for every role and permission worked out once."""

    permissions: Mapping[str, str]
    key_scopes: Mapping[str, str]
    customer_permissions: frozenset[str]
    applicant_permissions: frozenset[str]
    roles: Mapping[str, Role]
    alone: frozenset[str]
    acts: Mapping[str, ActRule]
    _allowed: frozenset[tuple[str, str]]

    @staticmethod
    def load() -> "AccessPolicy":
        """Return the policy that ships with us, read once in each process."""
        return _load()

    @staticmethod
    def parse(document: str) -> "AccessPolicy":
        """Return the policy that a YAML document writes; raises AccessPolicyInvalidError."""
        if len(document.encode()) > limits.POLICY_FILE_BYTES_MAX:
            raise AccessPolicyInvalidError(f"more than {limits.POLICY_FILE_BYTES_MAX} bytes")
        try:
            return _read(read_yaml(document))
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, Refusal) as error:
            raise AccessPolicyInvalidError(f"{type(error).__name__}: {error}") from error

    def permits(self, roles: Iterable[str], permission: str) -> bool:
        """Say whether one of the roles has a permission at all, before any attribute is known."""
        return any((role, permission) in self._allowed for role in roles)

    def check_roles(self, roles: Collection[str]) -> None:
        """Refuse roles that there are not, or that nobody may have together; raises InvalidField.

        Who audits others has no other role, and who gives out rights does not use them.
        """
        if not 1 <= len(set(roles)) <= limits.STAFF_ROLES_MAX:
            raise InvalidField(f"must name 1 to {limits.STAFF_ROLES_MAX} roles", field="roles")
        if any(role not in self.roles for role in roles):
            raise InvalidField(f"must be among {', '.join(self.roles)}", field="roles")
        lonely = sorted(self.alone.intersection(roles))
        if lonely and len(set(roles)) > 1:
            raise InvalidField(f"must not have another role beside {lonely[0]}", field="roles")


def authorise(
    staff: Staff,
    permission: str,
    attributes: Attributes = _NO_ATTRIBUTES,
    *,
    policy: AccessPolicy | None = None,
) -> None:
    """Refuse what a member of staff may not do with this amount, branch, case or person.

    One role must answer for the whole act: bounds of several roles are not put together. Raises
    NotPermitted, OwnRecord, AmountAboveLimit, NotOwnBranch, NotOwnCase.
    """
    policy = policy or AccessPolicy.load()
    if not policy.permits(staff.roles, permission):
        raise NotPermitted(permission)
    if staff.id in attributes.concerns or staff.customer_id in attributes.concerns:
        raise OwnRecord("Nobody acts on their own record.")
    refusals = [
        _find_bound(policy.roles[name], staff, permission, attributes)
        for name in sorted(staff.roles)
        if policy.permits([name], permission)
    ]
    if None not in refusals:
        refusal = refusals[0]
        assert refusal is not None
        raise refusal


def _find_bound(
    role: Role, staff: Staff, permission: str, attributes: Attributes
) -> Refusal | None:
    bound = role.amount_max.get(permission)
    if bound is not None and not _is_within(attributes.amount, bound):
        return AmountAboveLimit(
            "The amount is above what your role may decide.", context={"limit": bound.to_json()}
        )
    # What has no branch or case is not known to be one's own: then it is not.
    if permission in role.own_branch and (
        staff.branch is None or attributes.branch != staff.branch
    ):
        return NotOwnBranch("This belongs to another branch.")
    if permission in role.own_cases and attributes.assigned_to != staff.id:
        return NotOwnCase("This case is assigned to somebody else.")
    return None


def _is_within(amount: Money | None, bound: Money) -> bool:
    # An amount in another currency cannot be compared, and an unknown one may be any.
    return amount is not None and amount.currency == bound.currency and amount <= bound


@cache
def _load() -> AccessPolicy:
    return AccessPolicy.parse((files("huitong.identity") / _POLICY).read_text(encoding="utf-8"))


def _read(document: Any) -> AccessPolicy:
    permissions = {str(name): str(title) for name, title in document["permissions"].items()}
    roles = {str(name): _read_role(given) for name, given in document["roles"].items()}
    acts = {str(name): _read_act(given) for name, given in document["acts"].items()}
    keys, customers = map(str, document["keys"]), frozenset(map(str, document["customers"]))
    applicants = frozenset(map(str, document.get("applicants", ())))
    key_scopes = {name: permissions[name] for name in keys}
    _check_sizes(permissions, roles, acts)
    named = {*customers, *applicants}
    for role in roles.values():
        named |= role.permits
        if not {*role.amount_max, *role.own_branch, *role.own_cases} <= role.permits:
            raise ValueError("a bound is for a permission that the role does not have")
    for act in acts.values():
        named |= {act.request, act.approve}
    if not named <= permissions.keys():
        raise ValueError(f"not among the permissions: {', '.join(sorted(named - {*permissions}))}")
    alone = frozenset(map(str, document["alone"]))
    if not alone <= roles.keys():
        raise ValueError("alone names a role that there is not")
    return AccessPolicy(
        permissions=permissions,
        key_scopes=key_scopes,
        customer_permissions=customers,
        applicant_permissions=applicants,
        roles=roles,
        alone=alone,
        acts=acts,
        _allowed=_enforce(roles, permissions),
    )


def _check_sizes(*parts: Mapping[str, Any]) -> None:
    maxima = (limits.PERMISSIONS_MAX, limits.ROLES_MAX, limits.APPROVAL_ACTS_MAX)
    for part, maximum in zip(parts, maxima, strict=True):
        if not 1 <= len(part) <= maximum:
            raise ValueError(f"must have 1 to {maximum} entries, not {len(part)}")


def _read_role(given: Mapping[str, Any]) -> Role:
    return Role(
        permits=frozenset(map(str, given["permits"])),
        amount_max={
            str(name): _read_amount(str(text)) for name, text in given.get("amount_max", {}).items()
        },
        own_branch=frozenset(map(str, given.get("own_branch", ()))),
        own_cases=frozenset(map(str, given.get("own_cases", ()))),
    )


def _read_amount(text: str) -> Money:
    amount, currency = text.split(" ")
    return Money.parse(amount, currency)


def _read_act(given: Mapping[str, Any]) -> ActRule:
    hours = given["hours"]
    if not (type(hours) is int and 1 <= hours <= limits.APPROVAL_HOURS_MAX):
        raise ValueError(f"hours must be from 1 to {limits.APPROVAL_HOURS_MAX}")
    return ActRule(
        request=str(given["request"]),
        approve=str(given["approve"]),
        lifetime=timedelta(hours=hours),
    )


def _enforce(roles: Mapping[str, Role], permissions: Iterable[str]) -> frozenset[tuple[str, str]]:
    # Only the lines of the role and permission in question are evaluated, not the whole policy
    # for each pair: that would take seconds.
    model = FastModel(_QUESTION)
    model.load_model_from_text((files("huitong.identity") / _MODEL).read_text(encoding="utf-8"))
    enforcer = casbin.FastEnforcer(model, cache_key_order=_QUESTION)
    enforcer.add_policies(
        [[name, permission] for name, role in roles.items() for permission in sorted(role.permits)]
    )
    return frozenset(
        (role, permission)
        for role in roles
        for permission in permissions
        if enforcer.enforce(role, permission)
    )
