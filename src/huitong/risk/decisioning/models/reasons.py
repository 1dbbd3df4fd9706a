"""Reasons for a score, in plain words. Imports LightGBM, which takes seconds: import it late."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np

from huitong.risk.decisioning.features.catalogue import LABEL_HALF_LIVES
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.log_in_reasons import (
    LOG_IN_CODES,
    LOG_IN_MODEL_NAME,
    LOG_IN_TEXTS,
)
from huitong.risk.decisioning.models.payment_reasons import (
    PAYMENT_CODES,
    PAYMENT_TEXTS,
    ReasonText,
)
from huitong.risk.decisioning.models.types import TrainedModel

REASONS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a score is high: a code, its words, and how much it adds to the log-odds."""

    code: str
    text: ReasonText
    weight: float


_UNNAMED: Final = "pattern_unusual"
TEXTS: Final[Mapping[str, ReasonText]] = {
    **PAYMENT_TEXTS,
    **LOG_IN_TEXTS,
    "amount_large": ReasonText("The amount is large.", "金额较大。"),
    "amount_unusual": ReasonText(
        "The amount is unusual for the payer.", "金额与付款人平时的习惯不符。"
    ),
    "payer_recently_unusual": ReasonText(
        "The payer has recently made other payments of unusual amounts.",
        "付款人近期还有其他金额异常的付款。",
    ),
    "payer_pace": ReasonText(
        "How often the payer pays differs from what is usual.", "付款人的付款频率异常。"
    ),
    "payee_reported": ReasonText(
        "Payments to this payee were reported as fraud.", "向该收款方的付款曾被举报为欺诈。"
    ),
    "payee_little_known": ReasonText(
        "Little is known of the payee yet.", "该收款方的历史记录较少。"
    ),
    "time_unusual": ReasonText(
        "The time of day or the day of the week is unusual.", "付款时间异常。"
    ),
}

#: By feature, of the model that is trained on history and of those of payments in the path.
CODES: Final[Mapping[str, str]] = {
    **PAYMENT_CODES,
    "amount": "amount_large",
    "is_night": "time_unusual",
    "is_weekend": "time_unusual",
    "amount_to_payer_mean": "amount_unusual",
    "payer_mean_amount_30d": "amount_unusual",
    "payer_unusual_1d": "payer_recently_unusual",
    "payer_unusual_30d": "payer_recently_unusual",
    "payer_count_1d": "payer_pace",
    "payer_count_30d": "payer_pace",
    "payer_since": "payer_pace",
    "payee_fraud_run": "payee_reported",
    **{f"payee_known_count_{each}": "payee_little_known" for each in LABEL_HALF_LIVES},
    **{
        f"payee_{what}_{each}": "payee_reported"
        for what in ("label", "unexplained_label", "fraud_rate", "unexplained_fraud_rate")
        for each in LABEL_HALF_LIVES
    },
}


def explain(model: TrainedModel, matrix: Floats, *, most: int = REASONS_MAX) -> list[list[Reason]]:
    """Return for each row up to `most` reasons that raise its score, the weightiest first.

    The weights are exact Shapley values of the trees (Lundberg et al., From local explanations to
    global understanding with explainable AI for trees, 2020): with all the others and the base they
    add up to the log-odds. Features that say the same are added up first.
    """
    booster = lightgbm.Booster(model_str=model.trees)
    contributions = np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))
    # A device or an hour says something else of a log-in than of a payment.
    codes = LOG_IN_CODES if model.name == LOG_IN_MODEL_NAME else CODES
    return [_rank(model.feature_names, row[:-1], codes, most) for row in contributions]


def _rank(
    names: Sequence[str], weights: Floats, codes: Mapping[str, str], most: int
) -> list[Reason]:
    by_code: dict[str, float] = defaultdict(float)
    for name, weight in zip(names, weights, strict=True):
        by_code[codes.get(name, _UNNAMED)] += float(weight)
    ranked = sorted(by_code.items(), key=lambda each: (-each[1], each[0]))
    return [Reason(code, TEXTS[code], weight) for code, weight in ranked[:most] if weight > 0]
