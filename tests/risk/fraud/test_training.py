"""A training run gives a calibrated model, its figures and its card."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import ibis
import numpy as np
import pyarrow as pa
import pytest

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.catalogue import FRAUD_MODEL
from huitong.risk.decisioning.models.serving import Scorer
from huitong.risk.fraud.training import (
    TrainingData,
    TrainingDataTooFew,
    check_enough,
    train_fraud_model,
)
from huitong.risk.fraud.training_data import read_training_data


def make_data(count: int = 6_000, *, rate: float = 0.05) -> TrainingData:
    random = np.random.default_rng(21)
    matrix = random.normal(size=(count, len(FRAUD_MODEL)))
    labels = (random.random(count) < rate).astype(np.float64)
    matrix[:, 3] += 3.0 * labels
    return TrainingData(
        feature_names=FRAUD_MODEL,
        matrix=matrix,
        labels=labels,
        first_on=date(2026, 6, 1),
        last_on=date(2026, 6, 30),
        source="A made history",
    )


def test_a_run_measures_on_rows_that_it_did_not_see_and_writes_the_card() -> None:
    data = make_data()
    model = train_fraud_model(data, seed=1)
    assert model.metrics["rows"] == {"train": 4_200, "calibrate": 900, "measure": 900}
    assert model.metrics["auc_roc"] > 0.95
    scorer = Scorer(model.onnx, feature_names=model.feature_names, calibration=model.calibration)
    scores = scorer.score_matrix(data.matrix[5_100:])
    assert scores.mean() == pytest.approx(model.metrics["mean_score"], rel=1e-12)
    assert scores.mean() == pytest.approx(data.labels[5_100:].mean(), rel=0.35)
    assert set(model.bins) == {*FRAUD_MODEL, "score"}
    assert "A made history, 2026-06-01 to 2026-06-30: 6,000 payments" in model.card
    assert f"AUC-ROC {model.metrics['auc_roc']:.4f}" in model.card
    important = model.card.split("of the gain |\n| --- | --- |\n")[1].splitlines()[0]
    assert important.startswith(f"| {FRAUD_MODEL[3]} |")


def test_a_run_is_measured_against_what_was_fraud_where_more_is_known_than_labels() -> None:
    data = make_data()
    kinds = np.where(data.labels > 0, "takeover", "")
    # Of every second fraud nobody ever hears.
    kinds[::2][kinds[::2] != ""] = "scam"
    labels = data.labels.copy()
    labels[::2] = 0.0
    model = train_fraud_model(replace(data, labels=labels, kinds=kinds), seed=1)
    truth = data.labels[5_100:]
    assert model.metrics["fraud_rate"] == truth.mean()
    assert model.metrics["frauds"] == np.count_nonzero(data.labels)
    by_kind = model.metrics["by_kind"]
    assert {name: each["payments"] for name, each in by_kind.items()} == {
        "scam": int(truth[::2].sum()),
        "takeover": int(truth[1::2].sum()),
    }
    scorer = Scorer(model.onnx, feature_names=model.feature_names, calibration=model.calibration)
    scores = scorer.score_matrix(data.matrix[5_100:])
    tenth = model.metrics["by_score"][1]
    assert tenth["above"] == 0.1
    assert tenth["fraud_share"] == (scores[truth > 0] > 0.1).mean()
    assert tenth["precision"] == truth[scores > 0.1].mean()
    assert f"| scam | {int(truth[::2].sum())} |" in model.card


@pytest.mark.parametrize(
    ("count", "rate", "message"),
    [
        (4_999, 0.05, "5,000 payments .* needed, and there are 4,999"),
        (5_000, 0.01, "100 frauds .* needed, and there are"),
    ],
)
def test_too_little_to_learn_from_is_told_with_numbers(
    count: int, rate: float, message: str
) -> None:
    with pytest.raises(TrainingDataTooFew, match=message):
        check_enough(make_data(count, rate=rate))


def test_frauds_must_be_among_the_latest_payments_too() -> None:
    data = make_data()
    check_enough(data)
    data.labels[5_100:] = 0.0
    with pytest.raises(TrainingDataTooFew, match=r"10 frauds among the latest .* there are 0"):
        check_enough(data)


def test_the_same_data_and_seed_give_the_same_model() -> None:
    one, other = (train_fraud_model(make_data(2_000), seed=4) for _ in range(2))
    assert one == other


def test_a_history_whose_latest_part_has_no_fraud_is_refused() -> None:
    data = make_data(2_000)
    data.labels[1_700:] = 0.0
    with pytest.raises(ValueError, match="rows to measure on must hold both"):
        train_fraud_model(data, seed=1)


def test_infinite_values_are_refused() -> None:
    data = make_data(2_000)
    data.matrix[7, 2] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        train_fraud_model(data, seed=1)


START = datetime(2026, 6, 1, 15, 30, tzinfo=UTC)


def read_history(count: int, *, now: datetime) -> TrainingData:
    """One payment an hour, every third one fraud."""
    events = pa.table(
        {
            "id": range(count),
            "at": [START + timedelta(hours=hour) for hour in range(count)],
            "payer": [f"p{hour % 5}" for hour in range(count)],
            "payee": [f"s{hour % 4}" for hour in range(count)],
            "amount": [100 * (1 + hour % 7) for hour in range(count)],
            "label": [hour % 3 == 0 for hour in range(count)],
        }
    )
    return read_training_data(
        ibis.duckdb.connect().create_table("history", events),
        now=now,
        utc_offset=timedelta(hours=8),
        source="A made history",
    )


def test_only_payments_whose_labels_are_known_are_trained_on() -> None:
    now = START + timedelta(days=10)
    data = read_history(400, now=now)
    # Of 400 hours those that are 7 days old after 10 days, the very last one included.
    assert data.matrix.shape == (73, len(FRAUD_MODEL))
    assert data.labels.tolist() == [float(hour % 3 == 0) for hour in range(73)]
    # 15:30 UTC is 23:30 in Shanghai.
    assert (data.first_on, data.last_on) == (date(2026, 6, 1), date(2026, 6, 4))
    whole = read_history(400, now=START + timedelta(days=40))
    np.testing.assert_allclose(data.matrix, whole.matrix[:73], rtol=1e-12)


def test_a_history_without_known_labels_is_refused() -> None:
    with pytest.raises(InvalidField, match="old enough") as refusal:
        read_history(10, now=START + timedelta(days=6))
    assert refusal.value.field == "label"
