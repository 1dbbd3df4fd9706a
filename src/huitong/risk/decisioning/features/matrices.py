"""The features of a batch as matrices, and how they are written down row by row."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits
from huitong.risk.decisioning.types import Column, FeatureType


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which features there are, and in which row of the matrix of its type each one stands.

    Rows are in the order of names, so that what is written down needs only names and types to be
    read again.
    """

    types: Mapping[str, FeatureType]
    row_of: Mapping[str, int]
    sometimes_unknown: frozenset[str]
    counts: Mapping[FeatureType, int]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all features, in their order."""
        return tuple(self.types)

    @classmethod
    def of(cls, types: Mapping[str, FeatureType], *, sometimes_unknown: Collection[str]) -> Self:
        """Return the layout of features; those that are `sometimes_unknown` may be NULL."""
        counts = dict.fromkeys(FeatureType, 0)
        row_of = {}
        for name in sorted(types):
            row_of[name] = counts[types[name]]
            counts[types[name]] += 1
        ordered = {name: types[name] for name in sorted(types)}
        return cls(ordered, row_of, frozenset(sometimes_unknown), counts)

    def place(self, name: str) -> int:
        """Return where a feature stands if all integers, then all numbers, then all flags do."""
        kinds = (FeatureType.INTEGER, FeatureType.NUMBER, FeatureType.FLAG)
        before = kinds[: kinds.index(self.types[name])]
        return sum(self.counts[kind] for kind in before) + self.row_of[name]

    def make(self, size: int) -> "FeatureMatrices":
        """Return matrices for so many rows of a batch: zeros, all known."""
        integers = (self.counts[FeatureType.INTEGER], size)
        numbers = (self.counts[FeatureType.NUMBER], size)
        flags = (self.counts[FeatureType.FLAG], size)
        return FeatureMatrices(
            layout=self,
            integers=np.zeros(integers, np.int64),
            integers_known=np.ones(integers, np.bool_),
            numbers=np.zeros(numbers),
            numbers_known=np.ones(numbers, np.bool_),
            flags=np.zeros(flags, np.bool_),
            flags_known=np.ones(flags, np.bool_),
            texts={},
        )

    def fill(self, features: Mapping[str, Column]) -> "FeatureMatrices":
        """Return columns as matrices; raises KeyError for a feature that is not there."""
        made = self.make(len(next(iter(features.values())).values) if features else 0)
        for name, kind in self.types.items():
            column, row = features[name], self.row_of[name]
            if kind is FeatureType.TEXT:
                made.texts[name] = _list_texts(column)
                continue
            values, known = made.pair(kind)
            values[row] = column.values
            if column.known is not None:
                known[row] = column.known
        return made


@lru_cache(maxsize=limits.RULE_DAYS_CACHED_MAX)
def _find_places(layout: Layout, names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return where features stand if all integers, then all numbers, then all flags do."""
    for name in names:
        if layout.types[name] is FeatureType.TEXT:
            raise KeyError(name)
    return np.array([layout.place(name) for name in names], np.intp)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where features stand, as in `_find_places`: with values, with masks, and texts nowhere."""

    numeric: tuple[tuple[str, int], ...]
    masked: tuple[tuple[str, int], ...]
    texts: tuple[str, ...]


@lru_cache(maxsize=limits.RULE_DAYS_CACHED_MAX)
def _place(layout: Layout, names: tuple[str, ...]) -> _Places:
    texts = tuple(name for name in names if layout.types[name] is FeatureType.TEXT)
    numeric = tuple((name, layout.place(name)) for name in names if name not in texts)
    masked = tuple(each for each in numeric if each[0] in layout.sometimes_unknown)
    return _Places(numeric, masked, texts)


def _list_texts(column: Column) -> list[str | None]:
    texts: list[str | None] = column.values.tolist()
    if column.known is not None:
        pairs = zip(texts, column.known.tolist(), strict=True)
        texts = [text if is_known else None for text, is_known in pairs]
    return texts


@dataclass(slots=True, kw_only=True, eq=False)
class FeatureMatrices(Mapping[str, Column]):
    """The features of a batch, by name: one row a feature and one column a row of the batch."""

    layout: Layout
    integers: NDArray[np.int64]
    integers_known: NDArray[np.bool_]
    numbers: NDArray[np.float64]
    numbers_known: NDArray[np.bool_]
    flags: NDArray[np.bool_]
    flags_known: NDArray[np.bool_]
    #: One list a feature; None is NULL.
    texts: dict[str, list[str | None]]
    _columns: dict[str, Column] = field(default_factory=dict)
    #: All of them as doubles, and which are unknown: made for the first who asks, and then kept.
    _doubles: tuple[NDArray[np.float64], NDArray[np.bool_]] | None = None

    def integer(self, name: str) -> NDArray[np.int64]:
        """Return the values of a feature, to read or to write."""
        row: NDArray[np.int64] = self.integers[self.layout.row_of[name]]
        return row

    def number(self, name: str) -> NDArray[np.float64]:
        """Return the values of a feature, to read or to write."""
        row: NDArray[np.float64] = self.numbers[self.layout.row_of[name]]
        return row

    def flag(self, name: str) -> NDArray[np.bool_]:
        """Return the values of a feature, to read or to write."""
        row: NDArray[np.bool_] = self.flags[self.layout.row_of[name]]
        return row

    def pair(self, kind: FeatureType) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the matrix of a type, and which of its values are known; not of texts."""
        if kind is FeatureType.INTEGER:
            return self.integers, self.integers_known
        if kind is FeatureType.NUMBER:
            return self.numbers, self.numbers_known
        return self.flags, self.flags_known

    def __getitem__(self, name: str) -> Column:
        """Return a column; raises KeyError."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._make(name)
        return column

    def __iter__(self) -> Iterator[str]:
        """Go through the names, in their order."""
        return iter(self.layout.types)

    def __len__(self) -> int:
        """Return how many features there are."""
        return len(self.layout.types)

    def gather(self, names: tuple[str, ...]) -> tuple[NDArray[np.float64], int]:
        """Return features as doubles, one row each, and how many values are unknown: NaN.

        Raises KeyError for one that is not there or is a text. Nothing is written any more then.
        """
        places = _find_places(self.layout, names)
        if self._doubles is None:
            self._doubles = self._make_doubles()
        doubles, is_unknown = self._doubles
        return doubles[places], int(np.count_nonzero(is_unknown[places]))

    def split(
        self, names: tuple[str, ...]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.bool_]]]:
        """Return the values of features by name, and of those that may be NULL where they are not.

        The same arrays as of columns, without making each column. Raises KeyError.
        """
        places = _place(self.layout, names)
        rows: list[NDArray[Any]] = [*self.integers, *self.numbers, *self.flags]
        known = [*self.integers_known, *self.numbers_known, *self.flags_known]
        values = {name: rows[place] for name, place in places.numeric}
        masks = {name: known[place] for name, place in places.masked}
        for name in places.texts:
            column = self[name]
            values[name] = column.values
            if column.known is not None:
                masks[name] = column.known
        return values, masks

    def _make_doubles(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        rows = np.concatenate((self.integers, self.numbers, self.flags), dtype=np.float64)
        masks = (self.integers_known, self.numbers_known, self.flags_known)
        is_unknown = ~np.concatenate(masks)
        rows[is_unknown] = np.nan
        return rows, is_unknown

    def _make(self, name: str) -> Column:
        kind, row = self.layout.types[name], self.layout.row_of[name]
        is_masked = name in self.layout.sometimes_unknown
        if kind is FeatureType.TEXT:
            given = self.texts[name]
            texts = np.array([text or "" for text in given], object)
            if not is_masked:
                return Column(kind, texts)
            return Column(kind, texts, np.array([text is not None for text in given], np.bool_))
        values, known = self.pair(kind)
        return Column(kind, values[row], known[row] if is_masked else None)
