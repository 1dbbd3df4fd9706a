"""Measures by hand: thresholds, recall at a rate of false alarms, what honest customers pay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.risk.fraud.log_ins.measures import (
    Scored,
    find_threshold,
    measure_all,
    measure_kinds,
    measure_questions,
    summarise_tree,
)
from huitong.risk.fraud.log_ins.types import Kind


def scored(honest: list[float], attacks: list[float], kind: Kind = Kind.NAIVE) -> Scored:
    count = len(honest) + len(attacks)
    kinds = np.repeat([0, int(kind)], [len(honest), len(attacks)])
    return Scored(np.arange(count) % 100, kinds, np.array([*honest, *attacks], float))


def test_recall_counts_only_what_lies_above_all_but_the_allowed_honest_ones() -> None:
    given_ = scored(list(range(1, 1_001)), [999, 999.5, 1_000, 2_000])
    measured = measure_all(given_)
    # One honest log-in of a thousand may lie above: that is 1,000 itself, so 999 is the threshold.
    assert measured["recall_at_0.1%"] == 0.75
    assert measured["recall_at_1.0%"] == 1.0
    assert measured["auc_roc"] == pytest.approx((998.5 + 999 + 999.5 + 1_000) / 4_000)


@given(
    honest=st.lists(st.integers(0, 20), min_size=1, max_size=300),
    rate=st.sampled_from([0.001, 0.005, 0.01, 0.25]),
)
def test_no_more_honest_log_ins_are_above_the_threshold_than_allowed(
    honest: list[int], rate: float
) -> None:
    values = np.array(honest, float)
    threshold = find_threshold(values, rate)
    assert (values > threshold).mean() <= rate
    lower = values[values < threshold]
    if len(lower):
        assert (values > lower.max()).mean() > rate


def test_ties_are_never_counted_as_found() -> None:
    measured = measure_all(scored([5.0] * 100, [5.0] * 10))
    assert (measured["recall_at_1.0%"], measured["auc_roc"]) == (0.0, 0.5)


def test_a_kind_tells_what_it_costs_to_find_it_and_the_relation_of_scores() -> None:
    honest = [0.0] * 90 + [1.0] * 10
    given_ = scored(honest, [0.5] + [2.0] * 9, Kind.VPN)
    by_kind = measure_kinds(given_, is_log_ratio=True)
    assert list(by_kind) == ["vpn"]
    assert by_kind["vpn"]["honest_asked_at_recall_90%"] == 0.0
    assert by_kind["vpn"]["honest_asked_at_recall_99%"] == pytest.approx(0.1)
    above = (np.exp(0.5) + 9 * np.exp(2)) / 10
    below = (90 + 10 * np.e) / 100
    assert by_kind["vpn"]["risk_score_relation"] == pytest.approx(above / below)
    assert "risk_score_relation" not in measure_kinds(given_, is_log_ratio=False)["vpn"]


def test_thresholds_of_earlier_log_ins_are_held_against_later_ones() -> None:
    before = scored([float(each) for each in range(1_000)], [])
    # Four customers with two log-ins each; two of one of them, and one of another, are above 998.
    test = Scored(
        login=np.array([1, 1, 2, 2, 3, 3, 4, 4, 1]),
        kind=np.array([0] * 8 + [int(Kind.RELAY)]),
        score=np.array([999, 1_500, 0, 999, 0, 0, 0, 0, 998.5]),
    )
    asked = measure_questions(before, test)["at_0.1%"]
    assert asked == {
        "honest_asked": 3 / 8,
        "customers_asked": 0.5,
        "median_share_of_a_customer": 0.25,
        "recall": 1.0,
    }


def test_runs_are_summed_up_leaf_by_leaf_also_where_one_lacks_a_kind() -> None:
    whole = summarise_tree([{"a": {"x": 1.0, "y": 2.0}}, {"a": {"x": 3.0}}])
    assert whole == {
        "a": {"x": {"mean": 2.0, "spread": 1.0}, "y": {"mean": 2.0, "spread": 0.0}},
    }
