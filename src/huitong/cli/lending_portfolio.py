"""`huitong lending portfolio` and `huitong lending simulate`: all loans as business days closed."""

import asyncio
import json
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong import lending
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings

_SHOWN: Final = (
    lending.portfolio.Dimension.PRODUCT,
    lending.portfolio.Dimension.GRADE,
    lending.portfolio.Dimension.CLASS,
    lending.portfolio.Dimension.STAGE,
    lending.portfolio.Dimension.BUCKET,
)


def add_portfolio_commands(app: typer.Typer) -> None:
    """Add the commands to those of lending."""
    app.command("portfolio", short_help="Show all loans as a business day closed.")(show)
    app.command("simulate", short_help="Fill an empty book with simulated loans and their past.")(
        simulate
    )


def show(
    *,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day; today without it."),
    ] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "CNY",
    product: Annotated[str | None, typer.Option(help="Only loans of a product.")] = None,
    grade: Annotated[str | None, typer.Option(help="Only loans of a grade, A to E.")] = None,
    use: Annotated[str | None, typer.Option(help="Only loans for a use.")] = None,
    region: Annotated[str | None, typer.Option(help="Only loans of a region.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Show balances, classes, stages, expected loss, provisions, rolls and vintages.

    As the last business day until the given one closed.
    """
    narrowing = lending.portfolio.Narrowing(
        currency=currency, product=product, grade=grade, use=use, region=region
    )
    try:
        found = asyncio.run(_get(narrowing, as_of))
    except Refusal as refused:
        raise typer.BadParameter(str(refused)) from refused
    if as_json:
        typer.echo(json.dumps(lending.portfolio.show_portfolio(found), ensure_ascii=False))
        return
    console = Console(highlight=False)
    console.print(f"{found.as_of}  {found.total.loans:,} loans  {currency}")
    for dimension in _SHOWN:
        table = Table(dimension.value, "Loans", "Owed", "Overdue", "Expected loss", "Provision")
        for one in found.slices[dimension]:
            sums = one.sums
            amounts = (sums.owed, sums.overdue, sums.expected_loss, sums.provision)
            shown = (Money(each, currency).format() for each in amounts)
            table.add_row(f"{one.zh} {one.en}", f"{sums.loans:,}", *shown)
        console.print(table)


def simulate(
    *,
    loans: Annotated[int, typer.Option(min=1, help="How many loans.")] = 3_000,
    months: Annotated[int, typer.Option(min=1, help="How many months their past has.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Makes the same borrowers again.")] = 1,
) -> None:
    """Fill an empty book with simulated loans, so that the portfolio has something to show.

    Schedules, classes, stages, provisions and postings are reckoned as for real loans; borrowers
    are invented. Refused where there are loans.
    """
    try:
        day = asyncio.run(_simulate(loans, months, seed))
    except Refusal as refused:
        raise typer.BadParameter(str(refused)) from refused
    typer.echo(f"{loans:,} loans, closed until {day}")


def _open() -> Database:
    settings = Settings.from_environment()
    return Database(settings.database_app_url, role=settings.database_app_role, size=2)


async def _get(
    narrowing: lending.portfolio.Narrowing, as_of: datetime | None
) -> lending.portfolio.Portfolio:
    day = business_day(SystemClock().now()) if as_of is None else as_of.date()
    async with _open() as database, database.reading(Caller(actor="cli")) as uow:
        return await lending.portfolio.get_portfolio(
            uow, narrowing, as_of=day, rulebook=Rulebook.load()
        )


async def _simulate(loans: int, months: int, seed: int) -> object:
    async with _open() as database:
        return await lending.simulate_portfolio(
            database,
            loans=loans,
            months=months,
            seed=seed,
            rulebook=Rulebook.load(),
            now=SystemClock().now(),
            caller=Caller(actor="cli"),
        )
