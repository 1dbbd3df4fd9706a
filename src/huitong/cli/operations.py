"""`huitong operations`: how the platform is, what happened, and letting callers in again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from huitong import operations
from huitong.cli.process import load_entry_point
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import COUNTERMEASURE, INCIDENT, read_id, show_id
from huitong.kernel.settings import Settings

Result = TypeVar("Result")
_CALLER: Final = Caller(actor="cli")
_NOT_WELL: Final = 1
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="How the platform is: incidents, and what is done against callers.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="operations", short_help="See how the platform is.")


@app.command("status", short_help="Say what is well and what is not.")
def status(*, as_json: Json = False) -> None:
    """Show counts, queues, channels, processes, open incidents and counter-measures.

    Ends with code 1 if the watch does not work or an incident is unresolved.
    """
    look = load_entry_point("huitong.wiring.watching:look")
    found: operations.Status = _run(lambda uow: look(uow, SystemClock().now()))
    show = load_entry_point("huitong.api.schemas.operations:show_status")
    shown: dict[str, Any] = show(found).model_dump(mode="json")
    if as_json:
        typer.echo(json.dumps(shown))
    else:
        _print_status(shown, found)
    if not found.is_well:
        raise typer.Exit(code=_NOT_WELL)


@app.command("incidents", short_help="List incidents, or show one.")
def incidents(
    incident: Annotated[
        str | None, typer.Argument(help="Show this one with its timeline: inc_…")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones, too.")] = False,
    as_json: Json = False,
) -> None:
    """List incidents that are not resolved, newest first."""
    if incident is not None:
        incident_id = read_id(INCIDENT, incident, field="incident")
        whole = _run(lambda uow: operations.get_incident(uow, incident_id))
        show = load_entry_point("huitong.api.schemas.operations:show_whole_incident")
        typer.echo(json.dumps(show(whole).model_dump(mode="json"), ensure_ascii=False, indent=2))
        return
    states = tuple(operations.IncidentState) if everything else _UNRESOLVED
    found = _run(
        lambda uow: operations.list_incidents(uow, states=states, limit=limits.PAGE_SIZE_MAX)
    )
    if as_json:
        show = load_entry_point("huitong.api.schemas.operations:show_incident")
        shown = [show(each).model_dump(mode="json") for each in found]
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    _print_incidents(found)


@app.command("lift", short_help="End a counter-measure before its time.")
def lift(
    countermeasure: Annotated[str, typer.Argument(help="Its id: cms_…")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
) -> None:
    """Let a caller in again, for when staff cannot: their own address may be what is blocked."""
    countermeasure_id = read_id(COUNTERMEASURE, countermeasure, field="countermeasure")
    now = SystemClock().now()
    lifted = _run(
        lambda uow: operations.lift_countermeasure(uow, countermeasure_id, reason=reason, now=now),
        is_command=True,
    )
    typer.echo(f"Lifted: {lifted.kind.value} of {lifted.entity.name}")


_UNRESOLVED: Final = (
    operations.IncidentState.OPEN,
    operations.IncidentState.ACKNOWLEDGED,
)


def _print_status(shown: dict[str, Any], found: operations.Status) -> None:
    console = Console(highlight=False)
    table = Table("What", show_header=False)
    table.add_column("Value", justify="right")
    for name, value in shown.items():
        table.add_row(name.replace("_", " "), "never" if value is None else str(value))
    console.print(table)
    if found.incidents:
        _print_incidents(found.incidents)
    for taken in found.countermeasures:
        console.print(
            f"{show_id(COUNTERMEASURE, taken.id)}  {taken.kind.value}  "
            f"{taken.entity.name} until {taken.ends_at:%Y-%m-%d %H:%M:%S}Z",
            markup=False,
            soft_wrap=True,
        )
    console.print("All is well." if found.is_well else "Not all is well.", style="bold")


def _print_incidents(found: Any) -> None:
    table = Table("Incident", "Kind", "Severity", "State", "About", "Opened", "Seen last")
    for each in found:
        table.add_row(
            show_id(INCIDENT, each.id),
            each.kind.value,
            each.severity.value,
            each.state.value,
            each.entity.name,
            f"{each.opened_at:%m-%d %H:%M:%S}Z",
            f"{each.last_seen_at:%m-%d %H:%M:%S}Z",
        )
    Console(highlight=False).print(table)


def _run(work: Callable[[UnitOfWork], Awaitable[Result]], *, is_command: bool = False) -> Result:
    return asyncio.run(_run_in_database(work, is_command=is_command))


async def _run_in_database(
    work: Callable[[UnitOfWork], Awaitable[Result]], *, is_command: bool
) -> Result:
    settings = Settings.from_environment()
    url, role = settings.database_app_url, settings.database_app_role
    async with Database(url, role=role, size=1) as database:
        if is_command:
            return await database.run(work, _CALLER)
        async with database.reading(_CALLER) as uow:
            return await work(uow)
