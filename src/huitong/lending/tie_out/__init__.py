"""How far our schedules, replays and rates agree with what others published, line by line.

Reads files in the shapes of Apache Fineract's tests, of pyxirr's and of regulators' examples; none
of them comes with the platform.
"""

from huitong.lending.tie_out.report import TieOut, tie_out

__all__ = ["TieOut", "tie_out"]
