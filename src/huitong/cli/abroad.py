"""`huitong abroad`: a simulated market for rates and a simulated bank abroad, at one address."""

from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from huitong.cli.process import load_entry_point, prepare_process
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("abroad", short_help="Run a simulated market and bank abroad.")(abroad)


def abroad(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port.")] = 8700,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the source of rates and the bank that payments abroad go to, until there are real ones.

    Both misbehave on request: [bold]PUT /market/fault[/bold] with {"fault": "stale" | "crossed" |
    "missing" | "outlier" | "nonsense" | "down" | null}, [bold]PUT /bank/fault[/bold] with
    {"fault": "answer_lost" | "down" | "refuses" | "nonsense" | null}. What the bank says of a
    payment: [bold]GET /bank/reports/{uetr}/{status}[/bold], a pacs.002 to be handed in.
    """
    prepare_process("abroad")
    clock, application = make_clock(Settings.from_environment()), Starlette()
    market = load_entry_point("huitong.payments.crossborder:RateSimulator")(clock=clock)
    bank = load_entry_point("huitong.payments.crossborder:CorrespondentSimulator")(clock=clock)
    application.mount("/market", market.application())
    application.mount("/bank", bank.application())
    uvicorn.run(
        application, host=host, port=port, fd=listen_fd, log_level="warning", lifespan="off"
    )
