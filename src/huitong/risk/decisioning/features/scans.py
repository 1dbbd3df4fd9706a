"""Recurrences along sorted events, in numpy: linear time, whatever the sizes of the groups."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Less than this is nothing: arithmetic on subnormal numbers is many times slower.
_NEGLIGIBLE = 1e-290


def decay_factors(seconds: Floats, starts: Flags, half_life_seconds: int) -> Floats:
    """Return 2^(-Δt/h) for each event, 0 at each group's first, where the recurrence begins."""
    factors: Floats = np.exp2(-np.maximum(seconds, 0.0) / half_life_seconds)
    factors[starts] = 0.0
    factors[factors < _NEGLIGIBLE] = 0.0
    return factors


def scan(factors: Floats, weights: Floats) -> Floats:
    """Return S with S[i] = factors[i]·S[i-1] + weights[i], S[-1] = 0.

    The array is cut into about √n blocks that are walked side by side; then the blocks are chained.
    Worked: factors (0, ½, ½) and weights (1, 1, 1) give (1, 1.5, 1.75).
    """
    count = len(weights)
    if count == 0:
        return np.empty(0)
    length = int(np.ceil(np.sqrt(count)))
    blocks = -(-count // length)
    gains = np.zeros(length * blocks)
    sums = np.zeros(length * blocks)
    gains[:count] = factors
    sums[:count] = weights
    # One row a step, one column a block: each step is then one contiguous operation.
    gains = np.ascontiguousarray(gains.reshape(blocks, length).T)
    sums = np.ascontiguousarray(sums.reshape(blocks, length).T)
    for step in range(1, length):
        sums[step] += gains[step] * sums[step - 1]
        gains[step] *= gains[step - 1]
        gains[step][gains[step] < _NEGLIGIBLE] = 0.0
    carried = np.zeros(blocks)
    for block in range(1, blocks):
        carried[block] = sums[-1, block - 1] + gains[-1, block - 1] * carried[block - 1]
    sums += gains * carried
    return np.ascontiguousarray(sums.T).reshape(-1)[:count]


def latest(marks: Flags) -> Integers:
    """Return for each place the index of the latest mark up to it, -1 where there was none."""
    indices = np.where(marks, np.arange(len(marks)), -1)
    return np.maximum.accumulate(indices) if len(marks) else indices
