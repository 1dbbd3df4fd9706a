"""Features of a batch as rows of values, and a row as features again."""

import hashlib
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.decisions.types import FeatureNames, Value
from huitong.risk.decisioning.types import DTYPES, Column, Features, FeatureType

_UUID_BYTES: Final = 16
_EMPTY: Final = {
    FeatureType.INTEGER: 0,
    FeatureType.NUMBER: 0.0,
    FeatureType.FLAG: False,
    FeatureType.TEXT: "",
}
_INTEGER_MAX: Final = 2**63 - 1
_KINDS: Final[dict[FeatureType, type | tuple[type, ...]]] = {
    FeatureType.INTEGER: int,
    FeatureType.NUMBER: (int, float),
    FeatureType.FLAG: bool,
    FeatureType.TEXT: str,
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


def make_columns(
    catalogue: Mapping[str, FeatureType], rows: Sequence[Mapping[str, Value]]
) -> Features:
    """Return columns of what a room says about each subject, one mapping a subject.

    Raises InvalidField, named `features.<name>`, for a feature that is not in the catalogue or
    missing, of another type, no finite number, or an integer of more than 64 bits.
    """
    for row in rows:
        for name in row.keys() ^ catalogue.keys():
            wrong = "is unknown" if name in row else "is missing"
            raise InvalidField(wrong, field=f"features.{name}")
        for name, value in row.items():
            _check_value(name, catalogue[name], value)
    features: dict[str, Column] = {}
    for name, kind in catalogue.items():
        values = [row[name] for row in rows]
        filled = [_EMPTY[kind] if value is None else value for value in values]
        known = np.array([value is not None for value in values], np.bool_)
        features[name] = Column(kind, np.array(filled, DTYPES[kind]), known)
    return features


def _check_value(name: str, kind: FeatureType, value: Value) -> None:
    if value is None:
        return
    is_flag = isinstance(value, bool)
    if is_flag is not (kind is FeatureType.FLAG) or not isinstance(value, _KINDS[kind]):
        raise InvalidField(f"must be of type {kind.value}", field=f"features.{name}")
    if kind is FeatureType.NUMBER and not math.isfinite(value):  # type: ignore[arg-type]
        raise InvalidField("must be a finite number", field=f"features.{name}")
    if kind is FeatureType.INTEGER and not -_INTEGER_MAX <= value <= _INTEGER_MAX:  # type: ignore[operator]
        raise InvalidField("must fit into 64 bits", field=f"features.{name}")


def pack(values: Sequence[Value]) -> bytes:
    """Return values as they are stored."""
    return msgspec.msgpack.encode(values)


def unpack(packed: bytes) -> tuple[Value, ...]:
    """Return what `pack` wrote; raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(packed, type=tuple[int | float | bool | str | None, ...])
