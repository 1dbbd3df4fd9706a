"""The block-wise scan is the recurrence, step by step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.risk.decisioning.features.scans import decay_factors, latest, scan


def walk(factors: np.ndarray, weights: np.ndarray) -> list[float]:
    total, found = 0.0, []
    for factor, weight in zip(factors, weights, strict=True):
        total = total * factor + weight
        found.append(total)
    return found


def test_the_worked_example() -> None:
    assert scan(np.array([0, 0.5, 0.5]), np.ones(3)).tolist() == [1.0, 1.5, 1.75]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 99, 100, 101, 10_007])
@pytest.mark.parametrize("half_life", [1, 60, 10**9])
def test_it_gives_what_walking_gives_whatever_the_groups(count: int, half_life: int) -> None:
    random = np.random.default_rng(count)
    starts = random.random(count) < 0.01
    # From no time at all to so long that nothing is left of a counter.
    seconds = random.choice([0.0, 0.5, 30.0, 1e5], count)
    factors = decay_factors(seconds, starts, half_life)
    weights = random.integers(0, 10, count).astype(np.float64)
    np.testing.assert_allclose(scan(factors, weights), walk(factors, weights), rtol=1e-12)


def test_a_long_unbroken_group_is_chained_over_all_blocks() -> None:
    count = 40_000
    factors = np.full(count, 0.999)
    factors[0] = 0.0
    found = scan(factors, np.ones(count))
    assert found[-1] == pytest.approx((1 - 0.999**count) / (1 - 0.999), rel=1e-10)


@given(st.lists(st.booleans(), max_size=30))
def test_latest_is_the_last_mark_so_far(marks: list[bool]) -> None:
    expected = [
        max((i for i in range(place + 1) if marks[i]), default=-1) for place in range(len(marks))
    ]
    assert latest(np.array(marks, np.bool_)).tolist() == expected
