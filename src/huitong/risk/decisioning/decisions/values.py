"""Features of a batch as rows of values, and a row as features again."""

import hashlib
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.decisions.types import FeatureNames, Value
from huitong.risk.decisioning.features.matrices import FeatureMatrices, Layout
from huitong.risk.decisioning.types import DTYPES, Column, Features, FeatureType

#: Names and types of features, in the order in which they come.
Types: TypeAlias = tuple[tuple[str, FeatureType], ...]

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
#: No MessagePack begins with this byte.
_MARK: Final = b"\xc1"
_WORD: Final = 8
_NO_INTEGER: Final = -(2**63)
_NO_FLAG: Final = 2
_names_of: dict[Types | Layout, FeatureNames] = {}
_layout_of: dict[Types, Layout] = {}


def name_features(features: Features) -> FeatureNames:
    """Return names and types of features; the id is a digest of them, so it says what they are."""
    key = features.layout if isinstance(features, FeatureMatrices) else _types(features)
    known = _names_of.get(key)
    if known is None:
        names = tuple(sorted(features))
        types = tuple(features[name].type for name in names)
        text = "\n".join(f"{name} {each.value}" for name, each in zip(names, types, strict=True))
        digest = hashlib.sha256(text.encode()).digest()[:_UUID_BYTES]
        known = FeatureNames(id=uuid.UUID(bytes=digest), names=names, types=types)
        _names_of[key] = known
    return known


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


def pack_rows(features: Features) -> list[bytes]:
    """Return the values of each row as they are stored: integers, numbers, flags, then texts.

    Within a type they stand in the order of names. Eight bytes an integer and a number, one a flag
    (2 is NULL), little-endian, texts as a MessagePack array. Some 60 doubles as MessagePack would
    take as much room, and ten times as long.
    """
    made = features if isinstance(features, FeatureMatrices) else _layout(features).fill(features)
    blocks = [
        _cut(np.where(made.integers_known, made.integers, _NO_INTEGER)),
        _cut(np.where(made.numbers_known, made.numbers, np.nan)),
        _cut(np.where(made.flags_known, made.flags, _NO_FLAG).astype(np.uint8)),
        _pack_texts(made),
    ]
    return [_MARK + b"".join(row) for row in zip(*blocks, strict=True)]


def unpack(packed: bytes, names: FeatureNames) -> tuple[Value, ...]:
    """Return what `pack_rows` wrote of a row, in the order of names; raises ValueError.

    What decisions of before wrote, one MessagePack array, is read as well.
    """
    if packed[:1] != _MARK:
        return msgspec.msgpack.decode(packed, type=tuple[int | float | bool | str | None, ...])
    counts = [names.types.count(kind) for kind in FeatureType]
    integers, numbers, flags = counts[0] * _WORD, counts[1] * _WORD, counts[2]
    ends = np.cumsum([len(_MARK), integers, numbers, flags])
    parts = [packed[start:end] for start, end in pairwise(ends)]
    if len(packed) <= ends[-1]:
        raise ValueError("these are not the values of features with these names")
    values: dict[FeatureType, Iterator[Value]] = {
        FeatureType.INTEGER: iter(_blank(np.frombuffer(parts[0], "<i8"), _NO_INTEGER)),
        FeatureType.NUMBER: iter(_blank(np.frombuffer(parts[1], "<f8"), np.nan)),
        FeatureType.FLAG: iter([None if each == _NO_FLAG else each == 1 for each in parts[2]]),
        FeatureType.TEXT: iter(_decode_texts(packed[ends[-1] :])),
    }
    return tuple(next(values[kind]) for kind in names.types)


def unpack_columns(rows: Sequence[bytes], names: FeatureNames) -> Features:
    """Return what `pack_rows` wrote of many rows with the same names; raises ValueError.

    All at once, a fiftieth of the time of one by one; with a row of before among them, one by one.
    """
    if not rows or any(row[:1] != _MARK for row in rows):
        whole = [unpack(row, names) for row in rows]
        return make_columns(
            dict(zip(names.names, names.types, strict=True)),
            [dict(zip(names.names, values, strict=True)) for values in whole],
        )
    counts = {kind: names.types.count(kind) for kind in FeatureType}
    shape = np.dtype(
        [
            ("mark", "u1"),
            (FeatureType.INTEGER.value, "<i8", (counts[FeatureType.INTEGER],)),
            (FeatureType.NUMBER.value, "<f8", (counts[FeatureType.NUMBER],)),
            (FeatureType.FLAG.value, "u1", (counts[FeatureType.FLAG],)),
        ]
    )
    width = shape.itemsize
    if any(len(row) <= width for row in rows):
        raise ValueError("these are not the values of features with these names")
    read = np.frombuffer(b"".join([row[:width] for row in rows]), shape)
    texts = list(zip(*[_decode_texts(row[width:]) for row in rows], strict=True))
    places = dict.fromkeys(FeatureType, 0)
    columns: dict[str, Column] = {}
    for name, kind in zip(names.names, names.types, strict=True):
        place, places[kind] = places[kind], places[kind] + 1
        given = texts[place] if kind is FeatureType.TEXT else read[kind.value][:, place]
        columns[name] = _make_column(kind, given)
    return columns


def _make_column(kind: FeatureType, given: Any) -> Column:
    if kind is FeatureType.TEXT:
        known = np.array([text is not None for text in given], np.bool_)
        return Column(kind, np.array([text or "" for text in given], object), known)
    if kind is FeatureType.INTEGER:
        return Column(kind, given, given != _NO_INTEGER)
    if kind is FeatureType.NUMBER:
        return Column(kind, given, ~np.isnan(given))
    return Column(kind, given == 1, given != _NO_FLAG)


def _blank(values: NDArray[Any], null: float) -> list[Value]:
    is_null = np.isnan(values) if math.isnan(null) else values == null
    return [None if bad else value for value, bad in zip(values.tolist(), is_null, strict=True)]


def _cut(matrix: NDArray[Any]) -> list[bytes]:
    """Return the bytes of each column of a matrix."""
    height, rows = matrix.shape
    width = height * matrix.itemsize
    whole = matrix.T.astype(matrix.dtype.newbyteorder("<"), copy=False).tobytes()
    return [whole[row * width : (row + 1) * width] for row in range(rows)]


def _pack_texts(made: FeatureMatrices) -> list[bytes]:
    rows = made.integers.shape[1]
    texts = zip(*(made.texts[name] for name in sorted(made.texts)), strict=True)
    known: dict[tuple[str | None, ...], bytes] = {}
    packed = [known.get(row) or known.setdefault(row, _encode(row)) for row in texts]
    return packed or [_encode(())] * rows


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_texts: Final = msgspec.msgpack.Decoder(list[str | None]).decode


def _layout(features: Features) -> Layout:
    key = _types(features)
    layout = _layout_of.get(key)
    if layout is None:
        layout = _layout_of[key] = Layout.of(dict(key), sometimes_unknown=features)
    return layout


def _types(features: Features) -> Types:
    return tuple((name, column.type) for name, column in features.items())
