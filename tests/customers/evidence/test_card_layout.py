"""Fields of a card from lines that are given: any turn, any lean, any scale, without an engine."""

import io
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from huitong.customers import CardField, CardSide, CardVerdict, FieldVerdict, FindingCode
from huitong.customers.evidence.id_card import TextLine, compare_card, read_card
from huitong.demo.specimens import make_specimen

TODAY = date(2026, 11, 26)


def blank() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(file, "PNG")
    return file.getvalue()


BLANK = blank()


class Lines:
    """A reader that finds the same lines whatever it is shown."""

    def __init__(self, lines: list[TextLine]) -> None:
        self.lines = lines

    def read_lines(self, pixels: np.ndarray) -> list[TextLine]:
        return self.lines


def line(text: str, left: float, top: float, *, height: float = 40, score: float = 0.99):
    right = left + height * sum(1.0 if ord(sign) > 127 else 0.55 for sign in text)
    corners = ((left, top), (right, top), (right, top + height), (left, top + height))
    return TextLine(text=text, score=score, corners=corners)


def front(person, *, are_labels_apart: bool = True) -> list[TextLine]:
    born = person.birth_on
    address = [person.address[start : start + 11] for start in range(0, len(person.address), 11)]
    rows = [
        ("姓名", person.name, 80),
        ("出生", f"{born.year}年{born.month}月{born.day}日", 240),
        ("住址", address[0], 322),
    ]
    lines = [line("SPECIMEN样本", 640, 28), line("16", 700, 250), line("女", 720, 162, score=0.5)]
    for label, value, top in rows:
        if are_labels_apart:
            lines += [line(label, 70, top), line(value, 190, top)]
        else:
            lines.append(line(label + value, 70, top))
    lines += [line(f"性别{person.sex}", 70, 160), line(f"民族{person.ethnicity}", 290, 160)]
    lines += [line(part, 190, 322 + 52 * row) for row, part in enumerate(address) if row]
    return [*lines, line("公民身份号码", 70, 540), line(person.number, 330, 540, height=46)]


def back(person) -> list[TextLine]:
    until = person.valid_until_on
    end = "长期" if until is None else f"{until:%Y.%m.%d}"
    return [
        line("中华人民共和国", 330, 70, height=56),
        line("居民身份证", 330, 160, height=84),
        line("签发机关", 190, 440),
        line(person.authority, 390, 440),
        line("有效期限", 190, 520),
        line(f"{person.valid_from_on:%Y.%m.%d}-{end}", 390, 520),
    ]


def move(lines: list[TextLine], *, turns: int, lean: float, scale: float) -> list[TextLine]:
    """Turn a card by quarters anticlockwise and lean it, as a camera would."""
    angle = math.radians(lean) - turns * math.pi / 2
    sine, cosine = math.sin(angle), math.cos(angle)

    def place(corner):
        x, y = corner
        return (scale * (x * cosine - y * sine) + 900, scale * (x * sine + y * cosine) + 900)

    return [replace(one, corners=tuple(map(place, one.corners))) for one in lines]


def typed_front(person) -> dict:
    return {
        CardField.NAME: person.name,
        CardField.SEX: "male" if person.sex == "男" else "female",
        CardField.ETHNICITY: person.ethnicity + "族",
        CardField.BIRTH_ON: person.birth_on,
        CardField.ADDRESS: person.address,
        CardField.NUMBER: person.number.lower(),
    }


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    turns=st.integers(0, 3),
    lean=st.floats(-12, 12),
    scale=st.floats(0.2, 4),
    are_labels_apart=st.booleans(),
)
def test_a_front_is_read_whichever_way_up(seed, turns, lean, scale, are_labels_apart) -> None:
    person = make_specimen(seed, today=TODAY)
    lines = front(person, are_labels_apart=are_labels_apart)
    reading = read_card(BLANK, Lines(move(lines, turns=turns, lean=lean, scale=scale)))
    assert reading.side is CardSide.FRONT
    assert reading.findings == ()
    assert {key: read.text for key, read in reading.fields.items()} == {
        CardField.NAME: person.name,
        CardField.SEX: person.sex,
        CardField.ETHNICITY: person.ethnicity,
        CardField.BIRTH_ON: person.birth_on.isoformat(),
        CardField.ADDRESS: person.address,
        CardField.NUMBER: person.number,
    }
    assert compare_card(reading, typed_front(person)).verdict is CardVerdict.MATCHED


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3), st.floats(-12, 12))
def test_a_back_is_read_whichever_way_up(seed: int, turns: int, lean: float) -> None:
    person = make_specimen(seed, today=TODAY)
    reading = read_card(BLANK, Lines(move(back(person), turns=turns, lean=lean, scale=1.0)))
    assert reading.side is CardSide.BACK
    until = person.valid_until_on
    assert {key: read.text for key, read in reading.fields.items()} == {
        CardField.AUTHORITY: person.authority,
        CardField.VALID_FROM_ON: person.valid_from_on.isoformat(),
        CardField.VALID_UNTIL_ON: "长期" if until is None else until.isoformat(),
    }


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 16), st.integers(1, 9))
def test_a_mistyped_digit_is_a_mismatch(seed: int, place: int, step: int) -> None:
    person = make_specimen(seed, today=TODAY)
    reading = read_card(BLANK, Lines(front(person)))
    digit = str((int(person.number[place]) + step) % 10)
    number = person.number[:place] + digit + person.number[place + 1 :]
    compared = compare_card(reading, {CardField.NUMBER: number, CardField.NAME: person.name})
    assert compared.verdict is CardVerdict.MISMATCHED
    assert compared.fields == {
        CardField.NUMBER: FieldVerdict.DIFFERS,
        CardField.NAME: FieldVerdict.EQUAL,
    }
    assert [finding.field for finding in compared.findings] == ["number"]
    assert number not in repr(compared)


