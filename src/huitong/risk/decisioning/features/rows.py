"""The stored row of an entity: its counters, how they decay, and its sketch of others.

A counter with half-life h in seconds holds n: each event adds its weight w after n was multiplied
with 2^(-Δt/h). Worked: one event at 0 s and one at 600 s with h = 600 s leave 0.5 + 1 = 1.5.
"""

import uuid
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray


class Entity(IntEnum):
    """Whose counters a row holds; the numbers are stored."""

    PAYER = 1
    PAYEE = 2
    DEVICE = 3
    ADDRESS = 4
    CUSTOMER = 5
    #: A payer and a payee: what is new to a payer cannot be read from a sketch without mistakes.
    PAIR = 6


#: Seconds of the half-lives, by the ending of a counter's name.
HALF_LIVES: Final = {"1m": 60, "1h": 3_600, "1d": 86_400, "30d": 30 * 86_400}
COUNTERS: Final = (
    "count_1m",
    "count_1h",
    "count_1d",
    "count_30d",
    "amount_1h",
    "amount_1d",
    "amount_30d",
)
#: How many of the counters add one for each event; the others add its amount in minor units.
COUNTS: Final = 4
SKETCH_BITS: Final = 256
MICROSECONDS: Final = 1_000_000
#: Past this many times e, nothing is left of a counter; the database refuses to underflow.
EXPONENT_MAX: Final = 60.0
_SPREAD: Final = 0x9E3779B97F4A7C15
_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class EntityRow:
    """What is stored about one entity."""

    first_us: int
    last_us: int
    counters: tuple[float, ...]
    others: int
    others_day: int


def account_key(account_id: int) -> uuid.UUID:
    """Return the key of an account's row."""
    return uuid.UUID(int=account_id)


def pair_key(payer_account_id: int, payee_account_id: int) -> uuid.UUID:
    """Return the key of what one account has paid another."""
    return uuid.UUID(int=payer_account_id << 64 | payee_account_id)


def half_lives_us() -> NDArray[np.float64]:
    """Return the half-life of each counter in microseconds, in the order of `COUNTERS`."""
    return np.array(
        [HALF_LIVES[name.rpartition("_")[2]] * float(MICROSECONDS) for name in COUNTERS]
    )


def sketch_bit(key: int) -> int:
    """Return the sketch of one other: a single bit of `SKETCH_BITS`."""
    mixed = ((key ^ (key >> 64)) * _SPREAD) & _WORD
    mixed ^= mixed >> 29
    return 1 << (((mixed * _SPREAD) & _WORD) >> 56)


def estimate_others(sketch: int) -> float:
    """Return how many different others a sketch has seen, by linear counting.

    With m bits of which z are unset it is -m ln(z / m) (Whang, Vander-Zanden, Taylor 1990): 10
    others of 256 bits are estimated with a standard error of 0.1, 100 with 4.8. A full sketch
    counts as one unset bit. Worked: 10 bits set give 256 ln(256 / 246) = 10.20.
    """
    unset = max(1, SKETCH_BITS - sketch.bit_count())
    return float(SKETCH_BITS * np.log(SKETCH_BITS / unset))
