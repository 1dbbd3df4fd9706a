"""`huitong credit evaluate`, run as users run it, on applicants whose risk can be seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from huitong import risk
from huitong.cli import app
from huitong.kernel.errors import InvalidField
from huitong.risk.credit.doors import CREDIT_DATA_SETS
from huitong.risk.credit.evaluation.reading import DataSetMissing
from huitong.risk.credit.evaluation.sets import DATA_SETS
from huitong.risk.credit.evaluation.sets.german import GERMAN
from huitong.risk.credit.fairness import measure_groups
from huitong.risk.credit.measures import (
    interval_of_auc,
    interval_of_folds,
    list_calibration,
    measure,
    measure_ks,
)
from huitong.risk.credit.protected import is_protected

_NUMBERS = ("installment_rate", "residence_since", "existing_credits", "dependents")
_TEXTS = (
    "credit_history", "purpose", "savings", "employment_since", "other_debtors", "property",
    "other_installment_plans", "housing", "job", "telephone",
)  # fmt: skip


def write_german(path: Path, *, rows: int, seed: int, **change: Any) -> Path:
    """Write rows like the German set's: who has no account and borrows for long is bad."""
    chance = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "row_id": np.arange(rows),
        "checking_status": chance.choice(["A11", "A12", "A14"], rows),
        "duration_months": chance.integers(6, 48, rows),
        "credit_amount": chance.integers(500, 9_000, rows),
        "age": chance.integers(19, 70, rows),
        "personal_status_sex": chance.choice(["A92", "A93"], rows),
        "foreign_worker": chance.choice(["A201", "A202"], rows),
    }
    columns |= {name: chance.integers(1, 4, rows) for name in _NUMBERS}
    columns |= {name: chance.choice(["A1", "A2", "A3"], rows) for name in _TEXTS}
    odds = 3 * (columns["checking_status"] == "A11") + columns["duration_months"] / 8 - 5
    columns["class_1good_0bad"] = (chance.random(rows) > 1 / (1 + np.exp(-odds))).astype(int)
    columns |= change
    names = [name for name, values in columns.items() if values is not None]
    lines = [",".join(str(columns[name][row]) for name in names) for row in range(rows)]
    path.write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")
    return path


def evaluate(folder: Path, *more: str) -> Any:
    done = CliRunner().invoke(app, ["credit", "evaluate", str(folder), *more])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


def test_it_reports_folds_held_out_rows_and_plots_as_one_json_object(tmp_path: Path) -> None:
    write_german(tmp_path / "german_train.csv", rows=360, seed=1)
    write_german(tmp_path / "german_test.csv", rows=240, seed=2)
    plots = tmp_path / "plots"
    done = evaluate(tmp_path, "--only", "german", "--json", "--plots", str(plots))
    report = json.loads(done.stdout)
    german = report["data_sets"]["german"]
    assert german["rows"] == 360
    for model in ("best", "scorecard"):
        measured = german[model]
        assert measured["auc"] > 0.7
        assert measured["auc"] == pytest.approx(np.mean(measured["auc_folds"]))
        low, high = measured["auc_interval"]
        assert low < measured["auc"] < high
        assert 0 < measured["brier"] < 0.25
        assert sum(each["rows"] for each in measured["calibration"]) == 360
        assert german["held_out"][model]["auc"] > 0.7
    assert german["held_out"]["rows"] == 240
    assert german["gap"] == pytest.approx(german["best"]["auc"] - german["scorecard"]["auc"])
    assert set(german["best"]["learners"]) == set(GERMAN.learners)
    assert set(german["fairness"]) == {"sex", "age_band", "foreign_worker"}
    assert 0 < german["fairness"]["sex"]["parity_ratio"] <= 1
    assert (plots / "german_calibration.svg").read_text(encoding="utf-8").startswith("<svg")


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetMissing):
        evaluate(tmp_path)
    for change, words in (
        ({"duration_months": None}, "lacks the column duration_months"),
        ({"purpose": None}, "lacks the column purpose"),
        ({"age": np.full(60, "old")}, "age holds something else"),
        ({"class_1good_0bad": np.full(60, 2)}, "neither 0 nor 1"),
    ):
        write_german(tmp_path / "german_train.csv", rows=60, seed=1, **change)
        with pytest.raises(InvalidField, match=words):
            evaluate(tmp_path, "--only", "german")
    with pytest.raises(InvalidField, match="is not among"):
        evaluate(tmp_path, "--only", "french")


