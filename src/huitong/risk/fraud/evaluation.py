"""How well fraud is found, measured beside the handbook's models. Imports heavy libraries."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import ibis
import numpy as np
from ibis.backends.duckdb import Backend
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.catalogue import FRAUD_MODEL, STANDARD
from huitong.risk.decisioning.features.definitions import DAY, Fact
from huitong.risk.decisioning.features.offline import compute_features, to_matrix
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.features.timelines import MICROSECONDS
from huitong.risk.decisioning.models.training import train_trees
from huitong.risk.decisioning.types import FeatureType
from huitong.risk.fraud.handbook import BOOK_FEATURES, read_transactions
from huitong.risk.fraud.protocol import (
    CARDS_A_DAY,
    DELAY_DAYS,
    TEST_DAYS,
    TRAIN_DAYS,
    WINDOW_DAYS,
    Payments,
    Split,
    choose_first_days,
    measure_card_precision,
    split,
    summarise,
)

_CARD: Final = Fact("payer", FeatureType.INTEGER)
_FRAUD: Final = Fact("label", FeatureType.FLAG)
_TIME: Final = Fact("microseconds", FeatureType.INTEGER)
_SEED: Final = 0
_MEMORY: Final = "2GB"
_AUC: Final = "auc_roc"
_AP: Final = "average_precision"
_CARDS: Final = f"card_precision_{CARDS_A_DAY}"
_METRICS: Final = (_AUC, _AP, _CARDS)
OURS: Final = "huitong"
REFERENCE: Final = "random_forest"
#: How far ours has to be ahead of the random forest on the book's features, in the same run.
TARGETS: Final = {_AUC: 0.015, _AP: 0.04}

#: Trains on (rows, labels) and returns the scores of other rows.
Fit: TypeAlias = Callable[[Floats, Floats, Floats, int], Floats]


def evaluate_handbook(
    path: Path, *, windows: int, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure our model beside the book's, over rolled windows of the transactions at `path`.

    Returns mean and spread of each measure by model, each window's figures, and what ours is ahead
    of the random forest on the book's features. Raises InvalidField for data that won't do.
    """
    started = time.perf_counter()
    with TemporaryDirectory() as spill:
        engine = ibis.duckdb.connect(memory_limit=_MEMORY, threads=threads, temp_directory=spill)
        payments, matrices = _prepare(engine, path)
        engine.disconnect()
    say(f"{len(payments.days):,} transactions, features in {time.perf_counter() - started:.0f} s")
    first_days = choose_first_days(payments.days, count=windows)
    if not first_days:
        raise InvalidField(f"a window takes {WINDOW_DAYS} days; there are fewer", field="--data")
    measured = []
    for first_day in first_days:
        one = _measure_window(payments, split(payments, first_day), matrices, threads)
        precision = {name: round(each[_AP], 3) for name, each in one["models"].items()}
        say(f"trained from {one['train_from']}: average precision {precision}")
        measured.append(one)
    return _report(payments, measured, seconds=time.perf_counter() - started)


def _prepare(engine: Backend, path: Path) -> tuple[Payments, Mapping[str, Floats]]:
    """Return the payments, and by model the features of each, in one pass over the history."""
    events = read_transactions(engine, path)
    book, ours = [each.name for each in BOOK_FEATURES], list(FRAUD_MODEL)
    facts = (_CARD, _FRAUD, _TIME)
    among = {each.name: each for each in (*STANDARD, *BOOK_FEATURES, *facts)}
    features = compute_features(
        events,
        sorted({*book, *ours, *(each.name for each in facts)}),
        among=tuple(among.values()),
        # The times in the files are local already.
        utc_offset=timedelta(0),
    )
    payments = Payments(
        days=features[_TIME.name].values // (DAY * MICROSECONDS),
        cards=features[_CARD.name].values,
        frauds=features[_FRAUD.name].values,
    )
    # The book leaves no value empty, and its models cannot do without one.
    simple = np.nan_to_num(to_matrix(features, book))
    return payments, {
        "logistic_regression": simple,
        REFERENCE: simple,
        OURS: to_matrix(features, ours),
    }


def _measure_window(
    payments: Payments, window: Split, matrices: Mapping[str, Floats], threads: int
) -> dict[str, Any]:
    labels = payments.frauds[window.train].astype(np.float64)
    truth = payments.frauds[window.test]
    for rows, what in ((labels, "train"), (truth, "test")):
        if not 0 < np.count_nonzero(rows) < len(rows):
            raise InvalidField(
                f"the days to {what} on, in the window from {_day(window.first_day)}, lack frauds "
                "or honest payments",
                field="--data",
            )
    models = {}
    for name, fit in _MODELS.items():
        matrix = matrices[name]
        scores = fit(matrix[window.train], labels, matrix[window.test], threads)
        models[name] = {
            _AUC: float(roc_auc_score(truth, scores)),
            _AP: float(average_precision_score(truth, scores)),
            _CARDS: measure_card_precision(payments, window.test, scores),
        }
    return {
        "train_from": _day(window.first_day),
        "test_from": _day(window.first_day + TRAIN_DAYS + DELAY_DAYS),
        "train_rows": len(window.train),
        "train_frauds": int(labels.sum()),
        "test_rows": len(window.test),
        "test_frauds": int(truth.sum()),
        "models": models,
    }


def _fit_logistic(matrix: Floats, labels: Floats, others: Floats, threads: int) -> Floats:
    del threads
    model = make_pipeline(StandardScaler(), LogisticRegression(random_state=_SEED))
    return _probabilities(model.fit(matrix, labels), others)


def _fit_forest(matrix: Floats, labels: Floats, others: Floats, threads: int) -> Floats:
    model = RandomForestClassifier(random_state=_SEED, n_jobs=threads)
    return _probabilities(model.fit(matrix, labels), others)


def _fit_ours(matrix: Floats, labels: Floats, others: Floats, threads: int) -> Floats:
    booster = train_trees(matrix, labels, names=FRAUD_MODEL, seed=_SEED, threads=threads)
    return np.asarray(booster.predict(others, num_threads=threads))


def _probabilities(model: Any, others: Floats) -> Floats:
    return np.asarray(model.predict_proba(others)[:, 1])


#: The book's two reference models, with its settings, and ours.
_MODELS: Final[Mapping[str, Fit]] = {
    "logistic_regression": _fit_logistic,
    REFERENCE: _fit_forest,
    OURS: _fit_ours,
}


def _report(
    payments: Payments, measured: list[dict[str, Any]], *, seconds: float
) -> dict[str, Any]:
    models = {
        name: {
            metric: summarise([window["models"][name][metric] for window in measured])
            for metric in _METRICS
        }
        for name in _MODELS
    }
    ahead = {
        metric: models[OURS][metric]["mean"] - models[REFERENCE][metric]["mean"]
        for metric in _METRICS
    }
    return {
        "data": {
            "transactions": len(payments.days),
            "frauds": int(payments.frauds.sum()),
            "from": _day(int(payments.days.min())),
            "to": _day(int(payments.days.max())),
        },
        "protocol": {
            "train_days": TRAIN_DAYS,
            "delay_days": DELAY_DAYS,
            "test_days": TEST_DAYS,
            "known_compromised_cards": "removed from the test",
        },
        "models": models,
        "ahead_of_random_forest": ahead,
        "targets": {
            metric: {"ahead": least, "is_met": ahead[metric] >= least}
            for metric, least in TARGETS.items()
        },
        "windows": measured,
        "seconds": round(seconds, 1),
    }


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY, UTC).date().isoformat()
