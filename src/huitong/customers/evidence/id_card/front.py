"""The side with the portrait: from rows of text to name, sex, ethnicity, birth, address, number."""

import re
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Final

from huitong.customers.evidence.id_card.layout import Layout, Token, group_rows
from huitong.customers.evidence.id_card.texts import (
    as_digits,
    find_day,
    find_ethnicity,
    simplify,
    tidy,
    tidy_name,
)
from huitong.customers.evidence.id_card.types import CardField, ReadField
from huitong.customers.evidence.numbers import has_right_check_digit

_NUMBER_LENGTH: Final = 18
_NOT_DIGITS: Final = re.compile(r"[^0-9X]")
_NUMBER_SHAPE: Final = re.compile(r"[0-9]{17}[0-9X]")
_NUMBER_LABEL: Final = re.compile(r"^.*?号码")
_NAME_LABEL: Final = re.compile(r"^(姓名|姓.?名|姓|名)")
_ADDRESS_LABEL: Final = re.compile(r"^(住址|住|址)")
_DIGITS_MIN: Final = 15
# The portrait begins at seven tenths of the way from the label of the number to its last digit.
_TEXT_SHARE: Final = 0.66
# A reading that contradicts itself is worth half: it must not pass for sure.
_DOUBT: Final = 0.5
_SAME_LINE_SHARE: Final = 0.5
_NAME_LENGTH_MAX: Final = 30


def read_front(layout: Layout) -> dict[CardField, ReadField]:
    """Return the fields that could be read on an upright front side."""
    number_row, number = _read_number(layout)
    column = _text_column(layout, number_row)
    fields = {
        CardField.NUMBER: number,
        CardField.NAME: _read_name(column),
        **_read_sex_and_ethnicity(column),
        CardField.BIRTH_ON: _read_birth(column),
        CardField.ADDRESS: _read_address(column, number_row),
    }
    return _doubt_contradictions({key: read for key, read in fields.items() if read is not None})


def _text_column(layout: Layout, number_row: Sequence[Token]) -> Layout:
    """Return the layout without the portrait's side and without what stands below the number."""
    if not number_row:
        return layout
    left = min(token.left for token in number_row)
    span = max(token.right for token in number_row) - left
    floor = mean(token.middle for token in number_row) - _SAME_LINE_SHARE * layout.line_height
    tokens = tuple(
        token
        for token in layout.tokens
        if token.left < left + _TEXT_SHARE * span and token.middle < floor
    )
    return Layout(
        side=layout.side,
        quarter_turns=layout.quarter_turns,
        tokens=tokens or layout.tokens,
        score=layout.score,
    )


def _read_number(layout: Layout) -> tuple[list[Token], ReadField | None]:
    """Return the row of the number and the number, the one with a right check digit if any is."""
    candidates = []
    for token in layout.tokens:
        text = as_digits(_NUMBER_LABEL.sub("", token.text))
        if len(_NOT_DIGITS.sub("", text)) >= _DIGITS_MIN or "号码" in simplify(token.text):
            candidates.append(layout.row_of(token))
    best: tuple[list[Token], ReadField | None] = ([], None)
    for row in candidates:
        read = _find_number(row)
        if read is None:
            best = best if best[0] else (row, None)
        elif best[1] is None or read.confidence > best[1].confidence:
            best = (row, read)
    return best


def _find_number(row: Sequence[Token]) -> ReadField | None:
    parts = [_NUMBER_LABEL.sub("", token.text) for token in row]
    digits = _NOT_DIGITS.sub("", "".join(as_digits(part) for part in parts))
    windows = [
        digits[start : start + _NUMBER_LENGTH]
        for start in range(len(digits) - _NUMBER_LENGTH + 1)
        if _NUMBER_SHAPE.fullmatch(digits[start : start + _NUMBER_LENGTH])
    ]
    if not windows:
        return None
    score = min(token.score for token in row)
    for window in windows:
        if has_right_check_digit(window):
            return ReadField(text=window, confidence=score)
    return ReadField(text=windows[0], confidence=score * _DOUBT)


