"""A day of an operations team: files in, money out, books tied, every difference found.

Owns the story (`play_settlement_day`) and its scenes. Everything is done over the API and by the
operator's commands; the clock of the platform is put forward from one evening to the next.
"""

from huitong.demo.settlement_day.story import SCENES, SCOPES, play_settlement_day

__all__ = ["SCENES", "SCOPES", "play_settlement_day"]
