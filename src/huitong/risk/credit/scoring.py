"""An application's score: points, probability of default, grade and reasons, in one call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit.grading import Grade, grade_probability
from huitong.risk.credit.scorecards.scoring import Feature, PointsLost, score_one
from huitong.risk.credit.scorecards.types import Scorecard
from huitong.risk.credit.starting.shipping import start_scorecard


@dataclass(frozen=True, slots=True)
class CreditScore:
    """What is thought of an application; more points are better.

    `reasons` are the characteristics that cost most points, the costliest first, with their words.
    """

    points: int
    probability_of_default: float
    grade: Grade
    reasons: tuple[PointsLost, ...]


def score_application(
    features: Mapping[str, Feature],
    *,
    rulebook: Rulebook,
    on: date,
    scorecard: Scorecard | None = None,
) -> CreditScore:
    """Return the score of an application by a scorecard, or by the one that is shipped.

    `features` has every characteristic by name, None for unknown: amounts in minor units, ratios as
    numbers; others are ignored. Raises InvalidField naming the feature (`features.lenders`) that is
    missing or no finite number.
    """
    card = scorecard or start_scorecard()
    scored = score_one(card, features)
    return CreditScore(
        points=scored.points,
        probability_of_default=scored.probability_of_default,
        grade=grade_probability(scored.probability_of_default, rulebook=rulebook, on=on),
        reasons=scored.reasons,
    )
