"""Every act that takes two people has something that does it, and nothing else has."""

from huitong.identity import AccessPolicy
from huitong.wiring.approved_acts import APPROVED_ACTS


def test_the_acts_of_the_policy_are_those_with_a_handler() -> None:
    assert set(APPROVED_ACTS) == set(AccessPolicy.load().acts)
