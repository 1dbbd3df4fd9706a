"""`huitong lending`: what loans come to."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong import lending
from huitong.cli.lending_portfolio import add_portfolio_commands
from huitong.cli.process import load_entry_point
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock

_CASES: Final = Path("../shared/data/7-loans")
_REASONS_SHOWN: Final = 12

app: Final = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    add_portfolio_commands(app)
    parent.add_typer(
        app, name="lending", short_help="Close days of loans, show the portfolio, compare cases."
    )


@app.command("close-day", short_help="Close all business days of loans that are over.")
def close_day(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Close every business day that is over and not closed yet, first first.

    Safe to run twice, beside workers, and again after being killed: each range of loans is closed
    once. Interest accrues, payments come due or are overdue, debits are asked for, classes and
    provisions are set, and the general ledger follows.
    """
    closed = asyncio.run(_close_days())
    if as_json:
        days = [
            {
                "day": each.day.isoformat(),
                "loans": each.loans,
                "chunks": each.chunks,
                "interest": each.interest,
                "penalty": each.penalty,
                "to_overdue": each.to_overdue,
                "provision": each.provision,
            }
            for each in closed
        ]
        typer.echo(json.dumps({"days": days}))
        return
    for each in closed:
        typer.echo(f"{each.day}  {each.loans:,} loans in {each.chunks} chunks")
    if not closed:
        typer.echo("no business day waits")


async def _close_days() -> list[lending.ClosedDay]:
    settings = Settings.from_environment()
    clock = make_clock(settings)
    async with Database(
        settings.database_app_url, role=settings.database_app_role, size=2
    ) as database:
        return await lending.close_days(
            database,
            rulebook=Rulebook.load(),
            now=clock.now(),
            caller=Caller(actor="cli"),
        )


@app.command("verify-contract", short_help="Say whether a PDF is a loan contract that we made.")
def verify_contract(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The PDF.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Check every byte of FILE against its seal; ends with 1 unless it is as we made it.

    Says the SHA-256 that was signed, which the application shows as `contract_sha256`. Needs the
    keys of the home and no database.
    """
    documents: Any = load_entry_point("huitong.payments:documents")
    seals = documents.load_receipt_keys(Settings.from_environment().home)
    contracts = lending.contracts
    try:
        content, digest = contracts.check_contract(seals, contracts.read_contract_file(file))
    except (contracts.ContractUnreadable, contracts.ContractChanged) as problem:
        told = {"genuine": False, "reason": problem.code, "detail": problem.detail}
        plain = f"核验不通过 / not genuine: {problem.title} ({problem.detail})"
        typer.echo(json.dumps(told) if as_json else plain)
        raise typer.Exit(1) from problem
    if as_json:
        told = {"genuine": True, "sha256": digest.hex(), "contract": dict(content)}
        typer.echo(json.dumps(told))
        return
    typer.echo("核验通过 / genuine")
    typer.echo(f"{content['application']}  SHA-256 {digest.hex()}")


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
