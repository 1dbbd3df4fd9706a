"""Judging evidence: properties that hold for any of it."""

import uuid
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.customers import (
    CardReading,
    CheckAnswer,
    CheckKind,
    CheckVerdict,
    FaceResult,
    PersonDetails,
    Sex,
    Weight,
)
from huitong.customers.calendar import add_months
from huitong.customers.onboarding.judging import (
    find_class,
    has_weight,
    judge_outcome,
    judge_person,
    list_channels,
)
from huitong.customers.onboarding.types import Outcome
from huitong.kernel.rulebook import Rulebook

TODAY = date(2026, 11, 23)
RULEBOOK = Rulebook.load()
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20)
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
PEOPLE = st.builds(
    PersonDetails,
    name=NAMES,
    sex=st.sampled_from(Sex),
    nationality=st.just("CHN"),
    occupation=NAMES,
    address=NAMES,
    mobile=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True) | NAMES,
    id_number=st.from_regex(r"110101[0-9]{11}[0-9X]", fullmatch=True) | NAMES,
    valid_from_on=DAYS,
    valid_until_on=st.none() | DAYS,
    bank_cards=st.lists(
        st.from_regex(r"62[0-9]{14,17}", fullmatch=True), max_size=5, unique=True
    ).map(tuple),
)


def answer(kind: CheckKind, verdict: CheckVerdict) -> CheckAnswer:
    return CheckAnswer(request_id=uuid.UUID(int=1), kind=kind, verdict=verdict)


ANSWERS = st.lists(
    st.builds(answer, st.sampled_from(CheckKind), st.sampled_from(CheckVerdict)), max_size=8
).map(tuple)


@given(PEOPLE)
def test_anything_typed_is_judged_and_no_remark_repeats_it(person: PersonDetails) -> None:
    remarks = judge_person(person, rulebook=RULEBOOK, today=TODAY)
    for remark in remarks:
        assert person.id_number not in remark.code + remark.field or len(person.id_number) < 18
        assert person.mobile not in remark.code + remark.field or len(person.mobile) < 11


@given(PEOPLE, ANSWERS)
def test_whatever_is_answered_only_consistent_answers_make_channels(
    person: PersonDetails, answers: tuple[CheckAnswer, ...]
) -> None:
    channels = list_channels(person, answers)
    consistent = [each for each in answers if each.verdict is CheckVerdict.CONSISTENT]
    assert len(channels) <= len(consistent)
    assert len(set(channels)) == len(channels)
    assert CheckKind.LIVENESS.value not in channels


@given(PEOPLE, ANSWERS)
def test_without_pictures_or_answers_nobody_is_approved_by_a_machine(
    person: PersonDetails, answers: tuple[CheckAnswer, ...]
) -> None:
    nothing = Outcome(answers=answers, front=None, back=None, faces=None)
    assert has_weight(judge_outcome(person, nothing), Weight.REVIEW)
    blank = Outcome(
        answers=(), front=CardReading(side=None), back=CardReading(side=None),
        faces=FaceResult(threshold=0.45, distance=0.1),
    )  # fmt: skip
    assert has_weight(judge_outcome(person, blank), Weight.REVIEW)


def test_one_bank_is_one_channel_however_its_cards_are_typed() -> None:
    person = PersonDetails(
        name="赵",
        sex=Sex.MALE,
        nationality="CHN",
        occupation="x",
        address="x",
        mobile="13800000001",
        id_number="11010519491231002X",
        valid_from_on=TODAY,
        valid_until_on=None,
        bank_cards=("6216261000000000018", "6216 2610 0000 0000 026", "６２１６-26 10000000000034"),
    )
    answers = [answer(CheckKind.BANK_CARD, CheckVerdict.CONSISTENT)] * 3
    assert list_channels(person, answers) == ("bank_621626",)


@given(st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_more_channels_never_mean_a_lower_class(few: set[int], more: set[int]) -> None:
    def level(numbers: set[int]) -> int:
        names = [f"bank_{number}" for number in numbers]
        found = find_class(names, is_in_person=False, rulebook=RULEBOOK, on_day=TODAY)
        return found or 0

    assert level(few | more) >= level(few)
    assert find_class([], is_in_person=True, rulebook=RULEBOOK, on_day=TODAY) == 3


@pytest.mark.parametrize(
    ("count", "expected"), [(0, None), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (9, 3)]
)
def test_the_class_is_that_of_announcement_43(count: int, expected: Any) -> None:
    names = [f"bank_{number}" for number in range(count)]
    assert find_class(names, is_in_person=False, rulebook=RULEBOOK, on_day=TODAY) == expected
    # The same channel twice is one.
    assert find_class(names * 2, is_in_person=False, rulebook=RULEBOOK, on_day=TODAY) == (expected)


@given(DAYS, st.integers(0, 600))
def test_months_later_is_in_that_month_and_never_after_the_28th(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == min(day.day, 28)
