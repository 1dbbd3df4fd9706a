"""Sets of rules over a batch: the hardest action holds, and what fails is a review."""

from typing import Any

import msgspec
import numpy as np
import pytest
import structlog

from huitong.kernel.errors import InvalidField
from huitong.kernel.metrics import RULE_FAILURES
from huitong.risk import (
    Action,
    Column,
    FeatureType,
    Purpose,
    check_features,
    read_rules,
    reload_rules,
    report_failures,
)
from huitong.risk.decisioning.rules.rule_sets import digest_rules, show_rule, write_rules

CATALOGUE = {
    "amount": FeatureType.INTEGER,
    "payments_1h": FeatureType.NUMBER,
    "is_new_payee": FeatureType.FLAG,
    "kind": FeatureType.TEXT,
}


def make_rule(key: str, predicate: str, action: str = "review", weight: int = 10) -> dict[str, Any]:
    return {
        "key": key,
        "predicate": predicate,
        "action": action,
        "weight": weight,
        "reason_zh": "原因",
        "reason_en": "reason",
        "source": "test",
    }


def make_features(**cells: list[Any]) -> dict[str, Column]:
    rows = len(next(iter(cells.values())))
    features = {}
    for name, kind in CATALOGUE.items():
        given = cells.get(name, [None] * rows)
        known = np.array([cell is not None for cell in given])
        filler: Any = "" if kind is FeatureType.TEXT else 0
        values = np.array([filler if cell is None else cell for cell in given])
        typed = values.astype(object if kind is FeatureType.TEXT else values.dtype)
        if kind is FeatureType.NUMBER:
            typed = values.astype(np.float64)
        if kind is FeatureType.FLAG:
            typed = values.astype(np.bool_)
        features[name] = Column(kind, typed, None if known.all() else known)
    return features


def test_the_hardest_action_of_all_that_hit_holds() -> None:
    rules = read_rules(
        [
            make_rule("many", "payments_1h > 5", "step_up", 20),
            make_rule("large", "amount > 1000", "delay", 5),
            make_rule("new", "payments_1h > 5 and is_new_payee", "block", 40),
        ],
        CATALOGUE,
    )

    said = rules.assess(
        make_features(
            payments_1h=[0.0, 6.0, 6.0, 6.0],
            amount=[1, 1, 5_000, 1],
            is_new_payee=[True, False, False, True],
        ),
        rows=4,
    )

    assert [Action(each) for each in said.actions] == [
        Action.ALLOW,
        Action.STEP_UP,
        Action.DELAY,
        Action.BLOCK,
    ]
    assert said.weights.tolist() == [0, 20, 25, 60]
    assert said.hits.tolist() == [
        [False, True, True, True],
        [False, False, True, False],
        [False, False, False, True],
    ]
    assert said.failed is None


def test_null_is_no_hit_and_no_failure() -> None:
    rules = read_rules([make_rule("many", "not (payments_1h > 5)", "block")], CATALOGUE)

    said = rules.assess(make_features(payments_1h=[None, 6.0, 1.0]), rows=3)

    assert said.actions.tolist() == [Action.ALLOW, Action.ALLOW, Action.BLOCK]
    assert said.failed is None


@pytest.mark.parametrize(
    ("predicate", "cells"),
    [
        ("amount * 2 > 5", {"amount": [2**62, 1]}),
        ("amount + amount < 0", {"amount": [2**62, 1]}),
        ("-amount > 5", {"amount": [-(2**63), 1]}),
        ("1 / amount > 5", {"amount": [0, 1]}),
        ("7 % amount > 5", {"amount": [0, 1]}),
        ("cast(kind as bigint) > 5", {"kind": ["five", "1"]}),
        ("payments_1h > 5", {"payments_1h": [float("nan"), 1.0]}),
        ("payments_1h > 5", {"payments_1h": [float("inf"), 1.0]}),
        ("payments_1h * 1e300 > 1e308", {"payments_1h": [1e300, 1.0]}),
    ],
)
def test_a_row_on_which_a_rule_fails_is_a_review_and_others_are_not(
    predicate: str, cells: dict[str, list[Any]]
) -> None:
    rules = read_rules([make_rule("fails", predicate, "block")], CATALOGUE)

    said = rules.assess(make_features(**cells), rows=2)

    assert said.failed is not None
    assert said.failed.tolist() == [[True, False]]
    assert said.hits.tolist() == [[False, False]]
    assert said.actions.tolist() == [Action.REVIEW, Action.ALLOW]


def test_a_failure_is_an_alarm() -> None:
    rules = read_rules([make_rule("fails", "1 / amount > 5")], CATALOGUE)
    counted = RULE_FAILURES.labels("payment")._value
    before = counted.get()

    with structlog.testing.capture_logs() as lines:
        said = rules.assess(make_features(amount=[0, 1, 0]), rows=3)
        report_failures(rules, said, purpose=Purpose.PAYMENT)

    assert counted.get() - before == 2
    assert [(line["event"], line["rule"], line["rows"]) for line in lines] == [
        ("rule_failed", "fails", 2)
    ]


