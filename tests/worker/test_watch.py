"""`huitong worker` as a process: it looks, it is missed when it dies, and its metrics are shown."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from huitong import operations
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database
from huitong.wiring import watching

SECONDS_MAX = 60.0


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def start_worker(owner_url: str, home: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "huitong.cli", "worker"],
        env={
            **os.environ,
            "HUITONG_DATABASE_URL": owner_url,
            "HUITONG_HOME": str(home),
            "HUITONG_WORKER_METRICS_PORT": str(port),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def wait_until_looked(database: Database) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        async with database.reading() as uow:
            at = await uow.fetch_value("SELECT evaluated_at FROM operations.state")
            alive = await uow.fetch_value(
                "SELECT count(*) FROM operations.watchers WHERE ended_at IS NULL"
            )
        if at is not None and alive:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the worker never looked")


@pytest.mark.parametrize(("how", "is_missed"), [(signal.SIGTERM, False), (signal.SIGKILL, True)])
async def test_a_worker_looks_and_is_missed_only_if_it_was_killed(
    database: Database, owner_url: str, tmp_path: Path, how: signal.Signals, is_missed: bool
) -> None:
    port = find_port()
    worker = start_worker(owner_url, tmp_path, port)
    try:
        await wait_until_looked(database)
        async with httpx.AsyncClient() as client:
            metrics = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert metrics.status_code == 200
        assert "huitong_outbox_pending" in metrics.text
    finally:
        worker.send_signal(how)
        await asyncio.to_thread(worker.wait, SECONDS_MAX)
    await watching.evaluate(database, SystemClock().now() + timedelta(seconds=65))
    async with database.reading() as uow:
        found = await operations.list_incidents(uow)
    kinds = [each.kind.value for each in found]
    assert kinds == (["watcher_silent"] if is_missed else [])
