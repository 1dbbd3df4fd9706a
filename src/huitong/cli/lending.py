"""`huitong lending`: what loans come to."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong.cli.process import load_entry_point

_CASES: Final = Path("../shared/data/7-loans")
_REASONS_SHOWN: Final = 12

app: Final = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="lending", short_help="Compare loans with published cases.")


@app.command("tie-out", short_help="Compare schedules, replays and rates with published cases.")
def tie_out(
    directory: Annotated[
        Path, typer.Argument(help="Where the published cases lie.", show_default=str(_CASES))
    ] = _CASES,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Compare every figure of published schedules, loans that run, and annual rates with ours.

    Files are known by their names: Apache Fineract's level payments, first schedules and scenarios,
    pyxirr's cases, regulators' examples of annual rates. Says which share ties to the cent, and why
    the rest does not: what is not covered, or figures that differ.
    """
    compare: Any = load_entry_point("huitong.lending.tie_out:tie_out")
    try:
        found = compare(directory)
    except (FileNotFoundError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="DIRECTORY") from error
    if as_json:
        typer.echo(json.dumps({"files": [each.to_json() for each in found]}, ensure_ascii=False))
        return
    console = Console(highlight=False)
    table = Table("Published cases", "Checks", "Tied", "Share")
    for each in found:
        shown = each.to_json()
        table.add_row(
            each.file, str(shown["checks"]), str(shown["tied"]), f"{shown['share'] or 0:.1%}"
        )
    console.print(table)
    for each in found:
        reasons = list(each.to_json()["reasons"].items())
        for reason, count in reasons[:_REASONS_SHOWN]:
            console.print(f"{each.file}: {count} × {reason}", markup=False)
