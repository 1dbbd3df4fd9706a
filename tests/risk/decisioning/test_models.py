"""Models are served as they were trained, calibrated, explained, and step aside when in doubt."""

from collections.abc import Callable
from dataclasses import dataclass, field

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from huitong import risk
from huitong.risk.decisioning.features.catalogue import FRAUD_MODEL
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.calibration import (
    calibrate,
    fit_calibration,
    to_probability,
)
from huitong.risk.decisioning.models.drift import make_bins, measure_drift, measure_psi
from huitong.risk.decisioning.models.export import export_trees
from huitong.risk.decisioning.models.log_in_reasons import LOG_IN_CODES
from huitong.risk.decisioning.models.reasons import CODES, TEXTS, explain
from huitong.risk.decisioning.models.serving import FallbackReason, GuardedModel, Scorer
from huitong.risk.decisioning.models.training import train_trees
from huitong.risk.decisioning.models.types import Bins, Calibration, TrainedModel
from huitong.risk.decisioning.types import Column, Features, FeatureType

NAMES = FRAUD_MODEL
WIDTH = len(NAMES)
#: The model of these tests learned that fraud is a large multiple of the payer's mean.
TELLING = NAMES.index("amount_to_payer_mean")
#: Never unknown in training, so LightGBM takes an unknown value for 0 here.
ALWAYS_KNOWN = NAMES.index("amount")


def make_rows(seed: int, count: int, *, unknown: float = 0.1) -> Floats:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, WIDTH))
    known = matrix[:, ALWAYS_KNOWN].copy()
    matrix[random.random(matrix.shape) < unknown] = np.nan
    matrix[:, ALWAYS_KNOWN] = known
    return matrix


def label_rows(seed: int, matrix: Floats) -> Floats:
    random = np.random.default_rng(seed)
    signal = np.nan_to_num(matrix[:, TELLING]) + 0.3 * matrix[:, ALWAYS_KNOWN]
    return (signal + 0.5 * random.normal(size=len(matrix)) > 1.5).astype(np.float64)


@pytest.fixture(scope="module")
def booster() -> lightgbm.Booster:
    matrix = make_rows(1, 8_000)
    return train_trees(matrix, label_rows(2, matrix), names=NAMES, seed=3)


@pytest.fixture(scope="module")
def model(booster: lightgbm.Booster) -> TrainedModel:
    matrix = make_rows(4, 4_000)
    log_odds = np.asarray(booster.predict(matrix, raw_score=True))
    return TrainedModel(
        name="test",
        feature_names=NAMES,
        onnx=export_trees(booster),
        trees=booster.model_to_string(),
        calibration=fit_calibration(log_odds, label_rows(5, matrix)),
        bins={},
        metrics={},
        card="",
    )


def make_scorer(model: TrainedModel, calibration: Calibration | None = None) -> Scorer:
    return Scorer(
        model.onnx, feature_names=model.feature_names, calibration=calibration or model.calibration
    )


def to_features(matrix: Floats) -> Features:
    return {
        name: Column(FeatureType.NUMBER, np.nan_to_num(column), ~np.isnan(column))
        for name, column in zip(NAMES, matrix.T, strict=True)
    }


def test_served_scores_are_those_of_the_trained_trees_to_the_last_bit(
    booster: lightgbm.Booster, model: TrainedModel
) -> None:
    matrix = make_rows(6, 50_000, unknown=0.3)
    # Unknown where training never saw it, and values that are thresholds themselves.
    matrix[:500, ALWAYS_KNOWN] = np.nan
    random = np.random.default_rng(7)
    for tree in booster.dump_model()["tree_info"]:
        root = tree["tree_structure"]
        rows = random.integers(0, len(matrix), 20)
        matrix[rows, root["split_feature"]] = root["threshold"]
    served = make_scorer(model, Calibration()).score_matrix(matrix)
    trained = np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))
    np.testing.assert_array_equal(served, to_probability(trained))


def test_a_row_scores_the_same_alone_as_in_a_batch(model: TrainedModel) -> None:
    scorer, matrix = make_scorer(model), make_rows(8, 300)
    alone = [scorer.score(to_features(row[None, :]))[0] for row in matrix]
    np.testing.assert_array_equal(alone, scorer.score(to_features(matrix)))


def test_trees_that_never_split_are_exported_too() -> None:
    matrix = np.ones((200, 2))
    labels = np.arange(200) % 4 == 0
    booster = train_trees(matrix, labels.astype(np.float64), names=("a", "b"), seed=0)
    scorer = Scorer(export_trees(booster), feature_names=("a", "b"), calibration=Calibration())
    expected = to_probability(np.asarray(booster.predict(matrix[:1], raw_score=True)))
    assert scorer.score_matrix(matrix[:1]) == expected == pytest.approx(0.25)


