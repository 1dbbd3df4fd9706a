"""`huitong channels`: how channels do, what they contradict, their secrets, and simulated ones."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn
from rich.console import Console
from rich.table import Table

from huitong.cli.process import load_entry_point, prepare_process
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.ids import CHANNEL_ATTEMPT, PAYMENT, show_id
from huitong.kernel.settings import Settings

_CALLER: Final = Caller(actor="cli")

app: Final = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Ways to banks and schemes: how they do, and simulated ones.",
)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    short_help = "See how channels do; run simulated ones."
    parent.add_typer(app, name="channels", short_help=short_help)


@app.command("list", short_help="List channels with their health, and open breaks.")
def list_all() -> None:
    """Print each channel, how it did in the last minutes, and where it contradicts our books."""
    channels, now = load_entry_point("huitong.payments:channels"), SystemClock().now()

    async def look() -> tuple[Any, Any]:
        async with _open() as database, database.reading(_CALLER) as uow:
            states = await channels.list_channel_states(uow, now=now)
            return states, await channels.list_channel_breaks(uow, is_open=True)

    states, breaks = asyncio.run(look())
    console, table = Console(), Table("channel", "kind", "on", "circuit", "yes", "no", "silent")
    for channel, health in states:
        counted = ("–", "–", "–", "–")
        if health is not None:
            counts = (health.succeeded, health.failed, health.unanswered)
            counted = (health.state.value, *(str(each) for each in counts))
        is_on = "yes" if channel.is_enabled else "no"
        table.add_row(channel.name, channel.kind.value, is_on, *counted)
    console.print(table)
    for found in breaks:
        typer.echo(
            f"{found.found_at:%Y-%m-%d %H:%M:%S}  {found.channel}  {found.kind.value}  "
            f"{found.amount}  {show_id(CHANNEL_ATTEMPT, found.channel_order_id)} of "
            f"{show_id(PAYMENT, found.order_id)}"
        )
    typer.echo(f"{len(breaks)} open break(s)")


@app.command("secret", short_help="Show what a channel signs its callbacks with.")
def secret(name: Annotated[str, typer.Argument(help="The channel's name.")]) -> None:
    """Print a channel's secret, made now if there is none: for whoever runs the channel."""
    typer.echo(
        load_entry_point("huitong.payments:channels").make_secret(
            Settings.from_environment().home, name
        )
    )


@app.command("simulate", short_help="Run simulated channels of all kinds.")
def simulate(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port.")] = 8600,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    result_seconds: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="How long a channel thinks about an order.")
    ] = 0.2,
    callback_url: Annotated[
        str | None,
        typer.Option(help="Where to call back, without the channel's name; nobody is called else."),
    ] = None,
    callback_ca: Annotated[
        Path | None,
        typer.Option(help="The authority (PEM) to trust there, such as tls/ca.crt of the home."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="Trouble by chance, such as query:delay=0.1; once for each kind."),
    ] = None,
    fault_seconds: Annotated[
        float, typer.Option(min=0.0, max=60.0, help="How long delays are.")
    ] = 1.0,
    state: Annotated[
        Path | None, typer.Option(help="Folder of the journals; in the home unless it is given.")
    ] = None,
) -> None:
    """Run the channels that money goes through until there are real ones.

    [bold]huitong up[/bold] starts them by itself, unless HUITONG_BANK_CHANNEL_URL names a bank.
    Each is under its name: [bold]/bank[/bold], [bold]/second-bank[/bold], [bold]/cards[/bold],
    [bold]/wallet[/bold], [bold]/border[/bold]; the bank also at the root. They decide an order a
    moment later and have trouble on demand: [bold]POST /cards/faults[/bold] with {"kind": "delay"
    | "lost_answer" | "lost_request" | "duplicate" | "error" | "refuse" | "reject" |
    "wrong_amount" | "nonsense" | "late_success", "on": "submit" | "query" | "callback"},
    [bold]PUT /cards/faults/rates[/bold] with {"rates": {"query:delay": 0.1}}.
    [bold]GET /bank/files/2026-11-23[/bold] is what was booked that day.
    """
    settings = prepare_process("channels")
    channels = load_entry_point("huitong.payments:channels")
    names = channels.KINDS if callback_url is not None else ()
    simulated = channels.make_channels(
        clock=load_entry_point("huitong.wiring.clocks:make_clock")(settings),
        result_seconds=result_seconds,
        folder=state or settings.home / "simulated-channels",
        rates=channels.read_rates(fault or ()),
        seconds=fault_seconds,
        callback_url=callback_url,
        secrets={
            name: channels.read_secret(channels.make_secret(settings.home, name)) for name in names
        },
        authority=callback_ca,
    )
    uvicorn.run(
        channels.make_application(simulated),
        host=host,
        port=port,
        fd=listen_fd,
        log_level="warning",
        lifespan="off",
    )


def _open() -> Database:
    settings = Settings.from_environment()
    return Database(settings.database_app_url, role=settings.database_app_role)
