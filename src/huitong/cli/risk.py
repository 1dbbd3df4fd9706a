"""`huitong risk`: rules and tables, back-tests, models on labelled data, and cases."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from huitong import risk
from huitong.cli import risk_cases, risk_evaluate, risk_models, risk_rules, risk_tables
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings

_CALLER: Final = Caller(actor="cli")
_CUSTOMERS: Final = 4_000
_DAYS: Final = 120
_THREADS_MAX: Final = 256

app: Final = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Risk: rules, tables, models, cases."
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    risk_evaluate.register(app)
    risk_models.register(app)
    risk_cases.register(app)
    risk_rules.register(app)
    risk_tables.register(app)
    parent.add_typer(app, name="risk", short_help="Rules, tables, models and cases of risk.")


class Source(StrEnum):
    """Where the payments to train on are from."""

    PLATFORM = "platform"
    SIMULATOR = "simulator"


class About(StrEnum):
    """What a model is of."""

    PAYMENT = "payment"
    LOG_IN = "log_in"


@app.command("train", short_help="Train a model of payment fraud, or of log-ins, and register it.")
def train(
    *,
    about: Annotated[
        About, typer.Option("--of", help="What the model is of; of log-ins only by the platform's.")
    ] = About.PAYMENT,
    source: Annotated[
        Source,
        typer.Option(
            "--from", help="The platform's own decisions and labels, or simulated customers."
        ),
    ] = Source.PLATFORM,
    seed: Annotated[int, typer.Option(min=0, help="The same data and seed, the same model.")] = 0,
    customers: Annotated[
        int, typer.Option(help="How many customers the simulator has.")
    ] = _CUSTOMERS,
    days: Annotated[int, typer.Option(help="How many days it simulates.")] = _DAYS,
    threads: Annotated[
        int, typer.Option(min=1, max=_THREADS_MAX, help="How many cores it may use.")
    ] = 1,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the model into this folder and do not register it."
        ),
    ] = None,
    is_dry: Annotated[
        bool, typer.Option("--dry-run", help="Print the model card, and register nothing.")
    ] = False,
) -> None:
    """Train a model of payment fraud or of log-ins, calibrate and measure it, and write its card.

    From the platform it takes payments, or log-ins of customers, that were decided at least a week
    ago, with the features that they were decided from; one without a label counts as genuine. The
    model is registered as the next version of `payment_fraud` or `log_in_takeover` and begins in
    the shadow, without effect.
    """
    if source is Source.SIMULATOR and about is About.LOG_IN:
        raise typer.BadParameter("the simulator has no log-ins", param_hint="--from")
    if source is Source.SIMULATOR:
        model = risk.train_on_simulator(
            seed=seed,
            customers=customers,
            days=days,
            rulebook=Rulebook.load(),
            threads=threads,
            say=_say,
        )
    else:
        model = asyncio.run(_train_on_platform(risk.Purpose(about.value), seed, threads))
    if is_dry:
        typer.echo(model.card)
    elif into is not None:
        risk.write_model(model, into)
        _say(f"The model and its card are in {into}.")
    else:
        _register(model)


def _say(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, markup=False, style="dim", soft_wrap=True)


def _open_database() -> Database:
    settings = Settings.from_environment()
    return Database(settings.database_app_url, role=settings.database_app_role, size=1)


async def _train_on_platform(purpose: risk.Purpose, seed: int, threads: int) -> risk.TrainedModel:
    now = SystemClock().now()
    async with _open_database() as database:
        return await risk.train_on_platform(
            database, purpose=purpose, seed=seed, threads=threads, now=now, say=_say
        )


def _register(model: risk.TrainedModel) -> None:
    async def register() -> risk.RegisteredModel:
        now = SystemClock().now()
        async with _open_database() as database:
            return await database.run(
                lambda uow: risk.register_model(uow, model=model, now=now), _CALLER
            )

    registered = asyncio.run(register())
    typer.echo(f"{registered.name} version {registered.version}, {registered.id}")
    measured = model.metrics
    _say(
        f"AUC-ROC {measured['auc_roc']:.3f}, average precision "
        f"{measured['average_precision']:.3f} on the latest payments. It is in the shadow now: it "
        "scores beside the champion without effect until two people let it decide."
    )
