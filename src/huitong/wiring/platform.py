"""The whole platform on one machine: database, migrations, API processes, worker.

This is what `huitong up` does, without the command line around it.
"""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database import embedded
from huitong.kernel.errors import Fault
from huitong.kernel.settings import Settings
from huitong.wiring.simulators import find_command, open_simulators
from huitong.wiring.supervisor import ChildPlan, Supervisor, run_to_end
from huitong.wiring.tls import (
    CertificateNotUsable,
    describe_serving,
    find_tls,
    make_client_context,
)

#: The file of a home that whoever runs its processes keeps locked.
LOCK_NAME: Final = "up.lock"
_PREDECESSOR_SECONDS_MAX: Final = 25.0
_READY_SECONDS_MAX: Final = 60.0
_POLL_SECONDS: Final = 0.1
_BACKLOG: Final = 2048
_LOG_TAIL_BYTES: Final = 4000
_LOG_TAIL_LINES: Final = 12


class PlatformCannotStart(Fault):
    """Something that the operator can put right keeps the platform from starting."""

    code = "platform_cannot_start"
    title = "The platform cannot start"

    def __init__(self, detail: str) -> None:
        """Make a fault whose `detail` says what to do about it."""
        super().__init__(detail, retryable=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformOptions:
    """What to run beside the database and the API."""

    has_worker: bool = True
    has_demo: bool = False
    is_logging_to_console: bool = False


@dataclass(slots=True)
class EmbeddedKeeper:
    """The embedded database of one home, for the supervisor."""

    home: Path
    _port: int | None = field(default=None, init=False)

    def is_running(self) -> bool:
        """Say whether the server lives."""
        return embedded.status(self.home).is_running

    def start(self) -> bool:
        """Start or adopt the server; say whether its port is another one than before."""
        previous = self._port
        self._port = embedded.start(self.home).address.port
        return previous not in (None, self._port)

    def stop(self) -> None:
        """Stop the server in order."""
        embedded.stop(self.home)


def run_platform(settings: Settings, options: PlatformOptions, say: Callable[[str], None]) -> None:
    """Run the platform until SIGINT or SIGTERM; `say` gets a line for each thing that happens.

    Raises Fault (PlatformCannotStart, SupervisionFailed, …) with a sentence for the operator.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with _only_one(settings) as had_crashed:
        files = find_tls(settings, SystemClock().now())
        for line in describe_serving(settings, files):
            say(line)
        # Before any process seals something: wrong or unreadable keys stop the start here.
        load_key_ring(settings.home, settings.master_keys)
        sockets = _listen(settings, wait_for_predecessor=had_crashed)
        try:
            with open_simulators(
                settings, has_worker=options.has_worker, has_demo=options.has_demo, say=say
            ) as (complete, simulators):
                asyncio.run(_run(complete, options, sockets, simulators, say))
        finally:
            for listening in sockets:
                listening.close()


def public_url(settings: Settings) -> str:
    """Return the address under which a browser on this machine finds the platform."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    return f"{'https' if settings.is_tls else 'http'}://{host}:{settings.port}"


async def _run(
    settings: Settings,
    options: PlatformOptions,
    sockets: list[socket.socket],
    simulators: Mapping[str, socket.socket],
    say: Callable[[str], None],
) -> None:
    keeper = EmbeddedKeeper(settings.home) if settings.is_database_embedded else None
    supervisor = Supervisor(
        plans=_plan_children(settings, options, sockets, simulators), say=say, database=keeper
    )
    preparing = asyncio.create_task(_prepare(settings, options, keeper, say))

    def on_signal() -> None:
        preparing.cancel()
        say("Stopping: the API finishes its requests, then the worker, then the database.")
        supervisor.request_stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)
    try:
        await preparing
    except BaseException as error:
        if keeper is not None:
            await asyncio.to_thread(keeper.stop)
        if isinstance(error, asyncio.CancelledError):
            return
        raise
    beside = (
        asyncio.create_task(_announce(settings, options, say)),
        asyncio.create_task(_keep_certificate(settings, say)),
    )
    try:
        await supervisor.run()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    say("Stopped.")


async def _prepare(
    settings: Settings,
    options: PlatformOptions,
    keeper: EmbeddedKeeper | None,
    say: Callable[[str], None],
) -> None:
    if keeper is None:
        say("Database: the one in HUITONG_DATABASE_URL.")
    else:
        is_new = not embedded.status(settings.home).is_initialised
        say("Database: making a new one …" if is_new else "Database: starting …")
        # A thread cannot be cancelled, and leaving it alone while it starts the server would leave
        # the server running; so a stop waits for it.
        await _finish(asyncio.to_thread(keeper.start))
        found = embedded.status(settings.home)
        say(f"Database: PostgreSQL on 127.0.0.1:{found.port}, data in {found.data_directory}")
    plan = _plan(settings, options, "migrate", ("migrate",))
    if await run_to_end(plan) != 0:
        raise PlatformCannotStart(f"The migrations failed.{_log_tail(plan)}")
    say("Schema: up to date.")


async def _keep_certificate(settings: Settings, say: Callable[[str], None]) -> None:
    """Renew our own certificate while we run; the API processes take it into use by themselves."""
    while settings.is_tls:
        await asyncio.sleep(limits.TLS_RENEWAL_CHECK_SECONDS)
        try:
            await asyncio.to_thread(find_tls, settings, SystemClock().now())
        except CertificateNotUsable as fault:
            say(f"TLS: {fault.detail}")


