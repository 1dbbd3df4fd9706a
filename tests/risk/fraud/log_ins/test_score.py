"""The risk score: its worked number, what it must rise and fall with, and what it refuses."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong import risk

LEVELS = {"network": 3, "agent": 4}


def counts(**changes: list[list[float]] | list[float]) -> risk.LogInCounts:
    """One log-in: its address seen 16 times (8 own), network 200 (10), country 900 (10)."""
    given_ = {
        "own_network": [[8, 10, 10]],
        "all_network": [[16, 200, 900]],
        "own_agent": [[10, 10, 10, 10]],
        "all_agent": [[50, 100, 400, 500]],
        "own": [10],
        "all": [1_000],
        "logins": [90],
        **changes,
    }
    return risk.LogInCounts(**{name: np.array(each, float) for name, each in given_.items()})


def test_the_worked_number_of_the_docstring_is_right() -> None:
    scores = risk.score_log_ins(counts())
    anybody = (0.6 * 16 + 0.3 * 200 + 0.1 * 900 + 1) / 1001
    assert anybody == pytest.approx(160.6 / 1001)
    expected = log(anybody / ((8.8 + anybody) / 11))
    assert scores.network[0] == pytest.approx(expected)
    assert round(expected, 3) == -1.625
    assert scores.rarity[0] == pytest.approx(log((1 / 90) / (11 / 1090)))
    assert scores.total[0] == scores.network[0] + scores.agent[0] + scores.rarity[0]


def test_what_a_login_never_had_counts_by_the_length_of_its_history_alone() -> None:
    for elsewhere in ([0, 0, 0], [1, 5, 40], [16, 200, 900]):
        strange = counts(own_network=[[0, 0, 0]], all_network=[elsewhere])
        assert risk.score_log_ins(strange).network[0] == pytest.approx(log(11))


def test_the_first_log_in_of_all_is_neither_good_nor_bad() -> None:
    nothing = counts(
        own_network=[[0] * 3],
        all_network=[[0] * 3],
        own_agent=[[0] * 4],
        all_agent=[[0] * 4],
        own=[0],
        all=[0],
        logins=[0],
    )
    assert risk.score_log_ins(nothing).total[0] == 0


@given(
    own=st.lists(st.integers(0, 50), min_size=4, max_size=4),
    more=st.lists(st.integers(0, 500), min_size=4, max_size=4),
    level=st.integers(0, 2),
)
def test_an_address_that_is_more_ones_own_is_less_risky(
    own: list[int], more: list[int], level: int
) -> None:
    # From the country down each level was seen at most as often as the one above it.
    mine = sorted(own)
    everybody = [a + b for a, b in zip(mine, sorted(more), strict=True)]
    total, all_total = mine[-1], everybody[-1]
    before = counts(
        own_network=[mine[:3]], all_network=[everybody[:3]], own=[total], all=[all_total]
    )
    if mine[level] == total:
        return
    raised = before.own_network.copy()
    raised[0, level] += 1
    after = replace(before, own_network=raised)
    assert risk.score_log_ins(after).network[0] < risk.score_log_ins(before).network[0]


def test_a_batch_scores_each_log_in_as_it_would_alone() -> None:
    first, second = counts(), counts(own_network=[[0, 3, 10]], all_network=[[2, 30, 900]])
    both = risk.LogInCounts(
        **{
            name: np.concatenate([getattr(first, name), getattr(second, name)])
            for name in first.__slots__
        }
    )
    together = risk.score_log_ins(both).total
    alone = [risk.score_log_ins(each).total[0] for each in (first, second)]
    assert together.tolist() == alone


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_count_that_cannot_be_is_refused_by_name(bad: float) -> None:
    with pytest.raises(ValueError, match="all_network holds a count that is negative"):
        counts(all_network=[[bad, 200, 900]])


def test_a_level_that_is_missing_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"own_agent has the shape \(1, 3\), not \(1, 4\)"):
        counts(own_agent=[[1, 2, 3]])
