"""How the values of a decision's features are written down, and read again."""

import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitong.risk.decisioning.decisions.types import FeatureNames
from huitong.risk.decisioning.decisions.values import (
    make_columns,
    name_features,
    pack_rows,
    unpack,
    unpack_columns,
)
from huitong.risk.decisioning.types import Features, FeatureType

VALUES: dict[FeatureType, st.SearchStrategy[Any]] = {
    FeatureType.INTEGER: st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    FeatureType.NUMBER: st.none() | st.floats(allow_nan=False, allow_infinity=False),
    FeatureType.FLAG: st.none() | st.booleans(),
    FeatureType.TEXT: st.none() | st.text(max_size=20),
}


@st.composite
def batches(draw: st.DrawFn) -> tuple[dict[str, FeatureType], list[dict[str, Any]]]:
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True))
    catalogue = {name: draw(st.sampled_from(FeatureType)) for name in names}
    row = st.fixed_dictionaries({name: VALUES[kind] for name, kind in catalogue.items()})
    return catalogue, draw(st.lists(row, min_size=1, max_size=4))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batch=batches())
def test_what_is_written_is_read_again_to_the_last_bit(batch: Any) -> None:
    catalogue, rows = batch
    features = make_columns(catalogue, rows)
    names = name_features(features)
    written = pack_rows(features)
    for row, packed in zip(rows, written, strict=True):
        assert dict(zip(names.names, unpack(packed, names), strict=True)) == row
    assert list_rows(unpack_columns(written, names)) == rows


def list_rows(features: Features) -> list[dict[str, Any]]:
    """Return columns as one mapping a row, None for what is not known."""
    columns = {
        name: [
            value if is_known else None
            for value, is_known in zip(column.values.tolist(), column.known, strict=True)
        ]
        for name, column in features.items()
        if column.known is not None
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_what_decisions_of_before_wrote_is_read() -> None:
    names = FeatureNames(
        id=uuid.UUID(int=1),
        names=("a", "b"),
        types=(FeatureType.INTEGER, FeatureType.TEXT),
    )
    written = msgspec.msgpack.encode((7, None))
    assert unpack(written, names) == (7, None)
    assert list_rows(unpack_columns([written], names)) == [{"a": 7, "b": None}]


def test_values_of_other_features_are_refused() -> None:
    (packed,) = pack_rows(make_columns({"a": FeatureType.INTEGER}, [{"a": 7}]))
    names = FeatureNames(
        id=uuid.UUID(int=1), names=("a", "b"), types=(FeatureType.INTEGER, FeatureType.NUMBER)
    )
    with pytest.raises(ValueError, match="names"):
        unpack(packed, names)
