"""The model card: what a model is for, what it was made from, and what it is worth.

After Mitchell et al., Model Cards for Model Reporting (2019). Imports LightGBM: import it late.
"""

from collections.abc import Mapping
from typing import Any, Final

import lightgbm

from huitong.risk.decisioning.models.training import PARAMETERS
from huitong.risk.decisioning.models.types import Calibration

_IMPORTANT_MAX: Final = 10

_CARD: Final = """\
# {title}

Scores a payment with the probability that it is fraud, from what is known before it. It ranks
payments for step-up, review, delay and block. It is no finding about a person, and it is not made
for credit, pricing or anything but fraud.

## Data

{period}: {payments:,} payments, {frauds:,} of them fraud. In the order of time {train:,}
trained it, {calibrate:,} calibrated it and {measure:,} measured it.

## Model

LightGBM {version}, {trees} trees, {features} features, seed {seed}; the probability is
1 / (1 + e^-({slope:.4f}·s {offset:+.4f})) of the trees' log-odds s. Parameters: {parameters}.

## Measured on the latest payments

AUC-ROC {auc_roc:.4f}, average precision {average_precision:.4f}, Brier score {brier_score:.5f};
mean score {mean_score:.4f} where {fraud_rate:.4f} were fraud.

## What it looks at most

| Feature | Share of the gain |
| --- | --- |
{importance}

## Limits

It knows frauds of the kinds that its data hold, and learns of a compromised payee only when the
first labels arrive. It has no features about a person's age, sex, origin or place. Watch the
population stability index of its scores and features; above 0.25 the rules decide alone.
"""


def write_card(
    *,
    title: str,
    period: str,
    booster: lightgbm.Booster,
    calibration: Calibration,
    metrics: Mapping[str, Any],
    seed: int,
) -> str:
    """Return the card of a training run as Markdown; `period` says which payments it was."""
    rows = metrics["rows"]
    return _CARD.format(
        **{key: value for key, value in metrics.items() if key != "rows"},
        **rows,
        title=title,
        period=period,
        payments=sum(rows.values()),
        version=lightgbm.__version__,
        trees=booster.num_trees(),
        features=booster.num_feature(),
        seed=seed,
        slope=calibration.slope,
        offset=calibration.offset,
        parameters=", ".join(f"{name} {value}" for name, value in PARAMETERS.items()),
        importance=_list_importance(booster),
    )


def _list_importance(booster: lightgbm.Booster) -> str:
    gains = booster.feature_importance("gain")
    total = float(gains.sum()) or 1.0
    ranked = sorted(zip(booster.feature_name(), gains, strict=True), key=lambda each: -each[1])
    return "\n".join(f"| {name} | {gain / total:.1%} |" for name, gain in ranked[:_IMPORTANT_MAX])
