"""`huitong risk` as risk staff use it: rules and tables from files, back-tests, exports."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.risk.decisioning.backtesting.conftest import Past, remember
from tests.risk.decisioning.rules.conftest import Desk, make_document
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel.errors import Refusal

Run = Callable[..., Awaitable[str]]


@pytest.fixture
def run(owner_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `huitong risk …` on a fresh database and return what it prints."""
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["risk", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return f"{result.stdout.strip()} exit {result.exit_code}"

    return run


def write(tmp_path: Path, document: Any) -> str:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return str(path)


async def test_default_rules_are_saved_shadowed_tested_and_shown(desk: Desk, run: Run) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    await remember(
        desk,
        Past(6_000_000, is_fraud=True, at=yesterday),
        Past(100, is_fraud=False, at=yesterday),
    )

    version = (await run("rules", "defaults")).split()[0]
    assert version.startswith("rul_")
    assert f"{version} is shadow." in await run("rules", "shadow", version)
    printed = await run("backtest", "--version", version, "--days", "2", "--json")
    result = json.loads(printed.removesuffix(" exit 0"))
    assert (result["everything"]["rows"], result["everything"]["fraud"]) == (2, 1)
    # The history of this test knows three features only, and the report says so.
    assert "payments_1h" in result["history"]["absent_features"]

    listed = await run("rules", "list")
    assert "shadow" in listed
    assert "yes" in listed
    shown = await run("rules", "show", version)
    assert "velocity: step_up" in shown
    document = json.loads((await run("rules", "show", version, "--json")).removesuffix(" exit 0"))
    assert document["rules"][0]["key"] == "velocity"
    report = await run("backtest", "--version", version)
    assert "would be stopped" in report
    assert "Honest customers hit" in report


async def test_a_file_is_linted_with_line_and_column_and_then_saved(
    desk: Desk, run: Run, tmp_path: Path
) -> None:
    with pytest.raises(Refusal) as refused:
        await run("rules", "lint", write(tmp_path, make_document("is_new_payee and\n amunt > 5")))
    assert refused.value.field == "rules[0].predicate"
    assert "line 2, column 2" in refused.value.detail
    with pytest.raises(Refusal) as missing:
        await run("rules", "lint", str(tmp_path / "nothing.yaml"))
    assert missing.value.field == "file"
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(Refusal) as unreadable:
        await run("rules", "save", str(tmp_path / "bad.yaml"))
    assert "line 1" in unreadable.value.detail
    assert await desk.count("risk.rule_versions") == 0

    path = write(tmp_path, make_document("amount > 5"))
    assert "1 rules over 1 features compile." in await run("rules", "lint", path)
    version = (await run("rules", "save", path)).split()[0]
    assert "draft" in await run("rules", "show", version)


async def test_decisions_are_exported_without_saying_whose_they_are(
    desk: Desk, run: Run, tmp_path: Path
) -> None:
    await remember(desk, Past(100, at=datetime.now(UTC) - timedelta(days=1)))
    path = tmp_path / "history.parquet"
    assert "1 decisions, 0 without features left out." in await run("export", str(path))
    (row,) = duckdb.sql(f"SELECT amount, party, kind FROM read_parquet('{path}')").fetchall()
    assert row == (100, None, "transfer")
    with pytest.raises(Refusal) as refused:
        await run("export", str(tmp_path / "nowhere" / "history.parquet"))
    assert refused.value.field == "file"


async def test_a_table_is_linted_saved_and_tried(desk: Desk, run: Run, tmp_path: Path) -> None:
    printed = await run("tables", "default", "--name", "loan_price")
    table = json.loads(printed.removesuffix(" exit 0"))
    path = write(tmp_path, table)
    linted = await run("tables", "lint", path, "--name", "loan_price")
    assert "7 rows, 2 test cases. exit 0" in linted
    version = (await run("tables", "save", path, "--name", "loan_price")).split()[0]
    assert "draft" in await run("tables", "list", "--name", "loan_price")
    inputs = write(tmp_path, {"grade": "C", "term_months": 6, "amount": 100})
    tried = json.loads((await run("tables", "try", version, inputs)).removesuffix(" exit 0"))
    assert tried == {"rows": ["c_short"], "outputs": [{"rate": "0.1080"}]}
    shown = json.loads((await run("tables", "show", version)).removesuffix(" exit 0"))
    assert shown == table

    table["tests"][0]["expect"] = {"rate": "0.5"}
    failed = await run("tables", "lint", write(tmp_path, table), "--name", "loan_price")
    assert "the best grade for a year" in failed
    assert failed.endswith("exit 1")
    table["rows"][0]["when"]["term_months"] = "<= 12 13"
    with pytest.raises(Refusal) as refused:
        await run("tables", "lint", write(tmp_path, table), "--name", "loan_price")
    assert refused.value.field == "rows[0].when.term_months"
    assert refused.value.detail == "column 7: 13 is not expected here"
    assert (await run("tables", "defaults", "--name", "loan_eligibility")).startswith("tbl_")
    names = [
        each["name"]
        for each in json.loads((await run("tables", "schemas")).removesuffix(" exit 0"))
    ]
    assert names == ["loan_eligibility", "loan_price"]
