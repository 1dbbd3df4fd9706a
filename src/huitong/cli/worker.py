"""`huitong worker`: one process that delivers events and runs jobs."""

import asyncio
import contextlib
import signal
from typing import Any

import typer
import uvloop

from huitong.cli.process import load_entry_point, prepare_process
from huitong.kernel.collector import spare_collector
from huitong.kernel.logs import get_logger
from huitong.kernel.metrics import serve_metrics
from huitong.kernel.telemetry import shutdown_telemetry

_log = get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("worker", short_help="Run one worker process.")(worker)


def worker() -> None:
    """Run one worker against a database that runs already: events, jobs, timers.

    Start as many as you like: each piece of work is done by one of them. On SIGTERM it finishes
    what it is doing.
    """
    settings = prepare_process("worker")
    run = load_entry_point("huitong.worker:run")
    if settings.worker_metrics_port is not None:
        try:
            serve_metrics(settings.worker_metrics_port)
        except OSError as error:
            # Work goes on without being looked at; a second worker of one machine gets here, too.
            _log.warning("metrics_not_served", reason=str(error))
    spare_collector()
    try:
        uvloop.run(_run_until_signal(run(settings)))
    finally:
        shutdown_telemetry()


async def _run_until_signal(work: Any) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # The worker ends by being cancelled; it tidies up in its `finally`.
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
