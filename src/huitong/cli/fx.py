"""`huitong fx`: rates, positions, margins' effect, and lists of names that an operator loads."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from huitong import payments
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.settings import Settings

Result = TypeVar("Result")
crossborder: Final = payments.crossborder
_CALLER: Final = Caller(actor="cli")

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Foreign exchange: rates, positions, and lists that names are screened against.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="fx", short_help="Rates, positions and screening lists.")


@app.command("rates", short_help="Show the last rate of each currency.")
def rates() -> None:
    """Print rates in CNY for one unit, and why the last one that was not believed was not."""
    table = Table("Currency", "Bid", "Ask", "Quoted", "Last refused", "Why", "Refused")
    for each in _run(crossborder.list_rate_states, is_reading=True):
        rate = each.rate
        table.add_row(
            each.currency,
            "" if rate is None else format(rate.bid.normalize(), "f"),
            "" if rate is None else format(rate.ask.normalize(), "f"),
            "" if rate is None else f"{rate.quoted_at:%m-%d %H:%M:%S}Z",
            "" if each.refused_at is None else f"{each.refused_at:%m-%d %H:%M:%S}Z",
            "" if each.refusal is None else each.refusal.value,
            str(each.refused_count),
        )
    Console(highlight=False).print(table)


@app.command("positions", short_help="Show positions with their gains and losses.")
def positions() -> None:
    """Print what we are long and short, at average cost and the day's mid rates."""
    now, home = SystemClock().now(), crossborder.HOME
    table = Table("Currency", "Amount", "Cost", "Mid", "Value", "Realised", "Unrealised")
    found = _run(lambda uow: crossborder.value_positions(uow, now=now), is_reading=True)
    for each in found:
        position = each.position
        table.add_row(
            position.currency,
            Money(position.amount, position.currency).format(),
            Money(position.cost, home).format(),
            format(each.mid.normalize(), "f"),
            each.value.format(),
            Money(position.realised, home).format(),
            each.unrealised.format(),
        )
    Console(highlight=False).print(table)


@app.command("load-list", short_help="Load a list of names to screen against.")
def load_list(
    name: Annotated[str, typer.Argument(help="The list's name, such as un or ofac.")],
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV: entry,name,born_on,country.")
    ],
) -> None:
    """Replace a list by a file's names; the file is checked as a whole first."""
    now, content = SystemClock().now(), file.read_bytes()
    found = _run(lambda uow: crossborder.load_list(uow, name=name, content=content, now=now))
    typer.echo(f"{found.name}, version {found.version}: {found.entries} names")


@app.command("lists", short_help="Show the lists that names are screened against.")
def lists() -> None:
    """Print each list with its version and when it was loaded."""
    table = Table("List", "Version", "Names", "Loaded", "SHA-256")
    for each in _run(crossborder.list_lists, is_reading=True):
        table.add_row(
            each.name,
            str(each.version),
            str(each.entries),
            f"{each.loaded_at:%Y-%m-%d %H:%M}Z",
            each.digest.hex()[:16],
        )
    Console(highlight=False).print(table)


def _run(work: Callable[[UnitOfWork], Awaitable[Result]], *, is_reading: bool = False) -> Result:
    async def run() -> Result:
        settings = Settings.from_environment()
        async with Database(
            settings.database_app_url, role=settings.database_app_role, size=2
        ) as database:
            if not is_reading:
                return await database.run(work, _CALLER)
            async with database.reading(_CALLER) as uow:
                return await work(uow)

    return asyncio.run(run())
