"""Reject inference: what those who were refused would have done, guessed with care.

Labels exist only for loans that were made. Source of the methods: Siddiqi, Credit Risk Scorecards
(2006), chapter 6; Crook and Banasik, Does reject inference really improve the performance of
application scoring models? (2004), who found that it helps little: compare before use.
"""

from typing import Final

import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.scans import Floats, Integers

_BANDS: Final = 10


def parcel_out(
    accepted_points: Floats,
    accepted_labels: Floats,
    rejected_points: Floats,
    *,
    risk_factor: float,
    seed: int,
    bands: int = _BANDS,
) -> Floats:
    """Return labels for the rejected by parcelling: 1 for bad, drawn within bands of points.

    In each band of equal share the rejected are bad at the rate of the accepted times
    `risk_factor` (1.2 to 1.5 is customary), at most all of them; who is it is drawn. A band without
    anybody accepted has the rate of the next below, or above. Worked: 2 of 10 accepted bad, 10
    rejected, factor 1.5: 3 of them are bad.
    """
    if not 1.0 <= risk_factor < np.inf:
        raise InvalidField("must be at least 1: refused is not better", field="risk_factor")
    rates, accepted, edges = _rates(accepted_points, accepted_labels, bands)
    places = _place(rejected_points, edges)
    chance = np.random.default_rng(seed)
    labels = np.zeros(len(rejected_points))
    for band in range(len(rates)):
        rows = np.flatnonzero(places == band)
        bad = min(len(rows), round(len(rows) * _nearest(rates, accepted, band) * risk_factor))
        labels[chance.permutation(rows)[:bad]] = 1.0
    return labels


def augment_fuzzily(
    probabilities: Floats, *, risk_factor: float
) -> tuple[Integers, Floats, Floats]:
    """Return rows, labels and weights that stand for the rejected: each is both good and bad.

    Each rejected row appears twice (`rows` are its places, twice over): bad with the weight of its
    probability times the factor, at most 1, and good with the rest. Worked: 0.2 and a factor of
    1.5 give a bad row of weight 0.3 and a good one of 0.7.
    """
    if not 1.0 <= risk_factor < np.inf:
        raise InvalidField("must be at least 1: refused is not better", field="risk_factor")
    bad = np.minimum(probabilities * risk_factor, 1.0)
    places = np.arange(len(probabilities), dtype=np.int64)
    labels = np.concatenate([np.ones(len(bad)), np.zeros(len(bad))])
    return np.concatenate([places, places]), labels, np.concatenate([bad, 1.0 - bad])


def weigh_accepted(
    accepted_points: Floats, rejected_points: Floats, *, bands: int = _BANDS
) -> Floats:
    """Return weights by which the accepted stand for all applicants (augmentation).

    Within bands of points, each accepted counts for all who applied there: weight (accepted +
    rejected) / accepted. Worked: 30 accepted and 10 rejected in a band give a weight of 4/3.
    """
    edges = _edges(np.concatenate([accepted_points, rejected_points]), bands)
    places = _place(accepted_points, edges)
    accepted = np.bincount(places, minlength=len(edges) + 1)
    rejected = np.bincount(_place(rejected_points, edges), minlength=len(edges) + 1)
    weights: Floats = (accepted + rejected)[places] / accepted[places]
    return weights


def _rates(points: Floats, labels: Floats, bands: int) -> tuple[Floats, Floats, Floats]:
    if len(points) == 0:
        raise InvalidField("must hold somebody to learn from", field="accepted_points")
    edges = _edges(points, bands)
    places = _place(points, edges)
    accepted = np.bincount(places, minlength=len(edges) + 1).astype(np.float64)
    bad = np.bincount(places, weights=labels, minlength=len(edges) + 1)
    return bad / np.maximum(accepted, 1.0), accepted, edges


def _edges(points: Floats, bands: int) -> Floats:
    found: Floats = np.unique(np.quantile(points, np.linspace(0, 1, bands + 1)[1:-1]))
    return found


def _place(points: Floats, edges: Floats) -> Integers:
    return np.searchsorted(edges, points, side="right").astype(np.int64)


def _nearest(rates: Floats, accepted: Floats, band: int) -> float:
    """Return the rate of a band, or of the next one that has any: worse ones first."""
    for each in (*range(band, -1, -1), *range(band + 1, len(rates))):
        if accepted[each] > 0:
            return float(rates[each])
    raise AssertionError("somebody was accepted")
