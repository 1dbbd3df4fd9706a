"""Carrying out the plan: finding each victim's process and killing it with -9.

Only processes that belong to the trial are ever touched: its supervisor, the supervisor's own
children, and the server in its home with that server's own children.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from huitong.bench.chaos.plan import Strike, Victim
from huitong.kernel.database import embedded
from huitong.wiring.trial import Trial

#: A victim may be on its way up from the strike before; it is waited for this long.
_APPEAR_SECONDS_MAX: Final = 15.0
_POLL_SECONDS: Final = 0.02
_COMMANDS: Final = {Victim.API: "serve", Victim.WORKER: "worker"}


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of a strike; `pid` is None if nobody was there to be killed."""

    strike: Strike
    at_seconds: float
    pid: int | None

    def to_json(self) -> dict[str, object]:
        """Return it for the report; process ids differ from run to run and are left out."""
        return {
            **self.strike.to_json(),
            "done_at_seconds": round(self.at_seconds, 2),
            "is_done": self.pid is not None,
        }


async def strike_all(
    trial: Trial, plan: Sequence[Strike], *, started: float, say: Callable[[str], None]
) -> list[Struck]:
    """Carry out the whole plan; `started` is the monotonic time at which the run began."""
    done: list[Struck] = []
    for strike in plan:
        await asyncio.sleep(max(0.0, started + strike.at_seconds - time.monotonic()))
        pid = await _kill(trial, strike)
        struck = Struck(strike, time.monotonic() - started, pid)
        done.append(struck)
        say(f"{struck.at_seconds:6.2f} s  {strike.victim.value:<17} {_describe(pid)}")
        if strike.victim is Victim.SUPERVISOR:
            # Its children stop by themselves; this waits for them and adopts the database.
            await asyncio.to_thread(trial.launch)
    return done


async def _kill(trial: Trial, strike: Strike) -> int | None:
    deadline = time.monotonic() + _APPEAR_SECONDS_MAX
    while time.monotonic() < deadline:
        found = _find(trial, strike.victim)
        if found:
            victim = found[int(strike.pick * len(found))]
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
            if strike.victim is Victim.SUPERVISOR and trial.process is not None:
                trial.process.wait()
            pid: int = victim.pid
            return pid
        await asyncio.sleep(_POLL_SECONDS)
    return None


def _describe(pid: int | None) -> str:
    return "was not there" if pid is None else f"{pid} killed with -9"


def _find(trial: Trial, victim: Victim) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        if victim is Victim.SUPERVISOR:
            return [] if trial.process is None else [psutil.Process(trial.process.pid)]
        if victim in _COMMANDS:
            return _find_children(trial, _COMMANDS[victim])
        pid = embedded.status(trial.home).pid
        if pid is None:
            return []
        postmaster = psutil.Process(pid)
        if victim is Victim.POSTMASTER:
            return [postmaster]
        return [each for each in postmaster.children() if _is_backend(each)]
    return []


def _find_children(trial: Trial, command: str) -> list[psutil.Process]:
    if trial.process is None:
        return []
    children = psutil.Process(trial.process.pid).children()
    return sorted(
        (each for each in children if command in _command_line(each)), key=lambda each: each.pid
    )


def _is_backend(process: psutil.Process) -> bool:
    # A backend's title names its role and database; the server's own helpers have neither.
    return "huitong_app" in " ".join(_command_line(process))


def _command_line(process: psutil.Process) -> list[str]:
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words
