"""Each benchmark runs, small, and gives the keys that it is documented to give. No times here."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from huitong.bench import scratch
from huitong.bench.report import make_table, write_results
from huitong.bench.suite import BENCHMARKS, run_benchmark
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.cli import app

KEYS: dict[str, tuple[set[str], set[str]]] = {
    "post": (
        {"transfers_per_second", "transfers_per_second_hot", "transfers_per_second_64_clients"},
        {"naive_per_second", "copy_rows_per_second", "copy_from_python_objects_rows_per_second"},
    ),
    "pay": (
        {
            "payments_per_second_64",
            "p99_ms_64",
            "payments_per_second_256",
            "p99_ms_256",
            "hot_payments_per_second_64",
            "payments_with_risk_per_second_64",
            "rss_mb",
        },
        {"naive_payments_per_second_64"},
    ),
    "statement": ({"p50_ms", "p99_ms"}, {"page_from_journal_ms"}),
    "auth": (
        {"session_check_p50_ms", "session_check_p99_ms", "revocation_seen_after_seconds"},
        {"query_each_p50_ms", "query_each_p99_ms"},
    ),
    "crypto": (
        {"sealed_per_second", "opened_per_second", "lookup_p99_ms"},
        {
            "naive_sealed_per_second",
            "naive_opened_per_second",
            "empty_query_p99_ms",
            "lookup_by_scanning_ms",
            "lookup_by_opening_all_ms",
        },
    ),
    "onboarding": (
        {"decision_p50_ms", "decision_p99_ms", "first_decision_ms", "people", "approved"},
        {"ocr_alone_p50_ms", "ocr_alone_p99_ms", "pictures_alone_p50_ms"},
    ),
    "decide": (
        {"one_p50_ms", "one_p99_ms", "batch_per_second", "decisions_per_second_a_core", "rules"},
        {"one_at_a_time_per_second"},
    ),
    "accrue": (
        {"seconds", "loans", "loans_per_second", "again_seconds", "chunks"},
        {"naive_loans_per_second"},
    ),
    "bulk": (
        {"seconds", "lines_per_second", "submit_seconds", "approve_seconds", "pay_seconds"},
        {"naive_lines_per_second"},
    ),
    "clearing": (
        {"accepted_per_second", "close_seconds", "settle_seconds", "waited", "netted_bps"},
        {"gross_one_by_one_per_second"},
    ),
    "growth": (
        {"transfers_per_second_at_10_million_rows", "speed_ratio"},
        {"transfers_per_second_at_100_thousand_rows"},
    ),
}


@pytest.fixture(autouse=True)
def on_server_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let benchmarks start their own server: that of the test run may not wait for the disk."""
    monkeypatch.delenv("HUITONG_DATABASE_URL", raising=False)


def make_result(**changes: Any) -> Result:
    values: dict[str, Any] = {
        "name": "post",
        "title": "Posting",
        "figures": {"transfers_per_second": 80_000, "p99_ms": 3.5},
        "baselines": {"naive_per_second": 2_000},
        "machine": {"cores": 2, "cpu": "a < b", "postgres": "18.4", "date": "2026-11-23"},
        "details": {"rounds": {"transfers_per_second": [80_000.0]}},
        "targets": (
            Target(figure="transfers_per_second", value=75_000),
            Target(figure="transfers_per_second", over="naive_per_second", value=50),
            Target(figure="p99_ms", value=5, is_maximum=True),
        ),
    }
    return Result(**(values | changes))


@pytest.mark.parametrize("name", sorted(KEYS))
def test_gives_its_documented_keys(name: str) -> None:
    options = Options(seconds=0.5, seed=1, scale=0.001, say=lambda _: None)
    result = run_benchmark(name, options)
    figures, baselines = KEYS[name]
    assert result.name == name
    assert figures <= result.figures.keys()
    assert baselines <= result.baselines.keys()
    assert {"cores", "memory_gib", "cpu", "python", "postgres", "kernel", "date"} <= (
        result.machine.keys()
    )
    settings = result.machine["postgres_settings"]
    assert settings["fsync"] == settings["synchronous_commit"] == "on"
    for target in result.targets:
        assert target.measured(result.figures | result.baselines) is not None


