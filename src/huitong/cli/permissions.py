"""`huitong permissions`: who may call which route."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from huitong.cli.process import load_entry_point


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("permissions", short_help="Print who may call which route.")(permissions)


def permissions(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print docs/reference/permissions.md.")
    ] = False,
) -> None:
    """Print the matrix of routes and callers, as the routes and the policy file have it now."""
    if markdown:
        typer.echo(load_entry_point("huitong.api.permissions:render_markdown")(), nl=False)
        return
    table = Table()
    for name in ("route", "permission", "who may"):
        table.add_column(name, overflow="fold")
    for row in load_entry_point("huitong.api.permissions:make_short_rows")():
        table.add_row(*row)
    Console().print(table)
