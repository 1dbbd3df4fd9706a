"""Rules over the features of the path as matrices say what they say over columns."""

from datetime import date

import numpy as np
import pytest

from huitong import risk
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.features.columns import LAYOUT
from huitong.risk.decisioning.features.matrices import Layout
from huitong.risk.decisioning.types import FeatureType

ROWS = 200


@pytest.fixture(scope="module")
def rules():
    written = risk.default_rules(risk.Purpose.PAYMENT, Rulebook.load(), date(2026, 11, 27))
    return risk.read_rules(written, risk.PAYMENT_FEATURES)


def draw(seed: int):
    """Return features of payments at random, some of them unknown where they may be."""
    chance = np.random.default_rng(seed)
    made = LAYOUT.make(ROWS)
    made.integers[:] = chance.integers(0, 10, made.integers.shape) ** 6
    made.numbers[:] = chance.integers(0, 10, made.numbers.shape) ** 6 / 7.0
    made.flags[:] = chance.random(made.flags.shape) < 0.5
    for name in LAYOUT.sometimes_unknown:
        _, known = made.pair(LAYOUT.types[name])
        known[LAYOUT.row_of[name]] = chance.random(ROWS) < 0.7
    kinds = ["transfer", "payment", "withdrawal"]
    made.texts["kind"] = [kinds[at] for at in chance.integers(0, len(kinds), ROWS)]
    return made


def same(rules, made) -> None:
    by_row, by_column = rules.assess(made, rows=ROWS), rules.assess(dict(made), rows=ROWS)

    assert by_column.hits.any(axis=1).sum() > 5
    np.testing.assert_array_equal(by_row.hits, by_column.hits)
    np.testing.assert_array_equal(by_row.actions, by_column.actions)
    np.testing.assert_array_equal(by_row.weights, by_column.weights)
    assert (by_row.failed is None) == (by_column.failed is None)
    if by_row.failed is not None and by_column.failed is not None:
        np.testing.assert_array_equal(by_row.failed, by_column.failed)


@pytest.mark.parametrize("seed", range(5))
def test_matrices_and_columns_agree(rules, seed):
    same(rules, draw(seed))


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_they_agree_on_what_fails(rules, poison):
    made = draw(9)
    name = next(each for each in rules.columns if LAYOUT.types[each] is FeatureType.NUMBER)
    made.number(name)[::3] = poison

    same(rules, made)
    assert rules.assess(made, rows=ROWS).failed is not None


def test_refuses_matrices_of_another_length(rules):
    with pytest.raises(ValueError, match=f"of {ROWS + 1} rows"):
        rules.assess(draw(1), rows=ROWS + 1)


def test_refuses_matrices_of_other_features(rules):
    rules.assess(draw(1), rows=ROWS)
    types = {name: kind for name, kind in LAYOUT.types.items() if name != "amount"}
    other = Layout.of(types, sometimes_unknown=()).make(ROWS)
    other.texts["kind"] = ["transfer"] * ROWS

    with pytest.raises(ValueError, match="feature amount is missing"):
        rules.assess(other, rows=ROWS)


def test_they_agree_on_a_batch_that_concerns_few_rules(rules):
    made = draw(3)
    made.integers[:] = 0
    made.numbers[:] = 0.0
    made.number("test_payments_1h")[5] = 9.0
    made.integer("amount")[:] = 10_000_000

    by_row, by_column = rules.assess(made, rows=ROWS), rules.assess(dict(made), rows=ROWS)

    assert by_row.hits.any(axis=1).sum() == 2
    np.testing.assert_array_equal(by_row.hits, by_column.hits)
    np.testing.assert_array_equal(by_row.actions, by_column.actions)
    np.testing.assert_array_equal(by_row.weights, by_column.weights)
    assert by_row.failed is by_column.failed is None
