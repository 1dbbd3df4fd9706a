"""`huitong serve`: one API process."""

import gc
import socket
from typing import Annotated, Final

import typer
import uvicorn

from huitong.cli.process import load_entry_point, prepare_process
from huitong.kernel.telemetry import shutdown_telemetry

_BACKLOG: Final = 2048
_DRAIN_SECONDS: Final = 20
_KEEP_ALIVE_SECONDS: Final = 75
#: How many objects more than before are made until the collector looks at the young ones.
_YOUNG_OBJECTS: Final = 20_000


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("serve", short_help="Run one API process.")(serve)


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port.")] = None,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one API process against a database that runs already.

    [bold]huitong up[/bold] starts as many of these as you ask for. Run it yourself where something
    else (systemd, Kubernetes) does the supervising. On SIGTERM it finishes its requests.
    """
    settings = prepare_process("api")
    application = load_entry_point("huitong.api:create_app")(settings)
    _spare_collector()
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            host=host or settings.host,
            port=port or settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            interface="asgi3",
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            # Our own logs and metrics cover requests; a line for each would cost more than it.
            access_log=False,
            log_config=None,
            server_header=False,
            # Only a proxy that was configured may tell us the client's address.
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
        )
    )
    try:
        server.run(sockets=None if listen_fd is None else [socket.socket(fileno=listen_fd)])
    finally:
        shutdown_telemetry()
    if not server.started:
        raise typer.Exit(code=3)


def _spare_collector() -> None:
    """Take what was loaded until now out of the garbage collector's sight.

    Modules, routes and schemas are hundreds of thousands of objects that live as long as the
    process. Without this every full collection walks them all, and whoever pays meanwhile waits
    for some fifty milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
