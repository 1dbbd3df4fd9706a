"""A week in a town and the attacks on it: what is stopped, why, and what it costs the honest.

Owns the story (`play_risk`). Everything is done over the API, by people with telephones, staff with
two factors, and thieves; the operator only opens logins and puts the platform's clock forward.
"""

from huitong.demo.risk.story import SCOPES, play_risk

__all__ = ["SCOPES", "play_risk"]
