"""The handbook's protocol, on histories small enough to count by hand."""

import numpy as np
import pytest

from huitong.risk.fraud.protocol import (
    Payments,
    choose_first_days,
    measure_card_precision,
    split,
    summarise,
)


def make_payments(rows: list[tuple[int, int, bool]]) -> Payments:
    days, cards, frauds = zip(*sorted(rows), strict=True)
    return Payments(days=np.array(days), cards=np.array(cards), frauds=np.array(frauds))


def test_windows_are_a_week_apart_and_the_last_ends_with_the_data() -> None:
    days = np.arange(10, 50)
    assert choose_first_days(days, count=2) == [22, 29]
    assert choose_first_days(days, count=9) == [15, 22, 29]
    assert choose_first_days(np.arange(20), count=4) == []
    assert choose_first_days(np.arange(0), count=4) == []


def test_a_window_trains_a_week_waits_a_week_and_tests_a_week() -> None:
    payments = make_payments([(day, 1, False) for day in range(30)])
    window = split(payments, 2)
    assert payments.days[window.train].tolist() == list(range(2, 9))
    assert payments.days[window.test].tolist() == list(range(16, 23))


def test_a_card_leaves_the_test_once_its_fraud_is_known() -> None:
    honest = [(day, card, False) for day in range(21) for card in (1, 2, 3)]
    # Card 1 in training; card 2 on the day before last of the delay that the fourth test day knows.
    payments = make_payments([*honest, (3, 1, True), (9, 2, True), (15, 3, True)])
    window = split(payments, 0)
    tested = {(int(payments.days[row]), int(payments.cards[row])) for row in window.test}
    assert not any(card == 1 for _, card in tested)
    # The label of day 9 is known 7 days later, at the end of day 16: from day 17 on.
    assert {day for day, card in tested if card == 2} == {14, 15, 16}
    assert {day for day, card in tested if card == 3} == set(range(14, 21))


def test_card_precision_looks_at_the_worst_cards_of_each_day_once() -> None:
    payments = make_payments(
        [(0, 1, True), (0, 2, False), (0, 3, False), (1, 1, True), (1, 4, True), (1, 5, False)]
    )
    rows = np.arange(6)
    scores = np.array([0.9, 0.8, 0.1, 0.9, 0.2, 0.1])
    # Day 0: cards 1 and 2, one hit. Day 1: card 1 is found already, so 4 and 5: one hit.
    found = measure_card_precision(payments, rows, scores, cards_a_day=2)
    assert found == pytest.approx(0.5)
    # With one card a day: card 1, then card 4.
    assert measure_card_precision(payments, rows, scores, cards_a_day=1) == 1.0


def test_a_cards_score_is_its_highest_of_the_day() -> None:
    payments = make_payments([(0, 1, False), (0, 1, True), (0, 2, False)])
    scores = np.array([0.1, 0.7, 0.5])
    assert measure_card_precision(payments, np.arange(3), scores, cards_a_day=1) == 1.0


def test_mean_and_spread() -> None:
    assert summarise([1.0, 3.0]) == {"mean": 2.0, "spread": 1.0}
