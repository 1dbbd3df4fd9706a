"""The command `huitong`: each command is a module here and adds itself with `register`."""

import typer
from rich.console import Console

from huitong.cli import (
    abroad,
    audit,
    backup,
    bench,
    bulk,
    bureau,
    channels,
    clearing,
    credit,
    demo,
    fx,
    iso20022,
    keys,
    ledger,
    lending,
    log,
    merchants,
    migrate,
    operations,
    permissions,
    privacy,
    receipts,
    reconcile,
    registry,
    risk,
    serve,
    sms_gateway,
    staff,
    up,
    worker,
)
from huitong.kernel.errors import Fault, Refusal

__all__ = ["app", "main"]

app = typer.Typer(
    name="huitong",
    no_args_is_help=True,
    rich_markup_mode="rich",
    # Plain tracebacks: boxes are hard to read in a log, and local variables would show secrets.
    pretty_exceptions_enable=False,
    help=(
        "Huitong 汇通: an internet-finance platform on one double-entry ledger.\n\n"
        "[bold]huitong up[/bold] is all you need to begin: it makes a database, brings it up to "
        "date and serves everything at http://127.0.0.1:8000. Everything that it keeps is under "
        "[bold]HUITONG_HOME[/bold] (./var if unset); two homes are two platforms side by side. "
        "With [bold]HUITONG_DATABASE_URL[/bold] it uses a PostgreSQL of yours instead."
    ),
)

for command in (
    up, serve, worker, keys, staff, permissions, privacy, migrate, ledger, log, audit, backup,
    demo, bench, bulk, registry, risk, sms_gateway, operations, clearing, iso20022, lending,
    receipts, channels, reconcile, merchants, fx, abroad, credit, bureau,
):  # fmt: skip
    command.register(app)


def main() -> None:
    """Run the command line; what we know to say no to ends in one clear line, not a traceback."""
    try:
        app()
    except (Fault, Refusal) as problem:
        field = f"{problem.field} " if isinstance(problem, Refusal) and problem.field else ""
        # Plain text: a path may contain square brackets, which Rich would take for markup.
        console = Console(stderr=True)
        console.print(f"{field}{problem.detail}", style="red", markup=False, highlight=False)
        raise SystemExit(1) from problem
