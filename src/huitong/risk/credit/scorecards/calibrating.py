"""Isotonic calibration: probabilities as steps that never fall, where Platt's curve is too stiff.

Source: Zadrozny and Elkan, Transforming Classifier Scores into Accurate Multiclass Probability
Estimates (2002); pooling of adjacent violators by Ayer et al. (1955).
"""

import msgspec
import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.scans import Floats


class IsotonicCalibration(msgspec.Struct, frozen=True):
    """From scores to probabilities: between `scores` that ascend, straight lines; flat beyond."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def apply(self, scores: Floats) -> Floats:
        """Return the probability of each score."""
        return np.interp(scores, self.scores, self.probabilities)


def fit_isotonic(scores: Floats, labels: Floats) -> IsotonicCalibration:
    """Return the never-falling probabilities with the least squared error to the labels.

    Worked: scores (1, 2, 3, 4) with labels (0, 1, 0, 1) give (0, ½, ½, 1). Raises InvalidField
    without rows, for scores that are not finite, or lengths that differ.
    """
    if len(scores) == 0 or len(scores) != len(labels):
        raise InvalidField("must be as many as labels, and at least one", field="scores")
    if not np.isfinite(scores).all():
        raise InvalidField("must be finite", field="scores")
    places, inverse = np.unique(scores, return_inverse=True)
    rows = np.bincount(inverse).astype(np.float64)
    means = np.bincount(inverse, weights=labels) / rows
    blocks: list[tuple[float, float, int]] = []
    for mean, weight in zip(means.tolist(), rows.tolist(), strict=True):
        block = (mean, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            before = blocks.pop()
            weights = before[1] + block[1]
            pooled = (before[0] * before[1] + block[0] * block[1]) / weights
            block = (pooled, weights, before[2] + block[2])
        blocks.append(block)
    values = [mean for mean, _, count in blocks for _ in range(count)]
    return IsotonicCalibration(tuple(places.tolist()), tuple(values))
