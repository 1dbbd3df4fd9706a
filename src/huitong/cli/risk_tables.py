"""`huitong risk tables`: decision tables of eligibility and prices."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from huitong import risk
from huitong.cli.risk_desk import CONSOLE, command, print_json, read_file
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import TABLE_VERSION, read_id, show_id, uuid7
from huitong.kernel.rulebook import Rulebook

Name = Annotated[str, typer.Option(help="Which table, such as loan_price.")]
Version = Annotated[str, typer.Argument(help="The version's id, tbl_….", metavar="VERSION")]
File = Annotated[Path, typer.Argument(help="A table, YAML or JSON.", metavar="FILE")]

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Decision tables. They go live over the API, by two members of staff.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to `huitong risk`."""
    parent.add_typer(app, name="tables", short_help="Decision tables of eligibility and prices.")


@app.command("schemas", short_help="Show what tables are asked and answer.")
def schemas() -> None:
    """Print the inputs and outputs of every table that the platform asks, as JSON."""
    print_json([risk.show_schema(each) for each in risk.list_schemas()])


@app.command("list", short_help="List versions of a table, newest first.")
def list_versions(*, name: Name) -> None:
    """List the newest versions of a table, with what answers."""
    found = command(lambda uow: risk.list_table_versions(uow, name))
    table = Table("version", "number", "state", "from", "until")
    for each in found:
        days = (str(each.effective_from or ""), str(each.effective_to or ""))
        shown = show_id(TABLE_VERSION, each.id)
        table.add_row(shown, str(each.number), each.state.value, *days)
    CONSOLE.print(table)


@app.command("show", short_help="Show a version as JSON.")
def show(version: Version) -> None:
    """Print the rows and test cases of a version, as `save` takes them."""
    found = command(lambda uow: risk.get_table_version(uow, _read(version)))
    print_json(risk.show_table(risk.reload_table(found.content)))


@app.command("default", short_help="Print the default table as JSON.")
def default(*, name: Name) -> None:
    """Print the rows that come with the platform, with today's thresholds, to be changed."""
    print_json(_read_default(name))


@app.command("lint", short_help="Say whether a file is a clear table and passes its tests.")
def lint(file: File, *, name: Name) -> None:
    """Compile a table without saving it and run its test cases; a bad cell is named."""
    table = risk.read_table(read_file(file, "file"), risk.get_schema(name))
    failed = table.run_tests()
    for each in failed:
        CONSOLE.print(
            f"{each.name}: answered {list(each.answered)}, not {list(each.expected)}",
            style="red",
            markup=False,
        )
    known = "" if table.is_reach_checked else ", too large to say whether every row is reached"
    CONSOLE.print(f"{len(table.rows)} rows, {len(table.tests)} test cases{known}.")
    if failed:
        raise typer.Exit(1)


@app.command("save", short_help="Save a file as a draft.")
def save(file: File, *, name: Name) -> None:
    """Save a table as its next version, a draft, and print its id."""
    _save(read_file(file, "file"), name)


@app.command("defaults", short_help="Save the default table as a draft.")
def defaults(*, name: Name) -> None:
    """Save the rows that come with the platform as a draft, and print its id."""
    _save(_read_default(name), name)


@app.command("try", short_help="Ask a version without effect.")
def try_version(
    version: Version,
    inputs: Annotated[Path, typer.Argument(help="All inputs, YAML or JSON.", metavar="FILE")],
) -> None:
    """Print what a version of any state would answer."""
    given = read_file(inputs, "inputs")
    if not isinstance(given, dict):
        raise InvalidField("must be an object", field="inputs")
    found = command(lambda uow: risk.get_table_version(uow, _read(version)))
    table = risk.reload_table(found.content)
    hit = table.ask(table.read_inputs(given))
    print_json({"rows": hit.keys, "outputs": [risk.show_values(each) for each in hit.outputs]})


def _save(document: Any, name: str) -> None:
    table = risk.read_table(document, risk.get_schema(name))
    version_id, now = uuid7(), SystemClock().now()
    command(lambda uow: risk.save_table(uow, version_id=version_id, table=table, now=now))
    typer.echo(show_id(TABLE_VERSION, version_id))


def _read_default(name: str) -> dict[str, Any]:
    return risk.default_table(name, Rulebook.load(), business_day(SystemClock().now()))


def _read(version: str) -> Any:
    return read_id(TABLE_VERSION, version, field="version")