def reading_of(lines: list[TextLine], **more):
    return read_card(BLANK, Lines(lines), **more)


def test_look_alikes_count_as_digits_in_the_number_only() -> None:
    person = make_specimen(3, today=TODAY)
    lines = front(replace(person, number="O1"))
    lines = [one for one in lines if one.text not in ("O1", "公民身份号码")]
    seen = person.number.replace("0", "O").replace("1", "l")
    lines.append(line(f"公民身份号码{seen}", 70, 540))
    reading = reading_of(lines)
    assert reading.text(CardField.NUMBER) == person.number


def test_an_unsure_field_that_differs_is_unreadable_and_no_lie() -> None:
    person = make_specimen(4, today=TODAY)
    lines = [replace(one, score=0.5) if one.text == person.name else one for one in front(person)]
    reading = reading_of(lines, field="front")
    assert [(f.code, f.field) for f in reading.findings] == [
        (FindingCode.FIELD_UNREADABLE, "front.name")
    ]
    compared = compare_card(reading, {CardField.NAME: "完全不同"})
    assert compared.verdict is CardVerdict.UNREADABLE
    assert compare_card(reading, {CardField.NAME: person.name}).verdict is CardVerdict.MATCHED


def test_a_name_is_compared_without_spaces_and_with_one_kind_of_dot() -> None:
    person = replace(make_specimen(5, today=TODAY), name="阿依古丽·买买提")
    reading = reading_of(front(person))
    for text in ("阿依古丽•买买提", " 阿依古丽 · 买买提", "阿依古丽・買買提"):
        assert compare_card(reading, {CardField.NAME: text}).verdict is CardVerdict.MATCHED
    other = compare_card(reading, {CardField.NAME: "阿依古丽·买买江"})
    assert other.verdict is CardVerdict.MISMATCHED


def test_an_address_that_lost_a_sign_is_for_a_person_to_judge() -> None:
    person = make_specimen(2, today=TODAY)
    reading = reading_of(front(person))
    lost = compare_card(reading, {CardField.ADDRESS: person.address + "乙"})
    assert lost.verdict is CardVerdict.UNREADABLE
    moved = compare_card(reading, {CardField.ADDRESS: "北京市东城区别的路1号"})
    assert moved.verdict is CardVerdict.MISMATCHED


def test_a_card_that_contradicts_its_number_is_not_trusted() -> None:
    person = make_specimen(6, today=TODAY)
    forged = replace(person, birth_on=date(1980, 1, 2))
    reading = reading_of(front(forged))
    found = {(finding.code, finding.field) for finding in reading.findings}
    assert (FindingCode.FIELDS_CONTRADICT, "picture.birth_on") in found
    assert (FindingCode.FIELD_UNREADABLE, "picture.number") in found
    assert (FindingCode.FIELD_UNREADABLE, "picture.birth_on") in found


def test_a_number_with_a_wrong_check_digit_is_not_trusted() -> None:
    person = make_specimen(7, today=TODAY)
    last = "1" if person.number[-1] != "1" else "2"
    reading = reading_of(front(replace(person, number=person.number[:-1] + last)))
    assert reading.fields[CardField.NUMBER].confidence < 0.75


def test_the_other_side_is_named() -> None:
    person = make_specimen(8, today=TODAY)
    reading = reading_of(back(person), side=CardSide.FRONT)
    assert [finding.code for finding in reading.findings] == [FindingCode.PICTURE_WRONG_SIDE]
    assert reading.side is CardSide.BACK
    assert not reading.fields


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line("今日特价", 10, 10), line("牛肉面 18元", 10, 80)],
        [line("姓名", 10, 10)],
    ],
)
def test_what_is_no_card_is_unreadable(lines: list[TextLine]) -> None:
    reading = reading_of(lines)
    assert [finding.code for finding in reading.findings] == [FindingCode.PICTURE_UNREADABLE]
    assert reading.side is None
    compared = compare_card(reading, {CardField.NAME: "张三"})
    assert compared.verdict is CardVerdict.UNREADABLE


def test_nothing_that_was_read_is_in_a_repr() -> None:
    person = make_specimen(9, today=TODAY)
    reading = reading_of(front(person))
    for text in (person.name, person.number, person.address, person.birth_on.isoformat()):
        assert text not in repr(reading)
        assert text not in repr(front(person))
