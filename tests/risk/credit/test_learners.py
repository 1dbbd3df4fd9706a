"""Learners of the best models, and the features that they take."""

from collections.abc import Mapping

import numpy as np
import pytest

from huitong.risk.credit.evaluation.learners import Learner, boosted_trees
from huitong.risk.credit.evaluation.sets.heloc import _NAMES, HELOC
from huitong.risk.credit.evaluation.types import Frame
from huitong.risk.credit.evaluation.weighted import weighted_kernel
from huitong.risk.credit.measures import measure
from huitong.risk.decisioning.features.scans import Floats

ROWS = 900


def make_rows(*, trends: Mapping[str, int] | None = None) -> tuple[Frame, Floats]:
    """Return rows whose risk rises with `debt` and is the greatest where `age` is unknown."""
    chance = np.random.default_rng(5)
    debt, noise = chance.normal(size=ROWS), chance.normal(size=(ROWS, 6))
    months = np.where(chance.random(ROWS) < 0.2, np.nan, chance.uniform(0, 90, ROWS))
    odds = 1.5 * debt + 2.0 * np.isnan(months)
    labels = (chance.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    others = {f"noise_{number}": noise[:, number] for number in range(6)}
    return Frame({"debt": debt, "months": months, **others}, trends=trends or {}), labels


KERNEL = weighted_kernel(gamma=0.01, components=60, penalty_inverse=1.0, power=0.5, copies=2)
TREES = boosted_trees(rounds=40, is_monotonic=True, num_leaves=8, min_data_in_leaf=5)


@pytest.mark.parametrize("learner", [KERNEL, TREES])
def test_a_learner_ranks_rows_it_has_not_seen_and_repeats_itself(learner: Learner) -> None:
    frame, labels = make_rows()
    first, second = np.arange(600), np.arange(600, ROWS)
    seen, unseen = frame.take(first), frame.take(second)
    found = learner(seen, labels[first], unseen, 3)
    assert measure(1 / (1 + np.exp(-found)), labels[second])["auc"] > 0.75
    assert np.array_equal(found, learner(seen, labels[first], unseen, 3))


@pytest.mark.parametrize("direction", [1, -1])
def test_monotonic_trees_follow_what_is_known_beforehand(direction: int) -> None:
    frame, labels = make_rows(trends={"noise_0": direction})
    steps = np.linspace(-3, 3, 50)
    line = {name: np.zeros(50) for name in frame.numbers} | {"noise_0": steps}
    moved = np.diff(TREES(frame, labels, Frame(line), 0)) * direction
    assert moved.min() >= -1e-9


def test_trends_stay_with_rows_that_are_taken_or_shown_less_of() -> None:
    frame, _ = make_rows(trends={"debt": 1})
    assert frame.take(np.arange(3)).trends == {"debt": 1}
    assert frame.leave_out(frozenset({"months"})).trends == {"debt": 1}


def test_codes_of_home_equity_lines_stand_for_values_and_come_back_in_the_card() -> None:
    raw = {name: np.array([7.0, 7.0, 7.0, -9.0]) for name in _NAMES}
    inquiry = np.array([3.0, -7.0, -8.0, -9.0])
    raw["MSinceMostRecentInqexcl7days"] = inquiry
    frame = HELOC.make_features(raw)
    months = frame.numbers["MSinceMostRecentInqexcl7days"]
    assert months[:3].tolist() == [3.0, 0.0, 30.0]
    assert np.isnan(months[3])
    assert frame.numbers["no_report"].tolist() == [0.0, 0.0, 0.0, 1.0]
    card = HELOC.card_features(frame)
    assert card["MSinceMostRecentInqexcl7days"].tolist() == inquiry.tolist()


def test_trends_of_home_equity_lines_are_of_features_that_exist() -> None:
    frame = HELOC.make_features({name: np.ones(2) for name in _NAMES})
    assert set(frame.trends) <= set(frame.numbers)
    assert set(frame.trends.values()) == {1, -1}
