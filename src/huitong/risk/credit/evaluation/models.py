"""The two models that are measured: the best, a mean of several learners, and the scorecard.

Imports what trains, which takes seconds: import it late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.model_selection import StratifiedKFold

from huitong.risk.credit import limits
from huitong.risk.credit.evaluation.recipes import RECIPES
from huitong.risk.credit.evaluation.types import DataSet, Frame
from huitong.risk.credit.scorecards.binning import BinningSettings
from huitong.risk.credit.scorecards.fitting import FitSettings, fit_scorecard
from huitong.risk.credit.scorecards.scoring import (
    FeatureColumn,
    score_columns,
    to_probabilities,
)
from huitong.risk.credit.scorecards.types import Scaling, Scorecard
from huitong.risk.decisioning.features.scans import Floats, Integers
from huitong.risk.decisioning.models.calibration import to_probability

#: Finer than a scorecard in use needs: rounding to points then costs no rank.
_PDO: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Probabilities of bad of the same rows by both models, and by each learner of the best."""

    best: Floats
    scorecard: Floats
    learners: Mapping[str, Floats]


def predict(data: DataSet, train: Frame, labels: Floats, test: Frame, *, seed: int) -> Predictions:
    """Fit both models on some rows, and return what they say about others.

    The best model is the mean of the log-odds of its learners: without weights to choose, nothing
    of the rows to be tested, nor of the labels, can leak into the choice.
    """
    hidden = data.protected if data.is_best_blind else frozenset()
    seen, unseen = train.leave_out(hidden), test.leave_out(hidden)
    log_odds = {name: RECIPES[name](seen, labels, unseen, seed) for name in data.learners}
    card = fit_card(data, train, labels)
    points = score_columns(card, data.card_features(test))
    return Predictions(
        best=to_probability(np.asarray(np.mean(list(log_odds.values()), axis=0), np.float64)),
        scorecard=to_probabilities(card, points),
        learners={name: to_probability(each) for name, each in log_odds.items()},
    )


def fit_card(data: DataSet, train: Frame, labels: Floats) -> Scorecard:
    """Return the scorecard of a data set, which takes no protected attribute."""
    columns: Mapping[str, FeatureColumn] = data.card_features(train)
    settings = FitSettings(
        scaling=Scaling(pdo=_PDO),
        binning=BinningSettings(
            bins_max=data.card.get("bins_max", 6), share_min=data.card.get("share_min", 0.05)
        ),
        special=dict.fromkeys(columns, data.special),
        penalty_inverse=data.card.get("penalty_inverse", 1.0),
    )
    return fit_scorecard(
        f"{data.name}_scorecard", columns, labels, target=data.target, settings=settings
    )


def cut_folds(labels: Floats, *, seed: int) -> list[tuple[Integers, Integers]]:
    """Return rows to train on and to test on of each fold, with the same share of bad."""
    cutter = StratifiedKFold(limits.FOLDS, shuffle=True, random_state=seed)
    return [
        (train.astype(np.int64), test.astype(np.int64))
        for train, test in cutter.split(np.zeros(len(labels)), labels)
    ]
