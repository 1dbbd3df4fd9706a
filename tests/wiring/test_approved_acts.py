"""Every act that takes two people has something that does it, and nothing else has."""

from pathlib import Path

from huitong.identity import AccessPolicy
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault
from huitong.wiring.approved_acts import make_approved_acts


def test_the_acts_of_the_policy_are_those_with_a_handler(tmp_path: Path) -> None:
    handlers = make_approved_acts(Vault(load_key_ring(tmp_path)), Rulebook.load())
    assert set(handlers) == set(AccessPolicy.load().acts)


def test_no_role_has_alone_what_opens_pays_or_exports_without_evidence_or_a_second_person() -> None:
    """Such things are for API keys, whose owner answers for them, or for nobody."""
    policy = AccessPolicy.load()
    for permission in ("customers:write", "payments:write", "channels:simulate", "privacy:write"):
        assert not policy.permits(policy.roles, permission), permission


def test_whoever_decides_is_somebody_who_may_decide() -> None:
    policy = AccessPolicy.load()
    for name, rule in policy.acts.items():
        makers = {role for role in policy.roles if policy.permits([role], rule.request)}
        checkers = {role for role in policy.roles if policy.permits([role], rule.approve)}
        assert makers, name
        assert checkers, name
        assert all(policy.permits([role], "approvals:decide") for role in checkers), name
