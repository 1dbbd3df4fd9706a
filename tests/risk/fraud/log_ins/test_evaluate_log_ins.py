"""`huitong risk evaluate` on log-ins, run as users run it: generated, and a file of their own."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel.errors import InvalidField
from huitong.risk.fraud.log_ins import evaluation
from huitong.risk.fraud.log_ins.reading import COLUMNS
from huitong.risk.fraud.log_ins.types import LogIns

KINDS = {"naive", "vpn", "targeted", "stuffing", "relay"}
DAYS = 40
LOG_INS = ["risk", "evaluate", "--no-transactions"]


@pytest.fixture
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generate fewer customers than the command does, to be quick."""
    generate = evaluation.generate_log_ins

    def few(*, seed: int) -> LogIns:
        return generate(seed=seed, customers=1_500)

    monkeypatch.setattr(evaluation, "generate_log_ins", few)


def write_file(path: Path, *, thefts: bool = True) -> Path:
    """Write customers who always come with the same phone, and thieves who do not."""
    random = np.random.default_rng(11)
    lines = [",".join(COLUMNS)]
    start = datetime(2021, 3, 1)  # noqa: DTZ001 - the files carry time without a zone
    for day in range(DAYS):
        for user in range(150):
            theft = thefts and random.random() < 0.02
            at = start + timedelta(days=day, seconds=int(random.integers(86_400)))
            where = "9.9.9.9,RU,-,Omsk,99" if theft else f"1.0.0.{user},NO,-,Oslo,{user % 3}"
            what = "curl/8,curl 8,Linux,bot" if theft else f"UA {user % 40},Firefox 1,iOS 13,mobile"
            lines.append(f"{at},{user},{where},{what},true,{theft},{theft}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.usefixtures("smaller")
def test_generated_log_ins_are_reported_by_kind_beside_published_figures() -> None:
    done = CliRunner().invoke(app, [*LOG_INS, "--histories", "2", "--json"])
    assert done.exit_code == 0, done.output
    whole = json.loads(done.stdout)
    assert set(whole) == {"log_ins"}
    report = whole["log_ins"]
    assert len(report["runs"]) == report["data"]["histories"] == 2
    for name, model in report["models"].items():
        assert set(model["by_kind"]) == KINDS, name
        for metric in ("auc_roc", "recall_at_0.1%", "recall_at_0.5%", "recall_at_1.0%"):
            each = [run["models"][name]["all"][metric] for run in report["runs"]]
            assert model["all"][metric]["mean"] == pytest.approx(np.mean(each))
            assert model["all"][metric]["spread"] == pytest.approx(np.std(each))
    freeman, ours = report["models"]["freeman"], report["models"]["huitong"]
    assert ours["all"]["recall_at_1.0%"]["mean"] > freeman["all"]["recall_at_1.0%"]["mean"]
    assert ours["all"]["auc_roc"]["mean"] > freeman["all"]["auc_roc"]["mean"] > 0.8
    # Who knows less is found more easily.
    naive, targeted = (ours["by_kind"][kind]["auc_roc"]["mean"] for kind in ("naive", "targeted"))
    assert naive > targeted
    assert set(ours["never_trained_on"]) == {"naive", "vpn"}
    assert report["published"]["risk_score_relation"] == {
        "targeted": 8.94,
        "vpn": 5.05,
        "naive": 8.48,
    }


@pytest.mark.usefixtures("smaller")
def test_the_tables_for_people_name_the_setting_of_what_was_published() -> None:
    done = CliRunner().invoke(app, [*LOG_INS, "--histories", "1"])
    assert done.exit_code == 0, done.output
    assert "targeted" in done.stdout
    assert "unseen: by trees that were trained without this kind" in done.stdout
    assert "8.94" in done.stdout
    assert "Norwegian single sign-on service" in done.stdout


def test_a_users_own_file_is_measured_and_thieves_in_it_are_found(tmp_path: Path) -> None:
    path = write_file(tmp_path / "log_ins.csv")
    done = CliRunner().invoke(app, [*LOG_INS, "--log-in-data", str(path), "--json"])
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)["log_ins"]
    run = report["runs"][0]
    assert run["attempts"] == DAYS * 150
    assert (run["from"][:10], run["to"][:10]) == ("2021-03-01", "2021-04-09")
    assert run["test"]["attacks"] > 10
    for model in report["models"].values():
        assert set(model["by_kind"]) == {"takeover"}
        assert "never_trained_on" not in model
    assert report["models"]["huitong"]["all"]["recall_at_0.1%"]["mean"] > 0.95


def test_a_file_without_attacks_is_told_which_time_lacks_them(tmp_path: Path) -> None:
    path = write_file(tmp_path / "log_ins.csv", thefts=False)
    done = CliRunner().invoke(app, [*LOG_INS, "--log-in-data", str(path)])
    assert isinstance(done.exception, InvalidField)
    assert done.exception.field == "--log-in-data"
    assert done.exception.detail.startswith("the time to train lacks attacks or honest log-ins: 0")


def test_nothing_to_measure_is_refused() -> None:
    done = CliRunner().invoke(app, [*LOG_INS, "--no-log-ins"])
    assert isinstance(done.exception, InvalidField)
    assert done.exception.field == "--no-log-ins"
