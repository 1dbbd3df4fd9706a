"""Calibration: scores that can be read as probabilities."""

from typing import Final

import numpy as np

from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.types import Calibration

_STEPS_MAX: Final = 100
_TOLERANCE: Final = 1e-10


def fit_calibration(log_odds: Floats, labels: Floats) -> Calibration:
    """Return the slope and offset of greatest likelihood, for rows that training did not see.

    By Newton's method, with Platt's softened labels (n₊+1)/(n₊+2) and 1/(n₋+2), which keep the
    answer finite where the scores separate the labels wholly. Raises ValueError unless both labels
    occur. A slope that is not positive would turn the order around: then the model knows nothing,
    and ValueError says so.
    """
    positive = int(np.count_nonzero(labels))
    negative = len(labels) - positive
    if positive == 0 or negative == 0:
        raise ValueError("rows to calibrate on must hold both fraud and honest payments")
    target = np.where(labels > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    design = np.column_stack([log_odds, np.ones(len(log_odds))])
    weights: Floats = np.array([1.0, 0.0])
    for _ in range(_STEPS_MAX):
        probability = to_probability(design @ weights)
        gradient = design.T @ (probability - target)
        curvature = design.T @ (design * (probability * (1.0 - probability))[:, None])
        step: Floats = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient).astype(np.float64)
        weights = weights - _damp(design, target, weights, step) * step
        if float(np.abs(step).max()) < _TOLERANCE:
            break
    if weights[0] <= 0:
        raise ValueError("the scores do not rise with fraud: there is nothing to calibrate")
    return Calibration(slope=float(weights[0]), offset=float(weights[1]))


def calibrate(log_odds: Floats, calibration: Calibration) -> Floats:
    """Return probabilities."""
    return to_probability(calibration.slope * log_odds + calibration.offset)


def to_probability(log_odds: Floats) -> Floats:
    """Return 1 / (1 + e^-s), without overflow for any s."""
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1.0, small) / (1.0 + small)


def _damp(design: Floats, target: Floats, weights: Floats, step: Floats) -> float:
    """Return the share of the step that does not make things worse."""
    before = _loss(design @ weights, target)
    share = 1.0
    while share > _TOLERANCE and _loss(design @ (weights - share * step), target) > before:
        share /= 2
    return share


def _loss(log_odds: Floats, target: Floats) -> float:
    return float(np.sum(np.logaddexp(0.0, log_odds) - target * log_odds))