def test_a_categorical_split_is_not_exported() -> None:
    random = np.random.default_rng(0)
    kinds = random.integers(0, 5, 500).astype(np.float64)
    data = lightgbm.Dataset(kinds[:, None], kinds == 2, categorical_feature=[0])
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 3)
    with pytest.raises(ValueError, match="categorical"):
        export_trees(booster)


def test_training_needs_both_labels_and_repeats_itself() -> None:
    matrix = make_rows(1, 1_000)
    with pytest.raises(ValueError, match="both fraud and honest"):
        train_trees(matrix, np.zeros(1_000), names=NAMES, seed=0)
    labels = label_rows(2, matrix)
    one, other = (train_trees(matrix, labels, names=NAMES, seed=5) for _ in range(2))
    assert one.model_to_string() == other.model_to_string()


def test_a_model_with_other_features_is_not_loaded(model: TrainedModel) -> None:
    with pytest.raises(ValueError, match=f"takes {WIDTH} features, not 2"):
        Scorer(model.onnx, feature_names=("a", "b"), calibration=Calibration())


def test_calibrated_scores_are_as_high_as_fraud_is_frequent(model: TrainedModel) -> None:
    matrix = make_rows(9, 20_000)
    scores, labels = make_scorer(model).score_matrix(matrix), label_rows(10, matrix)
    assert scores.mean() == pytest.approx(labels.mean(), rel=0.1)
    for low, high in ((0.0, 0.05), (0.2, 0.5), (0.5, 0.8)):
        inside = (scores >= low) & (scores < high)
        assert inside.sum() > 100
        assert scores[inside].mean() == pytest.approx(labels[inside].mean(), abs=0.06)


def test_calibration_finds_the_slope_and_offset_that_made_the_labels() -> None:
    random = np.random.default_rng(11)
    log_odds = random.normal(size=200_000) * 3
    labels = random.random(200_000) < to_probability(0.5 * log_odds - 2.0)
    found = fit_calibration(log_odds, labels.astype(np.float64))
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.offset == pytest.approx(-2.0, abs=0.02)


