"""A real process that kills itself at a named moment of its transactions."""

import asyncio
import signal
import subprocess
import sys

SECONDS_MAX = 60.0
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


async def run_and_kill(script: str, url: str, moment: str, *arguments: str) -> bool:
    """Run a script in a process of its own until it is killed; False if it ended before."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _PRELUDE + script, url, moment, *arguments],
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0
