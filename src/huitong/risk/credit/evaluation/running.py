"""An evaluation: each data set in five folds, and on rows held out where there are any.

Imports what trains, which takes seconds: import it late.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from huitong.risk.credit.evaluation.models import Predictions, cut_folds, predict
from huitong.risk.credit.evaluation.reading import (
    DataSetMissing,
    find_file,
    make_features,
    read_rows,
)
from huitong.risk.credit.evaluation.sets import DATA_SETS
from huitong.risk.credit.evaluation.types import DataSet, Frame, Raw
from huitong.risk.credit.fairness import measure_groups
from huitong.risk.credit.measures import (
    interval_of_auc,
    interval_of_folds,
    measure,
)
from huitong.risk.decisioning.features.scans import Floats

#: How far behind the best model a scorecard may be.
GAP_MAX: Final = 0.015


def evaluate(
    folder: Path, *, names: Sequence[str], seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the measures of each data set of a folder that is there, by name.

    Raises DataSetMissing if there is none of those that are asked for, and InvalidField for a file
    that cannot be used; nothing is measured then.
    """
    chosen = [each for each in DATA_SETS if each.name in names]
    files = {each.name: find_file(folder, each.stem, "train") for each in chosen}
    found = [each for each in chosen if files[each.name] is not None]
    if not found:
        raise DataSetMissing(f"{folder} has no data set among {', '.join(names)}")
    rows = {each.name: _read(each, folder, "train") for each in found}
    held_out = {each.name: _read(each, folder, "test") for each in found}
    report: dict[str, Any] = {"seed": seed, "data_sets": {}}
    for each in found:
        read = rows[each.name]
        assert read is not None, "its file was found"
        started = time.monotonic()
        measured = _evaluate_folds(each, *read, seed=seed, say=say)
        test = held_out[each.name]
        if test is not None:
            say(f"{each.name}: rows held out")
            measured["held_out"] = _evaluate_held_out(each, read, test, seed=seed)
        measured["seconds"] = round(time.monotonic() - started, 1)
        report["data_sets"][each.name] = measured
    report["missing"] = [each.name for each in chosen if files[each.name] is None]
    return report


def _read(data: DataSet, folder: Path, part: str) -> tuple[Raw, Frame, Floats] | None:
    path = find_file(folder, data.stem, part)
    if path is None:
        return None
    raw, labels = read_rows(data, path)
    return raw, make_features(data, raw, path), labels


def _evaluate_folds(
    data: DataSet,
    raw: Raw,
    frame: Frame,
    labels: Floats,
    *,
    seed: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    folds = cut_folds(labels, seed=seed)
    predictions = []
    for number, (train, test) in enumerate(folds, 1):
        say(f"{data.name}: fold {number} of {len(folds)}, {len(train):,} rows to train on")
        predictions.append(
            predict(data, frame.take(train), labels[train], frame.take(test), seed=seed)
        )
    tests = [test for _, test in folds]
    best = _summarise([each.best for each in predictions], tests, labels)
    card = _summarise([each.scorecard for each in predictions], tests, labels)
    pooled = _pool([each.scorecard for each in predictions], tests, len(labels))
    return {
        "rows": len(labels),
        "bad_rate": float(labels.mean()),
        "is_best_blind_to_protected": data.is_best_blind,
        "best": {**best, "learners": _learner_aucs(predictions, tests, labels)},
        "scorecard": card,
        "gap": best["auc"] - card["auc"],
        "target_auc": data.target_auc,
        "is_target_met": best["auc"] >= data.target_auc,
        "is_gap_met": best["auc"] - card["auc"] <= GAP_MAX,
        "published_test_auc": dict(data.published),
        "fairness": {
            name: measure_groups(pooled, labels, groups)
            for name, groups in data.groups(raw).items()
        },
    }


def _summarise(folds: Sequence[Floats], tests: Sequence[Any], labels: Floats) -> dict[str, Any]:
    """Return the measures of pooled rows, with the mean AUC of the folds and its interval."""
    measured = [measure(each, labels[test]) for each, test in zip(folds, tests, strict=True)]
    aucs = np.array([each["auc"] for each in measured])
    low, high = interval_of_folds(aucs)
    whole = measure(_pool(folds, tests, len(labels)), labels)
    mean = float(aucs.mean())
    return {
        **whole,
        "auc": mean,
        "gini": 2 * mean - 1,
        "auc_interval": [low, high],
        "auc_folds": aucs.tolist(),
        "ks": float(np.mean([each["ks"] for each in measured])),
    }


def _learner_aucs(
    predictions: Sequence[Predictions], tests: Sequence[Any], labels: Floats
) -> dict[str, float]:
    return {
        name: float(
            np.mean(
                [
                    measure(each.learners[name], labels[test])["auc"]
                    for each, test in zip(predictions, tests, strict=True)
                ]
            )
        )
        for name in predictions[0].learners
    }


def _pool(folds: Sequence[Floats], tests: Sequence[Any], count: int) -> Floats:
    pooled = np.empty(count)
    for each, test in zip(folds, tests, strict=True):
        pooled[test] = each
    return pooled


def _evaluate_held_out(
    data: DataSet,
    train: tuple[Raw, Frame, Floats],
    test: tuple[Raw, Frame, Floats],
    *,
    seed: int,
) -> dict[str, Any]:
    labels = test[2]
    predicted = predict(data, train[1], train[2], test[1], seed=seed)
    return {
        "rows": len(labels),
        **{
            name: {
                **measure(each, labels),
                "auc_interval": list(interval_of_auc(each, labels)),
            }
            for name, each in (("best", predicted.best), ("scorecard", predicted.scorecard))
        },
    }
