"""The generated histories: reproducible, of the promised kinds, and not too easy."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong.risk.fraud.log_ins.features import compute_log_in_features
from huitong.risk.fraud.log_ins.generator import generate_log_ins
from huitong.risk.fraud.log_ins.types import Kind, LogIns

GENERATED = (Kind.HONEST, Kind.NAIVE, Kind.VPN, Kind.TARGETED, Kind.STUFFING, Kind.RELAY)


@pytest.fixture(scope="module")
def history() -> LogIns:
    return generate_log_ins(seed=3, customers=2_000)


def test_the_same_seed_gives_the_same_history_and_another_one_another(history: LogIns) -> None:
    again = generate_log_ins(seed=3, customers=2_000)
    for each in fields(LogIns):
        np.testing.assert_array_equal(getattr(again, each.name), getattr(history, each.name))
    other = generate_log_ins(seed=4, customers=2_000)
    assert len(other) != len(history)


def test_attempts_are_in_the_order_of_time_within_the_days(history: LogIns) -> None:
    assert (np.diff(history.at) >= 0).all()
    # The first attempts may be mistyped words a minute before the first day.
    assert history.at[0] >= (1_704_067_200 - 60) * 1_000_000
    assert history.at[-1] < (1_704_067_200 + 84 * 86_400) * 1_000_000
    for each in fields(LogIns):
        assert getattr(history, each.name).min() >= 0 or each.name == "at", each.name


def test_every_kind_of_attack_is_there_and_few_stuffed_credentials_are_right(
    history: LogIns,
) -> None:
    assert set(np.unique(history.kind)) == {int(kind) for kind in GENERATED}
    stuffed = history.is_successful[history.kind == Kind.STUFFING]
    assert len(stuffed) > 2_000
    assert 0.005 < stuffed.mean() < 0.03
    for kind in (Kind.NAIVE, Kind.VPN, Kind.TARGETED, Kind.RELAY):
        assert history.is_successful[history.kind == kind].all()
    honest = history.is_successful[history.kind == Kind.HONEST]
    assert 0.9 < honest.mean() < 0.96


def test_attackers_come_from_where_their_kind_says(history: LogIns) -> None:
    features = compute_log_in_features(history)
    known = history.is_successful & (features["log_ins_before"] > 3)

    def share(kind: Kind, feature: str) -> float:
        return float((features[feature][known & (history.kind == kind)] > 0).mean())

    assert (history.country[history.kind == Kind.NAIVE] > 0).all()
    assert (history.country[history.kind == Kind.VPN] == 0).all()
    assert share(Kind.TARGETED, "own_share_city") > 0.9
    assert share(Kind.NAIVE, "own_share_city") < 0.1
    # A relay shows the victim's very user agent, as long as it was seen since the last update.
    assert share(Kind.RELAY, "own_share_agent") > 0.6
    assert share(Kind.NAIVE, "own_share_agent") < 0.3


def test_honest_customers_come_with_news_all_the_time(history: LogIns) -> None:
    features = compute_log_in_features(history)
    honest = history.is_successful & (history.kind == Kind.HONEST)
    honest &= features["log_ins_before"] > 3
    new = {
        name: float((features[f"own_share_{name}"][honest] == 0).mean())
        for name in ("address", "network", "country", "agent", "family")
    }
    assert 0.2 < new["address"] < 0.6
    assert 0.03 < new["agent"] < 0.25
    assert 0.01 < new["network"] < 0.12
    assert 0.001 < new["country"] < 0.03
    assert 0.001 < new["family"] < 0.05


def test_households_offices_and_carriers_put_several_customers_behind_an_address(
    history: LogIns,
) -> None:
    features = compute_log_in_features(history)
    late = history.is_successful & (history.kind == Kind.HONEST)
    late &= history.at > np.quantile(history.at, 0.5)
    assert 0.15 < (features["address_others"][late] > 0).mean() < 0.8


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), customers=st.integers(1, 40), days=st.integers(1, 30))
def test_a_history_of_any_size_can_be_generated_and_computed(
    seed: int, customers: int, days: int
) -> None:
    whole = generate_log_ins(seed=seed, customers=customers, days=days)
    assert (np.diff(whole.at) >= 0).all()
    assert whole.login.max(initial=0) < customers
    for name, values in compute_log_in_features(whole).items():
        assert values.shape == (len(whole),)
        assert not np.isinf(values).any(), name


@pytest.mark.parametrize(("customers", "days"), [(0, 84), (10, 0)])
def test_nobody_and_no_time_are_refused(customers: int, days: int) -> None:
    with pytest.raises(ValueError, match="at least one customer and one day"):
        generate_log_ins(seed=0, customers=customers, days=days)
