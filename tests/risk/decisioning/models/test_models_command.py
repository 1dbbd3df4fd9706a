"""`huitong risk models`, run as users run it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.risk.decisioning.models.conftest import LARGE, NOW, RULEBOOK, Models
from tests.risk.decisioning.models.test_watching import decide_over, list_alarms
from typer.testing import CliRunner

from huitong import risk
from huitong.cli import app
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MODEL, show_id, uuid7

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(models: Models, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("HUITONG_DATABASE_URL", models.owner_url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)
    # Wide enough that no table is broken into lines.
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*arguments: str) -> tuple[int, str]:
        # The command has an event loop of its own, so it needs a thread of its own.
        result = await asyncio.to_thread(CliRunner().invoke, app, ["risk", "models", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


async def test_models_are_listed_with_what_training_measured(
    models: Models, trained: risk.TrainedModel, run: Run
) -> None:
    assert await run("list") == (0, "No model payment_fraud is registered.\n")
    first = await models.install(trained)
    second = await models.register(trained)
    code, output = await run("list")
    assert code == 0
    lines = output.splitlines()[3:5]
    for model, line, status in zip((second, first), lines, ("shadow", "champion"), strict=True):
        assert show_id(MODEL, model.id) in line
        assert status in line
    assert f"{trained.metrics['average_precision']:.4f}" in lines[0]


async def test_the_card_is_printed_as_it_was_written(
    models: Models, trained: risk.TrainedModel, run: Run
) -> None:
    model = await models.install(trained)
    assert await run("card", show_id(MODEL, model.id)) == (0, trained.card + "\n")


async def test_measures_end_with_one_while_the_model_is_out_of_use(
    models: Models, trained: risk.TrainedModel, run: Run
) -> None:
    model = await models.install(trained)
    await models.learn()
    shown = show_id(MODEL, model.id)
    assert (await run("measures", shown))[0] == 0
    period = {"first_at": NOW - timedelta(days=6), "last_at": NOW - timedelta(hours=1)}
    await decide_over(models, [2 * LARGE - 1] * 1_000, **period)
    await risk.watch_models(models.database, rulebook=RULEBOOK, now=NOW)
    code, output = await run("measures", shown)
    assert code == 1
    assert "1,000" in output
    assert "drift of 2026-11-26 02:00, open" in output
    assert len(await list_alarms(models, model)) == 1
    await models.reuse(model)
    code, output = await run("measures", shown)
    assert (code, "cleared" in output) == (0, True)


async def test_a_wrong_or_unknown_id_is_refused(models: Models, run: Run) -> None:
    with pytest.raises(InvalidField) as refused:
        await run("card", "mdl_1")
    assert refused.value.field == "model"
    with pytest.raises(risk.ModelNotFound):
        await run("measures", show_id(MODEL, uuid7()))
    assert models.cache.find(risk.Purpose.PAYMENT).champion is None
