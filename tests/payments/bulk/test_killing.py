"""A file whose worker is killed, at every statement and at random moments, is paid exactly once."""

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
from typing import Any

import pytest
from tests.payments.bulk.office import LINES, Office

from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import AccountState
from huitong.payments import bulk

KILLS_MAX = 40
SECONDS_MAX = 60.0
#: The worker's own loop in a process of its own, with small batches so that a file takes many.
WORKER = """
import asyncio, sys
from pathlib import Path
from huitong.kernel import limits
limits.BULK_BATCH_LINES_MAX = 500
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.settings import Settings
from huitong.wiring.bulk_paying import make_bulk_loop
from huitong.worker import run_loop

async def work():
    loop = make_bulk_loop(Settings(home=Path(sys.argv[2])))
    async with Database(sys.argv[1], role="huitong_app") as database:
        print("ready", flush=True)
        await run_loop(loop, database, clock=SystemClock(), stopping=asyncio.Event())

asyncio.run(work())
"""


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("statement", range(1, 13))
@pytest.mark.parametrize("is_before", [True, False])
async def test_killed_at_any_statement_of_any_step_it_ends_exactly_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, statement: int, is_before: bool
) -> None:
    file = await office.approve(await office.submit(office.write(*LINES)))
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    real, count = UnitOfWork.execute, 0

    async def execute(uow: UnitOfWork, *args: Any, **values: Any) -> Any:
        nonlocal count
        count += 1
        if count == statement and is_before:
            raise Killed
        result = await real(uow, *args, **values)
        if count == statement:
            raise Killed
        return result

    # Each step is killed once at this statement, and then done; those that have fewer run through.
    for _ in range(20):
        monkeypatch.setattr(UnitOfWork, "execute", execute)
        count = 0
        with contextlib.suppress(Killed):
            await office.step()
        monkeypatch.setattr(UnitOfWork, "execute", real)
        if not await office.step():
            break
    done = await office.get(file)
    assert (done.state, done.paid_count, done.failed_count) == (bulk.FileState.DONE, 4, 1)
    assert await office.balances() == ["10.00", "0.00", "30.00", "40.00", "50.00"]
    assert (await office.funds(), await office.transit()) == ("870.00", "0.00")


async def wait_for_progress(office: Office, file: bulk.BulkFile) -> None:
    """Wait until one more batch is paid, or the file is done."""
    before = await office.get(file)
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            seen = await office.get(file)
            if seen.paid_count > before.paid_count or seen.state is bulk.FileState.DONE:
                return
            await asyncio.sleep(0.01)


async def test_killed_at_random_moments_a_worker_leaves_each_line_paid_once(
    office: Office, owner_url: str, tmp_path: Any
) -> None:
    # The process has the machine's clock.
    office.now = SystemClock().now()
    lines = [(at % 5, "0.10") for at in range(5_000)]
    file = await office.submit(office.write(*lines))
    await office.approve(file, now=office.now)
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    chance, kills_amid = random.Random(5), 0
    for _ in range(KILLS_MAX):
        worker = subprocess.Popen(  # noqa: ASYNC220 - waited for in a thread
            [sys.executable, "-c", WORKER, owner_url, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert worker.stdout is not None
            async with asyncio.timeout(SECONDS_MAX):
                assert await asyncio.to_thread(worker.stdout.readline) == b"ready\n"
            await wait_for_progress(office, file)
            await asyncio.sleep(chance.uniform(0, 0.1))
        finally:
            worker.send_signal(signal.SIGKILL)
            await asyncio.to_thread(worker.communicate, timeout=SECONDS_MAX)
        seen = await office.get(file)
        if seen.state is bulk.FileState.DONE:
            break
        kills_amid += 0 < seen.paid_count < 4_000
    assert kills_amid >= 2
    await office.pay_all()
    done = await office.get(file)
    assert (done.state, done.paid_count, done.failed_count) == (bulk.FileState.DONE, 4_000, 1_000)
    assert await office.balances() == ["100.00", "0.00", "100.00", "100.00", "100.00"]
    assert (await office.funds(), await office.transit()) == ("600.00", "0.00")
