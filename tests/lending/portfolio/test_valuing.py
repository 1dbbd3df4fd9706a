"""Valuing loans as a day closes: class, stage, expected loss, the greater of both provisions."""

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from tests.lending.loans.conftest import RULES

from huitong.lending import RulebookGrade
from huitong.lending.loans.state import NEVER, NEVER_NUMBER, Rows, State, to_number
from huitong.lending.portfolio.buckets import Buckets
from huitong.lending.portfolio.marks import Marks

DAY = date(2026, 10, 1)
NEXT = DAY + timedelta(days=1)
GRADE = RulebookGrade.load(RULES, DAY)


def make_rows(count: int = 1, **values: Any) -> Rows:
    state = State(loan=1, product_id=1, on_day=NEXT, not_due=100_000_00, lent=100_000_00)
    return Rows.of([replace(state, loan=place + 1, **values) for place in range(count)])


def make_marks(count: int = 1, **values: int) -> Marks:
    defaults = {
        "grade": 3,
        "grade_now": 3,
        "rate": 120_000,
        "ends_day": to_number(date(2027, 10, 1)),
        "is_level": 0,
        "is_watched": 0,
        "better_day": NEVER_NUMBER,
        "worst": 0,
    }
    return Marks({name: np.full(count, each) for name, each in (defaults | values).items()})


def expect(pd: float, months: int, *, rate: float = 0.12, lgd: float = 0.65) -> float:
    """Return the expected share of a bullet loan by the formula, one month after the other."""
    total = 0.0
    for weight, defaults, losses in ((0.5, 1.0, 1.0), (0.2, 0.8, 0.95), (0.3, 1.5, 1.1)):
        alive = 1.0
        for month in range(1, months + 1):
            survives = (1 - pd) ** (defaults / 12)
            total += weight * lgd * losses * alive * (1 - survives) * (1 + rate) ** (-month / 12)
            alive *= survives
    return total


def test_the_expected_loss_of_twelve_months_is_set_aside() -> None:
    rows = make_rows()
    by_scenario = GRADE(rows, make_marks())
    # Grade C: 7.5 % a year.
    expected = math.ceil(100_000_00 * round(expect(0.075, 12), 9))
    assert (rows.klass[0], rows.stage[0]) == (0, 1)
    assert rows.expected_loss.tolist() == [expected]
    assert rows.provision.tolist() == [expected]
    upside, base, downside = (by_scenario[name][0] for name in ("upside", "base", "downside"))
    assert upside < base < downside
    assert abs(0.5 * base + 0.2 * upside + 0.3 * downside - expected) <= 3


def test_the_share_of_the_class_is_the_least() -> None:
    rows = make_rows()
    marks = make_marks(grade=1, grade_now=1, ends_day=to_number(NEXT))
    GRADE(rows, marks)
    assert rows.expected_loss[0] < 1_000_00
    assert rows.provision.tolist() == [1_000_00]


@pytest.mark.parametrize(
    ("late", "klass", "stage", "worst"),
    [(0, 0, 1, 0), (1, 1, 2, 1), (31, 1, 2, 2), (91, 2, 3, 4), (271, 3, 3, 5), (361, 4, 3, 5)],
)
def test_days_past_due_give_class_stage_and_bucket(
    late: int, klass: int, stage: int, worst: int
) -> None:
    since = NEXT - timedelta(days=late) if late else NEVER
    rows, marks = make_rows(since_day=since), make_marks()
    GRADE(rows, marks)
    assert (rows.klass[0], rows.stage[0], marks.worst[0]) == (klass, stage, worst)
    if klass == 4:
        assert rows.provision.tolist() == [100_000_00]
    assert (rows.provision >= rows.expected_loss).all()


@pytest.mark.parametrize(
    ("mark", "stage"),
    [
        ({"grade": 1, "grade_now": 2}, 1),
        ({"grade": 2, "grade_now": 4}, 2),
        ({"grade": 0, "grade_now": 3}, 1),
        ({"is_watched": 1}, 2),
    ],
)
def test_a_grade_that_fell_or_a_watch_makes_the_second_stage(
    mark: dict[str, int], stage: int
) -> None:
    rows = make_rows()
    GRADE(rows, make_marks(**mark))
    assert rows.stage.tolist() == [stage]


def test_what_was_bad_stays_substandard_until_it_is_cured() -> None:
    rows, marks = make_rows(stage=3, klass=2), make_marks()
    GRADE(rows, marks)
    assert (rows.klass[0], rows.stage[0], marks.better_day[0]) == (2, 3, to_number(NEXT))
    assert rows.provision[0] == rows.expected_loss[0] > 60_000_00
    rows.on_day = rows.on_day + 180
    GRADE(rows, marks)
    assert (rows.klass[0], rows.stage[0]) == (0, 2)


def test_nothing_is_owed_by_no_loans() -> None:
    rows = make_rows().where(np.array([False]))
    found = GRADE(rows, make_marks(0))
    assert {name: each.tolist() for name, each in found.items()} == {
        "base": [],
        "upside": [],
        "downside": [],
    }


def test_buckets_are_named_by_their_days() -> None:
    buckets = Buckets.load(RULES, DAY)
    assert [buckets.show(place) for place in range(6)] == [
        "0",
        "1-30",
        "31-60",
        "61-90",
        "91-180",
        "181+",
    ]
    assert buckets.late == (2, 4)
    assert buckets.sort(np.array([0, 1, 30, 31, 91, 400])).tolist() == [0, 1, 1, 2, 4, 5]
