"""Drift: how far the payments of today are from those that the model was trained on."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.decisioning.models.types import Bins

_BINS: Final = 10
#: No share counts as less than this: the logarithm of an empty bin has no end.
_SHARE_MIN: Final = 1e-4
#: Above this a population counts as changed; the customary threshold (Siddiqi, Credit Risk
#: Scorecards, 2006): below 0.1 stable, to 0.25 watch, above it act.
PSI_DRIFTING: Final = 0.25


def make_bins(values: Floats) -> Bins:
    """Return up to ten bins of equal share; NaN is unknown. Raises ValueError without any value."""
    if len(values) == 0:
        raise ValueError("no values to make bins of")
    known = values[~np.isnan(values)]
    quantiles = np.linspace(0.0, 1.0, _BINS + 1)[1:-1]
    # Many equal values make equal quantiles; the last edge holds nothing if it is the maximum.
    edges = np.unique(np.quantile(known, quantiles)) if len(known) else np.empty(0)
    return Bins(edges=tuple(edges.tolist()), shares=tuple(_shares(values, edges).tolist()))


def measure_psi(bins: Bins, values: Floats) -> float:
    """Return the population stability index Σ (a - e)·ln(a / e) of the values, NaN for unknown.

    e are the bins' shares, a those of the values, neither below 0.0001. 0 means: distributed as in
    training. Worked: shares (½, ½) against (¾, ¼) give ¼·ln 1.5 - ¼·ln 0.5 = 0.2747.
    """
    if len(values) == 0:
        raise ValueError("no values to compare")
    expected = np.maximum(np.asarray(bins.shares), _SHARE_MIN)
    actual = np.maximum(_shares(values, np.asarray(bins.edges)), _SHARE_MIN)
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def measure_drift(bins: Mapping[str, Bins], columns: Mapping[str, Floats]) -> dict[str, float]:
    """Return the index by name, for every name that has bins."""
    return {name: measure_psi(each, columns[name]) for name, each in bins.items()}


def _shares(values: Floats, edges: Floats) -> Floats:
    is_unknown = np.isnan(values)
    places = np.searchsorted(edges, values[~is_unknown], side="left")
    counts = np.bincount(places, minlength=len(edges) + 1)
    shares: Floats = np.append(counts, np.count_nonzero(is_unknown)) / len(values)
    return shares
