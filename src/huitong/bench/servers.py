"""The servers under load: our own API as users start it, and the naive one beside it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

from huitong.bench.machine import read_peak_memory_mb
from huitong.bench.scratch import Scratch
from huitong.bench.types import BenchmarkFailed
from huitong.wiring.trial import is_ready

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 2_048
_READY_SECONDS_MAX: Final = 60.0
_STOP_SECONDS_MAX: Final = 30.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Served:
    """Processes that answer at one port."""

    port: int
    processes: Sequence["subprocess.Popen[bytes]"]

    def peak_memory_mb(self) -> float:
        """Return the most memory that any one of the processes ever had, in MB."""
        return max(read_peak_memory_mb(process.pid) for process in self.processes)


@contextmanager
def serve_huitong(
    scratch: Scratch, *, processes: int, log: IO[bytes], is_risk_asked: bool = False
) -> Iterator[Served]:
    """Run `huitong serve` in `processes` processes that share one port."""
    command = [sys.executable, "-m", "huitong.cli", "serve", "--listen-fd"]
    risk = "on" if is_risk_asked else "off"
    with _serve(command, scratch, processes, log, HUITONG_RISK=risk) as served:
        yield served


@contextmanager
def serve_naive(scratch: Scratch, *, log: IO[bytes]) -> Iterator[Served]:
    """Run the naive application in a process of its own, under the same server program."""
    command = [
        sys.executable, "-m", "uvicorn", "huitong.bench.naive_payments:create_app", "--factory",
        "--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools",
        "--fd",
    ]  # fmt: skip
    with _serve(command, scratch, 1, log) as served:
        yield served


@contextmanager
def run_worker(scratch: Scratch, *, log: IO[bytes]) -> Iterator[None]:
    """Run `huitong worker`, which delivers events and makes statement lines."""
    process = _start([sys.executable, "-m", "huitong.cli", "worker"], scratch, log)
    try:
        yield
    finally:
        _stop([process])


@contextmanager
def _serve(
    command: Sequence[str], scratch: Scratch, processes: int, log: IO[bytes], **variables: str
) -> Iterator[Served]:
    with ExitStack() as stack:
        # As `huitong up` does: a socket for each process, over which the kernel spreads visitors.
        # From one socket for all, whoever is awake takes them, often all of them.
        port = 0
        started: list[subprocess.Popen[bytes]] = []
        stack.callback(lambda: _stop(started))
        for _ in range(processes):
            listener = stack.enter_context(
                socket.create_server((HOST, port), backlog=_BACKLOG, reuse_port=True)
            )
            port = listener.getsockname()[1]
            number = listener.fileno()
            variables["HUITONG_WORKERS"] = str(processes)
            started.append(
                _start([*command, str(number)], scratch, log, variables, pass_fds=(number,))
            )
        served = Served(port, started)
        _wait_until_ready(served)
        yield served


def _start(
    command: Sequence[str],
    scratch: Scratch,
    log: IO[bytes],
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> "subprocess.Popen[bytes]":
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("HUITONG_")}
    return subprocess.Popen(  # noqa: S603 - our own command lines
        list(command),
        env=inherited | scratch.environment | dict(variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        **options,
    )


def _wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + _READY_SECONDS_MAX
    while not is_ready(f"http://{HOST}:{served.port}"):
        if any(process.poll() is not None for process in served.processes):
            raise BenchmarkFailed("a server ended before it was ready", retryable=False)
        if time.monotonic() >= deadline:
            raise BenchmarkFailed("a server did not become ready", retryable=False)
        time.sleep(_POLL_SECONDS)


def _stop(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
