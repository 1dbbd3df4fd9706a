"""`huitong sms-gateway`: a simulated SMS gateway for one-time codes."""

from typing import Annotated

import typer
import uvicorn

from huitong.cli.process import load_entry_point, prepare_process


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("sms-gateway", short_help="Run a simulated SMS gateway for codes.")(sms_gateway)


def sms_gateway(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port.")] = 8601,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the gateway that one-time codes go through until there is a real one.

    [bold]huitong up[/bold] starts one by itself, unless HUITONG_SMS_GATEWAY_URL names another. No
    message leaves the machine: [bold]GET /messages?mobile=…[/bold] shows them. It has trouble on
    demand: [bold]POST /faults[/bold] with {"kind": "delay" | "error" | "reject"}.
    """
    prepare_process("sms-gateway")
    simulator = load_entry_point("huitong.identity:SmsGatewaySimulator")()
    uvicorn.run(
        simulator.application(),
        host=host,
        port=port,
        fd=listen_fd,
        log_level="warning",
        lifespan="off",
        # A number stands in the address of a question.
        access_log=False,
    )
