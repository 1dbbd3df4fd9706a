"""Features as matrices: the same values as column by column, whatever is unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.risk.decisioning.features.matrices import FeatureMatrices, Layout
from huitong.risk.decisioning.types import Column, FeatureType

TYPES = {
    "amount": FeatureType.INTEGER,
    "age": FeatureType.INTEGER,
    "ratio": FeatureType.NUMBER,
    "mean": FeatureType.NUMBER,
    "is_new": FeatureType.FLAG,
    "kind": FeatureType.TEXT,
}
LAYOUT = Layout.of(TYPES, sometimes_unknown={"age", "mean"})
GATHERED = ("mean", "is_new", "age", "amount", "ratio")


def make(seed: int, rows: int) -> FeatureMatrices:
    random = np.random.default_rng(seed)
    known = random.random((2, rows)) < 0.5
    return LAYOUT.fill(
        {
            "amount": Column(FeatureType.INTEGER, random.integers(-9, 9, rows)),
            "age": Column(FeatureType.INTEGER, random.integers(0, 9, rows), known[0]),
            "ratio": Column(FeatureType.NUMBER, random.normal(size=rows)),
            "mean": Column(FeatureType.NUMBER, random.normal(size=rows), known[1]),
            "is_new": Column(FeatureType.FLAG, random.random(rows) < 0.5),
            "kind": Column(FeatureType.TEXT, np.array(["transfer"] * rows, object)),
        }
    )


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 20))
def test_gathers_what_the_columns_hold(seed: int, rows: int) -> None:
    features = make(seed, rows)

    gathered, unknown = features.gather(GATHERED)

    for name, row in zip(GATHERED, gathered, strict=True):
        column = features[name]
        expected = column.values.astype(np.float64)
        if column.known is not None:
            expected[~column.known] = np.nan
        np.testing.assert_array_equal(row, expected)
    assert unknown == np.count_nonzero(np.isnan(gathered))


@pytest.mark.parametrize("name", ["kind", "no_such"])
def test_refuses_what_is_no_number(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        make(1, 2).gather(("amount", name))
