"""`huitong bulk`: files of payments, looked at before they are submitted."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from huitong.cli.process import load_entry_point
from huitong.kernel import limits

_SHOWN_MAX = 1_000


def register(app: typer.Typer) -> None:
    """Add the command group to the command line."""
    group = typer.Typer(help="Files of payments: payroll and suppliers.", no_args_is_help=True)
    group.command("check", short_help="Say what is wrong with a file of payments.")(check)
    app.add_typer(group, name="bulk")


def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or Excel.")],
    *,
    charset: Annotated[str, typer.Option(help="Of a CSV file: utf-8 or gb18030.")] = "utf-8",
    as_csv: Annotated[bool, typer.Option("--csv", help="Write what is wrong as CSV.")] = False,
) -> None:
    """Check the whole text of a file: every bad line with its reasons, and the control totals.

    It needs no database, so accounts and names are looked at only when the file is submitted.
    Ends with 1 if anything is wrong.
    """
    bulk = load_entry_point("huitong.payments:bulk")
    if charset not in list(bulk.Charset):
        raise typer.BadParameter("utf-8 or gb18030", param_hint="--charset")
    with file.open("rb") as source:
        content = source.read(limits.BULK_FILE_BYTES_MAX + 1)
    digest = bulk.identify(content)
    head, rows = bulk.find_reader(content, bulk.Charset(charset)).read(content)
    checked = bulk.check_lines(head, rows)
    if as_csv:
        typer.echo(bulk.write_problems(checked.problems), nl=False)
    else:
        console = Console(highlight=False, soft_wrap=True)
        for each in checked.problems[:_SHOWN_MAX]:
            text = f"{each.number}: {each.field}: {each.code.zh} {each.code.en} ({each.code.value})"
            console.print(escape(text))
        if len(checked.problems) > _SHOWN_MAX:
            console.print(f"… {len(checked.problems) - _SHOWN_MAX} more: --csv writes all")
        console.print(f"sha256 {digest.hex()}")
        console.print(
            f"{head.purpose.value}: {head.line_count} lines, {head.total}; "
            f"问题 problems: {len(checked.problems)}"
        )
    if checked.problems:
        raise typer.Exit(1)
