"""The policy file, and the one check of who may do what with which amount, branch and case."""

import uuid
from datetime import UTC, datetime

import pytest

from huitong.identity import (
    AccessPolicy,
    AccessPolicyInvalidError,
    AmountAboveLimit,
    Attributes,
    NotOwnBranch,
    NotOwnCase,
    NotPermitted,
    OwnRecord,
    Staff,
    StaffState,
    authorise,
)
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money

ME = uuid.UUID(int=1)
OTHER = uuid.UUID(int=3)
MY_RECORD = uuid.UUID(int=2)
ROLES = {
    "service",
    "operations",
    "credit",
    "risk",
    "compliance",
    "product",
    "auditor",
    "administrator",
}
DOCUMENT = """
permissions: {"loans:decide": Decide, "loans:read": Read}
keys: []
customers: []
roles:
  clerk:
    permits: ["loans:decide"]
    own_branch: ["loans:decide"]
    amount_max: {"loans:decide": 100.00 CNY}
  handler: {permits: ["loans:decide", "loans:read"], own_cases: ["loans:decide"]}
alone: []
acts:
  lending.decide: {request: "loans:decide", approve: "loans:decide", hours: 1}
"""
POLICY = AccessPolicy.parse(DOCUMENT)


def member(*roles: str, branch: str | None = None) -> Staff:
    return Staff(
        id=ME,
        state=StaffState.ACTIVE,
        roles=frozenset(roles),
        branch=branch,
        customer_id=MY_RECORD,
        created_at=datetime(2026, 11, 26, tzinfo=UTC),
    )


def yuan(fen: int) -> Money:
    return Money(fen, "CNY")


def test_the_policy_that_ships_has_the_eight_roles() -> None:
    assert set(AccessPolicy.load().roles) == ROLES


@pytest.mark.parametrize("role", sorted(ROLES))
def test_casbin_permits_what_the_file_says_and_nothing_else(role: str) -> None:
    policy = AccessPolicy.load()
    permitted = {name for name in policy.permissions if policy.permits([role], name)}
    assert permitted == policy.roles[role].permits


def test_who_gives_out_rights_has_none_over_money_and_auditors_change_nothing() -> None:
    policy = AccessPolicy.load()
    rooms = {name.split(":")[0] for name in policy.roles["administrator"].permits}
    # The rulebook is read by all, and written by nobody.
    assert rooms == {"approvals", "incidents", "keys", "rulebook", "staff"}
    assert policy.alone == {"administrator", "auditor"}
    reading = (":read", ":search", ":disclose")
    changing = {name for name in policy.roles["auditor"].permits if not name.endswith(reading)}
    assert changing == {"staff:own"}


def test_a_role_without_the_permission_is_refused() -> None:
    with pytest.raises(NotPermitted) as refused:
        authorise(member("product"), "refunds:write")
    assert refused.value.context == {"permission": "refunds:write"}


@pytest.mark.parametrize("amount", [yuan(500_001), None, Money(1, "USD")])
def test_an_amount_above_the_limit_or_not_comparable_is_refused(amount: Money | None) -> None:
    with pytest.raises(AmountAboveLimit):
        authorise(member("service"), "refunds:write", Attributes(amount=amount))


def test_an_amount_at_the_limit_passes_and_a_second_role_may_have_a_higher_one() -> None:
    authorise(member("service"), "refunds:write", Attributes(amount=yuan(500_000)))
    authorise(member("service", "operations"), "refunds:write", Attributes(amount=yuan(500_001)))
    with pytest.raises(AmountAboveLimit):
        authorise(member("service"), "refunds:write", Attributes(amount=yuan(500_001)))


def test_nobody_acts_on_their_own_customer_record() -> None:
    with pytest.raises(OwnRecord):
        authorise(member("operations"), "accounts:write", Attributes(concerns=[OTHER, MY_RECORD]))
    authorise(member("operations"), "accounts:write", Attributes(concerns=[OTHER]))


@pytest.mark.parametrize(
    ("staff", "attributes", "refusal"),
    [
        (member("clerk", branch="SH1"), Attributes(amount=yuan(1), branch="SH1"), None),
        (member("clerk", branch="SH1"), Attributes(amount=yuan(1), branch="BJ1"), NotOwnBranch),
        (member("clerk", branch="SH1"), Attributes(amount=yuan(1)), NotOwnBranch),
        (member("clerk"), Attributes(amount=yuan(1)), NotOwnBranch),
        (member("handler"), Attributes(assigned_to=ME), None),
        (member("handler"), Attributes(assigned_to=MY_RECORD), NotOwnCase),
        (member("handler"), Attributes(), NotOwnCase),
        # Bounds are not put together: the amount of one role, the branch of the other.
        (
            member("clerk", "handler", branch="SH1"),
            Attributes(amount=yuan(10_001), branch="SH1"),
            AmountAboveLimit,
        ),
    ],
)
def test_branches_and_cases_bound_a_role(
    staff: Staff, attributes: Attributes, refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        authorise(staff, "loans:decide", attributes, policy=POLICY)
        return
    with pytest.raises(refusal):
        authorise(staff, "loans:decide", attributes, policy=POLICY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("permissions", "permits"),
        ('["loans:decide", "loans:read"]', '["loans:decide", "loans:burn"]'),
        ("100.00 CNY", "100.001 CNY"),
        ("100.00 CNY", "much"),
        ('amount_max: {"loans:decide"', 'amount_max: {"loans:read"'),
        ("hours: 1", "hours: 0"),
        ("hours: 1", "hours: 169"),
        ("alone: []", "alone: [king]"),
        ("keys: []", "keys: [other]"),
        ("roles:", "roles: ["),
        ("permissions:", "x: '" + "x" * 65_536 + "'\npermissions:"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(old: str, new: str) -> None:
    assert old in DOCUMENT
    with pytest.raises(AccessPolicyInvalidError):
        AccessPolicy.parse(DOCUMENT.replace(old, new, 1))
