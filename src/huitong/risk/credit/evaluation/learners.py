"""Learners of the best model, each from rows and labels to log-odds of bad on other rows.

Their settings are fixed beforehand and the same in every fold. Imports LightGBM and scikit-learn,
which take seconds: import it late.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import lightgbm
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    QuantileTransformer,
    StandardScaler,
)

from huitong.risk.credit.evaluation.encoding import Encoder
from huitong.risk.credit.evaluation.types import Frame
from huitong.risk.decisioning.features.scans import Floats

_STEPS_MAX: Final = 400
_UNKNOWN: Final = -1e5
_PROBABILITY_MIN: Final = 1e-4
_QUANTILES_MAX: Final = 300
#: Ranks as normal deviates are cut here: beyond it, kernels and networks see outliers only.
_DEVIATE_MAX: Final = 2.5


class Learner(Protocol):
    """Fits on rows with labels and returns the log-odds of bad of other rows."""

    def __call__(self, train: Frame, labels: Floats, test: Frame, seed: int) -> Floats:
        """Return log-odds, one a row of `test`."""
        ...


TREES: Final[Mapping[str, Any]] = {
    "objective": "binary",
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


def boosted_trees(
    *, rounds: int, copies: int = 1, is_monotonic: bool = False, **parameters: Any
) -> Learner:
    """Return a learner of boosted trees, the mean of `copies` of other seeds.

    With `is_monotonic` predicted risk follows the trends of the features.
    """

    def learn(train: Frame, labels: Floats, test: Frame, seed: int) -> Floats:
        encoder = Encoder().fit(train)
        matrix, other = encoder.for_trees(train), encoder.for_trees(test)
        trends = {"monotone_constraints": encoder.trends_for_trees(train)} if is_monotonic else {}
        total = np.zeros(len(test))
        for copy in range(copies):
            settings = {**TREES, **parameters, **trends, "seed": seed + copy}
            booster = lightgbm.train(settings, lightgbm.Dataset(matrix, labels), rounds)
            total += np.asarray(booster.predict(other, raw_score=True), np.float64)
        return total / copies

    return learn


def forest(*, trees: int, leaf: int, share: float, is_extra: bool = False) -> Learner:
    """Return a learner of a random forest, or of extremely randomised trees."""
    kind = ExtraTreesClassifier if is_extra else RandomForestClassifier

    def learn(train: Frame, labels: Floats, test: Frame, seed: int) -> Floats:
        encoder = Encoder().fit(train)

        def encode(frame: Frame) -> Floats:
            codes = np.nan_to_num(encoder.for_trees(frame), nan=_UNKNOWN)
            return np.hstack([codes, encoder.for_curves(frame)[1]])

        model = kind(trees, min_samples_leaf=leaf, max_features=share, random_state=seed, n_jobs=1)
        model.fit(encode(train), labels)
        return to_log_odds(model.predict_proba(encode(test))[:, 1])

    return learn


def linear(*, penalty_inverse: float) -> Learner:
    """Return a learner of a logistic regression on standardised numbers and flags."""
    return _on_curves(
        lambda _rows, _seed: StandardScaler(),
        lambda _seed: LogisticRegression(C=penalty_inverse, max_iter=_STEPS_MAX),
    )


def network(*, width: int, penalty: float, epochs: int, copies: int) -> Learner:
    """Return a learner of small neural networks, the mean of `copies` of other seeds."""

    def learn(train: Frame, labels: Floats, test: Frame, seed: int) -> Floats:
        learners = (
            _on_curves(
                make_deviates,
                lambda seed: MLPClassifier(
                    (width,),
                    alpha=penalty,
                    learning_rate_init=3e-3,
                    max_iter=epochs,
                    n_iter_no_change=epochs + 1,
                    random_state=seed,
                ),
            )
            for _ in range(copies)
        )
        each = [one(train, labels, test, seed + copy) for copy, one in enumerate(learners)]
        return np.asarray(np.mean(each, axis=0), np.float64)

    return learn


def _on_curves(prepare: Callable[[int, int], Any], make_model: Callable[[int], Any]) -> Learner:
    def learn(train: Frame, labels: Floats, test: Frame, seed: int) -> Floats:
        encoder = Encoder().fit(train)
        (numbers, flags), (others, other_flags) = map(encoder.for_curves, (train, test))
        preparation = prepare(len(train), seed)
        design = np.hstack([preparation.fit_transform(numbers), flags])
        with warnings.catch_warnings():
            # Networks stop early on purpose.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = make_model(seed).fit(design, labels)
        other = np.hstack([preparation.transform(others), other_flags])
        return to_log_odds(model.predict_proba(other)[:, 1])

    return learn


def make_deviates(rows: int, seed: int) -> Any:
    """Return what turns numbers into normal deviates by their ranks."""
    ranks = QuantileTransformer(
        n_quantiles=min(_QUANTILES_MAX, rows // 2), output_distribution="normal", random_state=seed
    )
    return make_pipeline(ranks, FunctionTransformer(_cut))


def _cut(numbers: Floats) -> Floats:
    return np.clip(numbers, -_DEVIATE_MAX, _DEVIATE_MAX)


def to_log_odds(probabilities: Floats) -> Floats:
    """Return log-odds, of probabilities that are neither 0 nor 1."""
    kept = np.clip(probabilities, _PROBABILITY_MIN, 1 - _PROBABILITY_MIN)
    found: Floats = np.log(kept / (1 - kept))
    return found
