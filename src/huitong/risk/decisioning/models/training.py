"""Training of gradient-boosted trees. Imports LightGBM, which takes seconds: import it late."""

from collections.abc import Sequence
from typing import Any, Final

import lightgbm
import numpy as np

from huitong.risk.decisioning.features.scans import Floats

#: Small trees and strong bagging: a week of payments has some hundred frauds to learn from.
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.03,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    # The same rows give the same model, on any number of cores.
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
ROUNDS: Final = 200


def train_trees(
    matrix: Floats,
    labels: Floats,
    *,
    names: Sequence[str],
    seed: int,
    threads: int = 1,
    rounds: int = ROUNDS,
) -> lightgbm.Booster:
    """Return a booster trained on one row an event; NaN is an unknown value.

    `labels` are 0 and 1; raises ValueError unless both occur, for there would be nothing to learn.
    """
    if not 0 < np.count_nonzero(labels) < len(labels):
        raise ValueError("the rows to train on must hold both fraud and honest payments")
    data = lightgbm.Dataset(matrix, labels, feature_name=list(names))
    return lightgbm.train(
        {**PARAMETERS, "seed": seed, "num_threads": threads}, data, num_boost_round=rounds
    )
