"""The plan of a fault run: who is killed when. The same seed makes the same plan, always."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Before the first strike the clients get going.
FIRST_STRIKE_SECONDS: Final = 1.5
_PAUSE_SECONDS_MIN: Final = 1.0
_PAUSE_SECONDS_MAX: Final = 4.0
#: After the last strike there is time to see whether payments go on.
_LAST_SECONDS: Final = 1.0


class Victim(StrEnum):
    """What a strike kills with -9."""

    API = "api process"
    WORKER = "worker"
    BACKEND = "database backend"
    POSTMASTER = "postmaster"
    SUPERVISOR = "supervisor"


#: The supervisor's own death takes all API processes along and needs a new `huitong up`, so it is
#: rarer than what the supervisor repairs by itself.
_ORDINARY: Final = (Victim.API, Victim.WORKER, Victim.BACKEND, Victim.POSTMASTER)
_ROUNDS_TO_SUPERVISOR: Final = 3


@dataclass(frozen=True, slots=True)
class Strike:
    """One kill. `pick`, from 0 up to but not including 1, chooses among several processes."""

    at_seconds: float
    victim: Victim
    pick: float

    def to_json(self) -> dict[str, object]:
        """Return the strike for the report."""
        return {"at_seconds": self.at_seconds, "victim": self.victim.value, "pick": self.pick}


def make_plan(seed: int, seconds: float) -> tuple[Strike, ...]:
    """Return the strikes of a run of `seconds`.

    Victims come in rounds, each kind once a round in random order, so that a short run meets all
    of them; the supervisor joins every third round.
    """
    chance = random.Random(f"chaos plan {seed}")  # noqa: S311 - it is to be repeatable
    strikes: list[Strike] = []
    at = FIRST_STRIKE_SECONDS
    number = 0
    while True:
        number += 1
        victims = list(_ORDINARY)
        if number % _ROUNDS_TO_SUPERVISOR == 0:
            victims.append(Victim.SUPERVISOR)
        chance.shuffle(victims)
        for victim in victims:
            if at > seconds - _LAST_SECONDS:
                return tuple(strikes)
            strikes.append(Strike(round(at, 3), victim, round(chance.random(), 6)))
            at += chance.uniform(_PAUSE_SECONDS_MIN, _PAUSE_SECONDS_MAX)
