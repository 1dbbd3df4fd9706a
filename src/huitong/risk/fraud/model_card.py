"""The model card: what a model is for, what it was made from, and what it is worth.

After Mitchell et al., Model Cards for Model Reporting (2019). Imports LightGBM: import it late.
"""

from collections.abc import Mapping, Sequence
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
{command}
## Model

LightGBM {version}, {trees} trees, {features} features, seed {seed}; the probability is
1 / (1 + e^-({slope:.4f}·s {offset:+.4f})) of the trees' log-odds s. Parameters: {parameters}.

## Measured on the latest payments

AUC-ROC {auc_roc:.4f}, average precision {average_precision:.4f}, Brier score {brier_score:.5f};
mean score {mean_score:.4f} where {fraud_rate:.4f} were fraud.

| Score above | Of honest payments | Of frauds | Fraud among them |
| --- | --- | --- | --- |
{by_score}
{by_kind}
Which score leads to which action is the rulebook's to say (`risk.model.payment`).

## What it looks at most

| Feature | Share of the gain |
| --- | --- |
{importance}

## Limits

It knows frauds of the kinds that its data hold, and learns of a compromised payee only when the
first labels arrive. It has no features about a person's age, sex, origin or place. Watch the
population stability index of its scores and features; above 0.25 the rules decide alone.
{limits}"""


def write_card(
    *,
    title: str,
    period: str,
    booster: lightgbm.Booster,
    calibration: Calibration,
    metrics: Mapping[str, Any],
    seed: int,
    command: str = "",
    limits: str = "",
) -> str:
    """Return the card of a training run as Markdown; `period` says which payments it was."""
    rows = metrics["rows"]
    return _CARD.format(
        **{key: value for key, value in metrics.items() if isinstance(value, int | float)},
        **rows,
        by_score=_list_scores(metrics["by_score"]),
        by_kind=_list_kinds(metrics),
        command=f"\nMade by `{command}`.\n" if command else "",
        limits=f"\n{limits}\n" if limits else "",
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


def _list_scores(by_score: Sequence[Mapping[str, float]]) -> str:
    return "\n".join(
        f"| {each['above']:.2f} | {each['honest_share']:.3%} | {each['fraud_share']:.1%} "
        f"| {each['precision']:.1%} |"
        for each in by_score
    )


def _list_kinds(metrics: Mapping[str, Any]) -> str:
    """The share of each kind of fraud above each score, where kinds are known."""
    if "by_kind" not in metrics:
        return ""
    scores = [f"above {each['above']:.2f}" for each in metrics["by_score"]]
    rows = [
        ("Kind of fraud", "Payments", *scores),
        ("---",) * (2 + len(scores)),
        *(
            (kind, f"{each['payments']:,}", *(f"{share:.0%}" for share in each["shares"]))
            for kind, each in metrics["by_kind"].items()
        ),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"\n{table}\n"
