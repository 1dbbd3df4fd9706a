"""Give Me Some Credit: Kaggle competition (2011); bad is 90 days late within two years."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from huitong.risk.credit.evaluation.types import DataSet, Frame, Raw
from huitong.risk.credit.scorecards.scoring import FeatureColumn

#: Short names of the file's columns.
_COLUMNS: Final[Mapping[str, str]] = {
    "utilisation": "RevolvingUtilizationOfUnsecuredLines",
    "age": "age",
    "late_30": "NumberOfTime30-59DaysPastDueNotWorse",
    "debt_ratio": "DebtRatio",
    "income": "MonthlyIncome",
    "lines": "NumberOfOpenCreditLinesAndLoans",
    "late_90": "NumberOfTimes90DaysLate",
    "mortgages": "NumberRealEstateLoansOrLines",
    "late_60": "NumberOfTime60-89DaysPastDueNotWorse",
    "dependents": "NumberOfDependents",
}
#: 96 and 98 in the counts of late payments are codes, not counts.
_CODE_MIN: Final = 96
_UTILISATION_MAX: Final = 2.0
_CARD: Final = (
    "utilisation", "late_30", "late_60", "late_90", "late", "late_weighted", "is_coded",
    "debt_ratio", "debt", "income", "income_left", "lines", "mortgages", "unsecured",
    "dependents", "income_a_head", "debt_a_line",
)  # fmt: skip


def _make_features(raw: Raw) -> Frame:
    numbers = {name: raw[column] for name, column in _COLUMNS.items()}
    is_coded = numbers["late_90"] >= _CODE_MIN
    late = {
        name: np.where(is_coded, np.nan, numbers[name])
        for name in ("late_30", "late_60", "late_90")
    }
    income, ratio, lines = numbers["income"], numbers["debt_ratio"], numbers["lines"]
    # Without an income the column holds the debts themselves.
    debt = np.where(np.isnan(income) | (income <= 1), ratio, ratio * income)
    total = late["late_30"] + late["late_60"] + late["late_90"]
    numbers |= late
    numbers |= {
        "is_coded": is_coded.astype(np.float64),
        "late": total,
        "late_weighted": late["late_30"] + 2 * late["late_60"] + 3 * late["late_90"],
        "late_a_line": total / (lines + 1),
        "debt": debt,
        "income_left": income - debt,
        "income_a_head": income / (1 + np.nan_to_num(numbers["dependents"])),
        "debt_a_line": debt / (lines + 1),
        "unsecured": lines - numbers["mortgages"],
        "utilisation_a_line": numbers["utilisation"] / (lines + 1),
        "utilisation_cut": np.minimum(numbers["utilisation"], _UTILISATION_MAX),
    }
    return Frame(numbers)


def _card_features(frame: Frame) -> Mapping[str, FeatureColumn]:
    return {name: frame.numbers[name] for name in _CARD}


def _groups(raw: Raw) -> Mapping[str, FeatureColumn]:
    bands = np.array(["under 30", "30-44", "45-59", "60+"])
    return {"age_band": bands[np.searchsorted([30, 45, 60], raw["age"], side="right")]}


GIVE_ME_SOME_CREDIT: Final = DataSet(
    name="give_me_some_credit",
    stem="give_me_some_credit",
    target="SeriousDlqin2yrs",
    bad=1,
    texts=frozenset(),
    make_features=_make_features,
    card_features=_card_features,
    learners=("trees_large", "trees_large_slow", "trees_large_random"),
    target_auc=0.866,
    published={
        "logistic regression": 0.701,
        "random forest": 0.859,
        "boosted trees": 0.866,
    },
    card={"bins_max": 10, "share_min": 0.01},
    protected=frozenset({"age"}),
    # Every published figure is with the age; the scorecard does without.
    is_best_blind=False,
    groups=_groups,
)