def test_a_failure_does_not_soften_what_another_rule_asks_for() -> None:
    rules = read_rules(
        [make_rule("fails", "1 / amount > 5"), make_rule("blocks", "amount = 0", "block")],
        CATALOGUE,
    )

    said = rules.assess(make_features(amount=[0]), rows=1)

    assert said.actions.tolist() == [Action.BLOCK]


def test_a_condition_in_front_keeps_a_rule_from_failing() -> None:
    rules = read_rules(
        [
            make_rule("and", "amount <> 0 and 10 / amount > 5"),
            make_rule("nullif", "10 / nullif(amount, 0) > 5"),
            make_rule("case", "case when amount = 0 then false else 10 / amount > 5 end"),
        ],
        CATALOGUE,
    )

    said = rules.assess(make_features(amount=[0, 1]), rows=2)

    assert said.failed is None
    assert said.hits.tolist() == [[False, True]] * 3


def test_rules_share_what_they_have_in_common() -> None:
    one = read_rules([make_rule("a", "amount > 5 and payments_1h > 1")], CATALOGUE)
    two = read_rules(
        [
            make_rule("a", "amount > 5 and payments_1h > 1"),
            make_rule("b", "payments_1h > 1 and amount > 5"),
        ],
        CATALOGUE,
    )
    features = make_features(amount=[1], payments_1h=[1.0])

    def count_steps(rules: Any) -> int:
        rules.assess(features, rows=1)
        (variant,) = rules._program._variants.values()
        return len(variant.steps)

    assert count_steps(one) == count_steps(two) == 3


def test_a_stored_rule_whose_feature_is_gone_reviews_every_row() -> None:
    stored = write_rules(
        read_rules(
            [make_rule("sound", "amount > 5", "block"), make_rule("gone", "is_new_payee")],
            CATALOGUE,
        ).rules
    )

    rules = reload_rules(stored, {"amount": FeatureType.INTEGER})
    said = rules.assess(make_features(amount=[1, 9]), rows=2)

    assert [rule.key for rule in rules.broken] == ["gone"]
    assert said.actions.tolist() == [Action.REVIEW, Action.BLOCK]


def test_no_rows_are_no_trouble() -> None:
    rules = read_rules([make_rule("a", "amount > 5")], CATALOGUE)

    said = rules.assess(make_features(amount=[]), rows=0)

    assert said.actions.tolist() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "Not a key"}, "rules[0].key"),
        ({"action": "allow"}, "rules[0].action"),
        ({"action": 3}, "rules[0].action"),
        ({"weight": 1_001}, "rules[0].weight"),
        ({"weight": True}, "rules[0].weight"),
        ({"reason_zh": " "}, "rules[0].reason_zh"),
        ({"reason_en": "a\nb"}, "rules[0].reason_en"),
        ({"source": 1}, "rules[0].source"),
        ({"predicate": "amunt > 5"}, "rules[0].predicate"),
        ({"predicate": None}, "rules[0].predicate"),
        ({"extra": 1}, "rules[0]"),
    ],
)
def test_a_bad_rule_is_refused_with_the_part_that_is_bad(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        read_rules([{**make_rule("a", "amount > 5"), **change}], CATALOGUE)

    assert refused.value.field == field


@pytest.mark.parametrize("document", [None, {}, [], "rules", [make_rule("a", "amount > 5")] * 201])
def test_what_is_no_list_of_rules_is_refused(document: object) -> None:
    with pytest.raises(InvalidField) as refused:
        read_rules(document, CATALOGUE)

    assert refused.value.field == "rules"


def test_two_rules_with_one_key_are_refused() -> None:
    with pytest.raises(InvalidField) as refused:
        read_rules([make_rule("a", "amount > 5"), make_rule("a", "amount > 6")], CATALOGUE)

    assert refused.value.field == "rules[1].key"


def test_what_is_written_is_read_again() -> None:
    rules = read_rules([make_rule("a", "amount > 5")], CATALOGUE).rules

    text = write_rules(rules)

    assert msgspec.json.decode(text) == [show_rule(rules[0])]
    assert len(digest_rules(text)) == 64
    assert read_rules(msgspec.json.decode(text), CATALOGUE).rules == rules


def test_a_missing_or_mistyped_feature_is_a_mistake() -> None:
    rules = read_rules([make_rule("a", "amount > 5")], CATALOGUE)

    with pytest.raises(ValueError, match="amount is missing"):
        rules.assess({}, rows=1)
    with pytest.raises(ValueError, match="amount is missing, or not integer of 2 rows"):
        rules.assess(make_features(amount=[1]), rows=2)


def test_the_door_refuses_poisoned_features() -> None:
    check_features(make_features(payments_1h=[1.0, None], amount=[1, 2]), rows=2)

    with pytest.raises(ValueError, match="payments_1h is not finite"):
        check_features(make_features(payments_1h=[float("nan")], amount=[1]), rows=1)
    with pytest.raises(ValueError, match="has not 2 rows"):
        check_features(make_features(amount=[1]), rows=2)
