"""`huitong up`: the whole platform with one command."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from huitong.kernel.settings import WORKERS_MAX, Settings
from huitong.wiring.platform import PlatformOptions, run_platform

_Tls = Annotated[
    bool, typer.Option("--tls", help="Speak HTTPS, with a certificate of our own under the home.")
]
_TlsCertificate = Annotated[
    Path | None, typer.Option(help="Speak HTTPS with this certificate chain, in PEM.")
]
_TlsKey = Annotated[Path | None, typer.Option(help="Its private key, in PEM.")]
_TlsNames = Annotated[
    list[str] | None,
    typer.Option(
        help="A host name or address for our own certificate; repeat for more.", metavar="NAME"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("up", short_help="Run the whole platform on this machine.")(up)


def up(
    *,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on; 0.0.0.0 lets other machines in, with --tls.",
            show_default="127.0.0.1",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port to listen on.", show_default="8000")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=WORKERS_MAX, help="API processes.", show_default="half of the processors"
        ),
    ] = None,
    worker: Annotated[
        bool, typer.Option(help="Run the worker, which delivers events and runs jobs.")
    ] = True,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make demo customers and merchants, once.")
    ] = False,
    tls: _Tls = False,
    tls_cert: _TlsCertificate = None,
    tls_key: _TlsKey = None,
    tls_name: _TlsNames = None,
    log_to_console: Annotated[
        bool,
        typer.Option("--log-to-console", help="Write all logs here, not to files under the home."),
    ] = False,
) -> None:
    """Run the whole platform: database, migrations, API and worker.

    Processes that die are started again. Ctrl-C stops everything in order; after a power cut or
    `kill -9` the next `huitong up` picks up where the last one was, and nothing that was
    acknowledged is lost.

    The same settings come from HUITONG_HOST, HUITONG_PORT, HUITONG_WORKERS, HUITONG_TLS=on,
    HUITONG_TLS_CERT, HUITONG_TLS_KEY and HUITONG_TLS_NAMES.
    """
    settings = Settings.from_environment()
    settings = replace(
        settings,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
        is_tls=settings.is_tls or tls or bool(tls_cert or tls_key),
        tls_certificate=tls_cert.absolute() if tls_cert else settings.tls_certificate,
        tls_key=tls_key.absolute() if tls_key else settings.tls_key,
        tls_names=tuple(tls_name or settings.tls_names),
    )
    console = Console(highlight=False)

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    run_platform(
        settings,
        PlatformOptions(has_worker=worker, has_demo=demo, is_logging_to_console=log_to_console),
        say,
    )
