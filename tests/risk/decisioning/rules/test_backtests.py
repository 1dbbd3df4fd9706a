"""What a set of rules would have done: the same figures as rows decided one by one."""

from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitong.risk import (
    COLUMN_TYPES,
    Action,
    Column,
    FeatureType,
    HistoryUnusableError,
    Period,
    read_rules,
    run_backtest,
)
from huitong.risk.decisioning.types import DTYPES

CATALOGUE = {
    "amount": FeatureType.INTEGER,
    "payments_1h": FeatureType.NUMBER,
    "is_new_payee": FeatureType.FLAG,
    "age": FeatureType.INTEGER,
}
FIRST = date(2026, 10, 1)
PERIOD = Period(FIRST, FIRST + timedelta(days=3))
ACTIONS = ["step_up", "review", "delay", "block"]


def make_rules(*predicates: str) -> Any:
    document = [
        {
            "key": f"rule_{at}",
            "predicate": predicate,
            "action": ACTIONS[at % len(ACTIONS)],
            "weight": 10,
            "reason_zh": "原因",
            "reason_en": "reason",
            "source": "test",
        }
        for at, predicate in enumerate(predicates)
    ]
    return read_rules(document, CATALOGUE)


def make_history(rows: list[tuple[Any, ...]]) -> Any:
    connection = duckdb.connect()
    columns = ", ".join(f'"{name}" {COLUMN_TYPES[kind]}' for name, kind in CATALOGUE.items())
    connection.execute(f"CREATE TABLE history ({columns}, day DATE, is_fraud BOOLEAN)")
    if rows:
        connection.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", rows)
    return connection


def test_a_worked_example() -> None:
    rules = make_rules("payments_1h > 5", "amount > 1000 and is_new_payee", "1 / age > 0.5")
    connection = make_history(
        [
            (500, 6.0, False, 10, FIRST, False),
            (2_000, 6.0, True, 10, FIRST, True),
            (3_000, 0.0, True, 10, FIRST, None),
            (4_000, 0.0, False, 0, FIRST + timedelta(days=1), False),
            (100, None, None, None, FIRST + timedelta(days=2), True),
            # Outside the period.
            (9_000, 9.0, True, 1, FIRST - timedelta(days=1), True),
            (9_000, 9.0, True, 1, FIRST + timedelta(days=3), True),
        ]
    )

    result = run_backtest(connection, rules, table="history", period=PERIOD)
    shown = result.to_json()
    many, large, fails = shown["rules"]

    assert shown["everything"] == {
        "rows": 5,
        "amount_minor": 9_600,
        "fraud": 2,
        "fraud_amount_minor": 2_100,
        "honest": 2,
        "precision": 0.5,
    }
    assert (many["hits"]["rows"], many["hits"]["amount_minor"]) == (2, 2_500)
    assert many["hits"]["precision"] == 0.5
    assert many["alone"]["rows"] == 1
    assert many["overlaps"] == {"rule_1": 1}
    assert large["hits"]["rows"] == 2
    assert large["hits"]["precision"] == 1.0
    assert large["overlaps"] == {"rule_0": 1}
    assert (fails["hits"]["rows"], fails["failed"]) == (0, 1)
    assert fails["hits"]["precision"] is None
    assert {name: share["rows"] for name, share in shown["actions"].items()} == {
        "allow": 1,
        "step_up": 1,
        "review": 3,
        "delay": 0,
        "block": 0,
    }


row = st.tuples(
    st.integers(-5, 5),
    st.none() | st.sampled_from([0.0, 1.0, 5.0, float("inf")]),
    st.none() | st.booleans(),
    st.none() | st.integers(-1, 2),
    st.sampled_from([FIRST - timedelta(days=1), FIRST, FIRST + timedelta(days=2)]),
    st.none() | st.booleans(),
)


@settings(deadline=None, max_examples=50)
@given(table=st.lists(row, max_size=30), copies=st.integers(1, 9))
def test_the_figures_are_those_of_rows_decided_one_by_one(
    table: list[tuple[Any, ...]], copies: int
) -> None:
    # Up to 45 rules, so that more than one number of 32 bits is needed.
    rules = make_rules(
        *["payments_1h > 0.5", "amount >= 2 and is_new_payee", "4 / age > 2", "amount % age = 0"]
        * copies,
        "not is_new_payee or amount < 0",
    )
    inside = [each for each in table if FIRST <= each[4] < PERIOD.end]

    result = run_backtest(make_history(table), rules, table="history", period=PERIOD)

    said = rules.assess(make_features(inside), rows=len(inside))
    amounts = np.array([each[0] for each in inside], np.int64)
    fraud = np.array([each[5] is True for each in inside], np.bool_)
    failed = np.zeros_like(said.hits) if said.failed is None else said.failed
    for at, each in enumerate(result.rules):
        hits = said.hits[at]
        alone = hits & (said.hits.sum(axis=0) == 1)
        assert each.hits.rows == hits.sum()
        assert each.hits.amount == amounts[hits].sum()
        assert each.hits.fraud == (hits & fraud).sum()
        assert each.alone.rows == alone.sum()
        assert each.failed == failed[at].sum()
        assert dict(each.overlaps) == {
            rules.rules[other].key: both
            for other in range(len(rules.rules))
            if other != at and (both := int((hits & said.hits[other]).sum()))
        }
    for action in Action:
        share = result.actions[action.code]
        assert share.rows == (said.actions == action).sum()
        assert share.amount == amounts[said.actions == action].sum()


def make_features(table: list[tuple[Any, ...]]) -> dict[str, Column]:
    features = {}
    for at, (name, kind) in enumerate(CATALOGUE.items()):
        known = np.array([each[at] is not None for each in table], np.bool_)
        values = np.array([each[at] or 0 for each in table], DTYPES[kind])
        features[name] = Column(kind, values, known)
    return features


def test_money_is_summed_beyond_64_bits() -> None:
    rows = [(2**62, 6.0, False, 1, FIRST, None)] * 4

    result = run_backtest(
        make_history(rows), make_rules("payments_1h > 5"), table="history", period=PERIOD
    )

    assert result.everything.amount == 2**64


def test_a_history_without_what_the_rules_look_at_is_refused() -> None:
    connection = make_history([])
    connection.execute("ALTER TABLE history DROP COLUMN age")
    connection.execute("ALTER TABLE history ALTER payments_1h TYPE DECIMAL(9, 2)")

    with pytest.raises(HistoryUnusableError, match="must have age BIGINT, payments_1h DOUBLE"):
        run_backtest(
            connection,
            make_rules("payments_1h > 5 and age > 1"),
            table="history",
            period=PERIOD,
        )
    with pytest.raises(HistoryUnusableError, match="the table nothing must have amount BIGINT"):
        run_backtest(connection, make_rules("amount > 5"), table="nothing", period=PERIOD)


def test_no_history_is_a_back_test_of_nothing() -> None:
    result = run_backtest(
        make_history([]), make_rules("amount > 5"), table="history", period=PERIOD
    )

    assert result.everything.rows == 0
    assert result.rules[0].hits.precision is None
