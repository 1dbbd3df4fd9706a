"""`huitong migrate`: bring the database's schema up to date."""

from enum import StrEnum
from typing import Annotated

import typer

from huitong.cli.process import load_entry_point, prepare_process


class MigrationPhase(StrEnum):
    """When a migration may run, seen from a release."""

    PRE = "pre"
    POST = "post"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("migrate", short_help="Bring the database's schema up to date.")(migrate)


def migrate(
    *,
    phase: Annotated[
        MigrationPhase,
        typer.Option(help="Which migrations: before the new code runs, after it, or both."),
    ] = MigrationPhase.ALL,
) -> None:
    """Bring the schema of a running database up to date; nothing happens if it is already.

    To release without a pause: run [bold]--phase pre[/bold] (only additions, which the old code
    does not mind), replace the processes, then run [bold]--phase post[/bold] (removes what only
    the old code needed). [bold]huitong up[/bold] runs both.
    """
    settings = prepare_process("migrate")
    prepare = load_entry_point("huitong.wiring.preparation:prepare")
    prepare(settings, phase.value)
