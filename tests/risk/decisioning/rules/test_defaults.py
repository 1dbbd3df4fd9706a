"""The default rules hold what the reference says, and hit what they are for."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pytest

from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.rules.defaults.loading import (
    default_catalogue,
    default_rules,
    list_features,
)
from huitong.risk.decisioning.rules.rule_sets import RuleSet, read_rules
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import DTYPES, Action, Column, FeatureType

DAY = date(2026, 11, 26)
#: A payment in the afternoon by somebody who pays now and then; NULL is what they never did.
HONEST: Mapping[str, Any] = {
    "amount": 5_000,
    "is_round_amount": False,
    "hour": 15,
    "is_night": False,
    "kind": "transfer",
    "is_merchant": False,
    "is_strong": False,
    "is_new_payee": False,
    "is_new_device": False,
    "payments_1h": 0.5,
    "mean_payment_30d": 6_000.0,
    "amount_to_mean_30d": 0.8,
    "seconds_since_payment": 7_200,
    "seconds_since_first_payment": 90 * 86_400,
    "payee_age_seconds": 400 * 86_400,
    "device_age_seconds": 90 * 86_400,
}
HONEST_LOG_IN: Mapping[str, Any] = {"is_new_place": False, "is_new_device": False}
HONEST_APPLICATION: Mapping[str, Any] = {
    "age": 34,
    "seconds_to_submit": 420,
    "rejected_checks": 0,
    "doubtful_checks": 0,
    "others_with_mobile": 0,
    "earlier_with_number": 0,
    "refused_with_number": 0,
    "pictures_seen_before": 0,
    "hour": 15,
}
MINUTE, HOUR, DAYS = 60, 3_600, 86_400


def load(purpose: Purpose) -> RuleSet:
    document = default_rules(purpose, Rulebook.load(), DAY)
    return read_rules(document, default_catalogue(purpose))


def decide(purpose: Purpose, row: Mapping[str, Any]) -> tuple[set[str], Action]:
    features = {}
    for name, kind in default_catalogue(purpose).items():
        # Counters of somebody without events are zero; everything else is not known.
        value = row.get(name, 0.0 if kind is FeatureType.NUMBER and "kilo" not in name else None)
        known = None if value is not None else np.array([False])
        filler = "" if kind is FeatureType.TEXT else 0
        cell = np.array([filler if value is None else value], DTYPES[kind])
        features[name] = Column(kind, cell, known)
    rules = load(purpose)
    said = rules.assess(features, rows=1)
    hit = {rule.key for rule, hits in zip(rules.rules, said.hits[:, 0], strict=True) if hits}
    assert said.failed is None
    return hit, Action(said.actions[0])


def test_an_honest_payment_is_allowed() -> None:
    assert decide(Purpose.PAYMENT, HONEST) == (set(), Action.ALLOW)
    assert decide(Purpose.LOG_IN, HONEST_LOG_IN) == (set(), Action.ALLOW)
    # From a second network of the same town, minutes later.
    change = {"kilometres_per_hour": 2_000.0, "kilometres_from_last": 40.0}
    assert decide(Purpose.LOG_IN, {**HONEST_LOG_IN, **change}) == (set(), Action.ALLOW)
    assert decide(Purpose.ONBOARDING, HONEST_APPLICATION) == (set(), Action.ALLOW)


@pytest.mark.parametrize(
    ("change", "rule", "action"),
    [
        # Five within ten minutes, and this is the sixth.
        ({"payments_1h": 4.6, "seconds_since_payment": MINUTE}, "velocity", Action.STEP_UP),
        ({"is_new_payee": True, "new_payees_1d": 12.0}, "new_payees_in_a_day", Action.REVIEW),
        (
            {"amount": 900, "payments_1m": 5.5, "test_payments_1h": 8.5},
            "frequent_small_payments",
            Action.STEP_UP,
        ),
        (
            {"amount": 500_001, "device_age_seconds": 23 * HOUR},
            "new_device_and_large_amount",
            Action.DELAY,
        ),
        (
            {"amount": 500_001, "is_new_device": True, "device_age_seconds": None},
            "new_device_and_large_amount",
            Action.DELAY,
        ),
        (
            {"is_night": True, "amount_to_mean_30d": 3.01},
            "night_and_far_above_normal",
            Action.STEP_UP,
        ),
        (
            {
                "outflow_to_inflow_1h": 0.95,
                "seconds_since_receipt": 10 * MINUTE,
                "fast_outflows_30d": 1.8,
            },
            "fast_in_fast_out",
            Action.REVIEW,
        ),
        ({"payee_payers_today": 10.0, "payee_age_seconds": DAYS}, "many_to_one", Action.REVIEW),
        (
            {"payees_today": 10.0, "seconds_since_first_payment": None},
            "one_to_many",
            Action.REVIEW,
        ),
        ({"test_payments_1h": 0.6, "amount": 1_000_001}, "test_then_large", Action.DELAY),
        (
            {
                "seconds_since_payment": 200 * DAYS,
                "seconds_since_receipt": None,
                "amount": 1_000_001,
            },
            "dormant_account_wakes",
            Action.STEP_UP,
        ),
        (
            {
                "is_night": True,
                "is_round_amount": True,
                "is_merchant": True,
                "round_night_payments_30d": 12.0,
                "round_night_payments_to_payee_30d": 6.0,
            },
            "gambling_pattern",
            Action.REVIEW,
        ),
        ({"device_payers_today": 5.0}, "many_payers_on_one_device", Action.REVIEW),
    ],
)
def test_a_payment_rule_hits_what_it_is_for(
    change: Mapping[str, Any], rule: str, action: Action
) -> None:
    assert decide(Purpose.PAYMENT, {**HONEST, **change}) == ({rule}, action)


#: Somebody who has just got money and pays many new people, small amounts first.
LIKE_A_FILE: Mapping[str, Any] = {
    "amount": 1_000_001,
    "is_new_payee": True,
    "new_payees_1d": 900.0,
    "payments_1m": 900.0,
    "payments_1h": 900.0,
    "test_payments_1h": 900.0,
    "seconds_since_payment": 0,
    "seconds_since_first_payment": DAYS,
    "payees_today": 900.0,
    "outflow_to_inflow_1h": 1.0,
    "seconds_since_receipt": MINUTE,
    "fast_outflows_30d": 900.0,
}


@pytest.mark.parametrize("kind", ["payroll", "suppliers"])
def test_how_often_a_file_pays_and_whom_stops_none_of_its_lines(kind: str) -> None:
    hit, _ = decide(Purpose.PAYMENT, {**HONEST, **LIKE_A_FILE})
    assert hit == {
        "velocity",
        "velocity_goes_on",
        "new_payees_in_a_day",
        "fast_in_fast_out",
        "one_to_many",
        "test_then_large",
    }
    row = {**HONEST, **LIKE_A_FILE, "kind": kind}
    assert decide(Purpose.PAYMENT, row) == (set(), Action.ALLOW)
    small = {**row, "amount": 900, "test_payments_1h": 9.0}
    assert decide(Purpose.PAYMENT, small) == (set(), Action.ALLOW)


@pytest.mark.parametrize("kind", ["payroll", "suppliers"])
def test_a_payee_whom_many_pay_is_looked_at_in_a_file_too(kind: str) -> None:
    row = {**HONEST, "kind": kind, "payee_payers_today": 10.0, "payee_age_seconds": DAYS}
    assert decide(Purpose.PAYMENT, row) == ({"many_to_one"}, Action.REVIEW)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"kilometres_per_hour": 900.5, "kilometres_from_last": 100.5}, "impossible_travel"),
        (
            {"is_new_place": True, "is_new_device": True, "kilometres_from_usual": 800.0},
            "unusual_place",
        ),
        ({"failures_1h": 5.0, "is_new_device": True}, "many_failures"),
        ({"address_logins_today": 20.0, "address_failures_1h": 20.0}, "credential_stuffing"),
    ],
)
def test_a_log_in_rule_hits_what_it_is_for(change: Mapping[str, Any], rule: str) -> None:
    hit, action = decide(Purpose.LOG_IN, {**HONEST_LOG_IN, **change})

    assert hit == {rule}
    assert action is not Action.ALLOW


@pytest.mark.parametrize(
    ("change", "rules", "action"),
    [
        ({"pictures_seen_before": 1}, {"same_picture"}, Action.REVIEW),
        ({"applications_from_address_1d": 1.5}, {"many_from_one_address"}, Action.REVIEW),
        (
            {"applications_from_address_1d": 20.0},
            {"many_from_one_address", "flood_from_one_address"},
            Action.BLOCK,
        ),
        ({"others_with_mobile": 1}, {"mobile_of_others"}, Action.REVIEW),
        ({"seconds_to_submit": 19}, {"faster_than_people"}, Action.REVIEW),
        ({"refused_with_number": 2}, {"refused_before"}, Action.REVIEW),
    ],
)
def test_an_onboarding_rule_hits_what_it_is_for(
    change: Mapping[str, Any], rules: set[str], action: Action
) -> None:
    assert decide(Purpose.ONBOARDING, {**HONEST_APPLICATION, **change}) == (rules, action)


def test_thresholds_are_those_of_the_rulebook() -> None:
    predicates = {
        rule["key"]: rule["predicate"]
        for rule in default_rules(Purpose.PAYMENT, Rulebook.load(), DAY)
    }

    assert predicates["new_device_and_large_amount"] == (
        "(is_new_device or device_age_seconds < 24 * 3600) and amount > 500000 and not is_strong"
    )
    assert "outflow_to_inflow_1h > 0.90 " in predicates["fast_in_fast_out"]
    assert not any("{" in predicate for predicate in predicates.values())


def test_the_very_text_of_each_rule_says_the_same_to_duckdb() -> None:
    catalogue = default_catalogue(Purpose.PAYMENT)
    shapes = {
        FeatureType.INTEGER: "CAST(2000000 * random() * random() AS BIGINT)",
        FeatureType.NUMBER: "20 * random() * random()",
        FeatureType.FLAG: "random() < 0.5",
        FeatureType.TEXT: "'transfer'",
    }
    columns = ", ".join(
        f'CASE WHEN random() < 0.9 THEN {shapes[kind]} END AS "{name}"'
        for name, kind in catalogue.items()
    )
    rules = load(Purpose.PAYMENT)
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"CREATE TABLE history AS SELECT i, {columns} FROM range(5000) t(i)")
        found = connection.execute("SELECT * FROM history ORDER BY i").fetchnumpy()
        features = {
            name: Column(
                kind,
                np.ma.getdata(found[name]).astype(DTYPES[kind]),
                ~np.ma.getmaskarray(found[name]),
            )
            for name, kind in catalogue.items()
        }
        said = rules.assess(features, rows=5_000)
        for rule, hits in zip(rules.rules, said.hits, strict=True):
            rows = connection.execute(f"SELECT i FROM history WHERE {rule.predicate} ORDER BY i")
            assert [row[0] for row in rows.fetchall()] == np.flatnonzero(hits).tolist()

    assert said.failed is None
    assert (said.hits.sum(axis=1) > 0).sum() >= 10


def test_what_is_named_twice_is_the_same() -> None:
    named = list_features(Purpose.PAYMENT)

    shared = named.keys() & PAYMENT_FEATURES.keys()
    assert {name: named[name].type for name in shared} == {
        name: PAYMENT_FEATURES[name] for name in shared
    }
    assert all(each.meaning for each in named.values())
