"""A kernel for which features that matter more are further apart.

What matters is asked of small boosted trees on the same rows: the spread of each feature's part in
their log-odds. Imports LightGBM and scikit-learn, which take seconds: import it late.
"""

from collections.abc import Mapping
from typing import Any, Final

import lightgbm
import numpy as np
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from huitong.risk.credit.evaluation.encoding import Encoder
from huitong.risk.credit.evaluation.learners import TREES, Learner, make_deviates, to_log_odds
from huitong.risk.credit.evaluation.types import Frame
from huitong.risk.decisioning.features.scans import Floats

_STEPS_MAX: Final = 600
_ASKED: Final[Mapping[str, Any]] = {
    **TREES, "max_depth": 2, "num_leaves": 4, "learning_rate": 0.05, "min_data_in_leaf": 40,
    "feature_fraction": 0.2,
}  # fmt: skip
_ASKED_ROUNDS: Final = 300
_ASKED_COPIES: Final = 2
_WEIGHT_MIN: Final = 1e-6


def weighted_kernel(
    *, gamma: float, components: int, penalty_inverse: float, power: float, copies: int
) -> Learner:
    """Return a learner of a logistic regression on a Gaussian kernel of weighted features.

    Numbers are normal deviates by their ranks times weights whose mean square is 1: what the trees
    say of a feature, to a power below 1, for they say too little of features that resemble others.
    It is the mean of `copies` of other seeds.
    """

    def learn(train: Frame, labels: Floats, test: Frame, seed: int) -> Floats:
        encoder = Encoder().fit(train)
        (numbers, flags), (others, other_flags) = map(encoder.for_curves, (train, test))
        weights = _weigh(encoder.for_trees(train), labels, seed)[: numbers.shape[1]] ** power
        weights /= np.sqrt(np.mean(weights**2))
        deviates = make_deviates(len(train), seed)
        design = np.hstack([deviates.fit_transform(numbers) * weights, flags])
        other = np.hstack([deviates.transform(others) * weights, other_flags])
        found = []
        for copy in range(copies):
            model = make_pipeline(
                Nystroem(gamma=gamma, n_components=components, random_state=seed + copy),
                LogisticRegression(C=penalty_inverse, max_iter=_STEPS_MAX),
            ).fit(design, labels)
            found.append(to_log_odds(model.predict_proba(other)[:, 1]))
        return np.asarray(np.mean(found, axis=0), np.float64)

    return learn


def _weigh(matrix: Floats, labels: Floats, seed: int) -> Floats:
    """Return how much each column moves the log-odds of small trees; none is quite nothing."""
    spreads = np.zeros(matrix.shape[1])
    for copy in range(_ASKED_COPIES):
        data = lightgbm.Dataset(matrix, labels)
        trees = lightgbm.train({**_ASKED, "seed": seed + copy}, data, _ASKED_ROUNDS)
        parts = np.asarray(trees.predict(matrix, pred_contrib=True), np.float64)[:, :-1]
        spreads += parts.std(axis=0)
    found: Floats = np.maximum(spreads / max(spreads.mean(), _WEIGHT_MIN), _WEIGHT_MIN)
    return found
