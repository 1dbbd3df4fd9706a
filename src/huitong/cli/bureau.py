"""`huitong bureau`: the simulated credit bureau."""

from typing import Annotated

import typer
import uvicorn

from huitong.cli.process import load_entry_point, prepare_process


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    short_help = "Run a simulated credit bureau."
    app.command("bureau", short_help=short_help)(bureau)


def bureau(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port.")] = 8602,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the credit bureau that reports of applicants are asked for at.

    It makes a report up from the number, always the same one: one in ten has no history, and 15 in
    100 were late. [bold]PUT /people/NUMBER[/bold] tells it another report. It has trouble on
    demand: [bold]POST /faults[/bold] with {"kind": "late" | "lost_answer" | "error" | "refuse" |
    "wrong_request" | "forged" | "garbage" | "flood"}. HUITONG_BUREAU_SECRET is what both ends sign
    with; without it, a secret that everybody knows.
    """
    settings = prepare_process("bureau")
    simulator = load_entry_point("huitong.lending:bureau.BureauSimulator")(
        clock=load_entry_point("huitong.wiring.clocks:make_clock")(settings),
        secret=settings.bureau_secret,
    )
    uvicorn.run(
        simulator.application(),
        host=host,
        port=port,
        fd=listen_fd,
        log_level="warning",
        lifespan="off",
    )
