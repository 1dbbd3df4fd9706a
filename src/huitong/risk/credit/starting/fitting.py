"""Fitting the start scorecard, measuring it, and writing its card.

The bank's own loans replace it. Imports what trains, which takes seconds: import it late.
"""

from typing import Any, Final

import numpy as np

from huitong.risk.credit.fairness import measure_groups
from huitong.risk.credit.measures import measure
from huitong.risk.credit.scorecards.fitting import calibrate_scorecard, fit_scorecard
from huitong.risk.credit.scorecards.registering import CREDIT_MODEL_NAME, make_model
from huitong.risk.credit.scorecards.scoring import score_columns, to_probabilities
from huitong.risk.credit.scorecards.types import Scorecard
from huitong.risk.credit.starting.applicants import Applicants, simulate_applicants
from huitong.risk.credit.starting.features import APPLICATION_FEATURES
from huitong.risk.credit.starting.model_card import write_model_card
from huitong.risk.decisioning.features.scans import Floats, Integers
from huitong.risk.decisioning.models.types import TrainedModel

APPLICANTS: Final = 30_000
_FIT_SHARE: Final = 0.6
_CALIBRATE_SHARE: Final = 0.2
_TARGET: Final = "default within 12 months: over 90 days late (simulated)"


def fit_start_scorecard(
    count: int = APPLICANTS, *, seed: int = 0
) -> tuple[Scorecard, TrainedModel]:
    """Return a scorecard of simulated applicants, and it as the registry takes it.

    Three fifths of the applicants fit it, a fifth calibrates and a fifth measures it. The same
    count and seed give the same scorecard.
    """
    applicants = simulate_applicants(count, seed=seed)
    first, second = int(count * _FIT_SHARE), int(count * (_FIT_SHARE + _CALIBRATE_SHARE))
    fit, calibrate, test = (
        _take(applicants, np.arange(low, high))
        for low, high in ((0, first), (first, second), (second, count))
    )
    card = fit_scorecard(
        CREDIT_MODEL_NAME,
        fit.columns,
        fit.labels,
        target=_TARGET,
        words={name: each.words for name, each in APPLICATION_FEATURES.items()},
        is_simulated=True,
    )
    card = calibrate_scorecard(card, calibrate.columns, calibrate.labels)
    metrics = measure_applicants(card, test)
    text = write_model_card(card, metrics, seed=seed)
    points = score_columns(card, test.columns)
    return card, make_model(card, test.columns, points, metrics=metrics, text=text)


def measure_applicants(card: Scorecard, applicants: Applicants) -> dict[str, Any]:
    """Return what a scorecard is worth on applicants, with fairness by each protected attribute."""
    probabilities = to_probabilities(card, score_columns(card, applicants.columns))
    measured = measure(probabilities, applicants.labels)
    return {
        **measured,
        "auc_roc": measured["auc"],
        "rows": len(applicants.labels),
        "bad_rate": float(applicants.labels.mean()),
        "fairness": {
            name: measure_groups(probabilities, applicants.labels, groups)
            for name, groups in applicants.groups.items()
        },
    }


def _take(applicants: Applicants, rows: Integers) -> Applicants:
    def cut(values: Floats) -> Floats:
        return values[rows]

    return Applicants(
        {name: cut(values) for name, values in applicants.columns.items()},
        cut(applicants.labels),
        {name: values[rows] for name, values in applicants.groups.items()},
    )
