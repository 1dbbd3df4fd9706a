"""`huitong ledger`: look into the books, and prove that they are right."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huitong.kernel import limits
from huitong.kernel.clock import as_utc
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.settings import Settings
from huitong.ledger import (
    Account,
    Balance,
    Page,
    Period,
    Side,
    StatementLine,
    TrialBalance,
    VerifyProgress,
    VerifyReport,
    find_code,
    get_account,
    get_balances,
    get_trial_balances,
    list_accounts,
    list_statement,
    read_account,
    show_account,
    verify_ledger,
)
from huitong.wiring.invariants import INVARIANTS

Result = TypeVar("Result")

ledger = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Look into the books: accounts, statements, the trial balance, and whether all is right.",
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(ledger)


@ledger.command("verify", short_help="Rebuild everything from the journal and compare.")
def verify() -> None:
    """Rebuild balances, holds, lines and snapshots from the journal and compare every one.

    Reads one snapshot and changes nothing, so it may run while the platform works. Ends with
    exit code 1 if anything differs, and shows the first differences of each kind.
    """
    console = Console()
    started = time.monotonic()
    with console.status("Taking a snapshot …") as status:

        def say(step: VerifyProgress) -> None:
            if not step.is_done:
                status.update(f"{step.number} of {step.total}: {step.title} …")
            elif step.finding is None:
                console.print(f"[green]✓[/green] {step.title}")
            else:
                count = f"{step.finding.count:,}"
                console.print(f"[red]✗ {step.title}: {count} differences[/red]")

        report = _run_on_database(
            lambda database: verify_ledger(database, more=INVARIANTS, progress=say)
        )
    _print_report(console, report, time.monotonic() - started)
    if not report.is_clean:
        raise typer.Exit(code=1)


@ledger.command("trial-balance", short_help="Show debits and credits of every chart code.")
def trial_balance() -> None:
    """Show the trial balance of each currency, as the books stand now.

    Ends with exit code 1 if debits and credits do not tie.
    """
    console = Console()
    balances = _run(get_trial_balances)
    if not balances:
        console.print("The ledger has no accounts yet. `huitong demo` opens some.")
    for balance in balances:
        console.print(_tabulate_trial_balance(balance))
    if not all(balance.is_tied for balance in balances):
        console.print("[red]Debits and credits do not tie: run `huitong ledger verify`.[/red]")
        raise typer.Exit(code=1)


@ledger.command("accounts", short_help="List accounts with their balances.")
def accounts(
    *,
    chart_code: Annotated[
        str | None, typer.Option("--chart", help="Only accounts of this chart code: 2011.01.")
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="Where the last page ended.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=limits.PAGE_SIZE_MAX, help="Accounts on a page.")
    ] = limits.PAGE_SIZE_DEFAULT,
) -> None:
    """List accounts, oldest first, with what they hold and what is free of it."""

    async def read(uow: UnitOfWork) -> tuple[Page[Account], dict[int, Balance]]:
        page = await list_accounts(uow, chart_code=chart_code, cursor=cursor, limit=limit)
        return page, await get_balances(uow, [account.id for account in page.items])

    console = Console()
    page, balances = _run(read)
    table = Table("Account", "Chart", "Name", "State")
    table.add_column("Balance", justify="right")
    table.add_column("Available", justify="right")
    for account in page.items:
        balance = balances[account.id]
        table.add_row(
            show_account(account.id),
            account.chart_code,
            escape(account.name),
            balance.state.name.lower().replace("_", " "),
            _show(balance.posted),
            _show(balance.available),
        )
    console.print(table)
    _print_next(console, page.next_cursor)


@ledger.command("statement", short_help="Show an account's lines, newest first.")
def statement(
    account: Annotated[str, typer.Argument(help="The account, like acct_100000000190.")],
    *,
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day recorded.")
    ] = None,
    last_day: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day recorded.")
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="Where the last page ended.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=limits.PAGE_SIZE_MAX, help="Lines on a page.")
    ] = limits.PAGE_SIZE_DEFAULT,
) -> None:
    """Show a page of an account's statement with the balance after each line.

    Days are those of HUITONG_TIME_ZONE (Asia/Shanghai if unset).
    """
    account_id = read_account(account, field="account")
    zone = Settings.from_environment().time_zone
    period = Period.of_days(first_day and first_day.date(), last_day and last_day.date(), zone)

    async def read(uow: UnitOfWork) -> tuple[Account, Page[StatementLine]]:
        found = await get_account(uow, account_id)
        return found, await list_statement(
            uow, account_id, period=period, cursor=cursor, limit=limit
        )

    console = Console()
    found, page = _run(read)
    console.print(_tabulate_statement(found, page.items, zone))
    _print_next(console, page.next_cursor)


def _run(reading: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    return _run_on_database(lambda database: database.run(reading))


def _run_on_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    settings = Settings.from_environment()

    async def run() -> Result:
        async with Database(
            settings.database_app_url, role=settings.database_app_role, size=1
        ) as database:
            return await work(database)

    return asyncio.run(run())


def _print_report(console: Console, report: VerifyReport, seconds: float) -> None:
    for finding in report.findings:
        table = Table("Where", "Must be", "Is", title=f"{finding.title}: {finding.count:,} differ")
        for example in finding.examples:
            table.add_row(escape(example.subject), escape(example.expected), escape(example.found))
        console.print(table)
    looked_at = (
        f"{report.transfers:,} transfers, {report.accounts:,} accounts and {report.lines:,} "
        f"statement lines in {seconds:.1f} s"
    )
    if report.is_clean:
        console.print(
            f"[green]The ledger is right:[/green] all {len(report.checked)} invariants hold "
            f"over {looked_at}."
        )
    else:
        console.print(
            f"[red]{len(report.findings)} of {len(report.checked)} invariants do not hold[/red] "
            f"over {looked_at}."
        )


def _tabulate_trial_balance(balance: TrialBalance) -> Table:
    table = Table("Code", "科目", "Account", title=f"Trial balance, {balance.currency}")
    table.show_footer = True
    table.add_column("Accounts", justify="right")
    for name, total in (("Debits", balance.debits), ("Credits", balance.credits)):
        colour = "green" if balance.is_tied else "red"
        table.add_column(name, justify="right", footer=f"[{colour}]{total.to_decimal():,}[/]")
    table.add_column("Balance", justify="right")
    for line in balance.lines:
        side = "Dr" if line.chart.normal_side is Side.DEBIT else "Cr"
        table.add_row(
            line.chart.code,
            line.chart.name_zh,
            line.chart.name_en,
            f"{line.accounts:,}",
            f"{line.debits.to_decimal():,}",
            f"{line.credits.to_decimal():,}",
            f"{line.balance.to_decimal():,} {side}",
        )
    return table


def _tabulate_statement(account: Account, lines: tuple[StatementLine, ...], zone: str) -> Table:
    title = f"{show_account(account.id)} {escape(account.name)}, {account.currency}"
    table = Table("Line", f"Recorded, {zone}", "Day", "Business", "Other account", title=title)
    for name in ("Debit", "Credit", "Balance"):
        table.add_column(name, justify="right")
    for line in lines:
        code = find_code(line.code)
        amount = f"{line.amount.to_decimal():,}"
        is_debit = line.side is Side.DEBIT
        table.add_row(
            str(line.line),
            f"{_in_zone(line.recorded_at, zone):%Y-%m-%d %H:%M:%S}",
            line.effective_on.isoformat(),
            str(line.code) if code is None else f"{code.name_zh} {code.name_en}",
            show_account(line.other_account_id),
            amount if is_debit else "",
            "" if is_debit else amount,
            f"{line.balance_after.to_decimal():,}",
        )
    return table


def _in_zone(instant: datetime, zone: str) -> datetime:
    return as_utc(instant).astimezone(ZoneInfo(zone))


def _show(amount: Money) -> str:
    return f"{amount.to_decimal():,} {amount.currency}"


def _print_next(console: Console, cursor: str | None) -> None:
    if cursor is not None:
        console.print(f"More with --cursor {cursor}")
