"""What the refused would have done is guessed, never better than the accepted did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.errors import InvalidField
from huitong.risk.credit.scorecards.calibrating import fit_isotonic
from huitong.risk.credit.scorecards.reject_inference import (
    augment_fuzzily,
    parcel_out,
    weigh_accepted,
)


def test_parcelling_gives_each_band_its_rate_times_the_factor() -> None:
    points = np.repeat([500.0, 600.0], 10)
    labels = np.array([1.0] * 4 + [0.0] * 6 + [1.0] * 2 + [0.0] * 8)
    rejected = np.repeat([500.0, 600.0], [20, 10])
    found = parcel_out(points, labels, rejected, risk_factor=1.5, seed=1, bands=2)
    assert found[:20].sum() == 12
    assert found[20:].sum() == 3
    again = parcel_out(points, labels, rejected, risk_factor=1.5, seed=1, bands=2)
    assert found.tolist() == again.tolist()


def test_a_band_has_no_more_bad_than_it_has_rows() -> None:
    found = parcel_out(np.full(4, 500.0), np.ones(4), np.full(3, 500.0), risk_factor=1.5, seed=0)
    assert found.tolist() == [1, 1, 1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(1, 5))
def test_fuzzy_rows_weigh_one_together(probabilities: list[float], factor: float) -> None:
    rows, labels, weights = augment_fuzzily(np.array(probabilities), risk_factor=factor)
    assert (weights >= 0).all()
    assert np.bincount(rows, weights=weights) == pytest.approx(np.ones(len(probabilities)))
    bad = weights[labels > 0]
    assert (bad >= np.array(probabilities) - 1e-12).all()


def test_the_accepted_stand_for_all_who_applied() -> None:
    accepted = np.repeat([500.0, 600.0], [10, 30])
    rejected = np.repeat([500.0, 600.0], [30, 10])
    weights = weigh_accepted(accepted, rejected, bands=2)
    assert weights[:10] == pytest.approx(np.full(10, 4.0))
    assert weights[10:] == pytest.approx(np.full(30, 4 / 3))
    assert weights.sum() == pytest.approx(80)


def test_the_refused_cannot_be_better() -> None:
    for call in (
        lambda: parcel_out(np.ones(2), np.ones(2), np.ones(2), risk_factor=0.9, seed=0),
        lambda: augment_fuzzily(np.ones(2), risk_factor=0.5),
    ):
        with pytest.raises(InvalidField) as caught:
            call()
        assert caught.value.field == "risk_factor"
    with pytest.raises(InvalidField) as caught:
        parcel_out(np.empty(0), np.empty(0), np.ones(2), risk_factor=1.2, seed=0)
    assert caught.value.field == "accepted_points"


def test_isotonic_steps_of_the_worked_example() -> None:
    found = fit_isotonic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert found.probabilities == (0.0, 0.5, 0.5, 1.0)
    assert found.apply(np.array([0.0, 1.5, 9.0])).tolist() == [0.0, 0.25, 1.0]


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.sampled_from([0.0, 1.0])), min_size=1, max_size=40)
)
def test_isotonic_calibration_never_falls_and_keeps_the_mean(
    rows: list[tuple[int, float]],
) -> None:
    scores = np.array([float(score) for score, _ in rows])
    labels = np.array([label for _, label in rows])
    found = fit_isotonic(scores, labels)
    assert list(found.probabilities) == sorted(found.probabilities)
    assert found.apply(scores).mean() == pytest.approx(labels.mean())


def test_isotonic_needs_finite_scores() -> None:
    for scores in (np.array([np.nan]), np.empty(0), np.ones(2)):
        with pytest.raises(InvalidField) as caught:
            fit_isotonic(scores, np.ones(1))
        assert caught.value.field == "scores"
