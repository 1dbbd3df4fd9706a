"""A training run of the model of payment fraud: train, calibrate, measure, write the card.

Imports LightGBM and scikit-learn, which take seconds: import it late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from huitong.kernel import limits
from huitong.kernel.errors import Refusal
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.calibration import calibrate, fit_calibration
from huitong.risk.decisioning.models.drift import make_bins
from huitong.risk.decisioning.models.export import export_trees
from huitong.risk.decisioning.models.serving import SCORE
from huitong.risk.decisioning.models.training import train_trees
from huitong.risk.decisioning.models.types import Bins, Calibration, TrainedModel
from huitong.risk.fraud.model_card import write_card

FRAUD_MODEL_NAME: Final = "payment_fraud"
#: Of the rows in the order of time: the first train, the next calibrate, the last measure.
_TRAIN_SHARE: Final = 0.7
_CALIBRATE_SHARE: Final = 0.15
#: Probabilities for which the card says what lies above them.
SCORES: Final = (0.05, 0.1, 0.3, 0.5, 0.8, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Rows whose labels are known, in the order of time; NaN is an unknown value.

    `matrix` is [rows, features]; `labels` are 0 and 1, as they became known. `source` says in a few
    words where the rows are from, `command` how to make the model again, `limits` what the rows
    cannot tell; the days are those of the first and the last payment. Where more is known than
    labels say, as in a simulation, `kinds` has the kind of fraud of each row, "" for honest ones:
    then the model learns from labels, and is measured against kinds.
    """

    feature_names: Sequence[str]
    matrix: Floats
    labels: Floats
    first_on: date
    last_on: date
    source: str
    command: str = ""
    limits: str = ""
    kinds: NDArray[np.str_] | None = None
    model_name: str = FRAUD_MODEL_NAME

    @property
    def truth(self) -> Floats:
        """What was fraud, whether it became known or not: 0 and 1."""
        return self.labels if self.kinds is None else (self.kinds != "").astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Parts:
    train: slice
    calibrate: slice
    measure: slice


class TrainingDataTooFew(Refusal):
    """There is too little to learn from."""

    code = "training_data_too_few"
    title = "There are too few payments to train on"


def check_enough(data: TrainingData) -> None:
    """Raise TrainingDataTooFew, with how many there are and are needed, for too little to learn."""
    parts = _cut(len(data.labels))
    counts = (
        ("payments whose labels are known", len(data.labels), limits.TRAINING_PAYMENTS_MIN),
        ("frauds among them", np.count_nonzero(data.labels), limits.TRAINING_FRAUDS_MIN),
        (
            "frauds among those that calibrate (the sixth of them before the last)",
            np.count_nonzero(data.labels[parts.calibrate]),
            limits.TRAINING_FRAUDS_OF_PART_MIN,
        ),
        (
            "frauds among the latest sixth, which measures",
            np.count_nonzero(data.labels[parts.measure]),
            limits.TRAINING_FRAUDS_OF_PART_MIN,
        ),
    )
    for what, there, needed in counts:
        if there < needed:
            raise TrainingDataTooFew(f"{needed:,} {what} are needed, and there are {there:,}")


def train_fraud_model(data: TrainingData, *, seed: int, threads: int = 1) -> TrainedModel:
    """Return a calibrated model with its metrics on the latest rows, which it has not seen.

    The same data and seed give the same model. Raises ValueError if one of the three parts of the
    data lacks fraud or honest payments, or a value is infinite.
    """
    if np.isinf(data.matrix).any():
        raise ValueError("the rows to train on hold infinite values")
    parts = _cut(len(data.labels))
    _check_parts(data, parts)
    booster = train_trees(
        data.matrix[parts.train],
        data.labels[parts.train],
        names=data.feature_names,
        seed=seed,
        threads=threads,
    )
    calibration = fit_calibration(
        _log_odds(booster, data.matrix[parts.calibrate]), data.labels[parts.calibrate]
    )
    metrics = _measure(booster, calibration, data, parts)
    return TrainedModel(
        name=data.model_name,
        feature_names=tuple(data.feature_names),
        onnx=export_trees(booster),
        trees=booster.model_to_string(),
        calibration=calibration,
        bins=_make_bins(booster, calibration, data, parts),
        metrics=metrics,
        card=write_card(
            title=data.model_name,
            period=f"{data.source}, {data.first_on} to {data.last_on}",
            booster=booster,
            calibration=calibration,
            metrics=metrics,
            seed=seed,
            command=data.command,
            limits=data.limits,
        ),
    )