def test_back_tests_and_compares_with_the_payment_path() -> None:
    options = Options(seconds=0.5, seed=1, scale=0.0005, say=lambda _: None)
    result = run_benchmark("backtest", options)
    assert result.figures["rows"] == 5_000
    assert result.figures["rows_not_allowed"] > 0
    assert result.baselines["numpy_rows_per_second"] > 0
    assert {"cores", "cpu", "duckdb", "date"} <= result.machine.keys()
    assert result.targets[0].measured(result.figures) is not None


def test_reads_and_writes_messages_beside_the_naive_way() -> None:
    options = Options(seconds=0.5, seed=1, scale=0.02, say=lambda _: None)
    result = run_benchmark("iso20022", options)
    assert result.figures["read_per_second"] > 0
    assert result.figures["written_per_second"] > 0
    assert result.baselines["naive_per_second"] > 0
    assert {"cores", "cpu", "date"} <= result.machine.keys()
    assert result.targets[0].measured(result.figures) is not None


def test_makes_schedules_beside_the_annuity_formula() -> None:
    options = Options(seconds=0.5, seed=1, scale=0.02, say=lambda _: None)
    result = run_benchmark("schedule", options)
    assert result.figures["schedules_per_second"] > 0
    assert result.figures["payments_in_a_schedule"] > 1
    assert result.baselines["naive_per_second"] > 0
    assert result.targets[0].measured(result.figures) is not None


def test_decides_about_credit_beside_trees_with_shapley_values() -> None:
    options = Options(seconds=0.5, seed=1, scale=0.05, say=lambda _: None)
    result = run_benchmark("credit", options)
    assert 0 < result.figures["decision_p50_ms"] <= result.figures["decision_p99_ms"]
    assert 0 < result.figures["offered_share"] < 1
    assert result.baselines["trees_p99_ms"] > 0
    assert result.targets[0].measured(result.figures) is not None


def test_refuses_a_server_that_answers_before_data_is_on_disk(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUITONG_DATABASE_URL", server.url)
    # Whatever the server of the test run has, it is not this.
    monkeypatch.setattr(scratch, "_DURABLE", {"fsync": "twice"})
    with (
        pytest.raises(BenchmarkFailed, match=r"fsync is .+, not twice"),
        scratch.scratch_database(),
    ):
        pass


def test_prints_one_json_object_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huitong.cli.bench.run_benchmark", lambda *_: make_result())
    ran = CliRunner().invoke(app, ["bench", "post", "--json", "--seconds", "1"])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout) == make_result().to_json()
    assert set(json.loads(ran.stdout)) == {"name", "figures", "baselines", "machine"}
    assert (tmp_path / "bench" / "results" / "post.json").is_file()


def test_refuses_a_name_that_is_no_benchmark() -> None:
    ran = CliRunner().invoke(app, ["bench", "fly"])
    assert ran.exit_code == 2


def test_knows_every_benchmark_that_is_documented() -> None:
    assert KEYS.keys() <= BENCHMARKS.keys()


def test_writes_figures_with_targets_and_a_chart_that_is_xml(tmp_path: Path) -> None:
    write_results([make_result()], tmp_path)
    written = json.loads((tmp_path / "post.json").read_text())
    assert [target["is_met"] for target in written["targets"]] == [True, False, True]
    assert [target["measured"] for target in written["targets"]] == [80_000, 40, 3.5]
    root = ET.fromstring((tmp_path / "post.svg").read_text())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    shown = " ".join(root.itertext())
    assert "80,000 / 75,000" in shown
    assert "a < b" in shown


def test_shows_figures_baselines_and_ratios_in_the_table() -> None:
    table = make_table([make_result()])
    names = list(table.columns[0].cells)
    assert "  transfers per second" in names
    assert "  [dim]naive per second (baseline)[/dim]" in names
    assert "  transfers per second ÷ naive per second" in names
