"""`huitong serve`: one API process."""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import replace
from typing import Annotated, Any, Final

import typer
import uvicorn
import uvloop

from huitong.cli.process import load_entry_point, prepare_process
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.collector import spare_collector
from huitong.kernel.logs import get_logger
from huitong.kernel.settings import Settings
from huitong.kernel.telemetry import shutdown_telemetry
from huitong.wiring.tls import (
    CertificateNotUsable,
    TlsFiles,
    describe_plain,
    find_tls,
    load_certificate,
    make_server_context,
    read_stamp,
)

_log = get_logger(__name__)

_BACKLOG: Final = 2048
_DRAIN_SECONDS: Final = 20
_KEEP_ALIVE_SECONDS: Final = 75


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
    settings = replace(settings, host=host or settings.host, port=port or settings.port)
    for line in describe_plain(settings):
        _log.warning("plain_http", detail=line)
    files = find_tls(settings, SystemClock().now())
    context = None if files is None else make_server_context(files)
    server = _make_server(settings, context)
    sockets = None if listen_fd is None else [socket.socket(fileno=listen_fd)]
    try:
        uvloop.run(_serve(server, sockets, files, context))
    finally:
        shutdown_telemetry()
    if not server.started:
        raise typer.Exit(code=3)


def _make_server(settings: Settings, context: ssl.SSLContext | None) -> uvicorn.Server:
    application = load_entry_point("huitong.api:create_app")(settings)
    spare_collector()
    return uvicorn.Server(make_config(application, settings, context))


def make_config(
    application: Any,
    settings: Settings,
    context: ssl.SSLContext | None = None,
) -> uvicorn.Config:
    """Return how an API process serves an ASGI application."""
    return uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=load_entry_point("huitong.api.protocol:BoundedProtocol"),
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
        ssl_context_factory=None if context is None else lambda _config, _default: context,
        # Only a proxy that was configured may tell us the client's address.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )


async def _serve(
    server: uvicorn.Server,
    sockets: list[socket.socket] | None,
    files: TlsFiles | None,
    context: ssl.SSLContext | None,
) -> None:
    watching = None
    if files is not None and context is not None:
        watching = asyncio.create_task(_watch_certificate(files, context))
    try:
        await server.serve(sockets=sockets)
    finally:
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


async def _watch_certificate(files: TlsFiles, context: ssl.SSLContext) -> None:
    """Take a renewed certificate into use for new connections, without a restart."""
    known = read_stamp(files)
    while True:
        await asyncio.sleep(limits.TLS_WATCH_SECONDS)
        found = read_stamp(files)
        if found == known:
            continue
        try:
            # Tried elsewhere first: a certificate without its key would spoil the context in use.
            make_server_context(files)
            load_certificate(context, files)
        except CertificateNotUsable as fault:
            # Perhaps only one of the two files has been replaced so far.
            _log.warning("certificate_not_taken", detail=fault.detail)
        else:
            known = found
            _log.info("certificate_taken")
