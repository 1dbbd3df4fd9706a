"""The rate limiter against its definition, and the sketch against exact counts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.operations import RateLimit, RateLimiter, estimate
from huitong.operations.distinct import BITS, show_bits, sketch_of

TEN = RateLimit("test", 10, 5)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_full_budget_passes_at_once_and_the_next_request_waits(clock: Clock) -> None:
    limiter = RateLimiter(clock=clock)
    assert [limiter.take("a", TEN) for _ in range(10)] == [0] * 10
    # Half a second for each: the answer is in whole seconds.
    assert limiter.take("a", TEN) == 1
    assert limiter.take("b", TEN) == 0
    clock.now += 0.5
    assert limiter.take("a", TEN) == 0
    assert limiter.take("a", TEN) == 1
    clock.now += 5.0
    assert [limiter.take("a", TEN) for _ in range(11)] == [0] * 10 + [1]


def test_being_refused_costs_nothing(clock: Clock) -> None:
    limiter = RateLimiter(clock=clock)
    for _ in range(100):
        limiter.take("a", TEN)
    clock.now += 0.5
    assert limiter.take("a", TEN) == 0


@given(
    pauses=st.lists(st.floats(0, 2), min_size=1, max_size=300),
    quota=st.integers(1, 20),
    window=st.integers(1, 10),
)
def test_no_window_passes_more_than_two_quotas_and_patience_always_passes(
    pauses: list[float], quota: int, window: int
) -> None:
    clock, limit = Clock(), RateLimit("test", quota, window)
    limiter = RateLimiter(clock=clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        wait = limiter.take("a", limit)
        if wait == 0:
            passed.append(clock.now)
        else:
            assert 1 <= wait <= window + 1
    for begin in passed:
        within = [at for at in passed if begin <= at < begin + window]
        # A full budget at once, and what comes back while the window passes.
        assert len(within) <= 2 * quota
    clock.now += limiter.take("a", limit)
    assert limiter.take("a", limit) == 0 or passed


def test_memory_is_bounded_and_who_used_most_stays_known(clock: Clock) -> None:
    limiter = RateLimiter(clock=clock, callers_max=100)
    for _ in range(10):
        limiter.take("greedy", TEN)
    for number in range(10_000):
        limiter.take(f"caller-{number}", TEN)
        assert len(limiter) <= 100
    assert limiter.take("greedy", TEN) == 1


def test_who_used_nothing_lately_is_forgotten_first(clock: Clock) -> None:
    limiter = RateLimiter(clock=clock, callers_max=100)
    for number in range(99):
        limiter.take(f"old-{number}", TEN)
    clock.now += 10
    limiter.take("new", TEN)
    limiter.take("newer", TEN)
    assert len(limiter) == 2


@pytest.mark.parametrize(("quota", "window"), [(0, 1), (1, 0), (-1, 1)])
def test_a_limit_that_lets_nothing_pass_is_a_mistake(quota: int, window: int) -> None:
    with pytest.raises(ValueError, match="test allows"):
        RateLimit("test", quota, window)


@pytest.mark.parametrize("count", [1, 10, 100, 1_000, 5_000, 15_000])
def test_the_estimate_is_near_the_count_and_does_not_count_twice(count: int) -> None:
    sketch = 0
    for number in range(count):
        sketch |= sketch_of(f"/v1/payments/{number}".encode())
        sketch |= sketch_of(f"/v1/payments/{number}".encode())
    assert estimate(sketch.bit_count()) == pytest.approx(count, rel=0.08, abs=1)


def test_a_full_sketch_has_an_estimate(clock: Any) -> None:
    del clock
    assert estimate(0) == 0
    assert estimate(BITS) == estimate(BITS - 1) == 34_070
    assert len(show_bits(sketch_of(b"x"))) == BITS // 4
