"""What a scorecard is: data, which JSON holds and any program can score by.

Source of the form: Siddiqi, Credit Risk Scorecards (2006), chapter 6.
"""

import math
from typing import Final

import msgspec

from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.risk.credit import limits
from huitong.risk.decisioning.models.types import Bins, Calibration

#: The outcome of a loan that scorecards foretell, and the other one.
BAD: Final = 1


class Bin(msgspec.Struct, frozen=True):
    """A range of a characteristic: its weight of evidence, points, and share of the training rows.

    `woe` is ln(share of the good / share of the bad): above 0 is better than the average.
    """

    woe: float
    points: int
    share: float
    bad_rate: float


class Words(msgspec.Struct, frozen=True):
    """What is said to a person about a characteristic that costs points."""

    zh: str
    en: str


class Characteristic(msgspec.Struct, frozen=True):
    """A feature in bins.

    Numbers: `edges` ascend and cut them into bins, each of which holds its lower edge. `special`
    values (codes such as -9) have bins of their own, in the order of `special_bins`. Texts: each
    of `categories` is the set of texts of one bin, and edges are empty. What is unknown, or a text
    that training did not see, is `unknown`.
    """

    name: str
    bins: tuple[Bin, ...]
    unknown: Bin
    words: Words
    edges: tuple[float, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    special: tuple[float, ...] = ()
    special_bins: tuple[Bin, ...] = ()

    @property
    def all_bins(self) -> tuple[Bin, ...]:
        """Return its bins in the order of their places: ranges, special values, unknown."""
        return (*self.bins, *self.special_bins, self.unknown)

    @property
    def points_max(self) -> int:
        """Return the most points that somebody can have for it."""
        return max(each.points for each in self.all_bins)


class Scaling(msgspec.Struct, frozen=True):
    """How log-odds become points: `base_points` at `base_odds` (good to bad), doubling each `pdo`.

    points = offset + factor·ln(odds), factor = pdo / ln 2, offset = base_points - factor·ln
    base_odds. Worked: 600 points at 50:1 and a PDO of 20 give 620 points at 100:1.
    """

    base_points: int = 600
    base_odds: float = 50.0
    pdo: int = 20

    @property
    def factor(self) -> float:
        """Return the points of one unit of ln(odds)."""
        return self.pdo / math.log(2)

    @property
    def offset(self) -> float:
        """Return the points at odds of 1:1."""
        return self.base_points - self.factor * math.log(self.base_odds)


class Scorecard(msgspec.Struct, frozen=True):
    """A logistic scorecard in whole points; more points are better.

    The calibration turns ln(odds of bad) as the points say it into that of the probability of
    default. `score_bins` are how points were distributed in training, for the stability index.
    """

    name: str
    target: str
    characteristics: tuple[Characteristic, ...]
    scaling: Scaling
    calibration: Calibration
    score_bins: Bins
    rows: int
    bad_rate: float
    is_simulated: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return its characteristics' names in order."""
        return tuple(each.name for each in self.characteristics)


def write_scorecard(card: Scorecard) -> str:
    """Return a scorecard as JSON; the same scorecard, the same text."""
    return msgspec.json.encode(card, order="deterministic").decode()


def read_scorecard(text: str) -> Scorecard:
    """Return what `write_scorecard` wrote, checked.

    Raises LimitExceeded for too long a text and InvalidField for what is no sound scorecard.
    """
    if len(text) > limits.SCORECARD_BYTES_MAX:
        raise LimitExceeded(
            f"A scorecard has at most {limits.SCORECARD_BYTES_MAX:,} bytes", field="scorecard"
        )
    try:
        card = msgspec.json.decode(text, type=Scorecard)
    except (msgspec.DecodeError, ValueError) as problem:
        raise InvalidField(f"is no scorecard: {problem}", field="scorecard") from problem
    check_scorecard(card)
    return card


def check_scorecard(card: Scorecard) -> None:
    """Raise InvalidField that names the place where a scorecard contradicts itself."""
    names = card.feature_names
    _demand(0 < len(names) <= limits.CHARACTERISTICS_MAX, "characteristics", "wrong in number")
    _demand(len(set(names)) == len(names), "characteristics", "has a name twice")
    scaling = card.scaling
    _demand(scaling.pdo > 0 and scaling.base_odds > 0, "scaling", "must be positive")
    _demand(
        math.isfinite(card.calibration.slope)
        and math.isfinite(card.calibration.offset)
        and card.calibration.slope > 0,
        "calibration",
        "must keep the order of the points",
    )
    for each in card.characteristics:
        _check(each)


def _check(given: Characteristic) -> None:
    name = f"characteristics.{given.name}"
    _demand(0 < len(given.all_bins) <= limits.BINS_MAX, name, "has the wrong number of bins")
    expected = len(given.categories) if given.categories else len(given.edges) + 1
    _demand(len(given.bins) == expected, name, "has other bins than edges or categories say")
    _demand(not (given.edges and given.categories), name, "has both edges and categories")
    _demand(len(given.special) == len(given.special_bins), name, "lacks bins of special values")
    _demand(
        all(low < high for low, high in zip(given.edges, given.edges[1:], strict=False)),
        name,
        "has edges that do not ascend",
    )
    numbers = (*given.edges, *given.special, *(each.woe for each in given.all_bins))
    _demand(all(math.isfinite(each) for each in numbers), name, "has numbers without end")
    texts = [text for group in given.categories for text in group]
    _demand(len(set(texts)) == len(texts), name, "has a category twice")


def _demand(is_sound: bool, field: str, problem: str) -> None:
    if not is_sound:
        raise InvalidField(problem, field=f"scorecard.{field}")