def _read_name(column: Layout) -> ReadField | None:
    anchor = column.find("姓名") or _find_above(column, "性别", "民族")
    if anchor is None:
        return None
    row = column.row_of(anchor)
    text = tidy_name(_NAME_LABEL.sub("", "".join(token.text for token in row)))
    if not text or len(text) > _NAME_LENGTH_MAX:
        return None
    return ReadField(text=text, confidence=_score_of(row, "姓名"))


def _find_above(column: Layout, *words: str) -> Token | None:
    """Return the nearest token above the one that holds one of `words`."""
    below = column.find(*words)
    if below is None:
        return None
    reach = below.middle - column.line_height
    above = [token for token in column.tokens if token.middle < reach]
    return max(above, key=lambda token: token.middle, default=None)


def _read_sex_and_ethnicity(column: Layout) -> dict[CardField, ReadField | None]:
    anchor = column.find("性别", "民族")
    if anchor is None:
        return {}
    row = column.row_of(anchor)
    text = simplify("".join(token.text for token in row))
    head, label, tail = text.partition("民族")
    sexes = re.findall("[男女]", head if label else text)
    ethnicity = find_ethnicity(tail) if label else None
    score = min(token.score for token in row)
    return {
        CardField.SEX: ReadField(text=sexes[0], confidence=score) if len(sexes) == 1 else None,
        CardField.ETHNICITY: (
            None if ethnicity is None else ReadField(text=ethnicity, confidence=score)
        ),
    }


def _read_birth(column: Layout) -> ReadField | None:
    anchor = column.find("出生") or _find_dated(column)
    if anchor is None:
        return None
    row = column.row_of(anchor)
    day = find_day("".join(token.text for token in row))
    if day is None:
        return None
    return ReadField(text=day.isoformat(), confidence=_score_of(row, "出生"))


def _find_dated(column: Layout) -> Token | None:
    dated = [token for token in column.tokens if find_day(token.text) is not None]
    return min(dated, key=lambda token: token.middle, default=None)


def _read_address(column: Layout, number_row: Sequence[Token]) -> ReadField | None:
    label = column.find("住址")
    birth = column.find("出生") or _find_dated(column)
    reach = _SAME_LINE_SHARE * column.line_height
    if label is not None:
        top = label.middle - reach
    elif birth is not None:
        top = birth.middle + reach
    else:
        return None
    bottom = min((token.middle for token in number_row), default=float("inf")) - reach
    used = [token for token in column.tokens if top < token.middle < bottom]
    lines = [
        _ADDRESS_LABEL.sub("", "".join(t.text for t in row)) for row in group_rows(used, reach)
    ]
    text = tidy("".join(lines))
    return ReadField(text=text, confidence=_score_of(used, "住址")) if text else None


def _score_of(tokens: Sequence[Token], label: str) -> float:
    """Return the least score of what holds more than the label."""
    scores = [token.score for token in tokens if simplify(token.text) != label]
    return min(scores, default=0.0)


def _doubt_contradictions(fields: Mapping[CardField, ReadField]) -> dict[CardField, ReadField]:
    """Return the fields with half the confidence where they contradict the number."""
    doubted = dict(fields)
    for card_field in find_contradictions(fields):
        for key in (card_field, CardField.NUMBER):
            read = doubted[key]
            doubted[key] = ReadField(text=read.text, confidence=read.confidence * _DOUBT)
    return doubted


def find_contradictions(fields: Mapping[CardField, ReadField]) -> list[CardField]:
    """Return which of birth date and sex are not those that the number on the card holds."""
    number = fields.get(CardField.NUMBER)
    if number is None:
        return []
    sex = "男" if int(number.text[16]) % 2 else "女"
    wanted = {CardField.BIRTH_ON: number.text[6:14], CardField.SEX: sex}
    return [
        key
        for key, value in wanted.items()
        if key in fields and fields[key].text.replace("-", "") != value
    ]
