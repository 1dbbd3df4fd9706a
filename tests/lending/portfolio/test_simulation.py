"""A simulated book: its past is reckoned, its books tie, it is for an empty book, and goes on."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.lending.loans.conftest import RULES, TODAY, Bank
from typer.testing import CliRunner

from huitong import ledger, lending
from huitong.cli import app
from huitong.kernel.errors import InvalidField
from huitong.lending.simulation.drawing import draw


async def simulate(bank: Bank, **values: int) -> object:
    given = {"loans": 40, "months": 16, "seed": 5} | values
    return await lending.simulate_portfolio(bank.database, rulebook=RULES, now=bank.now, **given)


async def test_a_simulated_book_ties_and_business_goes_on(bank: Bank) -> None:
    assert await simulate(bank) == TODAY - timedelta(days=1)
    await bank.check_ties()
    with pytest.raises(lending.SimulationRefused):
        await simulate(bank)
    found = await bank.read(
        lending.portfolio.get_portfolio,
        lending.portfolio.Narrowing(),
        as_of=TODAY,
        rulebook=RULES,
    )
    assert found.months[-1].day == found.as_of
    assert sum(each.loans for each in found.vintages) == 40
    assert {each.stage for each in found.losses} >= {1}
    await bank.close(2)
    await bank.check_ties()


def test_the_same_seed_makes_the_same_borrowers() -> None:
    first, until = TODAY - timedelta(days=500), TODAY
    drawn = draw(50, first=first, until=until, seed=3)
    assert drawn == draw(50, first=first, until=until, seed=3)
    assert drawn != draw(50, first=first, until=until, seed=4)
    assert all(first <= each.lent_on <= until for each in drawn)


@pytest.mark.parametrize(("name", "value"), [("loans", 0), ("months", 37), ("loans", 20_001)])
async def test_sizes_beyond_the_limits_are_refused(bank: Bank, name: str, value: int) -> None:
    with pytest.raises(InvalidField) as refused:
        await simulate(bank, **{name: value})
    assert refused.value.field == name


async def test_the_commands_fill_and_show(
    bank: Bank, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)
    async with bank.database.unit_of_work() as uow:
        await ledger.add_partitions(uow, now=datetime.now(UTC))
    show = ["lending", "portfolio", "--json"]
    nothing = await asyncio.to_thread(CliRunner().invoke, app, show)
    assert nothing.exit_code == 2
    command = ["lending", "simulate", "--loans", "12", "--months", "3"]
    filled = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert filled.exit_code == 0, filled.output
    shown = await asyncio.to_thread(CliRunner().invoke, app, show)
    found = json.loads(shown.output)
    assert 0 < found["total"]["loans"] <= 12
    assert found["months"][-1]["day"] == found["as_of"]
    again = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert again.exit_code == 2
    table = await asyncio.to_thread(CliRunner().invoke, app, ["lending", "portfolio"])
    assert "Expected loss" in table.output
