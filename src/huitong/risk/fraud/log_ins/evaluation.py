"""How well attacks are told from honest log-ins: split in time, measures, report. Imports LightGBM.

The history is cut by time: a warm-up that only fills habits, days to train, days to calibrate, a
delay until labels are known, and days to test. Measured are log-ins with the right credential on
logins that have logged in before, for nobody can know the habits of others.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers
from huitong.risk.decisioning.features.timelines import MICROSECONDS
from huitong.risk.decisioning.models.calibration import calibrate, fit_calibration
from huitong.risk.decisioning.models.training import train_trees
from huitong.risk.fraud.log_ins.features import SCORE, compute_log_in_features, to_log_in_matrix
from huitong.risk.fraud.log_ins.generator import CUSTOMERS, DAYS, generate_log_ins
from huitong.risk.fraud.log_ins.measures import (
    ALARM_RATES,
    Scored,
    measure_all,
    measure_kinds,
    measure_questions,
    summarise_tree,
)
from huitong.risk.fraud.log_ins.published import PUBLISHED
from huitong.risk.fraud.log_ins.reading import FIELD, read_log_ins
from huitong.risk.fraud.log_ins.types import Kind, LogIns

FREEMAN: Final = "freeman"
OURS: Final = "huitong"
#: Trees of this size are no faster with more, and many times slower where the machine is busy.
_THREADS: Final = 1
#: Where each part ends, as shares of the time.
PARTS: Final = {"warm_up": 0.15, "train": 0.55, "calibrate": 0.65, "delay": 0.75, "test": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """The rows to train on, to calibrate and set thresholds on, and to test on."""

    train: Integers
    calibrate: Integers
    test: Integers


def evaluate_log_in_models(
    path: Path | None, *, histories: int, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure the score and the model on the file, or on so many generated histories.

    Returns mean and spread of each measure by model and by kind of attack, each run's figures, and
    published ones. Raises InvalidField for a file that won't do.
    """
    started = time.perf_counter()
    runs = []
    for seed, log_ins in _histories(path, histories, threads):
        run = _measure(log_ins, seed=seed, is_generated=path is None)
        recall = run["models"][OURS]["all"][f"recall_at_{ALARM_RATES[0]:.1%}"]
        say(f"history {seed}: {len(log_ins):,} attempts, recall {recall:.3f}")
        runs.append(run)
    return {
        "data": {
            "source": "generated" if path is None else str(path),
            "histories": len(runs),
            **({"customers": CUSTOMERS, "days": DAYS} if path is None else {}),
        },
        "protocol": {
            "parts_end_at_share_of_time": PARTS,
            "measured": "right credential, on a login that has logged in before",
        },
        "models": summarise_tree([run["models"] for run in runs]),
        "published": PUBLISHED,
        "runs": runs,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _histories(path: Path | None, count: int, threads: int) -> Iterator[tuple[int, LogIns]]:
    if path is not None:
        yield 0, read_log_ins(path, threads=threads)
        return
    for seed in range(count):
        yield seed, generate_log_ins(seed=seed)


def _measure(log_ins: LogIns, *, seed: int, is_generated: bool) -> dict[str, Any]:
    features = compute_log_in_features(log_ins)
    is_measured = log_ins.is_successful & (features["log_ins_before"] > 0)
    parts = _split(log_ins, is_measured)
    scores = {
        FREEMAN: (features[SCORE][parts.calibrate], features[SCORE][parts.test]),
        OURS: _fit(log_ins, features, parts, seed),
    }
    models = {}
    for name, (earlier, tested) in scores.items():
        before = Scored(log_ins.login[parts.calibrate], log_ins.kind[parts.calibrate], earlier)
        test = Scored(log_ins.login[parts.test], log_ins.kind[parts.test], tested)
        models[name] = {
            "all": measure_all(test),
            "by_kind": measure_kinds(test, is_log_ratio=name == FREEMAN),
            "thresholds_set_before": measure_questions(before, test),
        }
    is_attack = log_ins.kind > 0
    if is_generated:
        models[OURS]["never_trained_on"] = _measure_unseen(log_ins, features, parts, seed=seed)
    models[OURS]["calibration"] = {
        "mean_probability": float(scores[OURS][1].mean()),
        "share_of_attacks": float(is_attack[parts.test].mean()),
    }
    return {
        "attempts": len(log_ins),
        "log_ins_measured": int(is_measured.sum()),
        "attacks_not_measured": int((is_attack & log_ins.is_successful & ~is_measured).sum()),
        "from": _instant(log_ins.at[0]),
        "to": _instant(log_ins.at[-1]),
        "train": _count(log_ins, parts.train),
        "test": _count(log_ins, parts.test),
        "models": models,
    }


def _split(log_ins: LogIns, is_measured: Flags) -> _Parts:
    first, last = int(log_ins.at[0]), int(log_ins.at[-1]) + 1
    ends = {name: first + int((last - first) * share) for name, share in PARTS.items()}

    def between(start: str, end: str) -> Integers:
        begin, stop = np.searchsorted(log_ins.at, [ends[start], ends[end]])
        rows: Integers = begin + np.flatnonzero(is_measured[begin:stop])
        attacks = int(np.count_nonzero(log_ins.kind[rows]))
        if not 0 < attacks < len(rows):
            raise InvalidField(
                f"the time to {end} lacks attacks or honest log-ins: {attacks} of {len(rows)} "
                "log-ins with the right credential, by whom had logged in before, are attacks",
                field=FIELD,
            )
        return rows

    return _Parts(
        train=between("warm_up", "train"),
        calibrate=between("train", "calibrate"),
        test=between("delay", "test"),
    )


def _train(
    log_ins: LogIns, features: dict[str, Floats], rows: Integers, seed: int
) -> Callable[[Integers], Floats]:
    """Return what gives the log-odds of other rows, trained on these."""
    booster = train_trees(
        to_log_in_matrix(features, rows),
        (log_ins.kind[rows] > 0).astype(np.float64),
        names=list(features),
        seed=seed,
        threads=_THREADS,
    )

    def log_odds(others: Integers) -> Floats:
        matrix = to_log_in_matrix(features, others)
        return np.asarray(booster.predict(matrix, raw_score=True, num_threads=_THREADS))

    return log_odds


def _fit(
    log_ins: LogIns, features: dict[str, Floats], parts: _Parts, seed: int
) -> tuple[Floats, Floats]:
    """Return calibrated probabilities of the rows to calibrate on, and of those to test on."""
    log_odds = _train(log_ins, features, parts.train, seed)
    earlier = log_odds(parts.calibrate)
    is_attack = (log_ins.kind[parts.calibrate] > 0).astype(np.float64)
    try:
        calibration = fit_calibration(earlier, is_attack)
    except ValueError as problem:
        raise InvalidField(str(problem), field=FIELD) from problem
    return calibrate(earlier, calibration), calibrate(log_odds(parts.test), calibration)


def _measure_unseen(
    log_ins: LogIns, features: dict[str, Floats], parts: _Parts, *, seed: int
) -> dict[str, dict[str, float]]:
    """Return how well one kind of attack is found by trees that were trained without it.

    It is the turn of another kind with each seed.
    """
    kinds = np.unique(log_ins.kind[parts.train])[1:]
    kind = int(kinds[seed % len(kinds)])
    seen = parts.train[log_ins.kind[parts.train] != kind]
    rows = parts.test[np.isin(log_ins.kind[parts.test], [int(Kind.HONEST), kind])]
    scores = _train(log_ins, features, seen, seed)(rows)
    return measure_kinds(Scored(log_ins.login[rows], log_ins.kind[rows], scores))


def _count(log_ins: LogIns, rows: Integers) -> dict[str, int]:
    kind = log_ins.kind[rows]
    return {"honest": int((kind == 0).sum()), "attacks": int((kind > 0).sum())}


def _instant(microseconds: int) -> str:
    return datetime.fromtimestamp(int(microseconds) / MICROSECONDS, UTC).isoformat("T", "seconds")
