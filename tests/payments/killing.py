"""Real processes that are killed: from outside, or by themselves at a moment of a transaction.

They are forked from one that has loaded our code already, which takes seconds each time.
"""

import asyncio
import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

SECONDS_MAX = 60.0
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["huitong.payments", "huitong.wiring.loops", "huitong.worker"])
#: Counts statements and transactions of the process, and kills it where the arguments say.
_PRELUDE = """
import asyncio, os, signal, sys
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.engine import Connection
from huitong.kernel.database.unit_of_work import Database, UnitOfWork

moment, place = sys.argv[2].split("-")
count = 0

def at(name):
    global count
    if name == moment:
        count += 1
        if count == int(place):
            os.kill(os.getpid(), signal.SIGKILL)

real_execute, real_commit = UnitOfWork.execute, Connection._commit_impl

async def execute(uow, *values, **named):
    result = await real_execute(uow, *values, **named)
    at("statement")
    return result

def commit(connection):
    at("before_commit")
    real_commit(connection)
    at("after_commit")

UnitOfWork.execute = execute
Connection._commit_impl = commit
"""


@dataclass(frozen=True)
class Running:
    """A script that runs in a process of its own until it ends or is killed."""

    process: BaseProcess
    ready: Event

    async def wait_until_ready(self) -> None:
        """Wait until the script has called `ready.set()`."""
        assert await asyncio.to_thread(self.ready.wait, SECONDS_MAX), "it is not ready"

    async def end(self) -> int:
        """Wait for its end and return how it ended: minus the signal if it was killed."""
        await asyncio.to_thread(self.process.join, SECONDS_MAX)
        ended = self.process.exitcode
        assert ended is not None, "it does not end"
        self.process.close()
        return ended

    async def kill(self) -> None:
        """Kill it, wherever it is."""
        self.process.kill()
        await self.end()


def start(script: str, *arguments: str) -> Running:
    """Run a script in a process of its own; it finds its arguments in `sys.argv`, from 1 on."""
    ready = _FORKS.Event()
    head = f"import sys; sys.argv = {['-c', *arguments]!r}\n"
    process = _FORKS.Process(
        target=exec, args=(head + script, {"__name__": "__main__", "ready": ready})
    )
    process.start()
    return Running(process, ready)


async def run_and_kill(script: str, url: str, moment: str, *arguments: str) -> bool:
    """Run a script in a process of its own until it is killed; False if it ended before."""
    ended = await start(_PRELUDE + script, url, moment, *arguments).end()
    assert ended in (0, -signal.SIGKILL), ended
    return ended != 0
