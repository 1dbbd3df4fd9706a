"""`huitong merchants`: settle what is due now, and look at settlement sheets."""

import asyncio
import uuid
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from huitong import ledger, payments
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.ids import MERCHANT, SETTLEMENT_SHEET, read_id, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings

merchants: Final = payments.merchants
_CALLER: Final = Caller(actor="cli")
_SHOWN: Final = 50
_LINES_AT_ONCE: Final = 1_000

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Settlement of merchants: settle what is due, show settlement sheets.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="merchants", short_help="Settle merchants, show their sheets.")


@app.command("settle", short_help="Settle what is due now.")
def settle() -> None:
    """Settle every account that is due; safe to run beside workers, which do the same."""
    made = asyncio.run(_settle())
    for sheet in made:
        typer.echo(
            f"{show_id(SETTLEMENT_SHEET, sheet.id)}  {show_id(MERCHANT, sheet.merchant_id)}  "
            f"no. {sheet.number}  paid {_show(sheet, sheet.payout)}  "
            f"carried {_show(sheet, sheet.carried)}"
        )
    if not made:
        typer.echo("nothing to settle")


@app.command("sheets", short_help="List settlement sheets, or show one.")
def sheets(
    sheet: Annotated[str | None, typer.Argument(help="sht_…; without it, the latest.")] = None,
    *,
    merchant: Annotated[str | None, typer.Option(help="mer_…: only this merchant's.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write the whole sheet as CSV.")] = False,
) -> None:
    """Print the latest sheets; with a sheet, its parts, which sum up to what is carried."""
    if sheet is None:
        merchant_id = None if merchant is None else read_id(MERCHANT, merchant, field="merchant")
        _print_list(asyncio.run(_list(merchant_id)))
        return
    sheet_id = read_id(SETTLEMENT_SHEET, sheet, field="sheet")
    found = asyncio.run(_get(sheet_id))
    if as_csv:
        asyncio.run(_write_csv(found))
    else:
        _print_sheet(found)


async def _settle() -> list[payments.merchants.Sheet]:
    made: list[payments.merchants.Sheet] = []
    async with _open() as database:
        # What was posted a moment ago is to be in the sheets.
        await ledger.project_all(database)
        while found := await merchants.settle_due(
            database, rulebook=Rulebook.load(), now=SystemClock().now(), caller=_CALLER
        ):
            made.extend(found)
    return made


async def _list(merchant_id: uuid.UUID | None) -> list[payments.merchants.Sheet]:
    async with _open() as database, database.reading(_CALLER) as uow:
        return await merchants.list_sheets(uow, merchant_id, limit=_SHOWN)


async def _get(sheet_id: uuid.UUID) -> payments.merchants.Sheet:
    async with _open() as database, database.reading(_CALLER) as uow:
        return await merchants.get_sheet(uow, sheet_id)


async def _write_csv(sheet: payments.merchants.Sheet) -> None:
    typer.echo(merchants.write_sheet_head(sheet), nl=False)
    async with _open() as database, database.reading(_CALLER) as uow:
        after = 0
        while lines := await merchants.list_sheet_lines(
            uow, sheet.id, after=after, limit=_LINES_AT_ONCE
        ):
            typer.echo(merchants.write_sheet_lines(sheet, lines), nl=False)
            after = lines[-1].line


def _print_list(found: list[payments.merchants.Sheet]) -> None:
    table = Table("Sheet", "Merchant", "No.", "Cut-off", "Lines", "Paid out", "Carried")
    for each in found:
        table.add_row(
            show_id(SETTLEMENT_SHEET, each.id),
            show_id(MERCHANT, each.merchant_id),
            str(each.number),
            f"{each.cutoff_at:%m-%d %H:%M}Z",
            str(each.line_count),
            _show(each, each.payout),
            _show(each, each.carried),
        )
    Console(highlight=False).print(table)


def _print_sheet(sheet: payments.merchants.Sheet) -> None:
    table = Table("结算单 Settlement sheet", show_id(SETTLEMENT_SHEET, sheet.id))
    for part, (zh, en) in merchants.SHEET_PARTS.items():
        amount = merchants.signed_part(sheet, part)
        if amount or part in ("payments", "payout", "carried"):
            table.add_row(f"{zh} {en}", _show(sheet, amount))
    Console(highlight=False).print(table)


def _show(sheet: payments.merchants.Sheet, minor: int) -> str:
    return f"{Money(minor, sheet.currency).format()} {sheet.currency}"


def _open() -> Database:
    settings = Settings.from_environment()
    return Database(settings.database_app_url, role=settings.database_app_role, size=2)
