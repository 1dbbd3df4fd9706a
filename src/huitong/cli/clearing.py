"""`huitong clearing`: run a clearing house: banks, windows, positions, settlement, routing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from huitong import payments
from huitong.kernel import limits
from huitong.kernel.calendar import china_calendar
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import CLEARING_WINDOW, read_id, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock

Result = TypeVar("Result")
clearing: Final = payments.clearing
_CALLER: Final = Caller(actor="cli")

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Clearing between banks: who takes part, windows, positions, settlement.",
)
Code = Annotated[str, typer.Argument(help="A CNAPS bank code of 12 digits.")]


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(app, name="clearing", short_help="Net and settle between banks.")


@app.command("join", short_help="Make a bank a participant.")
def join(
    code: Code,
    name_zh: Annotated[str, typer.Argument(help="Its Chinese name.")],
    name_en: Annotated[str, typer.Argument(help="Its English name.")],
    *,
    cap: Annotated[str, typer.Option(help="Net debit cap in CNY, such as 1000000.00.")],
) -> None:
    """Open a settlement and a collateral account for a bank, and set its cap."""
    amount, now = _read(cap, "cap"), _now()
    _run(
        lambda uow: clearing.join(
            uow, code=code, name_zh=name_zh, name_en=name_en, net_debit_cap=amount, now=now
        )
    )
    typer.echo(f"{code} takes part with a net debit cap of {amount}")


@app.command("deposit", short_help="Put money on a participant's account.")
def deposit(
    code: Code,
    amount: Annotated[str, typer.Argument(help="In CNY, such as 1000.00.")],
    *,
    collateral: Annotated[bool, typer.Option("--collateral", help="As collateral.")] = False,
) -> None:
    """Book what came in through the central bank for a participant."""
    money, now = _read(amount, "amount"), _now()
    _run(
        lambda uow: clearing.deposit(
            uow, transfer_id=uuid7(), code=code, amount=money, is_collateral=collateral, now=now
        )
    )
    typer.echo(f"{code} has {money} more")


@app.command("reserve", short_help="Keep liquidity for urgent payments.")
def reserve(
    code: Code,
    amount: Annotated[str, typer.Argument(help="In CNY, such as 1000.00; 0 keeps nothing.")],
) -> None:
    """Set how much of a participant's account only its urgent gross payments may use."""
    money, now, rulebook = _read(amount, "amount"), _now(), Rulebook.load()
    _run(
        lambda uow: clearing.set_reserved(
            uow, code=code, reserved=money, rulebook=rulebook, now=now
        )
    )
    typer.echo(f"{code} keeps {money} for urgent payments")


@app.command("pay", short_help="Hand in a payment from one participant to another.")
def pay(
    debtor: Code,
    creditor: Code,
    amount: Annotated[str, typer.Argument(help="In CNY, such as 1000.00.")],
    *,
    urgent: Annotated[bool, typer.Option("--urgent", help="Before others of the bank.")] = False,
) -> None:
    """Route a payment by the rulebook, hand it in, and say how it stands."""
    route = _route(amount, urgent=urgent)
    if not route.is_open:
        _print_route(route)
        raise typer.Exit(code=1)
    new = clearing.NewPayment(
        id=uuid7(),
        rail=route.rail,
        debtor=debtor,
        creditor=creditor,
        amount=_read(amount, "amount").minor,
        is_urgent=urgent,
    )
    now, rulebook = _now(), Rulebook.load()
    found = _run(lambda uow: clearing.submit_payments(uow, [new], rulebook=rulebook, now=now))
    typer.echo(f"{found[0].id}  {found[0].rail.value}  {found[0].state.value}")


@app.command("route", short_help="Say which system a payment would take, and why.")
def route(
    amount: Annotated[str, typer.Argument(help="In CNY, such as 1000.00.")],
    *,
    urgent: Annotated[bool, typer.Option("--urgent", help="It cannot wait.")] = False,
) -> None:
    """Print the system, when it opens if it is closed, and the reasons; needs no database."""
    _print_route(_route(amount, urgent=urgent))


