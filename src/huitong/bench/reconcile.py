"""`bench reconcile`: a day of 1,000,000 payments against the channel's file, breaks of every kind.

What runs is `huitong reconcile` as people run it, in a process of its own; beside it what a script
would do: read both sides into memory and compare them in a dictionary.
"""

import asyncio
import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psutil
import uvloop

from huitong import payments
from huitong.bench.channel_days import ChannelDay, Kind
from huitong.bench.machine import describe_machine
from huitong.bench.population import populate
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.ledger import add_partitions

PAYMENTS: Final = 1_000_000
#: Of each kind of break, for a thousand payments.
SHARE: Final = 1_000
ACCOUNTS: Final = 10_000
_SECONDS_MAX: Final = 600
_POLL_SECONDS: Final = 0.05
_BREAKS_WAIT: Final = 3
_FOUND: Final = """
    SELECT kind, attempt_id, transfer_id, line FROM payments.recon_breaks
"""
_OURS: Final = """
    SELECT c.id, c.direction, o.amount, o.currency, c.fee, c.state
      FROM payments.channel_orders c JOIN payments.orders o ON o.id = c.order_id
"""
_OF_LINES: Final = (Kind.DOUBLED_IN_FILE, Kind.MISSING_WITH_US, Kind.UNKNOWN_REFERENCE)
_OF_TRANSFERS: Final = (Kind.DOUBLED_WITH_US, Kind.LEDGER_WITHOUT_ORDER)
_TARGETS: Final = (
    Target(figure="seconds", value=20.0, is_maximum=True),
    Target(figure="peak_memory_mb", value=1_024, is_maximum=True),
)


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch, TemporaryDirectory(prefix="huitong-bench-") as folder:
        return uvloop.run(_measure(scratch, Path(folder) / "channel.csv", options))


