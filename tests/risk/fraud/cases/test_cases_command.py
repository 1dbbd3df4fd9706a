"""`huitong risk cases`, run as users run it."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.risk.decisioning.rules.conftest import Desk
from tests.risk.fraud.cases.conftest import Office, payment
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import CASE, show_id


@pytest.fixture
def home(owner_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


def fill(owner_url: str) -> str:
    """Make two cases, one of them taken, and an alert that waits; return the id of the taken."""

    async def run() -> str:
        async with Database(owner_url, role="huitong_app") as database:
            office = Office(database, Desk(database))
            first, _ = await office.alert(payment(1, 2), payment(3, 4))
            await (await office.hire()).take(first)
            await office.decide(payment(5, 6))
            return show_id(CASE, first)

    return asyncio.run(run())


@pytest.mark.usefixtures("home")
def test_it_lists_a_queue_as_a_table_and_as_json(owner_url: str) -> None:
    taken = fill(owner_url)
    shown = CliRunner().invoke(app, ["risk", "cases"])
    assert shown.exit_code == 0, shown.output
    assert taken in shown.output
    assert "100.00 CNY" in shown.output
    assert "Alerts that the worker has to group yet: 1." in shown.output
    free = CliRunner().invoke(app, ["risk", "cases", "--queue", "unassigned", "--json"])
    (case,) = json.loads(free.output)
    assert case["id"] != taken
    assert (case["alerts"], case["priority"], case["assigned_to"]) == (1, 42, None)
    assert case["at_risk"] == [{"amount": "100.00", "currency": "CNY"}]


@pytest.mark.usefixtures("home")
def test_nobody_is_signed_in_on_the_command_line() -> None:
    refused = CliRunner().invoke(app, ["risk", "cases", "--queue", "mine"])
    assert refused.exit_code == 2
    assert "nobody is signed in here" in refused.output
