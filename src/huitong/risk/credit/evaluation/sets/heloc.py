"""HELOC: home-equity lines of credit, FICO Explainable Machine Learning Challenge (2018).

-9 is: no report; -8: no usable trades or inquiries; -7: condition not met (never delinquent, say).
Both these and which way risk goes are from the challenge's data dictionary.
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
#: Where a code of no value stands for one. No inquiry (-8) is longer ago than any; one within the
#: last week only (-7), which the feature leaves out, is the latest; never delinquent is long ago.
#: Without revolving trades the risk is that of a high burden; without instalments there is none.
_STANDS_FOR: Final[Mapping[tuple[str, float], float]] = {
    ("MSinceMostRecentInqexcl7days", _NONE): 30.0,
    ("MSinceMostRecentInqexcl7days", _UNMET): 0.0,
    ("MSinceMostRecentDelq", _UNMET): 120.0,
    ("NetFractionRevolvingBurden", _NONE): 80.0,
    ("NumBank2NatlTradesWHighUtilization", _NONE): 2.0,
    ("NetFractionInstallBurden", _NONE): 0.0,
    ("NumRevolvingTradesWBalance", _NONE): 0.0,
    ("NumInstallTradesWBalance", _NONE): 0.0,
}
_RISES: Final = (
    "NumTrades60Ever2DerogPubRec", "NumTrades90Ever2DerogPubRec", "NumTradesOpeninLast12M",
    "NumInqLast6M", "NumInqLast6Mexcl7days", "NetFractionRevolvingBurden",
    "NetFractionInstallBurden", "NumBank2NatlTradesWHighUtilization",
)  # fmt: skip
_FALLS: Final = (
    "ExternalRiskEstimate", "MSinceOldestTradeOpen", "MSinceMostRecentTradeOpen",
    "AverageMInFile", "NumSatisfactoryTrades", "PercentTradesNeverDelq", "MSinceMostRecentDelq",
    "MaxDelq2PublicRecLast12M", "MaxDelqEver", "MSinceMostRecentInqexcl7days",
)  # fmt: skip
#: As the challenge's dictionary says; the share of new trades is as their number.
_TRENDS: Final[Mapping[str, int]] = {
    **dict.fromkeys((*_RISES, "new_share"), 1),
    **dict.fromkeys(_FALLS, -1),
}


def _make_features(raw: Raw) -> Frame:
    numbers: dict[str, Floats] = {}
    for name in _NAMES:
        numbers[name] = np.where(raw[name] >= 0, raw[name], np.nan)
    for (name, code), value in _STANDS_FOR.items():
        is_code = raw[name] == code
        numbers[name] = np.where(is_code, value, numbers[name])
        numbers[_flag(name, code)] = is_code.astype(np.float64)
    numbers["no_report"] = (raw["NumSatisfactoryTrades"] == _NO_REPORT).astype(np.float64)
    numbers["no_estimate"] = (raw["ExternalRiskEstimate"] == _NO_REPORT).astype(np.float64)
    trades = np.maximum(numbers["NumTotalTrades"], 1.0)
    numbers["satisfactory_share"] = numbers["NumSatisfactoryTrades"] / trades
    numbers["balance_share"] = numbers["NumRevolvingTradesWBalance"] / trades
    numbers["new_share"] = numbers["NumTradesOpeninLast12M"] / trades
    oldest = np.maximum(numbers["MSinceOldestTradeOpen"], 1.0)
    numbers["file_share"] = numbers["AverageMInFile"] / oldest
    return Frame(numbers, trends=_TRENDS)


def _flag(name: str, code: float) -> str:
    return f"{name}_{'unmet' if code == _UNMET else 'none'}"


def _card_features(frame: Frame) -> Mapping[str, FeatureColumn]:
    """Return features whose codes are put back, for a scorecard has bins for each code."""
    columns: dict[str, FeatureColumn] = {}
    for name in (*_NAMES, "balance_share", "file_share"):
        values = frame.numbers[name]
        columns[name] = np.where(np.isnan(values), _NO_REPORT, values)
    for name, code in _STANDS_FOR:
        is_code = frame.numbers[_flag(name, code)] > 0
        columns[name] = np.where(is_code, code, columns[name])
    return columns


HELOC: Final = DataSet(
    name="heloc",
    stem="heloc",
    target="RiskPerformance_1bad",
    bad=1,
    texts=frozenset(),
    make_features=_make_features,
    card_features=_card_features,
    learners=("trees_monotonic", "kernel_weighted"),
    target_auc=0.800,
    published={"logistic regression": 0.780, "random forest": 0.797, "boosted trees": 0.795},
    special=(_NO_REPORT, _NONE, _UNMET),
    card={"bins_max": 7, "share_min": 0.03, "penalty_inverse": 0.3},
)