@app.command("windows", short_help="List netting windows, newest first.")
def windows() -> None:
    """Print the latest windows."""
    found = _run(
        lambda uow: clearing.list_windows(uow, limit=limits.CLEARING_WINDOWS_PAGE), is_reading=True
    )
    table = Table("Window", "Number", "State", "Opened", "Closes", "Settled")
    for each in found:
        settled = "" if each.settled_at is None else f"{each.settled_at:%m-%d %H:%M:%S}Z"
        table.add_row(
            show_id(CLEARING_WINDOW, each.id),
            str(each.number),
            each.state.value,
            f"{each.opened_at:%m-%d %H:%M:%S}Z",
            f"{each.closes_at:%m-%d %H:%M:%S}Z",
            settled,
        )
    Console(highlight=False).print(table)


@app.command("positions", short_help="Show the positions of a window.")
def positions(
    window: Annotated[
        str | None, typer.Argument(help="clw_…; without it, the open window.")
    ] = None,
) -> None:
    """Print what each participant sent, received and owes in a window."""
    window_id = None if window is None else read_id(CLEARING_WINDOW, window, field="window")

    async def find(uow: UnitOfWork) -> list[payments.clearing.Position]:
        found = window_id
        if found is None:
            opened = await clearing.find_open_window(uow)
            if opened is None:
                raise clearing.WindowNotFound("there is no open window", field="window")
            found = opened.id
        return await clearing.list_positions(uow, found)

    table = Table("Participant", "Sent", "Received", "Due", "Cap", "Used")
    for each in _run(find, is_reading=True):
        amounts = (each.sent, each.received, each.due, each.cap, each.used)
        table.add_row(each.participant, *(Money(a, clearing.CURRENCY).format() for a in amounts))
    Console(highlight=False).print(table)


@app.command("settle", short_help="Close and settle windows now.")
def settle(
    *,
    close: Annotated[
        bool, typer.Option("--close", help="Close the open window first, before its time.")
    ] = False,
) -> None:
    """Settle every window that is closed, oldest first; safe to run beside the worker."""
    settled = asyncio.run(_settle(close=close))
    for each in settled:
        typer.echo(
            f"window {each.window.number} settled; collateral drawn from "
            f"{len(each.drawn)}, payments taken back: {len(each.unwound)}"
        )
    if not settled:
        typer.echo("nothing to settle")


async def _settle(*, close: bool) -> list[payments.clearing.Settlement]:
    rulebook, clock = Rulebook.load(), make_clock(Settings.from_environment())
    found: list[payments.clearing.Settlement] = []
    async with _open() as database:
        if close:
            async with database.reading(_CALLER) as uow:
                window = await clearing.find_open_window(uow)
            if window is not None:
                await database.run(
                    lambda uow: clearing.close_window(
                        uow, window.id, rulebook=rulebook, now=clock.now()
                    ),
                    _CALLER,
                )
        while settled := await clearing.settle_oldest(
            database, rulebook=rulebook, now=clock.now(), caller=_CALLER
        ):
            found.append(settled)
    return found


def _route(amount: str, *, urgent: bool) -> payments.clearing.Route:
    return clearing.route_payment(
        _read(amount, "amount"),
        is_urgent=urgent,
        now=_now(),
        calendar=china_calendar(),
        rulebook=Rulebook.load(),
    )


def _print_route(found: payments.clearing.Route) -> None:
    opens = "open now" if found.opens_at is None else f"opens {found.opens_at:%Y-%m-%d %H:%M}Z"
    typer.echo(f"{found.rail.value}  {opens}")
    for reason in found.reasons:
        rule = f"{reason.rule}, {reason.enforcement.value}, {reason.confidence.value}"
        typer.echo(f"  {reason.rail.value}: {reason.zh} / {reason.en} ({rule})")


def _now() -> datetime:
    return make_clock(Settings.from_environment()).now()


def _read(text: str, field: str) -> Money:
    return Money.parse(text, clearing.CURRENCY, field=field)


def _open() -> Database:
    settings = Settings.from_environment()
    return Database(settings.database_app_url, role=settings.database_app_role, size=2)


def _run(work: Callable[[UnitOfWork], Awaitable[Result]], *, is_reading: bool = False) -> Result:
    async def run() -> Result:
        async with _open() as database:
            if not is_reading:
                return await database.run(work, _CALLER)
            async with database.reading(_CALLER) as uow:
                return await work(uow)

    return asyncio.run(run())
