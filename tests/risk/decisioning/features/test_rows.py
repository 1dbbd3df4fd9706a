"""Sketches: what they say of how many others there were, and how wrong they are."""

import math
import random

import pytest

from huitong.risk.decisioning.features.rows import (
    SKETCH_BITS,
    Entity,
    account_key,
    estimate_others,
    pair_key,
    sketch_bit,
)


def draw(accounts: list[int]) -> float:
    sketch = 0
    for account in accounts:
        sketch |= sketch_bit(account)
    return estimate_others(sketch)


def test_nine_bits_mean_nine_point_seven() -> None:
    assert estimate_others((1 << 9) - 1) == pytest.approx(63 * math.log(63 / 54))
    assert estimate_others((1 << 9) - 1) == pytest.approx(9.71, abs=0.005)


def test_nobody_is_nobody_and_a_full_sketch_has_an_end() -> None:
    assert estimate_others(0) == 0
    assert estimate_others((1 << SKETCH_BITS) - 1) == pytest.approx(261.02, abs=0.01)


@pytest.mark.parametrize(("count", "error"), [(3, 0.3), (10, 1.0), (30, 2.9), (50, 5.4)])
@pytest.mark.parametrize("step", [1, 97, 1_000_003])
def test_standard_error_is_as_stated(count: int, error: float, step: int) -> None:
    chance = random.Random(count * step)
    found = []
    for _ in range(400):
        first = chance.randrange(10**11, 9 * 10**11)
        found.append(draw([first + step * number for number in range(count)]))
    mean = sum(found) / len(found)
    spread = math.sqrt(sum((each - count) ** 2 for each in found) / len(found))
    assert mean == pytest.approx(count, rel=0.05)
    assert spread < 1.25 * error


def test_keys_of_different_things_are_different() -> None:
    keys = {
        account_key(Entity.PAYER, 1),
        account_key(Entity.PAYEE, 1),
        pair_key(1, 2),
        pair_key(2, 1),
        pair_key(0, (1 << 63) - 1),
    }
    assert len(keys) == 5
    assert {len(key) for key in keys} == {9, 17}
