"""The rooms name roles without knowing each other: here their names are compared."""

from huitong.identity import AccessPolicy
from huitong.privacy import Policy


def test_every_role_of_the_disclosure_policy_is_one_that_staff_can_have() -> None:
    named = {role for role, _ in Policy.load().permits}
    assert named <= AccessPolicy.load().roles.keys()
    assert "auditor" in named


def test_every_role_that_may_see_something_whole_may_ask_for_it_and_no_other_one() -> None:
    policy = AccessPolicy.load()
    asking = {role for role in policy.roles if policy.permits([role], "people:disclose")}
    assert asking == {role for role, _ in Policy.load().permits}
