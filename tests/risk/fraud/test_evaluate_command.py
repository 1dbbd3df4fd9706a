"""`huitong risk evaluate`, run as users run it, on a history with a fraud that can be found."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel.errors import InvalidField
from huitong.risk.fraud.handbook import COLUMNS

DAYS = 32
METRICS = {"auc_roc", "average_precision", "card_precision_100"}


def write_history(path: Path, *, days: int = DAYS) -> Path:
    """Write honest cards, and cards that suddenly pay five times what they used to."""
    random = np.random.default_rng(7)
    lines = [",".join(COLUMNS)]
    start = datetime(2018, 4, 1)  # noqa: DTZ001 - the files carry local time without a zone
    number = 0
    for day in range(days):
        for card in range(120):
            at = start + timedelta(days=day, seconds=int(random.integers(86_400)))
            is_fraud = random.random() < 0.02
            amount = (5 if is_fraud else 1) * (10 + card % 7) * (0.8 + 0.4 * random.random())
            terminal = random.integers(60)
            lines.append(f"{number},{at},{card},{terminal},{amount:.2f},{int(is_fraud)}")
            number += 1
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_it_reports_every_model_on_every_window_as_one_json_object(tmp_path: Path) -> None:
    path = write_history(tmp_path / "raw.csv")
    done = CliRunner().invoke(
        app, ["risk", "evaluate", "--no-log-ins", "--data", str(path), "--json"]
    )
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)["transaction_fraud"]
    assert report["data"]["transactions"] == DAYS * 120
    assert (report["data"]["from"], report["data"]["to"]) == ("2018-04-01", "2018-05-02")
    assert [each["train_from"] for each in report["windows"]] == ["2018-04-05", "2018-04-12"]
    assert [each["test_from"] for each in report["windows"]] == ["2018-04-19", "2018-04-26"]
    assert set(report["models"]) == {"logistic_regression", "random_forest", "huitong"}
    for name, model in report["models"].items():
        assert set(model) == METRICS
        for metric, measured in model.items():
            windows = [each["models"][name][metric] for each in report["windows"]]
            assert measured["mean"] == pytest.approx(np.mean(windows))
            assert measured["spread"] == pytest.approx(np.std(windows))
    # Five times the card's own mean is what our features are made to see.
    assert report["models"]["huitong"]["auc_roc"]["mean"] > 0.98
    forest = report["models"]["random_forest"]["auc_roc"]["mean"]
    ahead = report["models"]["huitong"]["auc_roc"]["mean"] - forest
    assert report["ahead_of_random_forest"]["auc_roc"] == pytest.approx(ahead)
    assert report["targets"]["auc_roc"] == {"ahead": 0.015, "is_met": ahead >= 0.015}


def test_it_prints_a_table_for_people(tmp_path: Path) -> None:
    path = write_history(tmp_path / "raw.csv", days=21)
    done = CliRunner().invoke(app, ["risk", "evaluate", "--no-log-ins", "--data", str(path)])
    assert done.exit_code == 0, done.output
    assert "mean and spread of 1 windows" in done.stdout
    assert "ahead of the forest" in done.stdout


def test_too_few_days_and_a_missing_file_are_told_clearly(tmp_path: Path) -> None:
    path = write_history(tmp_path / "raw.csv", days=20)
    few = CliRunner().invoke(app, ["risk", "evaluate", "--no-log-ins", "--data", str(path)])
    assert isinstance(few.exception, InvalidField)
    assert few.exception.detail == "a window takes 21 days; there are fewer"
    gone = CliRunner().invoke(
        app, ["risk", "evaluate", "--no-log-ins", "--data", str(tmp_path / "gone")]
    )
    assert isinstance(gone.exception, InvalidField)
    assert gone.exception.field == "--data"
    assert "gone is not there" in gone.exception.detail


def test_a_command_that_needs_no_models_does_not_wait_for_their_libraries() -> None:
    heavy = {"ibis", "lightgbm", "sklearn", "onnx", "pandas", "duckdb"}
    program = (
        "import sys; from huitong.cli.lazy_commands import MODULES, load_commands;"
        "print([load_commands(module) for module in MODULES.values()] and ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert not heavy & set(done.stdout.decode().split())
