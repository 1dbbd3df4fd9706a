"""`huitong fx`: what a person sees."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.payments.crossborder.bureau import Bureau
from typer.testing import CliRunner

from huitong.cli import app
from huitong.payments import crossborder

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(owner_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*arguments: str) -> tuple[int, str]:
        # The command has an event loop of its own, so it needs a thread of its own.
        result = await asyncio.to_thread(CliRunner().invoke, app, ["fx", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


async def test_rates_lists_and_positions_are_shown(
    bureau: Bureau, person: Any, run: Run, tmp_path: Path
) -> None:
    _, output = await run("rates")
    assert "7.11" in output
    file = tmp_path / "un.csv"
    file.write_text("entry,name,born_on,country\nU1,Zhang San,,\nU1,张三,,\n", encoding="utf-8")
    assert await run("load-list", "un", str(file)) == (0, "un, version 1: 2 names\n")
    assert (await run("load-list", "un", str(file)))[1] == "un, version 2: 2 names\n"
    _, output = await run("lists")
    assert "un" in output
    assert "test" in output
    file.write_text("entry,name,born_on,country\nU1,,,\n", encoding="utf-8")
    with pytest.raises(crossborder.ScreeningListInvalid, match="line 2"):
        await run("load-list", "un", str(file))


async def test_positions_are_valued_at_the_days_rate(bureau: Bureau, person: Any, run: Run) -> None:
    # The command goes by the machine's day, which has the rate of the last day that has one.
    await bureau.exchange(person, await bureau.quote(person, "1000.00 USD", "CNY"))
    _, output = await run("positions")
    row = next(line for line in output.splitlines() if "USD" in line)
    # Short 1,000.00 that brought 7,131.33 and would cost 7,105.00 now.
    for text in ("-1000.00", "-7131.33", "-7105.00", "26.33"):
        assert text in row
