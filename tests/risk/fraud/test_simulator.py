"""The simulator gives a history that is whole, the same each time, and has what it says in it."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong.kernel.errors import InvalidField
from huitong.risk.fraud.simulator.history import CUSTOMERS_MAX, DAYS_MIN, simulate
from huitong.risk.fraud.simulator.payments import KINDS, Fraud, accumulate

FRAUDS = {each.name.lower() for each in Fraud if each is not Fraud.NONE}


@pytest.fixture(scope="module")
def history() -> pa.Table:
    return simulate(seed=5, customers=1_500, days=90)


def of_kind(history: pa.Table, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = history.filter(pc.equal(history["fraud_kind"], kind)).to_pylist()
    return rows


def test_the_same_arguments_give_the_same_history() -> None:
    one = simulate(seed=3, customers=100, days=20)
    assert one.equals(simulate(seed=3, customers=100, days=20))
    assert not one.equals(simulate(seed=4, customers=100, days=20))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(50, 300), st.integers(DAYS_MIN, 60))
def test_every_payment_is_one_that_could_have_been(seed: int, customers: int, days: int) -> None:
    history = simulate(seed=seed, customers=customers, days=days)
    at = history["at"].to_numpy()
    assert (np.diff(at) >= np.timedelta64(0)).all()
    # The first Monday of 2026 begins at 16:00 UTC of the day before.
    assert at[0] >= np.datetime64("2026-01-04T16:00")
    assert at[-1] < np.datetime64("2026-01-04T16:00") + np.timedelta64(days, "D")
    assert history["id"].to_pylist() == list(range(history.num_rows))
    assert pc.min(history["amount"]).as_py() >= 1
    assert not pc.any(pc.equal(history["payer"], history["payee"])).as_py()
    assert set(history["kind"].to_pylist()) <= set(KINDS)
    assert set(history["account_class"].to_pylist()) <= {None, 1, 2, 3}
    is_transfer = pc.equal(history["kind"], "transfer")
    assert pc.all(pc.not_equal(is_transfer, history["is_merchant"])).as_py()
    # A label has a kind, and is known after the payment if it ever is.
    assert pc.all(pc.equal(history["label"], pc.is_valid(history["fraud_kind"]))).as_py()
    known = history.filter(pc.is_valid(history["labelled_at"]))
    assert pc.all(known["label"]).as_py() in {True, None}
    assert pc.all(pc.greater_equal(known["labelled_at"], known["at"])).as_py() in {True, None}


def test_few_payments_are_fraud_and_all_kinds_are_there(history: pa.Table) -> None:
    kinds = Counter(history["fraud_kind"].to_pylist())
    honest = kinds.pop(None)
    assert set(kinds) == FRAUDS
    assert min(kinds.values()) >= 10
    assert 0.001 < sum(kinds.values()) / honest < 0.02


def test_some_frauds_never_become_known(history: pa.Table) -> None:
    frauds = history.filter(history["label"])
    never = pc.mean(pc.is_null(frauds["labelled_at"])).as_py()
    assert 0.05 < never < 0.5
    delays = pc.subtract(frauds["labelled_at"], frauds["at"]).drop_null().to_numpy()
    assert np.timedelta64(1, "D") < np.median(delays) < np.timedelta64(14, "D")


def test_a_takeover_comes_from_a_device_that_nobody_had(history: pa.Table) -> None:
    honest = history.filter(pc.invert(history["label"]))
    known = set(honest["device"].to_pylist())
    taken = [row["device"] for row in of_kind(history, "takeover") if row["device"] is not None]
    assert taken
    assert not known & set(taken)


def test_who_tries_accounts_pays_little_before_much(history: pa.Table) -> None:
    rows = of_kind(history, "testing")
    small = {row["payer"]: row["at"] for row in rows if row["amount"] < 1_000}
    large = [row for row in rows if row["amount"] > 20_000]
    assert len(large) > 10
    # The last small one of an account is before its large ones but for accounts tried twice.
    in_order = [small[row["payer"]] <= row["at"] for row in large if row["payer"] in small]
    assert np.mean(in_order) > 0.9


def test_rings_pass_on_within_the_hour_what_came_in(history: pa.Table) -> None:
    rows = of_kind(history, "mule_ring")
    received: dict[int, list[Any]] = {}
    soon = []
    for row in rows:
        came = received.get(row["payer"])
        if came:
            soon.append((row["at"] - came[-1]).total_seconds() < 3_600)
        received.setdefault(row["payee"], []).append(row["at"])
    assert np.mean(soon) > 0.9


def test_many_pay_one_collector_and_players_pay_at_night(history: pa.Table) -> None:
    collected = of_kind(history, "collection")
    payers: dict[int, set[int]] = {}
    for row in collected:
        payers.setdefault(row["payee"], set()).add(row["payer"])
    assert min(len(each) for each in payers.values()) >= 10
    played = of_kind(history, "gambling")
    assert all(row["amount"] % 10_000 == 0 and row["is_merchant"] for row in played)
    hours = np.array([(row["at"].hour + 8) % 24 for row in played])
    assert np.mean((hours < 6) | (hours >= 21)) > 0.7


def test_who_is_talked_into_paying_uses_the_own_device_and_pays_more_each_time(
    history: pa.Table,
) -> None:
    honest = history.filter(pc.invert(history["label"]))
    own = set(zip(honest["payer"].to_pylist(), honest["device"].to_pylist(), strict=True))
    paying = {payer for payer, _ in own}
    amounts: dict[tuple[int, int], list[int]] = {}
    familiar = []
    for row in of_kind(history, "scam"):
        if row["payer"] in paying:
            familiar.append((row["payer"], row["device"]) in own)
        amounts.setdefault((row["payer"], row["payee"]), []).append(row["amount"])
    assert np.mean(familiar) > 0.8
    assert all(each == sorted(each) for each in amounts.values())


def test_gaps_add_up_within_their_group() -> None:
    groups = np.array([0, 0, 0, 2, 2, 5])
    gaps = np.array([9.0, 1.0, 2.0, 7.0, 4.0, 3.0])
    assert accumulate(groups, gaps).tolist() == [0.0, 1.0, 3.0, 0.0, 4.0, 0.0]
    assert accumulate(np.zeros(0, np.int64), np.zeros(0)).tolist() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("customers", 49), ("customers", CUSTOMERS_MAX + 1), ("days", 6), ("seed", -1)],
)
def test_what_is_out_of_bounds_is_refused(field: str, value: int) -> None:
    with pytest.raises(InvalidField, match="must be from") as refusal:
        simulate(**{"seed": 1, "customers": 100, "days": 10, field: value})
    assert refusal.value.field == field
