"""`huitong lending close-day`: what a person or a timer runs each night."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.lending.loans.conftest import Bank
from typer.testing import CliRunner

from huitong import ledger
from huitong.cli import app
from huitong.wiring.clocks import open_shifted_clock


async def test_closes_the_days_that_are_over_once(
    bank: Bank, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)
    bank.now = datetime.now(UTC) - timedelta(days=1)
    async with bank.database.unit_of_work() as uow:
        await ledger.add_partitions(uow, now=bank.now)
    nothing = await asyncio.to_thread(CliRunner().invoke, app, ["lending", "close-day", "--json"])
    assert json.loads(nothing.output) == {"days": []}
    await bank.add_product()
    await bank.lend(await bank.add_borrower())
    command = ["lending", "close-day", "--json"]
    first = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert first.exit_code == 0, first.output
    (day,) = json.loads(first.output)["days"]
    assert (day["day"], day["loans"]) == (bank.today.isoformat(), 1)
    assert day["interest"] > 0
    again = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert json.loads(again.output) == {"days": []}
    await bank.check_ties()


async def test_goes_by_the_clock_of_its_platform(
    bank: Bank, owner_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)
    monkeypatch.setattr(
        "huitong.cli.lending.make_clock", lambda _settings: open_shifted_clock(tmp_path)
    )
    bank.now = datetime.now(UTC)
    async with bank.database.unit_of_work() as uow:
        await ledger.add_partitions(uow, now=bank.now)
    await bank.add_product()
    await bank.lend(await bank.add_borrower())
    open_shifted_clock(tmp_path).put_forward(timedelta(days=1))
    closed = await asyncio.to_thread(CliRunner().invoke, app, ["lending", "close-day", "--json"])
    assert [each["day"] for each in json.loads(closed.output)["days"]] == [bank.today.isoformat()]
