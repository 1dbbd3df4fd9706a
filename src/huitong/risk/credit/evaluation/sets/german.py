"""Statlog German credit: Hofmann, UCI Machine Learning Repository (1994), CC BY 4.0."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from huitong.risk.credit.evaluation.encoding import as_columns
from huitong.risk.credit.evaluation.types import DataSet, Frame, Raw
from huitong.risk.credit.scorecards.scoring import FeatureColumn

_NUMBERS: Final = (
    "duration_months", "credit_amount", "installment_rate", "residence_since", "age",
    "existing_credits", "dependents",
)  # fmt: skip
_TEXTS: Final = (
    "checking_status", "credit_history", "purpose", "savings", "employment_since",
    "personal_status_sex", "other_debtors", "property", "other_installment_plans", "housing",
    "job", "telephone", "foreign_worker",
)  # fmt: skip
_PROTECTED: Final = frozenset({"age", "personal_status_sex", "foreign_worker"})
#: Attribute 9 of the data's description: A92 and A95 are women.
_WOMEN: Final = ("A92", "A95")


def _make_features(raw: Raw) -> Frame:
    numbers = {name: raw[name] for name in _NUMBERS}
    numbers["repayment"] = raw["credit_amount"] / raw["duration_months"]
    return Frame(numbers, {name: raw[name] for name in _TEXTS})


def _card_features(frame: Frame) -> Mapping[str, FeatureColumn]:
    return as_columns(frame.leave_out(_PROTECTED))


def _groups(raw: Raw) -> Mapping[str, FeatureColumn]:
    return {
        "sex": np.where(np.isin(raw["personal_status_sex"], _WOMEN), "female", "male"),
        "age_band": np.where(raw["age"] <= 25, "up to 25", "over 25"),  # noqa: PLR2004
        "foreign_worker": np.where(raw["foreign_worker"] == "A201", "yes", "no"),
    }


GERMAN: Final = DataSet(
    name="german",
    stem="german",
    target="class_1good_0bad",
    bad=0,
    texts=frozenset(_TEXTS),
    make_features=_make_features,
    card_features=_card_features,
    learners=("trees_small", "forest_small", "extra_small", "linear_small"),
    target_auc=0.79,
    published={"logistic regression": 0.778, "random forest": 0.771, "boosted trees": 0.760},
    card={"bins_max": 5, "share_min": 0.08, "penalty_inverse": 0.3},
    protected=_PROTECTED,
    groups=_groups,
)
