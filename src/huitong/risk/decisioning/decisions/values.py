"""Features of a batch as rows of values, and a row as features again."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from huitong.risk.decisioning.decisions.types import FeatureNames, Value
from huitong.risk.decisioning.types import DTYPES, Column, Features, FeatureType

_UUID_BYTES: Final = 16
_EMPTY: Final = {
    FeatureType.INTEGER: 0,
    FeatureType.NUMBER: 0.0,
    FeatureType.FLAG: False,
    FeatureType.TEXT: "",
}
_names_of: dict[tuple[str, ...], FeatureNames] = {}


def name_features(features: Features) -> FeatureNames:
    """Return names and types of features; the id is a digest of them, so it says what they are."""
    key = tuple(features)
    known = _names_of.get(key)
    if known is None:
        names = tuple(sorted(features))
        types = tuple(features[name].type for name in names)
        text = "\n".join(f"{name} {each.value}" for name, each in zip(names, types, strict=True))
        digest = hashlib.sha256(text.encode()).digest()[:_UUID_BYTES]
        known = FeatureNames(id=uuid.UUID(bytes=digest), names=names, types=types)
        _names_of[key] = known
    return known


def take_rows(features: Features, names: FeatureNames) -> list[tuple[Value, ...]]:
    """Return the values of each row of a batch, in the order of the names; NULL is None."""
    columns: list[list[Any]] = []
    for name in names.names:
        column = features[name]
        values = column.values.tolist()
        if column.known is not None:
            known = column.known.tolist()
            if not all(known):
                pairs = zip(values, known, strict=True)
                values = [value if is_known else None for value, is_known in pairs]
        columns.append(values)
    return list(zip(*columns, strict=True))


def make_features(names: FeatureNames, values: Sequence[Value]) -> Features:
    """Return the features of one row, as they were when it was decided about."""
    features: dict[str, Column] = {}
    for name, kind, value in zip(names.names, names.types, values, strict=True):
        known = np.array([value is not None], np.bool_)
        filled = _EMPTY[kind] if value is None else value
        features[name] = Column(kind, np.array([filled], DTYPES[kind]), known)
    return features


def pack(values: Sequence[Value]) -> bytes:
    """Return values as they are stored."""
    return msgspec.msgpack.encode(values)


def unpack(packed: bytes) -> tuple[Value, ...]:
    """Return what `pack` wrote; raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(packed, type=tuple[int | float | bool | str | None, ...])
