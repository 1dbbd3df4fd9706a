"""The life of one customer's data: from the drawn identity card to the key that is destroyed.

Owns the story (`play_onboarding`). What any partner could do is done over the HTTP API; what only
whoever runs the platform can do is in `operator`.
"""

from huitong.demo.onboarding.journey import Journey
from huitong.demo.onboarding.operator import Operator
from huitong.demo.onboarding.story import SCOPES, play_onboarding

__all__ = ["SCOPES", "Journey", "Operator", "play_onboarding"]
