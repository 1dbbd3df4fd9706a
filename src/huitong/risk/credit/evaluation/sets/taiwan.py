"""Default of credit card clients in Taiwan: Yeh and Lien, UCI (2016), CC BY 4.0.

X1 is the limit, X2 sex, X3 education, X4 marriage, X5 age; X6 to X11 how late repayments were, from
the latest month back, X12 to X17 the bills and X18 to X23 the repayments of the same months.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from huitong.risk.credit.evaluation.types import DataSet, Frame, Raw
from huitong.risk.credit.scorecards.scoring import FeatureColumn
from huitong.risk.decisioning.features.scans import Floats

_MONTHS: Final = 6
_PROTECTED: Final = frozenset({"X2", "X4", "X5"})
_RATIO_MAX: Final = 5.0
_CARD: Final = (
    "X1", "X3", "X6", "X7", "X8", "X18", "X19", "X20", "late_worst", "late_months", "late_weighted",
    "use_mean", "use_worst", "paid_mean", "paid_share", "paid_least", "unpaid_months",
    "use_change_0", "headroom",
)  # fmt: skip


def _stack(raw: Raw, first: int) -> Floats:
    return np.column_stack([raw[f"X{first + month}"] for month in range(_MONTHS)])


def _make_features(raw: Raw) -> Frame:
    limit = np.maximum(raw["X1"], 1.0)
    late, bills, paid = _stack(raw, 6), _stack(raw, 12), _stack(raw, 18)
    use = bills / limit[:, None]
    numbers = {f"X{number}": raw[f"X{number}"] for number in range(1, 24)}
    for month in range(_MONTHS):
        numbers[f"use_{month}"] = use[:, month]
        numbers[f"paid_of_limit_{month}"] = paid[:, month] / limit
    for month in range(_MONTHS - 1):
        owed = np.maximum(bills[:, month + 1], 1.0)
        numbers[f"paid_of_bill_{month}"] = np.clip(paid[:, month] / owed, 0.0, _RATIO_MAX)
        numbers[f"use_change_{month}"] = use[:, month] - use[:, month + 1]
    numbers |= {
        "use_mean": use.mean(axis=1),
        "use_worst": use.max(axis=1),
        "paid_mean": paid.mean(axis=1),
        "paid_least": paid.min(axis=1),
        "paid_share": paid.sum(axis=1) / np.maximum(bills.sum(axis=1), 1.0),
        "unpaid_months": (paid == 0).sum(axis=1).astype(np.float64),
        "late_worst": late.max(axis=1),
        "late_mean": late.mean(axis=1),
        "late_months": (late > 0).sum(axis=1).astype(np.float64),
        "very_late_months": (late > 1).sum(axis=1).astype(np.float64),
        "late_weighted": np.maximum(late, 0.0) @ np.arange(_MONTHS, 0, -1.0),
        "late_change": late[:, 0] - late[:, 1],
        "headroom": raw["X1"] - bills[:, 0],
    }
    return Frame(numbers)


def _card_features(frame: Frame) -> Mapping[str, FeatureColumn]:
    return {name: frame.numbers[name] for name in _CARD}


def _groups(raw: Raw) -> Mapping[str, FeatureColumn]:
    bands = np.array(["21-29", "30-39", "40-49", "50+"])
    return {
        "sex": np.where(raw["X2"] == 2, "female", "male"),  # noqa: PLR2004 - as documented
        "age_band": bands[np.searchsorted([30, 40, 50], raw["X5"], side="right")],
    }


TAIWAN: Final = DataSet(
    name="taiwan",
    stem="taiwan_default",
    target="Y",
    bad=1,
    texts=frozenset(),
    make_features=_make_features,
    card_features=_card_features,
    learners=("trees_many", "extra_many", "network_many"),
    target_auc=0.785,
    published={"logistic regression": 0.726, "random forest": 0.775, "boosted trees": 0.782},
    card={"bins_max": 8, "share_min": 0.02},
    protected=_PROTECTED,
    groups=_groups,
)
