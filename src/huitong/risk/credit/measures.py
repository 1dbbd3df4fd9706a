"""Measures of credit models. Imports scikit-learn, which takes a second: import it late."""

import math
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

from huitong.kernel.errors import InvalidField
from huitong.risk.credit import limits
from huitong.risk.decisioning.features.scans import Floats

_CONFIDENCE: Final = 0.95
#: Student's t of 97.5 % with the degrees of five folds.
_T_OF_FOLDS: Final = {5: 2.776445}


def measure(probabilities: Floats, labels: Floats) -> dict[str, Any]:
    """Return AUC, Gini, KS, Brier score and calibration of probabilities of bad.

    Raises InvalidField unless both labels occur.
    """
    if not 0 < np.count_nonzero(labels) < len(labels):
        raise InvalidField("must hold both good and bad", field="labels")
    auc = float(roc_auc_score(labels, probabilities))
    return {
        "auc": auc,
        "gini": 2 * auc - 1,
        "ks": measure_ks(probabilities, labels),
        "brier": float(brier_score_loss(labels, probabilities)),
        "calibration": list_calibration(probabilities, labels),
    }


def measure_ks(scores: Floats, labels: Floats) -> float:
    """Return the greatest distance between the distributions of good and of bad scores.

    Worked: scores that separate the labels wholly give 1, equal ones 0.
    """
    false_positive, true_positive, _ = roc_curve(labels, scores)
    return float(np.max(true_positive - false_positive))


def list_calibration(
    probabilities: Floats, labels: Floats, *, bins: int = limits.CALIBRATION_BINS
) -> list[dict[str, float]]:
    """Return bins of equal share, from low to high: rows, mean probability, share of bad."""
    order = np.argsort(probabilities, kind="stable")
    parts = (each for each in np.array_split(order, bins) if len(each))
    return [
        {
            "rows": len(part),
            "mean_probability": float(probabilities[part].mean()),
            "bad_rate": float(labels[part].mean()),
        }
        for part in parts
    ]


def interval_of_folds(values: Floats) -> tuple[float, float]:
    """Return the 95 % interval of the mean of folds: mean ± t·s / √k, k = 5.

    Folds share training rows, so the interval is somewhat too narrow (Bengio and Grandvalet, 2004).
    """
    half = _T_OF_FOLDS[len(values)] * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    mean = float(np.mean(values))
    return mean - half, mean + half


def interval_of_auc(probabilities: Floats, labels: Floats) -> tuple[float, float]:
    """Return the 95 % interval of the AUC of one set of rows (DeLong et al., 1988).

    The variance is var(V₁)/m + var(V₀)/n: V₁ is for each bad row the share of good rows below it,
    V₀ for each good row the share of bad rows above it, ties by half. By ranks, in n·log n (Sun and
    Xu, 2014).
    """
    bad, good = probabilities[labels > 0], probabilities[labels == 0]
    count_bad, count_good = len(bad), len(good)
    every = _rank(np.concatenate([bad, good]))
    of_bad = (every[:count_bad] - _rank(bad)) / count_good
    of_good = 1.0 - (every[count_bad:] - _rank(good)) / count_bad
    auc = float(of_bad.mean())
    variance = float(of_bad.var(ddof=1)) / count_bad + float(of_good.var(ddof=1)) / count_good
    half = NormalDist().inv_cdf((1 + _CONFIDENCE) / 2) * math.sqrt(variance)
    return auc - half, min(1.0, auc + half)


def _rank(values: Floats) -> Floats:
    """Return ranks from 1, ties with the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], np.float64)
