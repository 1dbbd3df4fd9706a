"""The side with the authority's name: from rows of text to authority and validity."""

import re
from datetime import date
from typing import Final

from huitong.customers.evidence.id_card.layout import Layout, Token, group_rows
from huitong.customers.evidence.id_card.texts import as_digits, simplify, tidy
from huitong.customers.evidence.id_card.types import FOR_EVER, CardField, ReadField

_AUTHORITY_LABEL: Final = re.compile(r"^.*?(签发机关|发机关|机关)")
_PERIOD: Final = re.compile(r"([0-9]{8})(?:([0-9]{8})|(长期|长|期))")
_NOT_OF_PERIODS: Final = re.compile(r"[^0-9长期]")
_AUTHORITY_WORDS: Final = ("公安局", "分局", "公安厅")
_SAME_LINE_SHARE: Final = 0.5


def read_back(layout: Layout) -> dict[CardField, ReadField]:
    """Return the fields that could be read on an upright back side."""
    fields = {CardField.AUTHORITY: _read_authority(layout), **_read_validity(layout)}
    return {key: read for key, read in fields.items() if read is not None}


def _read_authority(layout: Layout) -> ReadField | None:
    anchor = layout.find("签发机关") or layout.find(*_AUTHORITY_WORDS)
    if anchor is None:
        return None
    # A long name runs on in a second row, under the first and above the validity.
    validity = _find_validity_row(layout)
    reach = _SAME_LINE_SHARE * layout.line_height
    top = anchor.middle - reach
    bottom = validity[0].middle - reach if validity else anchor.middle + reach
    used = [token for token in layout.tokens if top < token.middle < bottom]
    used = [token for row in group_rows(used, reach) for token in row]
    text = _AUTHORITY_LABEL.sub("", tidy("".join(_simplify_label(token.text) for token in used)))
    scores = [token.score for token in used if simplify(token.text) != "签发机关"]
    return ReadField(text=text, confidence=min(scores)) if text and scores else None


def _simplify_label(text: str) -> str:
    """Return `text` with its label in simplified characters and the rest as it was read."""
    return text.replace("簽發機關", "签发机关")


def _find_validity_row(layout: Layout) -> list[Token]:
    anchor = layout.find("有效期限")
    if anchor is None:
        dated = [t for t in layout.tokens if _read_period(t.text) is not None]
        if not dated:
            return []
        anchor = dated[0]
    return layout.row_of(anchor)


def _read_validity(layout: Layout) -> dict[CardField, ReadField | None]:
    row = _find_validity_row(layout)
    period = _read_period("".join(token.text for token in row))
    if period is None:
        return {}
    scores = [token.score for token in row if simplify(token.text) != "有效期限"]
    confidence = min(scores)
    from_on, until = period
    return {
        CardField.VALID_FROM_ON: ReadField(text=from_on, confidence=confidence),
        CardField.VALID_UNTIL_ON: ReadField(text=until, confidence=confidence),
    }


def _read_period(text: str) -> tuple[str, str] | None:
    """Return the first and the last day (or 长期) of 2010.01.31-2020.01.31, or None."""
    plain = simplify(text).replace("有效期限", "")
    match = _PERIOD.search(_NOT_OF_PERIODS.sub("", as_digits(plain)))
    if match is None:
        return None
    from_on = _read_day(match[1])
    until = FOR_EVER if match[2] is None else _read_day(match[2])
    return None if from_on is None or until is None else (from_on, until)


def _read_day(digits: str) -> str | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
    except ValueError:
        return None
