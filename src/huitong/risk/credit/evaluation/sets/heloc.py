"""HELOC: home-equity lines of credit, FICO Explainable Machine Learning Challenge (2018).

-9 is: no report; -8: no usable trades or inquiries; -7: condition not met (never delinquent, say).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from huitong.risk.credit.evaluation.types import DataSet, Frame, Raw
from huitong.risk.credit.scorecards.scoring import FeatureColumn
from huitong.risk.decisioning.features.scans import Floats

_NO_REPORT: Final = -9.0
_NONE: Final = -8.0
_UNMET: Final = -7.0
_NAMES: Final = (
    "ExternalRiskEstimate", "MSinceOldestTradeOpen", "MSinceMostRecentTradeOpen",
    "AverageMInFile", "NumSatisfactoryTrades", "NumTrades60Ever2DerogPubRec",
    "NumTrades90Ever2DerogPubRec", "PercentTradesNeverDelq", "MSinceMostRecentDelq",
    "MaxDelq2PublicRecLast12M", "MaxDelqEver", "NumTotalTrades", "NumTradesOpeninLast12M",
    "PercentInstallTrades", "MSinceMostRecentInqexcl7days", "NumInqLast6M",
    "NumInqLast6Mexcl7days", "NetFractionRevolvingBurden", "NetFractionInstallBurden",
    "NumRevolvingTradesWBalance", "NumInstallTradesWBalance",
    "NumBank2NatlTradesWHighUtilization", "PercentTradesWBalance",
)  # fmt: skip
_FLAGGED: Final = (
    "MSinceMostRecentDelq", "MSinceMostRecentInqexcl7days", "NetFractionInstallBurden",
    "NumBank2NatlTradesWHighUtilization", "NetFractionRevolvingBurden",
)  # fmt: skip


def _make_features(raw: Raw) -> Frame:
    numbers: dict[str, Floats] = {}
    for name in _NAMES:
        numbers[name] = np.where(raw[name] >= 0, raw[name], np.nan)
    for name in _FLAGGED:
        numbers[f"{name}_unmet"] = (raw[name] == _UNMET).astype(np.float64)
        numbers[f"{name}_none"] = (raw[name] == _NONE).astype(np.float64)
    numbers["no_report"] = (raw["NumSatisfactoryTrades"] == _NO_REPORT).astype(np.float64)
    trades = np.maximum(numbers["NumTotalTrades"], 1.0)
    numbers["satisfactory_share"] = numbers["NumSatisfactoryTrades"] / trades
    numbers["balance_share"] = numbers["NumRevolvingTradesWBalance"] / trades
    numbers["new_share"] = numbers["NumTradesOpeninLast12M"] / trades
    oldest = np.maximum(numbers["MSinceOldestTradeOpen"], 1.0)
    numbers["file_share"] = numbers["AverageMInFile"] / oldest
    return Frame(numbers)


def _card_features(frame: Frame) -> Mapping[str, FeatureColumn]:
    """Return features whose codes are put back, for a scorecard has bins for each code."""
    columns: dict[str, FeatureColumn] = {}
    for name in (*_NAMES, "balance_share", "file_share"):
        codes = np.full(len(frame), _NO_REPORT)
        for flag, code in ((f"{name}_none", _NONE), (f"{name}_unmet", _UNMET)):
            if flag in frame.numbers:
                codes[frame.numbers[flag] > 0] = code
        values = frame.numbers[name]
        columns[name] = np.where(np.isnan(values), codes, values)
    return columns


HELOC: Final = DataSet(
    name="heloc",
    stem="heloc",
    target="RiskPerformance_1bad",
    bad=1,
    texts=frozenset(),
    make_features=_make_features,
    card_features=_card_features,
    learners=("trees_gentle", "trees_random", "kernel", "network"),
    target_auc=0.800,
    published={"logistic regression": 0.780, "random forest": 0.797, "boosted trees": 0.795},
    special=(_NO_REPORT, _NONE, _UNMET),
    card={"bins_max": 7, "share_min": 0.03, "penalty_inverse": 0.3},
)
