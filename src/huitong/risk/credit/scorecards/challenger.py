"""The challenger: boosted trees on the same features, for the registry and for comparison.

Imports LightGBM, which takes seconds: import it late.
"""

from collections.abc import Mapping
from typing import Any, Final

import lightgbm
import numpy as np

from huitong.risk.credit.protected import check_features_allowed
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.calibration import calibrate, fit_calibration
from huitong.risk.decisioning.models.drift import make_bins
from huitong.risk.decisioning.models.export import export_trees
from huitong.risk.decisioning.models.serving import SCORE
from huitong.risk.decisioning.models.training import train_trees
from huitong.risk.decisioning.models.types import Calibration, TrainedModel

CHALLENGER_NAME: Final = "credit_trees"


def train_challenger(
    columns: Mapping[str, Floats],
    labels: Floats,
    *,
    calibrate_on: tuple[Mapping[str, Floats], Floats],
    metrics: Mapping[str, Any],
    text: str,
    seed: int,
) -> TrainedModel:
    """Return boosted trees, calibrated on rows that they did not see.

    The same rows and seed give the same model. Raises ProtectedAttribute for a feature that nobody
    may be judged by, ValueError unless both labels occur.
    """
    check_features_allowed(columns)
    names = tuple(columns)
    booster = train_trees(_stack(columns, names), labels, names=names, seed=seed)
    unseen, unseen_labels = calibrate_on
    log_odds = _predict(booster, _stack(unseen, names))
    calibration: Calibration = fit_calibration(log_odds, unseen_labels)
    bins = {name: make_bins(unseen[name]) for name in names}
    bins[SCORE] = make_bins(calibrate(log_odds, calibration))
    return TrainedModel(
        name=CHALLENGER_NAME,
        feature_names=names,
        onnx=export_trees(booster),
        trees=booster.model_to_string(),
        calibration=calibration,
        bins=bins,
        metrics=metrics,
        card=text,
    )


def _stack(columns: Mapping[str, Floats], names: tuple[str, ...]) -> Floats:
    return np.column_stack([columns[name] for name in names])


def _predict(booster: lightgbm.Booster, matrix: Floats) -> Floats:
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1), np.float64)
