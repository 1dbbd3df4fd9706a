"""Grades of applications, from the probability of default, by the rulebook's bounds."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit.rules import read_ratios


class Grade(StrEnum):
    """A credit grade; A is best. E is above every bound: no terms are offered."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"

    @property
    def is_offered_terms(self) -> bool:
        """Say whether this grade can have a loan at all."""
        return self is not Grade.E


def grade_probability(probability: float, *, rulebook: Rulebook, on: date) -> Grade:
    """Return the grade of a probability of default, by `risk.credit.grade.pd.max` of a day.

    Each bound belongs to the better grade. Worked: bounds 0.02, 0.05, 0.10, 0.20 make 0.05 a B.
    """
    bounds = read_ratios(rulebook, "risk.credit.grade.pd.max", on)
    for grade, bound in zip(Grade, bounds, strict=False):
        if Decimal(str(probability)) <= bound:
            return grade
    return Grade.E