def test_no_scorecard_of_a_data_set_takes_a_protected_attribute() -> None:
    assert tuple(each.name for each in DATA_SETS) == CREDIT_DATA_SETS
    assert [each.name for each in DATA_SETS if not each.is_best_blind] == ["give_me_some_credit"]


def test_scorecards_of_the_published_files_take_no_protected_attribute(shared_data: Path) -> None:
    from huitong.risk.credit.evaluation.reading import find_file, make_features, read_rows

    folder = shared_data / "1-credit-scoring"
    for each in DATA_SETS:
        path = find_file(folder, each.stem, "train")
        assert path is not None
        raw, labels = read_rows(each, path)
        frame = make_features(each, raw, path)
        assert len(frame) == len(labels)
        names = set(each.card_features(frame))
        assert names.isdisjoint(each.protected), each.name
        assert not [name for name in names if is_protected(name)], each.name
        for values in frame.numbers.values():
            assert not np.isinf(values).any()


def test_measures_of_scores_that_are_worked_by_hand() -> None:
    labels = np.array([0.0, 0.0, 1.0, 1.0])
    found = measure(np.array([0.1, 0.4, 0.35, 0.8]), labels)
    assert (found["auc"], found["gini"], found["ks"]) == (0.75, 0.5, 0.5)
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert measure_ks(np.array([0.1, 0.2, 0.3, 0.4]), labels) == 1
    with pytest.raises(InvalidField):
        measure(np.zeros(2), np.zeros(2))
    bins = list_calibration(np.array([0.3, 0.1, 0.2, 0.4]), labels, bins=2)
    assert [each["bad_rate"] for each in bins] == [0.5, 0.5]
    assert [each["mean_probability"] for each in bins] == pytest.approx([0.15, 0.35])


def test_intervals() -> None:
    low, high = interval_of_folds(np.array([0.78, 0.79, 0.80, 0.81, 0.82]))
    # s = 0.0158114, t = 2.776445: 0.8 ± 0.019632.
    assert (low, high) == pytest.approx((0.780368, 0.819632), abs=1e-6)
    # V₁ = (1, ½), V₀ = (½, 1): variance 0.125/2 + 0.125/2, so 0.75 ± 1.96·0.353553.
    low, high = interval_of_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert (low, high) == pytest.approx((0.057050, 1.0), abs=1e-4)


def test_groups_are_measured_by_acceptance() -> None:
    # 100 of each group, all good; the scores accept all of a, and half of b.
    probabilities = np.concatenate([np.full(100, 0.1), np.full(50, 0.1), np.full(50, 0.9)])
    labels = np.zeros(200)
    labels[[99, 199]] = 1
    groups = np.array(["a"] * 100 + ["b"] * 100)
    found = measure_groups(probabilities, labels, groups, accepted_share=0.7)
    assert found["groups"]["a"]["accepted"] == 1.0
    assert found["groups"]["b"]["accepted"] == 0.5
    assert found["parity_ratio"] == 0.5
    assert found["equal_opportunity_difference"] == pytest.approx(1 - 50 / 99)
    small = measure_groups(probabilities, labels, np.array(["a"] * 199 + ["b"]))
    assert small["parity_ratio"] is None
    assert small["groups"]["b"]["rows"] == 1
    with pytest.raises(InvalidField):
        measure_groups(probabilities, labels, groups[:5])


def test_too_few_applicants_are_refused() -> None:
    with pytest.raises(InvalidField) as caught:
        risk.train_start_scorecard(applicants=10, seed=0)
    assert caught.value.field == "--applicants"
