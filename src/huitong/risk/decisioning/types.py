"""What all parts of decisioning share: actions, and features of a batch as columns."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray


class Action(IntEnum):
    """What a decision does, from mildest to hardest; the hardest of several holds."""

    ALLOW = 0
    STEP_UP = 1
    REVIEW = 2
    DELAY = 3
    BLOCK = 4

    @property
    def code(self) -> str:
        """The name in APIs and stored records: `allow`, `step_up`, …"""
        return self.name.lower()


class FeatureType(StrEnum):
    """How a feature is kept in a column, and what a rule may do with it."""

    #: 64-bit whole numbers: counts, amounts in minor units, seconds.
    INTEGER = "integer"
    #: Double precision: decayed counters, ratios, scores. Never money that moves.
    NUMBER = "number"
    FLAG = "flag"
    TEXT = "text"


Values: TypeAlias = NDArray[Any]
DTYPES: Final[Mapping[FeatureType, np.dtype[Any]]] = {
    FeatureType.INTEGER: np.dtype(np.int64),
    FeatureType.NUMBER: np.dtype(np.float64),
    FeatureType.FLAG: np.dtype(np.bool_),
    FeatureType.TEXT: np.dtype(object),
}


class Column(NamedTuple):
    """One feature of a batch: `values`, one a row, and which of them are known.

    `known` is None where all are. A value that is not known is SQL's NULL; what stands in `values`
    at its place means nothing.
    """

    type: FeatureType
    values: Values
    known: NDArray[np.bool_] | None = None


#: The features of a batch by name; all columns have the same length.
Features: TypeAlias = Mapping[str, Column]
