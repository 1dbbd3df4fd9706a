"""What an evaluation works on: rows of a data set as columns, and how a data set is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huitong.risk.credit.scorecards.scoring import FeatureColumn
from huitong.risk.decisioning.features.scans import Floats

#: Columns of a file by name: doubles with NaN for what is empty, or objects of text and None.
Raw = Mapping[str, FeatureColumn]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Features of rows: `numbers` are doubles with NaN for unknown, `texts` objects.

    `trends` are what is known of numbers beforehand: 1 if risk rises with them, -1 if it falls.
    """

    numbers: Mapping[str, Floats]
    texts: Mapping[str, FeatureColumn] = field(default_factory=dict)
    trends: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(next(iter((self.numbers or self.texts).values())))

    def take(self, rows: NDArray[np.int64]) -> "Frame":
        """Return some of the rows."""
        return Frame(
            {name: values[rows] for name, values in self.numbers.items()},
            {name: values[rows] for name, values in self.texts.items()},
            self.trends,
        )

    def leave_out(self, names: frozenset[str]) -> "Frame":
        """Return the rows without some features."""
        return Frame(
            {name: values for name, values in self.numbers.items() if name not in names},
            {name: values for name, values in self.texts.items() if name not in names},
            self.trends,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataSet:
    """A public data set.

    `stem` begins its files' names (`<stem>_train.csv`); `bad` is the value of `target` that is bad.
    `make_features` makes the features of the best model, `card_features` those of the scorecard out
    of them. `protected` are features that are, or hold, protected attributes: no scorecard takes
    them, and the best model only where `is_best_blind` is false, to be comparable with what was
    published. `groups` cut rows by protected attributes, by which fairness is measured. `published`
    are AUCs that others have, with their source; `target_auc` is what we are to reach.
    """

    name: str
    stem: str
    target: str
    bad: int
    texts: frozenset[str]
    make_features: Callable[[Raw], Frame]
    card_features: Callable[[Frame], Mapping[str, FeatureColumn]]
    learners: tuple[str, ...]
    target_auc: float
    published: Mapping[str, float]
    special: tuple[float, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    protected: frozenset[str] = frozenset()
    is_best_blind: bool = True
    groups: Callable[[Raw], Mapping[str, FeatureColumn]] = lambda _: {}
