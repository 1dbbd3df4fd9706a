"""A whole platform for a while: `huitong up` in a home of its own, as a user would start it.

For demonstrations and fault runs. What is measured or shown there is what users get, because it is
started in the same way.
"""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from huitong.kernel.database import embedded
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import Fault
from huitong.kernel.settings import ClockChoice, Settings

if TYPE_CHECKING:
    from huitong import identity

_READY_SECONDS_MAX: Final = 120.0
_STOP_SECONDS_MAX: Final = 90.0
_POLL_SECONDS: Final = 0.1
_PROBE_SECONDS_MAX: Final = 2.0
_LOG_LINES_SHOWN: Final = 12


class TrialFailed(Fault):
    """The platform of a trial did not start, or ended when it should not have."""

    code = "trial_failed"
    title = "The platform for this run could not be kept running"


@dataclass(slots=True, kw_only=True)
class Trial:
    """A platform of its own: where it lives, where it answers, and the process that runs it."""

    home: Path
    port: int
    workers: int = 1
    arguments: Sequence[str] = ()
    clock: ClockChoice = "machine"
    trusted_proxies: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        """The settings of its processes; the database's address is known once it has started."""
        return Settings(
            home=self.home,
            port=self.port,
            workers=self.workers,
            clock=self.clock,
            trusted_proxies=self.trusted_proxies,
        ).with_embedded_database()

    @property
    def log_file(self) -> Path:
        """What `huitong up` said."""
        return self.home / "log" / "up.log"

    def launch(self) -> None:
        """Start `huitong up` and wait until it is ready; raises TrialFailed."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", "huitong.cli", "up", *self.arguments],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches us alone, and we stop it in order.
                start_new_session=True,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the API says that it can work; raises TrialFailed."""
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not is_ready(self.url):
            if self.process is not None and self.process.poll() is not None:
                raise TrialFailed(f"`huitong up` ended.{self._log_tail()}", retryable=False)
            if time.monotonic() >= deadline:
                raise TrialFailed(f"{self.url} is not ready.{self._log_tail()}", retryable=False)
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop everything in order, and by force if it does not stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        # A supervisor that was killed leaves its database running.
        embedded.stop(self.home)

    def environment(self) -> dict[str, str]:
        """Return the variables for a process of this platform, and none of another one's."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("HUITONG_")
        }
        return {**inherited, **self.settings.to_environment()}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of our own commands against this platform and return how it ended."""
        return subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", "huitong.cli", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def _log_tail(self) -> str:
        try:
            lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return f" The end of {self.log_file}:\n" + "\n".join(lines[-_LOG_LINES_SHOWN:])


@contextmanager
def trial_platform(
    *,
    workers: int = 1,
    arguments: Sequence[str] = (),
    clock: ClockChoice = "machine",
    trusted_proxies: tuple[str, ...] = (),
    say: Callable[[str], None] | None = None,
) -> Iterator[Trial]:
    """Run a platform in a temporary home until the block ends; it and its data are gone then.

    After a failure in the block the logs are kept, and `say` is told where.
    """
    home = Path(tempfile.mkdtemp(prefix="huitong-trial-"))
    # Run as root, the database takes another user, which must get to its data.
    home.chmod(0o755)
    trial = Trial(
        home=home,
        port=_find_free_port(),
        workers=workers,
        arguments=arguments,
        clock=clock,
        trusted_proxies=trusted_proxies,
    )
    try:
        trial.launch()
        yield trial
    except BaseException:
        trial.stop()
        kept = Path(tempfile.mkdtemp(prefix="huitong-trial-log-"))
        shutil.copytree(home / "log", kept, dirs_exist_ok=True)
        if say is not None:
            say(f"The logs of this run are kept in {kept}")
        raise
    else:
        trial.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def is_ready(url: str, *, context: ssl.SSLContext | None = None) -> bool:
    """Say whether a platform answers at `url` and can work; `context` says whom TLS trusts."""
    parts = urlsplit(url)
    connection = (
        HTTPSConnection(parts.netloc, timeout=_PROBE_SECONDS_MAX, context=context)
        if parts.scheme == "https"
        else HTTPConnection(parts.netloc, timeout=_PROBE_SECONDS_MAX)
    )
    try:
        connection.request("GET", f"{parts.path}/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


async def issue_key(
    settings: Settings,
    *,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    merchant_id: uuid.UUID | None = None,
) -> "identity.IssuedKey":
    """Make an API key directly in the platform's database, as only its operator can."""
    # Here, because every command would pay for loading what people log in with.
    from huitong import identity  # noqa: PLC0415

    async with (
        Database(settings.database_app_url, role=settings.database_app_role) as database,
        database.unit_of_work() as uow,
    ):
        return await identity.issue_api_key(
            uow, name=name, scopes=scopes, now=now, merchant_id=merchant_id
        )


async def revoke_key(settings: Settings, issued: "identity.IssuedKey", *, now: datetime) -> None:
    """Revoke a key that `issue_key` made."""
    from huitong import identity  # noqa: PLC0415 - as above

    async with (
        Database(settings.database_app_url, role=settings.database_app_role) as database,
        database.unit_of_work() as uow,
    ):
        await identity.revoke_api_key(uow, issued.key.id, now=now)


def _find_free_port() -> int:
    # Another program could take it before we do; `huitong up` then says so, and the run is
    # repeated by hand.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