async def _measure(scratch: Scratch, path: Path, options: Options) -> Result:
    count = options.scaled(PAYMENTS, least=1_000)
    day = ChannelDay(
        business_day(datetime.now(UTC)) - timedelta(days=1),
        count,
        planted=max(1, count // SHARE),
        seed=options.seed,
    )
    options.say(f"posting {count:,} payments, {day.planted * len(Kind):,} of them with a break")
    owner = await scratch.connect_owner()
    try:
        await _prepare(scratch, owner, day, accounts=options.scaled(ACCOUNTS, least=10))
        content = day.write()
        await asyncio.to_thread(path.write_bytes, content)
        options.say(f"reconciling a file of {len(content) / 1e6:.0f} MB")
        run = _Run(scratch, day, path)
        await asyncio.to_thread(run.reconcile)
        await _check(owner, day)
        options.say("comparing in a dictionary")
        naive = await _compare_naively(owner, content)
    finally:
        await owner.close()
    return Result(
        name="reconcile",
        title="A day of payments against the file of its channel",
        figures={
            "seconds": round(run.seconds, 2),
            "lines": len(day.lines),
            "lines_per_second": round(len(day.lines) / run.seconds),
            "breaks": day.planted * len(Kind),
            "peak_memory_mb": round(run.memory_mb),
        },
        baselines={"naive_seconds": round(naive, 2)},
        machine=describe_machine(scratch),
        details={
            "notes": {
                "seconds": "huitong reconcile from start to exit: the file checked, stored and "
                "matched, every payment and entry of the day compared with the journal",
                "peak_memory_mb": "of the command and, where the server is ours, of the memory "
                "that its processes do not share, together",
                "naive_seconds": "both sides read into memory and compared by id, nothing stored, "
                "no journal: it cannot find five of the fourteen kinds",
            }
        },
        targets=_TARGETS,
    )


async def _prepare(
    scratch: Scratch, owner: DriverConnection, day: ChannelDay, *, accounts: int
) -> None:
    population = await populate(scratch, owner, accounts=accounts, seed=day.seed)
    async with scratch.open_as_owner() as database:
        async with database.unit_of_work() as uow:
            # The day may be the last one of the month before.
            await add_partitions(uow, now=datetime.now(UTC) - timedelta(days=3))
            own = await payments.find_own_accounts(uow, "CNY")
        await day.fill(database, owner, [int(each) for each in population.customers], own.channel)


class _Run:
    """The command on a day and a file: how long it took, and how much memory."""

    def __init__(self, scratch: Scratch, day: ChannelDay, path: Path) -> None:
        self._scratch, self._day, self._path = scratch, day, path
        self.seconds, self.memory_mb = 0.0, 0.0

    def reconcile(self) -> None:
        """Run the command to its end."""
        command = [sys.executable, "-m", "huitong.cli", "reconcile", "--json"]
        command += ["--day", self._day.day.isoformat(), "--file", str(self._path)]
        environment = {**os.environ, **self._scratch.environment}
        started = time.perf_counter()
        with subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            while process.poll() is None:
                self.memory_mb = max(self.memory_mb, self._measure_memory(process.pid))
                if time.perf_counter() - started > _SECONDS_MAX:
                    process.kill()
                time.sleep(_POLL_SECONDS)
            assert process.stderr is not None
            said = process.stderr.read().decode(errors="replace")
        self.seconds = time.perf_counter() - started
        if process.returncode != _BREAKS_WAIT:
            raise BenchmarkFailed(f"reconcile ended with {process.returncode}: {said[-500:]}")

    def _measure_memory(self, process_id: int) -> float:
        ours = _read_memory(process_id, "VmRSS")
        return ours + sum(_read_memory(each, "RssAnon") for each in self._find_servers())

    def _find_servers(self) -> Iterator[int]:
        if not self._scratch.is_embedded:
            return
        home = str(self._scratch.settings_for_processes.home)
        for each in psutil.process_iter(["cmdline", "pid"]):
            if home in " ".join(each.info["cmdline"] or ()) and "postgres" in each.name():
                yield each.pid
                yield from (child.pid for child in each.children())


def _read_memory(process_id: int, field: str) -> float:
    """Return a figure of a process in MB; 0 if it has ended."""
    try:
        text = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    values = [line.split()[1] for line in text.splitlines() if line.startswith(f"{field}:")]
    return int(values[0]) / 1_024 if values else 0.0


async def _check(owner: DriverConnection, day: ChannelDay) -> None:
    """Raise BenchmarkFailed unless exactly the breaks that were planted were found."""
    found: dict[object, set[object]] = {}
    for row in await owner.fetch(_FOUND):
        kind = Kind(row["kind"])
        name = (
            "line"
            if kind in _OF_LINES
            else "transfer_id"
            if kind in _OF_TRANSFERS
            else "attempt_id"
        )
        found.setdefault(kind, set()).add(row[name])
    wrong = {kind.value for kind in Kind if found.get(kind) != day.expected[kind]}
    if wrong:
        raise BenchmarkFailed(f"not what was planted: {sorted(wrong)}", retryable=False)


async def _compare_naively(owner: DriverConnection, content: bytes) -> float:
    """Compare as a script would; return how long it took."""
    started = time.perf_counter()
    ours: dict[str, Any] = {row["id"].hex: row for row in await owner.fetch(_OURS)}
    rows = csv.reader(io.StringIO(content.decode()))
    next(rows), next(rows)
    differing, seen = 0, set[str]()
    for _, attempt, _, direction, amount, currency, fee, state, _ in rows:
        row: Mapping[str, Any] | None = ours.get(attempt)
        minor = int(amount.replace(".", "")), int(fee.replace(".", ""))
        is_same = row is not None and (direction, currency, state, *minor) == (
            row["direction"],
            row["currency"],
            row["state"],
            row["amount"],
            row["fee"],
        )
        differing += not is_same or attempt in seen
        seen.add(attempt)
    missing = len(ours.keys() - seen)
    if not (differing and missing):
        raise BenchmarkFailed("the naive comparison found nothing")
    return time.perf_counter() - started
