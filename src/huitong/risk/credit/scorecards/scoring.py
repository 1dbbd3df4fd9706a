"""Scoring by a scorecard: many rows as columns, or one application with its reasons.

Needs no library of training; an application takes microseconds.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.risk.credit import limits
from huitong.risk.credit.scorecards.types import Characteristic, Scaling, Scorecard
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.calibration import calibrate

#: A feature of one application; None is unknown.
Feature: TypeAlias = float | int | bool | str | None
#: A feature of many: doubles with NaN for unknown, or objects that are text or None.
FeatureColumn: TypeAlias = NDArray[Any]
Places: TypeAlias = NDArray[np.int64]
Points: TypeAlias = NDArray[np.int64]
_PROBABILITY_MIN: Final = 1e-9


@dataclass(frozen=True, slots=True)
class PointsLost:
    """A reason: a characteristic that costs points against the best that anybody can have."""

    code: str
    zh: str
    en: str
    points: int
    points_lost: int


@dataclass(frozen=True, slots=True)
class CardScore:
    """What a scorecard says of one application."""

    points: int
    probability_of_default: float
    reasons: tuple[PointsLost, ...]


def score_one(
    card: Scorecard, features: Mapping[str, Feature], *, most: int = limits.REASONS_MAX
) -> CardScore:
    """Return points, probability and up to `most` reasons, the most points lost first.

    Each characteristic must be among the features, None for unknown. Raises InvalidField naming
    the feature (`features.debts`) that is missing, no finite number, or a text where a number
    belongs or the other way round.
    """
    total, lost = 0, []
    for each in card.characteristics:
        found = each.all_bins[_place_one(each, features)]
        total += found.points
        if found.points < each.points_max:
            lost.append(
                PointsLost(
                    code=each.name,
                    zh=each.words.zh,
                    en=each.words.en,
                    points=found.points,
                    points_lost=each.points_max - found.points,
                )
            )
    lost.sort(key=lambda reason: (-reason.points_lost, reason.code))
    return CardScore(total, _probability_of(card, total), tuple(lost[:most]))


def score_columns(card: Scorecard, columns: Mapping[str, FeatureColumn]) -> Points:
    """Return the points of each row. Raises InvalidField naming a column, as `score_one` does."""
    total: Points | None = None
    for each in card.characteristics:
        if each.name not in columns:
            raise InvalidField("is missing", field=f"features.{each.name}")
        places = place_column(each, columns[each.name])
        points = np.array([one.points for one in each.all_bins], np.int64)[places]
        if total is not None and len(total) != len(points):
            raise InvalidField("has another number of rows", field=f"features.{each.name}")
        total = points if total is None else total + points
    assert total is not None, "a scorecard has characteristics"
    return total


def to_probabilities(card: Scorecard, points: Points) -> Floats:
    """Return the calibrated probability of default of points."""
    found = calibrate(log_odds_of_bad(card.scaling, points), card.calibration)
    return np.clip(found, _PROBABILITY_MIN, 1.0 - _PROBABILITY_MIN)


def log_odds_of_bad(scaling: Scaling, points: Points | Floats) -> Floats:
    """Return ln(odds of bad) as points say it, before any calibration.

    Worked: 600 points at 50:1 give -ln 50 = -3.912.
    """
    return (scaling.offset - np.asarray(points, np.float64)) / scaling.factor


def place_column(given: Characteristic, values: FeatureColumn) -> Places:
    """Return for each row the place of its bin among `all_bins`."""
    if len(values) > limits.SCORED_AT_ONCE_MAX:
        raise LimitExceeded("There are too many rows at once", field=f"features.{given.name}")
    unknown = len(given.all_bins) - 1
    if given.categories:
        by_text = _places_of(given.categories)
        found = (by_text.get(each, unknown) for each in values)
        return np.fromiter(found, np.int64, len(values))
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError) as problem:
        raise InvalidField("must hold numbers", field=f"features.{given.name}") from problem
    if np.isinf(numbers).any():
        raise InvalidField("has values without end", field=f"features.{given.name}")
    places = np.searchsorted(np.asarray(given.edges), numbers, side="right").astype(np.int64)
    for index, special in enumerate(given.special):
        places[numbers == special] = len(given.bins) + index
    places[np.isnan(numbers)] = unknown
    return places


def _place_one(given: Characteristic, features: Mapping[str, Feature]) -> int:
    field = f"features.{given.name}"
    if given.name not in features:
        raise InvalidField("is missing; None says that it is unknown", field=field)
    value = features[given.name]
    unknown = len(given.all_bins) - 1
    if value is None:
        return unknown
    if given.categories:
        if not isinstance(value, str) or len(value) > limits.FEATURE_LENGTH_MAX:
            raise InvalidField("must be a short text", field=field)
        return _places_of(given.categories).get(value, unknown)
    if isinstance(value, str):
        raise InvalidField("must be a number", field=field)
    number = _to_number(value, field)
    if number in given.special:
        return len(given.bins) + given.special.index(number)
    return bisect_right(given.edges, number)


def _to_number(value: float | bool, field: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as problem:
        raise InvalidField("must be a number", field=field) from problem
    if not math.isfinite(number):
        raise InvalidField("must be a finite number", field=field)
    return number


def _probability_of(card: Scorecard, points: int) -> float:
    return float(to_probabilities(card, np.array([points]))[0])


def _places_of(categories: Sequence[Sequence[str]]) -> dict[str, int]:
    return {text: place for place, group in enumerate(categories) for text in group}
