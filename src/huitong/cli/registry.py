"""`huitong registry`: the simulated registries for people, bank cards and businesses."""

from typing import Annotated

import typer
import uvicorn

from huitong.cli.process import load_entry_point, prepare_process


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    short_help = "Run simulated registries for identity checks."
    app.command("registry", short_help=short_help)(registry)


def registry(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port.")] = 8601,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the registries that people, bank cards, mobile numbers and businesses are checked at.

    It answers by rule: numbers that break their standard are not found, and of those in order 2 in
    100 belong to somebody else and 1 in 100 to nobody, always the same ones. A business with
    注销, 吊销 or 异常 in its name is deregistered, revoked or abnormal, and
    [bold]PUT /businesses/CODE[/bold] tells it about one with its shareholders. It has trouble on
    demand: [bold]POST /faults[/bold] with {"kind": "late" | "lost_answer" | "twice" | "error" |
    "refuse" | "wrong_request" | "forged" | "garbage" | "flood"}. HUITONG_REGISTRY_SECRET is what
    both ends sign with; without it, a secret that everybody knows.
    """
    settings = prepare_process("registry")
    simulator = load_entry_point("huitong.customers:RegistrySimulator")(
        clock=load_entry_point("huitong.kernel.clock:SystemClock")(),
        secret=settings.registry_secret,
    )
    uvicorn.run(
        simulator.application(),
        host=host,
        port=port,
        fd=listen_fd,
        log_level="warning",
        lifespan="off",
    )
