"""`huitong clearing`: what a person sees."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.payments.clearing.conftest import A, B, House
from typer.testing import CliRunner

from huitong.cli import app

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("HUITONG_DATABASE_URL", house.url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*arguments: str) -> tuple[int, str]:
        # The command has an event loop of its own, so it needs a thread of its own.
        result = await asyncio.to_thread(CliRunner().invoke, app, ["clearing", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


async def test_a_clearing_house_is_run_from_the_command_line(house: House, run: Run) -> None:
    for code in (A, B):
        assert (await run("join", code, "银行", "Bank", "--cap", "5000.00"))[0] == 0
    assert (await run("deposit", A, "1000.00"))[0] == 0
    assert (await run("deposit", A, "50.00", "--collateral"))[0] == 0
    assert (await run("reserve", A, "10.00"))[1] == f"{A} keeps 10.00 CNY for urgent payments\n"
    code, output = await run("pay", A, B, "1020.00")
    assert (code, output.split()[1:]) == (0, ["beps", "accepted"])
    _, output = await run("positions")
    assert "-1020.00" in output
    assert "5000.00" in output
    code, output = await run("settle", "--close")
    assert "settled; collateral drawn from 1, payments taken back: 0" in output
    assert (await run("settle"))[1] == "nothing to settle\n"
    _, output = await run("windows")
    assert "settled" in output
    assert "open" in output
    await house.check()


async def test_route_names_the_rules(run: Run) -> None:
    code, output = await run("route", "1000000.00")
    assert code == 0
    assert output.startswith("beps  open now")
    assert "rail.beps.credit.max, block, V" in output