async def _finish(work: Coroutine[Any, Any, bool]) -> None:
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _announce(
    settings: Settings, options: PlatformOptions, say: Callable[[str], None]
) -> None:
    deadline = time.monotonic() + _READY_SECONDS_MAX
    while not await _answers(settings):
        if time.monotonic() >= deadline:
            say(f"The API has not answered yet; its log is in {_log_directory(settings)}")
            return
        await asyncio.sleep(_POLL_SECONDS)
    if options.has_demo:
        plan = _plan(settings, options, "demo", ("demo", "--seed-only"))
        if await run_to_end(plan) == 0:
            say("Demo customers and merchants are there.")
        else:
            say(f"The demo data could not be made.{_log_tail(plan)}")
    say(f"Huitong is running at {public_url(settings)} (Ctrl-C stops it)")


async def _answers(settings: Settings) -> bool:
    """Say whether an API process answers; any answer counts, also a refusal."""
    host = public_url(settings).partition("://")[2].rpartition(":")[0].strip("[]")
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(2.0):
            context = make_client_context(settings)
            reader, writer = await asyncio.open_connection(host, settings.port, ssl=context)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return (await reader.readline()).startswith(b"HTTP/1.")
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.close()


def _plan_children(
    settings: Settings,
    options: PlatformOptions,
    sockets: list[socket.socket],
    simulators: Mapping[str, socket.socket],
) -> list[ChildPlan]:
    plans = [
        _plan(
            settings,
            options,
            f"api-{number}",
            ("serve", "--listen-fd", str(listening.fileno())),
            descriptors=(listening.fileno(),),
        )
        for number, listening in enumerate(sockets, start=1)
    ]
    if options.has_worker:
        plans.append(_plan(settings, options, "worker", ("worker",), stop_rank=1))
    for name, listening in simulators.items():
        number = listening.fileno()
        plans.append(
            _plan(
                settings,
                options,
                name,
                (*find_command(name, settings), "--listen-fd", str(number)),
                descriptors=(number,),
                stop_rank=2,
            )
        )
    return plans


def _plan(
    settings: Settings,
    options: PlatformOptions,
    name: str,
    arguments: tuple[str, ...],
    *,
    descriptors: tuple[int, ...] = (),
    stop_rank: int = 0,
) -> ChildPlan:
    is_console = options.is_logging_to_console
    return ChildPlan(
        name=name,
        arguments=(sys.executable, "-m", "huitong.cli", *arguments),
        environment={**os.environ, **settings.to_environment(), "HUITONG_PROCESS": name},
        log_file=None if is_console else _log_directory(settings) / f"{name}.log",
        inherited_descriptors=descriptors,
        stop_rank=stop_rank,
    )


def _log_directory(settings: Settings) -> Path:
    return settings.home / "log"


def _log_tail(plan: ChildPlan) -> str:
    if plan.log_file is None or not plan.log_file.exists():
        return ""
    with plan.log_file.open("rb") as file:
        file.seek(max(0, plan.log_file.stat().st_size - _LOG_TAIL_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    return f" The end of {plan.log_file}:\n" + "\n".join(text.splitlines()[-_LOG_TAIL_LINES:])


@contextlib.contextmanager
def _only_one(settings: Settings) -> Iterator[bool]:
    """Hold the home for this run; yields whether the run before ended without tidying up."""
    path = settings.home / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlatformCannotStart(_describe_running(path, settings.home)) from None
        had_crashed = bool(os.read(descriptor, 1))
        note = {"pid": os.getpid(), "url": public_url(settings)}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(note).encode(), 0)
        try:
            yield had_crashed
        finally:
            # Only a run that was killed leaves its note behind.
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _describe_running(path: Path, home: Path) -> str:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        which = f"process {note['pid']}, {note['url']}"
    except (OSError, ValueError, KeyError, TypeError):
        which = "another process"
    return (
        f"Huitong already runs in {home} ({which}). Stop it first, or give this one a home of its "
        "own in HUITONG_HOME and another --port."
    )


def _listen(settings: Settings, *, wait_for_predecessor: bool) -> list[socket.socket]:
    """Return one listening socket for each API process, all on the same port.

    The kernel spreads connections over them. They stay open here for the whole run, so that a
    connection made while a process restarts waits for it instead of being refused.
    """
    # Children of a killed run need a moment until they have noticed and let go of the port.
    deadline = time.monotonic() + (_PREDECESSOR_SECONDS_MAX if wait_for_predecessor else 0.0)
    while True:
        try:
            # Without SO_REUSEPORT first: with it, the bind would also succeed beside another
            # program of this user that uses it, and the two would share the visitors.
            _bind(settings, is_shared=False).close()
            return [_bind(settings, is_shared=True) for _number in range(settings.workers)]
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                continue
            raise PlatformCannotStart(_describe_bind_error(settings, error)) from error


def _bind(settings: Settings, *, is_shared: bool) -> socket.socket:
    family, kind, protocol, _name, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
        if is_shared:
            listening.listen(_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _describe_bind_error(settings: Settings, error: OSError) -> str:
    where = f"port {settings.port} on {settings.host}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Another program uses {where}. Stop it (`ss -ltnp 'sport = :{settings.port}'` shows "
            f"it), or choose another port: `huitong up --port {settings.port + 1}`."
        )
    if error.errno == errno.EACCES:
        return f"This user may not use {where}: choose a port above 1023 with --port."
    return f"Huitong cannot listen on {where}: {error.strerror or error}. Check --host."
