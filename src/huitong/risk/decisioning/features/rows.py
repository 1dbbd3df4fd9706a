"""The stored row of an entity: its counters, how they decay, and its sketch of others.

A counter with half-life h in seconds holds n: each event adds its weight w after n was multiplied
with 2^(-Δt/h). Worked: one event at 0 s and one at 600 s with h = 600 s leave 0.5 + 1 = 1.5.
"""

import math
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
    "new_payees_1d",
    "tests_1h",
    "fast_outflows_30d",
    "round_nights_30d",
)
#: How many of the counters add one for each event; those up to `AMOUNTS` add its amount in minor
#: units, and the rest one for an event with their mark, the first of them for bit 0 of the marks.
COUNTS: Final = 4
AMOUNTS: Final = 7
NEW_PAYEE, TEST, FAST_OUTFLOW, ROUND_NIGHT = 1, 2, 4, 8
SKETCH_BITS: Final = 63
MICROSECONDS: Final = 1_000_000
#: Past this many times e, nothing is left of a counter; the database refuses to underflow.
EXPONENT_MAX: Final = 60.0
_FIRST_BYTE: Final = {entity: bytes([entity]) for entity in Entity}
_SPREAD: Final = 0x9E3779B97F4A7C15
_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True, eq=False)
class StoredRows:
    """What is stored about entities that were asked for: one place in each array for each found.

    `places` says for which of the keys it is; `counters` has the columns of `COUNTERS`.
    """

    places: NDArray[np.intp]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    counters: NDArray[np.float64]
    others: NDArray[np.int64]
    others_day: NDArray[np.int64]


def account_key(entity: Entity, account_id: int) -> bytes:
    """Return the key of an account's row as payer or payee."""
    return _FIRST_BYTE[entity] + account_id.to_bytes(8, "big")


def pair_key(payer_account_id: int, payee_account_id: int) -> bytes:
    """Return the key of what one account has paid another."""
    return (
        _FIRST_BYTE[Entity.PAIR]
        + payer_account_id.to_bytes(8, "big")
        + payee_account_id.to_bytes(8, "big")
    )


def id_key(entity: Entity, identifier: bytes) -> bytes:
    """Return the key of what has an identifier of 16 bytes: a device, an address, a customer."""
    return _FIRST_BYTE[entity] + identifier


def half_lives_us() -> NDArray[np.float64]:
    """Return the half-life of each counter in microseconds, in the order of `COUNTERS`."""
    return np.array(
        [HALF_LIVES[name.rpartition("_")[2]] * float(MICROSECONDS) for name in COUNTERS]
    )


def sketch_bit(account_id: int) -> int:
    """Return the sketch of one other: a single bit of `SKETCH_BITS`."""
    # Account numbers stand in a row; after one multiplication they still would, and a sketch counts
    # right only what falls into its bits by chance.
    mixed = (account_id * _SPREAD) & _WORD
    mixed = ((mixed ^ (mixed >> 32)) * _SPREAD) & _WORD
    return 1 << (mixed >> 40) % SKETCH_BITS


def sketch_places(account_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each account the place of its bit in a sketch: `sketch_bit` of a whole history."""
    spread, half = np.uint64(_SPREAD), np.uint64(32)
    mixed = account_ids.astype(np.uint64) * spread
    mixed = (mixed ^ (mixed >> half)) * spread
    return ((mixed >> np.uint64(40)) % np.uint64(SKETCH_BITS)).astype(np.int64)


def estimate_others(sketch: int) -> float:
    """Return how many different others a sketch has seen, by linear counting.

    With m bits of which z are unset it is -m ln(z / m) (Whang, Vander-Zanden, Taylor 1990). Of 63
    bits, 10 others are estimated with a standard error of 0.9, 50 with 5; a full sketch counts as
    one unset bit and means 261 or more. Worked: 9 bits set give 63 ln(63 / 54) = 9.71.
    """
    unset = max(1, SKETCH_BITS - sketch.bit_count())
    return SKETCH_BITS * math.log(SKETCH_BITS / unset)


#: What a sketch says by how many of its bits are set.
ESTIMATES: Final = tuple(estimate_others((1 << bits) - 1) for bits in range(SKETCH_BITS + 1))
