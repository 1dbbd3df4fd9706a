"""Fairness: how differently a model treats groups, by fairlearn's measures.

Groups are cut by protected attributes, which no model looks at; they are only measured by. Imports
fairlearn, which takes a second: import it late.
"""

from typing import Any, Final

import numpy as np
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_ratio,
    equalized_odds_difference,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import roc_auc_score

from huitong.kernel.errors import InvalidField
from huitong.risk.credit.scorecards.scoring import FeatureColumn
from huitong.risk.decisioning.features.scans import Floats

#: Smaller groups say nothing: they are counted, and left out of the measures.
GROUP_ROWS_MIN: Final = 50


def measure_groups(
    probabilities: Floats,
    labels: Floats,
    groups: FeatureColumn,
    *,
    accepted_share: float | None = None,
) -> dict[str, Any]:
    """Return how groups fare when the best `accepted_share` of the rows are accepted.

    The share is that of the good rows where none is given. By group: rows, share of bad, share that
    is accepted, share of the good that is accepted, AUC. Overall: the smallest share accepted over
    the greatest (`parity_ratio`; four fifths is customary), the greatest difference of what good
    or bad rows get (`equalised_odds_difference`), and of what good rows get alone
    (`equal_opportunity_difference`). None where fewer than two groups are large enough.
    """
    if not len(probabilities) == len(labels) == len(groups):
        raise InvalidField("must be as many as there are rows", field="groups")
    share = float(1 - labels.mean()) if accepted_share is None else accepted_share
    is_good = labels == 0
    is_accepted = probabilities <= np.quantile(probabilities, share)
    names, counts = np.unique(groups.astype(str), return_counts=True)
    large = names[counts >= GROUP_ROWS_MIN]
    kept = np.isin(groups.astype(str), large)
    by_group = {
        str(name): _describe(groups.astype(str) == name, probabilities, is_good, is_accepted)
        for name in names
    }
    if len(large) < 2:  # noqa: PLR2004 - a comparison takes two
        return {"groups": by_group, "parity_ratio": None}
    sensitive = groups.astype(str)[kept]
    good, accepted = is_good[kept], is_accepted[kept]
    gained = MetricFrame(
        metrics=true_positive_rate, y_true=good, y_pred=accepted, sensitive_features=sensitive
    )
    return {
        "groups": by_group,
        "parity_ratio": float(
            demographic_parity_ratio(good, accepted, sensitive_features=sensitive)
        ),
        "equalised_odds_difference": float(
            equalized_odds_difference(good, accepted, sensitive_features=sensitive)
        ),
        "equal_opportunity_difference": float(gained.difference()),
    }


def _describe(
    rows: Any, probabilities: Floats, is_good: Any, is_accepted: Any
) -> dict[str, float | int | None]:
    good = is_good[rows]
    has_both = 0 < np.count_nonzero(good) < len(good)
    return {
        "rows": int(np.count_nonzero(rows)),
        "bad_rate": float(1 - good.mean()),
        "accepted": float(selection_rate(good, is_accepted[rows])),
        "good_accepted": float(is_accepted[rows][good].mean()) if good.any() else None,
        "auc": float(roc_auc_score(~good, probabilities[rows])) if has_both else None,
    }
