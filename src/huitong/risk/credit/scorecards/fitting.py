"""Fitting a scorecard: bins, a logistic regression on weights of evidence, points, calibration.

Source: Siddiqi, Credit Risk Scorecards (2006), chapter 6. Imports optbinning and scikit-learn,
which take seconds: import it late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression

from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.risk.credit import limits
from huitong.risk.credit.protected import check_features_allowed
from huitong.risk.credit.scorecards.binning import (
    BinningSettings,
    bin_feature,
    information_value,
)
from huitong.risk.credit.scorecards.scoring import (
    FeatureColumn,
    log_odds_of_bad,
    place_column,
    score_columns,
)
from huitong.risk.credit.scorecards.types import Bin, Characteristic, Scaling, Scorecard, Words
from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.calibration import fit_calibration
from huitong.risk.decisioning.models.drift import make_bins
from huitong.risk.decisioning.models.types import Calibration

_STEPS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to fit: the bins of each feature, what a feature must tell, how much weights may weigh.

    `penalty_inverse` is scikit-learn's C. `binning_of` has settings of single features.
    """

    scaling: Scaling = field(default_factory=Scaling)
    binning: BinningSettings = field(default_factory=BinningSettings)
    binning_of: Mapping[str, BinningSettings] = field(default_factory=dict)
    special: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    information_min: float = 0.01
    penalty_inverse: float = 1.0


def fit_scorecard(
    name: str,
    columns: Mapping[str, FeatureColumn],
    labels: Floats,
    *,
    target: str,
    words: Mapping[str, Words] | None = None,
    weights: Floats | None = None,
    settings: FitSettings | None = None,
    is_simulated: bool = False,
) -> Scorecard:
    """Return a scorecard fitted to rows; labels are 1 for bad, `weights` count rows.

    Features that tell less than `information_min`, or whose weight would turn their bins around
    beside the others, are left out. Raises ProtectedAttribute for a feature that nobody may be
    judged by, InvalidField for labels or values that cannot be used, or if nothing remains.
    """
    settings = settings or FitSettings()
    check_features_allowed(columns)
    if len(columns) > limits.CHARACTERISTICS_MAX:
        raise LimitExceeded("There are too many features for a scorecard", field="features")
    binned = _bin_all(columns, labels, words or {}, weights, settings)
    if not binned:
        raise InvalidField("none of them tells anything about the labels", field="features")
    chosen, slopes, intercept = _regress(binned, columns, labels, weights, settings)
    characteristics = _give_points(chosen, slopes, intercept, settings.scaling)
    bare = Scorecard(
        name=name,
        target=target,
        characteristics=characteristics,
        scaling=settings.scaling,
        calibration=Calibration(),
        score_bins=make_bins(np.zeros(1)),
        rows=len(labels),
        bad_rate=float(np.average(labels, weights=weights)),
        is_simulated=is_simulated,
    )
    return msgspec.structs.replace(
        bare, score_bins=make_bins(score_columns(bare, columns).astype(np.float64))
    )


def calibrate_scorecard(
    card: Scorecard, columns: Mapping[str, FeatureColumn], labels: Floats
) -> Scorecard:
    """Return a scorecard whose probabilities agree with rows that it was not fitted to (Platt).

    The stability index then compares with these rows, too. Raises ValueError where the labels are
    of one kind, or the points do not fall with the share of bad.
    """
    points = score_columns(card, columns)
    return msgspec.structs.replace(
        card,
        calibration=fit_calibration(log_odds_of_bad(card.scaling, points), labels),
        score_bins=make_bins(points.astype(np.float64)),
    )


def _bin_all(
    columns: Mapping[str, FeatureColumn],
    labels: Floats,
    words: Mapping[str, Words],
    weights: Floats | None,
    settings: FitSettings,
) -> list[Characteristic]:
    binned = (
        bin_feature(
            name,
            values,
            labels,
            words=words.get(name, Words(zh=f"{name} 不够理想。", en=f"{name} could be better.")),
            weights=weights,
            special=settings.special.get(name, ()),
            settings=settings.binning_of.get(name, settings.binning),
        )
        for name, values in columns.items()
    )
    return [each for each in binned if information_value(each) >= settings.information_min]


def _regress(
    binned: Sequence[Characteristic],
    columns: Mapping[str, FeatureColumn],
    labels: Floats,
    weights: Floats | None,
    settings: FitSettings,
) -> tuple[list[Characteristic], Floats, float]:
    """Return characteristics with the slopes of their evidence, all below 0, and the intercept."""
    chosen = list(binned)
    evidence = {each.name: _evidence(each, columns[each.name]) for each in chosen}
    while chosen:
        model = LogisticRegression(C=settings.penalty_inverse, max_iter=_STEPS_MAX)
        design = np.column_stack([evidence[each.name] for each in chosen])
        model.fit(design, labels, sample_weight=weights)
        slopes: Floats = model.coef_[0]
        if slopes.max() < 0:
            return chosen, slopes, float(model.intercept_[0])
        # Only the worst goes: without it the next may be sound.
        del chosen[int(np.argmax(slopes))]
    raise InvalidField("none of them tells anything about the labels", field="features")


def _evidence(given: Characteristic, values: FeatureColumn) -> Floats:
    woe: Floats = np.array([each.woe for each in given.all_bins])
    return woe[place_column(given, values)]


def _give_points(
    chosen: Sequence[Characteristic], slopes: Floats, intercept: float, scaling: Scaling
) -> tuple[Characteristic, ...]:
    """Give each bin -(slope·woe + intercept / n)·factor + offset / n points, rounded."""
    base = (scaling.offset - intercept * scaling.factor) / len(chosen)

    def points_of(each: Bin, slope: float) -> Bin:
        points = round(base - slope * each.woe * scaling.factor)
        return msgspec.structs.replace(each, points=points)

    return tuple(
        msgspec.structs.replace(
            each,
            bins=tuple(points_of(one, slope) for one in each.bins),
            special_bins=tuple(points_of(one, slope) for one in each.special_bins),
            unknown=points_of(each.unknown, slope),
        )
        for each, slope in zip(chosen, slopes.tolist(), strict=True)
    )
