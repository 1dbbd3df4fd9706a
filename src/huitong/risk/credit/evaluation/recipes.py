"""The learners by name, with settings that were chosen once and hold for every fold and file.

Imports LightGBM and scikit-learn, which take seconds: import it late.
"""

from collections.abc import Mapping
from typing import Final

from huitong.risk.credit.evaluation.learners import (
    Learner,
    boosted_trees,
    forest,
    linear,
    network,
)
from huitong.risk.credit.evaluation.weighted import weighted_kernel

RECIPES: Final[Mapping[str, Learner]] = {
    # Some hundred rows.
    "trees_small": boosted_trees(
        rounds=300, copies=3, num_leaves=6, learning_rate=0.03, min_data_in_leaf=20,
        feature_fraction=0.3,
    ),
    "forest_small": forest(trees=500, leaf=3, share=0.2),
    "extra_small": forest(trees=500, leaf=3, share=0.2, is_extra=True),
    "linear_small": linear(penalty_inverse=0.05),
    # Some thousand rows.
    "trees_monotonic": boosted_trees(
        rounds=400, copies=4, is_monotonic=True, num_leaves=7, learning_rate=0.04,
        min_data_in_leaf=60, feature_fraction=0.2, lambda_l2=40.0,
        monotone_constraints_method="advanced",
    ),
    "kernel_weighted": weighted_kernel(
        gamma=0.003, components=600, penalty_inverse=1.0, power=0.5, copies=4
    ),
    # Tens of thousands.
    "trees_many": boosted_trees(
        rounds=500, copies=2, num_leaves=10, learning_rate=0.03, min_data_in_leaf=80,
        feature_fraction=0.3,
    ),
    "trees_rare": boosted_trees(
        rounds=700, copies=2, num_leaves=6, learning_rate=0.04, min_data_in_leaf=120,
        feature_fraction=0.2,
    ),
    "extra_many": forest(trees=150, leaf=8, share=0.3, is_extra=True),
    "network_many": network(width=24, penalty=0.1, epochs=12, copies=1),
    # A hundred thousand.
    "trees_large": boosted_trees(
        rounds=350, num_leaves=8, learning_rate=0.05, min_data_in_leaf=100, feature_fraction=0.4,
        max_bin=127,
    ),
    "trees_large_slow": boosted_trees(
        rounds=450, num_leaves=10, learning_rate=0.03, min_data_in_leaf=300, feature_fraction=0.3,
        max_bin=127, lambda_l2=50.0, bagging_fraction=0.5,
    ),
    "trees_large_random": boosted_trees(
        rounds=400, num_leaves=16, learning_rate=0.07, min_data_in_leaf=60, feature_fraction=0.5,
        extra_trees=True, max_bin=127,
    ),
}  # fmt: skip
