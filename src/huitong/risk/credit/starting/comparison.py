"""Applications one by one, and trees with Shapley values beside the scorecard, for comparison.

Imports LightGBM, which takes seconds: import it late.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import lightgbm
import numpy as np

from huitong.risk.credit.limits import REASONS_MAX
from huitong.risk.credit.starting.applicants import simulate_applicants
from huitong.risk.decisioning.models.training import train_trees

_TRAINED_ON: Final = 5_000


def make_comparison(
    count: int, *, seed: int
) -> tuple[list[dict[str, Any]], Callable[[Mapping[str, Any]], object]]:
    """Return so many applications as they arrive, and what explains one by boosted trees.

    The explanation is its score with the features that raise it most.
    """
    past = simulate_applicants(_TRAINED_ON, seed=seed + 1)
    names = tuple(past.columns)
    matrix = np.column_stack([past.columns[name] for name in names])
    trained = train_trees(matrix, past.labels, names=names, seed=seed)
    # As it would be loaded: without its training data.
    booster = lightgbm.Booster(model_str=trained.model_to_string())
    columns = simulate_applicants(count, seed=seed).columns
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    applications = [
        {name: None if np.isnan(value) else value for name, value in zip(names, row, strict=True)}
        for row in rows
    ]

    def explain(features: Mapping[str, Any]) -> tuple[float, list[str]]:
        row = [np.nan if features[name] is None else features[name] for name in names]
        weights = np.asarray(booster.predict(np.array([row]), pred_contrib=True, num_threads=1))[0]
        worst = np.argsort(-weights[:-1])[:REASONS_MAX]
        return float(weights.sum()), [names[place] for place in worst if weights[place] > 0]

    return applications, explain
