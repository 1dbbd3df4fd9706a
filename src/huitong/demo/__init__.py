"""A day of business, played with real HTTP calls and checked to the last fen.

Owns the story (`play_day`) and the demo customers and merchants that `make run` opens
(`seed_platform`). It knows the platform only from outside, by its API.
"""

from huitong.demo.client import Client, PlatformAway
from huitong.demo.day import Day, StoryBroken
from huitong.demo.seeding import SCOPES, is_key_valid, seed_platform
from huitong.demo.stage import Stage
from huitong.demo.story import play_day

__all__ = [
    "SCOPES",
    "Client",
    "Day",
    "PlatformAway",
    "Stage",
    "StoryBroken",
    "is_key_valid",
    "play_day",
    "seed_platform",
]
