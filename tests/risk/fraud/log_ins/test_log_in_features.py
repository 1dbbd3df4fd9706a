"""Features of log-ins: by hand, against a slow count, and never from what came later."""

from dataclasses import fields, replace
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong.risk.decisioning.features.scans import Floats
from huitong.risk.fraud.log_ins.features import compute_log_in_features
from huitong.risk.fraud.log_ins.types import LogIns

HOUR = 3_600
CODES = ("address", "network", "country", "city", "agent", "browser", "system", "device", "family")


def history(rows: list[tuple[int, int, int, bool]], *, kind: int = 0) -> LogIns:
    """Return attempts given as seconds, login, a code for all that comes with it, and success."""
    at, login, value, success = (np.array(each) for each in zip(*rows, strict=True))
    return LogIns(
        at=at * 1_000_000,
        login=login,
        is_successful=success,
        kind=np.full(len(at), kind),
        **dict.fromkeys(CODES, value),
    )


def row(features: dict[str, Floats], number: int) -> dict[str, float]:
    return {name: float(values[number]) for name, values in features.items()}


def test_a_log_in_sees_the_accepted_ones_before_it_and_the_failures() -> None:
    whole = history(
        [
            (0, 1, 7, True),
            (HOUR, 1, 8, False),
            (2 * HOUR, 1, 8, True),
            (3 * HOUR, 2, 8, True),
            (4 * HOUR, 1, 7, True),
        ]
    )
    features = compute_log_in_features(whole)
    first = row(features, 0)
    assert first["log_ins_before"] == 0
    assert isnan(first["seconds_since_log_in"])
    assert isnan(first["is_last_agent"])
    assert isnan(first["hours_from_usual"])
    third = row(features, 2)
    # The attempt at 8 an hour before failed, so 8 is new; as a failure it has halved.
    assert (third["log_ins_before"], third["own_share_address"]) == (1, 0)
    assert third["login_failures_1h"] == pytest.approx(0.5)
    assert third["address_failures_1h"] == pytest.approx(0.5)
    assert third["seconds_since_log_in"] == 2 * HOUR
    assert third["is_last_agent"] == 0
    fourth = row(features, 3)
    # Somebody else was at 8, and tried twice: new one hour ago and two.
    assert (fourth["log_ins_before"], fourth["address_others"]) == (0, 1)
    assert fourth["address_logins_1h"] == pytest.approx(0.25 + 0.5 * 0.5)
    last = row(features, 4)
    assert last["own_share_agent"] == pytest.approx(1 / 3)
    assert last["share_agent"] == pytest.approx(1 / 4)
    assert last["seconds_since_agent"] == 4 * HOUR
    assert last["is_last_agent"] == 0


attempts = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=25,
).map(lambda rows: sorted((at * 600, *rest) for at, *rest in rows))


@given(rows=attempts)
def test_every_count_is_the_slow_count(rows: list[tuple[int, int, int, bool]]) -> None:
    features = compute_log_in_features(history(rows))
    for number, (at, login, value, _) in enumerate(rows):
        mine = [each for each in rows[:number] if each[1] == login and each[3]]
        here = [each for each in mine if each[2] == value]
        seen = row(features, number)
        assert seen["log_ins_before"] == len(mine)
        assert seen["own_share_city"] == pytest.approx(len(here) / (len(mine) + 1))
        since = seen["seconds_since_city"]
        assert (isnan(since) and not here) or since == at - here[-1][0]
        failures = sum(
            2 ** (-(at - each[0]) / HOUR)
            for each in rows[:number]
            if each[2] == value and not each[3]
        )
        assert seen["address_failures_1h"] == pytest.approx(failures, abs=1e-9)


@settings(max_examples=50)
@given(rows=attempts, cut=st.integers(1, 25), seed=st.integers(0, 99))
def test_neither_later_attempts_nor_labels_change_a_feature(
    rows: list[tuple[int, int, int, bool]], cut: int, seed: int
) -> None:
    whole = history(rows)
    random = np.random.default_rng(seed)
    known = compute_log_in_features(whole)
    count = min(cut, len(rows))
    changed = replace(
        whole,
        kind=random.integers(0, 8, size=len(rows)),
        is_successful=np.where(np.arange(len(rows)) < count, whole.is_successful, False),
        login=np.where(np.arange(len(rows)) < count, whole.login, random.permutation(whole.login)),
    )
    for other in (changed, whole.take(np.arange(count))):
        features = compute_log_in_features(other)
        for name, values in features.items():
            np.testing.assert_allclose(values[:count], known[name][:count], err_msg=name)


def test_an_own_outcome_is_never_a_feature() -> None:
    rows = [(0, 1, 7, True), (HOUR, 1, 7, True)]
    right = compute_log_in_features(history(rows))
    wrong = compute_log_in_features(history([rows[0], (HOUR, 1, 7, False)]))
    assert row(right, 1) == row(wrong, 1)


def test_rows_are_taken_by_column() -> None:
    whole = history([(0, 1, 7, True), (HOUR, 2, 8, False)])
    last = whole.take(np.array([1]))
    assert {each.name: getattr(last, each.name)[0] for each in fields(LogIns)}["login"] == 2
    assert len(last) == 1