def test_calibration_stays_finite_where_scores_separate_the_labels() -> None:
    found = fit_calibration(np.array([-9.0, -8.0, 8.0, 9.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert 0 < found.slope < 1
    with pytest.raises(ValueError, match="do not rise with fraud"):
        fit_calibration(np.array([1.0, 2.0, -1.0, -2.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    with pytest.raises(ValueError, match="both fraud and honest"):
        fit_calibration(np.array([1.0, 2.0]), np.zeros(2))


@given(st.floats(allow_nan=False))
def test_a_probability_never_overflows(log_odds: float) -> None:
    assert 0.0 <= to_probability(np.array([log_odds]))[0] <= 1.0


def test_reasons_name_what_raised_the_score_and_add_up(
    booster: lightgbm.Booster, model: TrainedModel
) -> None:
    matrix = np.zeros((2, WIDTH))
    matrix[0, TELLING] = 3.0
    suspicious, harmless = explain(model, matrix)
    assert suspicious[0].code == "amount_unusual"
    assert suspicious[0].text.zh == "金额与付款人平时的习惯不符。"
    assert len(suspicious) <= 4
    assert [each.weight for each in suspicious] == sorted(
        (each.weight for each in suspicious), reverse=True
    )
    assert all(reason.code != "amount_unusual" for reason in harmless)
    # Shapley values add up to the score, whatever they are grouped by.
    parts = np.asarray(booster.predict(matrix, pred_contrib=True))
    np.testing.assert_allclose(parts.sum(1), booster.predict(matrix, raw_score=True), atol=1e-9)


def test_every_feature_of_the_model_has_words_in_both_languages() -> None:
    numbers = {name for name, kind in risk.PAYMENT_FEATURES.items() if kind is not FeatureType.TEXT}
    assert set(CODES) == {*FRAUD_MODEL, *numbers}
    assert {*CODES.values(), *LOG_IN_CODES.values(), "pattern_unusual"} == set(TEXTS)
    assert all(text.en.endswith(".") and text.zh.endswith("。") for text in TEXTS.values())


def test_the_population_stability_index_of_a_worked_example() -> None:
    bins = Bins(edges=(0.0,), shares=(0.5, 0.5, 0.0))
    index = measure_psi(bins, np.array([-1.0, -1.0, -1.0, 1.0]))
    assert index == pytest.approx(0.25 * np.log(1.5) - 0.25 * np.log(0.5))


@given(arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(-9, 9) | st.just(np.nan)))
def test_a_population_is_like_itself(values: Floats) -> None:
    bins = make_bins(values)
    assert sum(bins.shares) == pytest.approx(1.0)
    assert measure_psi(bins, values) == pytest.approx(0.0, abs=1e-12)


def test_drift_is_measured_by_feature_also_in_what_is_unknown() -> None:
    random = np.random.default_rng(12)
    before = {"same": random.normal(size=5_000), "moved": random.normal(size=5_000)}
    before["vanished"] = random.normal(size=5_000)
    bins = {name: make_bins(values) for name, values in before.items()}
    now = {"same": random.normal(size=5_000), "moved": random.normal(size=5_000) + 1.0}
    now["vanished"] = np.where(random.random(5_000) < 0.5, np.nan, random.normal(size=5_000))
    found = measure_drift(bins, now)
    assert found["same"] < 0.02
    assert found["moved"] > 0.25
    assert found["vanished"] > 0.25
    with pytest.raises(ValueError, match="no values to compare"):
        measure_psi(bins["same"], np.empty(0))


@dataclass
class Clock:
    """A clock that goes on by `step` seconds each time it is read."""

    step: float = 0.0
    now: float = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@dataclass
class Bench:
    model: TrainedModel
    alarms: list[FallbackReason] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def guard(self, *, scorer: Scorer | None = None, bins: Bins | None = None) -> GuardedModel:
        return GuardedModel(
            scorer=scorer, score_bins=bins, seconds_max=0.003,
            alarm=self.alarms.append, clock=self.clock, drift_rows=1_000,
        )  # fmt: skip


@pytest.fixture
def bench(model: TrainedModel) -> Bench:
    return Bench(model)


def test_without_a_model_the_rules_decide_alone(bench: Bench) -> None:
    assert bench.guard().score(to_features(make_rows(1, 2))) is FallbackReason.MISSING
    assert bench.alarms == [FallbackReason.MISSING]


def test_a_slow_model_rests_and_comes_back(bench: Bench) -> None:
    guard, features = bench.guard(scorer=make_scorer(bench.model)), to_features(make_rows(1, 2))
    bench.clock.step = 0.01
    for _ in range(3):
        assert isinstance(guard.score(features), np.ndarray)
    assert bench.alarms == [FallbackReason.SLOW]
    assert guard.score(features) is FallbackReason.SLOW
    bench.clock.step = 0.0
    bench.clock.now += 31
    assert isinstance(guard.score(features), np.ndarray)


def test_one_slow_batch_among_fast_ones_changes_nothing(bench: Bench) -> None:
    guard, features = bench.guard(scorer=make_scorer(bench.model)), to_features(make_rows(1, 2))
    for step in (0.01, 0.01, 0.0, 0.01, 0.01):
        bench.clock.step = step
        assert isinstance(guard.score(features), np.ndarray)
    assert bench.alarms == []


def test_a_model_whose_scores_drift_stays_out(bench: Bench) -> None:
    scorer = make_scorer(bench.model)
    bins = make_bins(scorer.score_matrix(make_rows(13, 5_000)))
    guard = bench.guard(scorer=scorer, bins=bins)
    for seed in range(20):
        assert isinstance(guard.score(to_features(make_rows(seed, 100))), np.ndarray)
    assert bench.alarms == []
    for seed in range(10):
        shifted = make_rows(seed, 100)
        shifted[:, TELLING] += 2.0
        assert isinstance(guard.score(to_features(shifted)), np.ndarray)
    assert bench.alarms == [FallbackReason.DRIFTING]
    assert guard.score(to_features(make_rows(1, 2))) is FallbackReason.DRIFTING


def _infinite(features: dict[str, Column]) -> None:
    features["amount"].values[0] = np.inf


def _not_a_number(features: dict[str, Column]) -> None:
    features["amount"].values[0] = np.nan


def _gone(features: dict[str, Column]) -> None:
    del features["amount"]


@pytest.mark.parametrize("poison", [_infinite, _not_a_number, _gone])
def test_poisoned_features_are_not_scored(
    bench: Bench, poison: Callable[[dict[str, Column]], None]
) -> None:
    features = dict(to_features(make_rows(1, 2)))
    poison(features)
    guard = bench.guard(scorer=make_scorer(bench.model))
    assert guard.score(features) is FallbackReason.POISONED
    assert bench.alarms == [FallbackReason.POISONED]
    assert isinstance(guard.score(to_features(make_rows(1, 2))), np.ndarray)


def test_a_poisoned_feature_is_named(model: TrainedModel) -> None:
    features = dict(to_features(make_rows(1, 2)))
    _not_a_number(features)
    with pytest.raises(ValueError, match="has values that are no finite numbers") as refused:
        make_scorer(model).score(features)
    assert str(refused.value).split()[0] in features


@pytest.mark.parametrize("size", [1, 3, 64, 255])
def test_a_row_scores_the_same_whatever_batch_it_is_in(model: TrainedModel, size: int) -> None:
    scorer, rows = make_scorer(model), make_rows(17, 2_000)
    whole = scorer.score_matrix(rows)
    parts = [scorer.score_matrix(rows[start : start + size]) for start in range(0, 2_000, size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_calibration_keeps_the_order(model: TrainedModel) -> None:
    log_odds = np.linspace(-5, 5, 101)
    assert np.all(np.diff(calibrate(log_odds, model.calibration)) > 0)