def _check_parts(data: TrainingData, parts: _Parts) -> None:
    for name in ("train", "calibrate", "measure"):
        labels = data.labels[getattr(parts, name)]
        if not 0 < np.count_nonzero(labels) < len(labels):
            raise ValueError(f"the rows to {name} on must hold both fraud and honest payments")


def _cut(count: int) -> _Parts:
    first, second = int(count * _TRAIN_SHARE), int(count * (_TRAIN_SHARE + _CALIBRATE_SHARE))
    return _Parts(slice(0, first), slice(first, second), slice(second, count))


def _log_odds(booster: lightgbm.Booster, matrix: Floats) -> Floats:
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1), np.float64)


def _measure(
    booster: lightgbm.Booster, calibration: Calibration, data: TrainingData, parts: _Parts
) -> dict[str, Any]:
    truth = data.truth[parts.measure]
    scores = calibrate(_log_odds(booster, data.matrix[parts.measure]), calibration)
    kinds = None if data.kinds is None else data.kinds[parts.measure]
    return {
        **measure_scores(scores, truth, kinds),
        "rows": {
            name: len(data.labels[part])
            for name, part in (
                ("train", parts.train), ("calibrate", parts.calibrate), ("measure", parts.measure)
            )
        },
        "frauds": int(np.count_nonzero(data.truth)),
    }  # fmt: skip


def measure_scores(
    scores: Floats, truth: Floats, kinds: NDArray[np.str_] | None = None
) -> dict[str, Any]:
    """Return what probabilities of fraud are worth where it is known what was fraud.

    `by_score` says for some probabilities which share of honest payments and of frauds is above,
    and which share of what is above is fraud (0 where nothing is); `by_kind` the share above of
    each kind of fraud, in the order of the probabilities.
    """
    is_fraud = truth > 0
    measured: dict[str, Any] = {
        "auc_roc": float(roc_auc_score(truth, scores)),
        "average_precision": float(average_precision_score(truth, scores)),
        "brier_score": float(brier_score_loss(truth, scores)),
        "mean_score": float(scores.mean()),
        "fraud_rate": float(truth.mean()),
        "by_score": [
            {
                "above": above,
                "honest_share": float((scores[~is_fraud] > above).mean()),
                "fraud_share": float((scores[is_fraud] > above).mean()),
                "precision": float(is_fraud[scores > above].sum() / max(1, (scores > above).sum())),
            }
            for above in SCORES
        ],
    }
    if kinds is not None:
        measured["by_kind"] = {
            str(kind): {
                "payments": int((kinds == kind).sum()),
                "shares": [float((scores[kinds == kind] > above).mean()) for above in SCORES],
            }
            for kind in sorted(set(kinds[is_fraud]))
        }
    return measured


def _make_bins(
    booster: lightgbm.Booster, calibration: Calibration, data: TrainingData, parts: _Parts
) -> Mapping[str, Bins]:
    """Of what it was not trained on: scores of training rows are more certain than any to come."""
    unseen = data.matrix[parts.calibrate.start :]
    bins = {name: make_bins(unseen[:, index]) for index, name in enumerate(data.feature_names)}
    bins[SCORE] = make_bins(calibrate(_log_odds(booster, unseen), calibration))
    return bins
