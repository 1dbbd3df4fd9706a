"""`huitong bank`: a simulated bank for the payment channel."""

from typing import Annotated

import typer
import uvicorn

from huitong.cli.process import load_entry_point, prepare_process


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("bank", short_help="Run a simulated bank for the payment channel.")(bank)


def bank(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port.")] = 8600,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    result_seconds: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="How long the bank thinks about an order.")
    ] = 0.2,
) -> None:
    """Run the bank that top-ups and withdrawals go through until there is a real one.

    [bold]huitong up[/bold] starts one by itself, unless HUITONG_BANK_CHANNEL_URL names another.
    It decides each order a moment later, and has trouble on demand: [bold]POST /faults[/bold] with
    {"kind": "delay" | "lost_answer" | "duplicate" | "error" | "refuse" | "reject"}.
    """
    prepare_process("bank")
    simulator = load_entry_point("huitong.payments:BankSimulator")(result_seconds=result_seconds)
    uvicorn.run(
        simulator.application(),
        host=host,
        port=port,
        fd=listen_fd,
        log_level="warning",
        lifespan="off",
    )
