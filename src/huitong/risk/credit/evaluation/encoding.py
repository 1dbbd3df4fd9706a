"""From features to matrices that learners take; all that is learnt is of training rows."""

from dataclasses import dataclass, field

import numpy as np

from huitong.risk.credit.evaluation.types import Frame
from huitong.risk.credit.scorecards.scoring import FeatureColumn
from huitong.risk.decisioning.features.scans import Floats

_EMPTY = ""


@dataclass(slots=True, eq=False)
class Encoder:
    """Learns categories and medians of training rows, and encodes any rows by them."""

    _categories: dict[str, list[str]] = field(default_factory=dict)
    _medians: dict[str, float] = field(default_factory=dict)
    _sometimes_unknown: list[str] = field(default_factory=list)

    def fit(self, frame: Frame) -> "Encoder":
        """Learn what there is to learn, without labels."""
        for name, values in frame.texts.items():
            self._categories[name] = sorted({_text(each) for each in values})
        for name, numbers in frame.numbers.items():
            is_unknown = np.isnan(numbers)
            if is_unknown.any():
                self._sometimes_unknown.append(name)
            known = numbers[~is_unknown]
            self._medians[name] = float(np.median(known)) if len(known) else 0.0
        return self

    def for_trees(self, frame: Frame) -> Floats:
        """Return [rows, features]: numbers with NaN, texts by their places, -1 for new ones."""
        columns = [frame.numbers[name] for name in self._medians]
        for name, categories in self._categories.items():
            places = {text: place for place, text in enumerate(categories)}
            found = [float(places.get(_text(each), -1)) for each in frame.texts[name]]
            columns.append(np.array(found))
        return np.column_stack(columns)

    def trends_for_trees(self, frame: Frame) -> list[int]:
        """Return for each column of `for_trees` the trend that is known of it, or 0."""
        names = [*self._medians, *self._categories]
        return [frame.trends.get(name, 0) for name in names]

    def for_curves(self, frame: Frame) -> tuple[Floats, Floats]:
        """Return numbers with medians for unknown, and flags: of what is unknown, of each text."""
        numbers = [
            np.where(np.isnan(frame.numbers[name]), median, frame.numbers[name])
            for name, median in self._medians.items()
        ]
        flags = [np.isnan(frame.numbers[name]) for name in self._sometimes_unknown]
        for name, categories in self._categories.items():
            texts = np.array([_text(each) for each in frame.texts[name]], dtype=object)
            flags.extend(texts == category for category in categories)
        rows = len(frame)
        return (
            np.column_stack(numbers) if numbers else np.empty((rows, 0)),
            np.column_stack(flags).astype(np.float64) if flags else np.empty((rows, 0)),
        )


def _text(value: object) -> str:
    return _EMPTY if value is None else str(value)


def as_columns(frame: Frame) -> dict[str, FeatureColumn]:
    """Return all features by name, as scorecards take them."""
    return {**frame.numbers, **frame.texts}
