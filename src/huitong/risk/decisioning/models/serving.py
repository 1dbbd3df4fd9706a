"""Scores in the path: onnxruntime on one thread, and what happens when the model cannot be used."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors

from huitong.kernel import limits
from huitong.risk.decisioning.features.matrices import FeatureMatrices
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.calibration import calibrate
from huitong.risk.decisioning.models.drift import PSI_DRIFTING, measure_psi
from huitong.risk.decisioning.models.types import Bins, Calibration
from huitong.risk.decisioning.types import Column, Features

SCORE: Final = "score"
_INPUT: Final = "features"
_OUTPUT: Final = "log_odds"
#: What the runtime raises; its classes have no base of their own.
RUNTIME_ERRORS: Final = (
    onnx_errors.EngineError,
    onnx_errors.EPFail,
    onnx_errors.Fail,
    onnx_errors.InvalidArgument,
    onnx_errors.InvalidGraph,
    onnx_errors.InvalidProtobuf,
    onnx_errors.NotImplemented,
    onnx_errors.RuntimeException,
)


class Scorer:
    """A loaded model: from features of a batch to calibrated probabilities of fraud."""

    def __init__(
        self, onnx: bytes, *, feature_names: Sequence[str], calibration: Calibration
    ) -> None:
        """Load the trees; raises ValueError if they want another number of features."""
        options = onnxruntime.SessionOptions()
        # A process has one core: threads of its own would only wait for each other.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            onnx, options, providers=["CPUExecutionProvider"]
        )
        wanted = self._session.get_inputs()[0].shape[1]
        if wanted != len(feature_names):
            raise ValueError(f"the model takes {wanted} features, not {len(feature_names)}")
        self.feature_names: Final = tuple(feature_names)
        self._calibration: Final = calibration

    def score(self, features: Features) -> Floats:
        """Return the probability of fraud of each row; a NULL is an unknown value to the model.

        Raises KeyError for a feature that is not there, ValueError for one that is infinite, or NaN
        where it claims to be known.
        """
        return self.score_matrix(self.make_matrix(features))

    def score_matrix(self, matrix: Floats) -> Floats:
        """Return the probability of fraud of each row; NaN is an unknown value."""
        log_odds = self._session.run([_OUTPUT], {_INPUT: matrix})[0][:, 0]
        return calibrate(log_odds, self._calibration)

    def make_matrix(self, features: Features) -> Floats:
        """Return one row an event and one column a feature of the model, NaN for unknown."""
        # A feature is a row until the end: whole rows are written several times faster.
        if isinstance(features, FeatureMatrices):
            rows, unknown = features.gather(self.feature_names)
        else:
            rows, unknown = _gather([features[name] for name in self.feature_names])
        if rows.size - int(np.count_nonzero(np.isfinite(rows))) != unknown:
            wrong = self._name_wrong(rows, [features[name] for name in self.feature_names])
            raise ValueError(f"{wrong} has values that are no finite numbers")
        return np.ascontiguousarray(rows.T)

    def _name_wrong(self, rows: Floats, columns: Sequence[Column]) -> str:
        """Return the first feature with a value that claims to be known and is not finite."""
        for name, row, column in zip(self.feature_names, rows, columns, strict=True):
            is_wrong = ~np.isfinite(row)
            if column.known is not None:
                is_wrong &= column.known
            if is_wrong.any():
                return name
        raise AssertionError("one of them has such a value")


def _gather(columns: Sequence[Column]) -> tuple[Floats, int]:
    rows = np.empty((len(columns), len(columns[0].values)))
    unknown = 0
    for index, column in enumerate(columns):
        rows[index] = column.values
        if column.known is not None:
            missing = ~column.known
            rows[index, missing] = np.nan
            unknown += int(np.count_nonzero(missing))
    return rows, unknown


class FallbackReason(StrEnum):
    """Why rules decide alone."""

    MISSING = "model_missing"
    SLOW = "model_slow"
    DRIFTING = "model_drifting"
    POISONED = "features_poisoned"
    FAILED = "model_failed"


@dataclass(slots=True, eq=False)
class GuardedModel:
    """A model that steps aside when it cannot be relied on; the rules then decide alone.

    `score` returns the probabilities, or the reason for falling back, which `alarm` hears, too. A
    model that was over `seconds_max` for `slow_calls_max` batches in a row is left alone for
    `rest_seconds`. One whose scores of the last `drift_rows` payments are distributed unlike those
    of its training (population stability index above 0.25) stays out until it is looked at. One
    that raises, or whose scores are no probabilities, has failed for that batch.
    """

    scorer: Scorer | None
    score_bins: Bins | None
    seconds_max: float
    alarm: Callable[[FallbackReason], None]
    slow_calls_max: int = limits.MODEL_SLOW_BATCHES_MAX
    rest_seconds: float = limits.MODEL_REST_SECONDS
    drift_rows: int = limits.MODEL_DRIFT_ROWS
    clock: Callable[[], float] = time.monotonic
    is_drifting: bool = False
    #: The population stability index of the last full lot of scores.
    psi: float | None = None
    _slow_calls: int = 0
    _rests_until: float | None = None
    _recent: deque[Floats] = field(default_factory=deque)
    _recent_rows: int = 0

    def score(self, features: Features) -> Floats | FallbackReason:
        """Return the probability of fraud of each row, or why there is none."""
        reason = self._why_not()
        if reason is not None:
            return self._fall_back(reason)
        assert self.scorer is not None, "a missing model has a reason"
        started = self.clock()
        try:
            scores = self.scorer.score(features)
        except (KeyError, ValueError):
            return self._fall_back(FallbackReason.POISONED)
        except RUNTIME_ERRORS:
            return self._fall_back(FallbackReason.FAILED)
        # Comparisons with NaN are false, so that one is caught here, too.
        if not np.all((scores >= 0.0) & (scores <= 1.0)):
            return self._fall_back(FallbackReason.FAILED)
        now = self.clock()
        is_slow = now - started > self.seconds_max
        self._slow_calls = self._slow_calls + 1 if is_slow else 0
        if self._slow_calls >= self.slow_calls_max:
            self._rests_until = now + self.rest_seconds
            self._slow_calls = 0
            self.alarm(FallbackReason.SLOW)
        self._watch(scores)
        # These scores are there, however late: only batches to come are spared the wait.
        return scores

    def look_again(self) -> None:
        """Be of use again after somebody looked, and watch from here on."""
        self.is_drifting = False
        self._recent.clear()
        self._recent_rows = 0

    def _why_not(self) -> FallbackReason | None:
        if self.scorer is None:
            return FallbackReason.MISSING
        if self.is_drifting:
            return FallbackReason.DRIFTING
        if self._rests_until is not None:
            if self.clock() < self._rests_until:
                return FallbackReason.SLOW
            self._rests_until = None
        return None

    def _fall_back(self, reason: FallbackReason) -> FallbackReason:
        self.alarm(reason)
        return reason

    def _watch(self, scores: Floats) -> None:
        """Compare each full lot of scores with the training."""
        if self.score_bins is None:
            return
        self._recent.append(scores)
        self._recent_rows += len(scores)
        if self._recent_rows < self.drift_rows:
            return
        lot = np.concatenate(list(self._recent))
        self._recent.clear()
        self._recent_rows = 0
        self.psi = measure_psi(self.score_bins, lot)
        if self.psi > PSI_DRIFTING:
            self.is_drifting = True
            self.alarm(FallbackReason.DRIFTING)
