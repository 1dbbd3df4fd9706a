"""Binning: cutting a feature so that risk rises or falls from bin to bin, at the best cuts.

The cuts are those of optimal binning (Navas-Palencia, Optimal binning: mathematical programming
formulation, 2020). Imports optbinning, which takes seconds: import it late.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

# Whichever comes first decides which solver library both use: this one must.
import highspy  # noqa: F401  # isort: skip
from optbinning import OptimalBinning

from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.risk.credit import limits
from huitong.risk.credit.scorecards.scoring import FeatureColumn, Places, place_column
from huitong.risk.credit.scorecards.types import Bin, Characteristic, Words
from huitong.risk.decisioning.features.scans import Floats

_SECONDS_MAX: Final = 20
_PREBINS: Final = 30
#: So many rows of the average are added to each bin, so that none is certain.
_PRIOR_ROWS: Final = 2.0


@dataclass(frozen=True, slots=True)
class BinningSettings:
    """How finely to cut: at most so many bins, each with at least a share of the rows.

    `trend` is optbinning's: `auto_asc_desc` is monotonic either way, `auto` allows one turn.
    """

    bins_max: int = 6
    share_min: float = 0.05
    trend: str = "auto_asc_desc"


def bin_feature(
    name: str,
    values: FeatureColumn,
    labels: Floats,
    *,
    words: Words,
    weights: Floats | None = None,
    special: tuple[float, ...] = (),
    settings: BinningSettings | None = None,
) -> Characteristic:
    """Return a feature in bins with weights of evidence, and no points yet.

    `values` are doubles (NaN is unknown) or objects (texts and None); labels are 1 for bad. Raises
    InvalidField where a kind of label is missing or a value is no number.
    """
    settings = settings or BinningSettings()
    _check_labels(labels)
    if values.dtype == object:
        empty = _bare(name, words, categories=_cut_texts(name, values, labels, settings))
    else:
        edges = _cut_numbers(name, values, labels, special, settings)
        empty = _bare(name, words, edges=edges, special=special)
    return _weigh(empty, place_column(empty, values), labels, weights)


def information_value(given: Characteristic) -> float:
    """Return Σ (share of good - share of bad)·woe over the bins: what it tells about risk.

    Below 0.02 it tells nothing, from 0.3 on much (Siddiqi, 2006). Shares are smoothed.
    """
    bad = np.array([each.share * each.bad_rate for each in given.all_bins])
    good = np.array([each.share * (1 - each.bad_rate) for each in given.all_bins])
    woe = np.array([each.woe for each in given.all_bins])
    return float(np.sum((good / good.sum() - bad / bad.sum()) * woe))


def _check_labels(labels: Floats) -> None:
    bad = int(np.count_nonzero(labels == 1))
    if np.count_nonzero((labels != 0) & (labels != 1)):
        raise InvalidField("must be 0 or 1", field="labels")
    if min(bad, len(labels) - bad) < limits.TRAINING_ROWS_OF_KIND_MIN:
        raise InvalidField(
            f"need {limits.TRAINING_ROWS_OF_KIND_MIN} of both kinds to be binned", field="labels"
        )


def _cut_numbers(
    name: str,
    values: FeatureColumn,
    labels: Floats,
    special: tuple[float, ...],
    settings: BinningSettings,
) -> tuple[float, ...]:
    known = ~np.isnan(values) & ~np.isin(values, special)
    if np.isinf(values).any():
        raise InvalidField("has values without end", field=f"features.{name}")
    if len(np.unique(values[known])) < 2 or len(np.unique(labels[known])) < 2:  # noqa: PLR2004
        return ()
    found = OptimalBinning(
        name=name,
        dtype="numerical",
        solver="cp",
        monotonic_trend=settings.trend,
        max_n_prebins=_PREBINS,
        max_n_bins=settings.bins_max,
        min_bin_size=settings.share_min,
        time_limit=_SECONDS_MAX,
    ).fit(values[known].astype(np.float64), labels[known].astype(np.int64))
    return tuple(float(each) for each in found.splits)


def _cut_texts(
    name: str, values: FeatureColumn, labels: Floats, settings: BinningSettings
) -> tuple[tuple[str, ...], ...]:
    known = np.array([each is not None for each in values])
    texts = values[known].astype(str)
    distinct = np.unique(texts)
    if len(distinct) > limits.CATEGORIES_MAX:
        raise LimitExceeded("has too many different texts", field=f"features.{name}")
    if len(distinct) < 2 or len(np.unique(labels[known])) < 2:  # noqa: PLR2004
        return (tuple(str(each) for each in distinct),)
    found = OptimalBinning(
        name=name,
        dtype="categorical",
        solver="cp",
        max_n_prebins=_PREBINS,
        max_n_bins=settings.bins_max,
        min_bin_size=settings.share_min,
        time_limit=_SECONDS_MAX,
    ).fit(texts.astype(object), labels[known].astype(np.int64))
    groups = tuple(tuple(sorted(str(each) for each in group)) for group in found.splits)
    return groups or (tuple(str(each) for each in distinct),)


def _bare(
    name: str,
    words: Words,
    *,
    edges: tuple[float, ...] = (),
    categories: tuple[tuple[str, ...], ...] = (),
    special: tuple[float, ...] = (),
) -> Characteristic:
    nothing = Bin(woe=0.0, points=0, share=0.0, bad_rate=0.0)
    count = len(categories) if categories else len(edges) + 1
    return Characteristic(
        name=name,
        bins=(nothing,) * count,
        unknown=nothing,
        words=words,
        edges=edges,
        categories=categories,
        special=special,
        special_bins=(nothing,) * len(special),
    )


def _weigh(
    empty: Characteristic, places: Places, labels: Floats, weights: Floats | None
) -> Characteristic:
    count = len(empty.all_bins)
    weights = np.ones(len(labels)) if weights is None else weights
    rows = np.bincount(places, weights=weights, minlength=count)
    bad = np.bincount(places, weights=weights * labels, minlength=count)
    rate = bad.sum() / rows.sum()
    smooth = (bad + _PRIOR_ROWS * rate) / (rows + _PRIOR_ROWS)
    woe = np.log((1 - smooth) / smooth) - np.log((1 - rate) / rate)
    if rows[-1] == 0:
        # Who withholds what all others told must not gain by it: unknown counts as the worst bin.
        woe[-1] = woe.min()
    bins = tuple(
        Bin(woe=float(each_woe), points=0, share=float(share), bad_rate=float(each_rate))
        for each_woe, share, each_rate in zip(woe, rows / rows.sum(), smooth, strict=True)
    )
    first, last = len(empty.bins), count - 1
    return Characteristic(
        name=empty.name,
        bins=bins[:first],
        unknown=bins[last],
        words=empty.words,
        edges=empty.edges,
        categories=empty.categories,
        special=empty.special,
        special_bins=bins[first:last],
    )
