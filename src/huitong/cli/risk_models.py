"""`huitong risk models`: which models there are, what they are, and how they do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from huitong import risk
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import MODEL, read_id, show_id
from huitong.kernel.settings import Settings

Result = TypeVar("Result")
_NAME: Final = risk.MODEL_NAMES[risk.Purpose.PAYMENT]
_FEATURES_SHOWN: Final = 5

models = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Registered models: cards and measures."
)
_Model = Annotated[str, typer.Argument(help="The model's id, `mdl_…`.", metavar="MODEL")]


def register(parent: typer.Typer) -> None:
    """Add the commands to `huitong risk`."""
    parent.add_typer(models, name="models", short_help="Show registered models.")


@models.command("list", short_help="List models, newest first.")
def list_models(
    *,
    name: Annotated[
        str, typer.Option(help="Under which name they are registered.", metavar="NAME")
    ] = _NAME,
) -> None:
    """List the newest versions of a model with their status and what training measured."""
    found = _read(lambda uow: risk.list_models(uow, name))
    if not found:
        typer.echo(f"No model {name} is registered.")
        return
    table = Table("model", "version", "status", "average precision", "AUC-ROC", "registered")
    for each in found:
        table.add_row(
            show_id(MODEL, each.id),
            str(each.version),
            each.status.value,
            _show(each.metrics.get("average_precision")),
            _show(each.metrics.get("auc_roc")),
            f"{each.registered_at:%Y-%m-%d %H:%M} {each.registered_by}",
        )
    Console().print(table)


@models.command("card", short_help="Print the card of a model.")
def card(model: _Model) -> None:
    """Print the model card as it was written by the training run, in Markdown."""
    model_id = read_id(MODEL, model, field="model")
    typer.echo(_read(lambda uow: risk.get_model(uow, model_id)).card)


@models.command("measures", short_help="Show how a model does.")
def measures(model: _Model) -> None:
    """Show how much fraud a model found week by week, how it drifts, and alarms about it.

    Ends with exit code 1 while an alarm is open: the rules then decide alone.
    """
    model_id = read_id(MODEL, model, field="model")

    async def read(
        uow: UnitOfWork,
    ) -> tuple[list[risk.WeekMeasure], list[risk.DriftMeasure], list[risk.ModelAlarm]]:
        await risk.get_model(uow, model_id)
        return (
            await risk.list_weeks(uow, model_id),
            await risk.list_drift(uow, model_id),
            await risk.list_alarms(uow, model_id),
        )

    weeks, drift, alarms = _read(read)
    console = Console()
    console.print(_tell_weeks(weeks))
    console.print(_tell_drift(drift))
    is_out = False
    for alarm in alarms:
        state = "open" if alarm.cleared_at is None else f"cleared {alarm.cleared_at:%Y-%m-%d %H:%M}"
        is_out |= alarm.cleared_at is None
        console.print(
            f"{alarm.cause.value} of {alarm.raised_at:%Y-%m-%d %H:%M}, {state}", markup=False
        )
    if is_out:
        raise typer.Exit(code=1)


def _tell_weeks(weeks: list[risk.WeekMeasure]) -> Table:
    table = Table(
        "week", "as", "decisions", "frauds", "alerts", "precision", "recall", "average precision"
    )
    for each in weeks:
        table.add_row(
            each.week_on.isoformat(),
            each.role.value,
            f"{each.decisions:,}",
            f"{each.frauds:,}",
            f"{each.alerts:,}",
            _show(each.precision),
            _show(each.recall),
            _show(each.average_precision),
        )
    return table


def _tell_drift(drift: list[risk.DriftMeasure]) -> Table:
    table = Table("drift measured", "decisions", "score", "features that drift most")
    for each in drift:
        worst = sorted(each.feature_psi.items(), key=lambda pair: -pair[1])[:_FEATURES_SHOWN]
        table.add_row(
            f"{each.measured_at:%Y-%m-%d %H:%M}",
            f"{each.decisions:,}",
            _show(each.score_psi),
            ", ".join(f"{name} {psi:.2f}" for name, psi in worst),
        )
    return table


def _show(measured: float | None) -> str:
    return "–" if measured is None else f"{measured:.4f}"


def _read(query: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    settings = Settings.from_environment()

    async def run() -> Result:
        async with (
            Database(
                settings.database_app_url, role=settings.database_app_role, size=1
            ) as database,
            database.reading() as uow,
        ):
            return await query(uow)

    return asyncio.run(run())
