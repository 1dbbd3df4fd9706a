"""What the picture shows against what was typed, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from huitong.customers.evidence.findings import Finding, FindingCode, warn
from huitong.customers.evidence.id_card.reading import CONFIDENCE_MIN
from huitong.customers.evidence.id_card.texts import (
    as_digits,
    find_day,
    find_ethnicity,
    simplify,
    tidy,
    tidy_address,
    tidy_name,
)
from huitong.customers.evidence.id_card.types import FOR_EVER, CardField, CardReading

_SEXES: Final[Mapping[str, str]] = {
    "male": "男",
    "m": "男",
    "男": "男",
    "男性": "男",
    "female": "女",
    "f": "女",
    "女": "女",
    "女性": "女",
}
# A long address loses a sign now and then; a name or a number may not.
_SAME_ADDRESS_RATIO: Final = 0.85
_FOR_EVER_WORDS: Final = (FOR_EVER, "长期有效", "")


class FieldVerdict(StrEnum):
    """What comparing one field gave."""

    EQUAL = "equal"
    DIFFERS = "differs"
    UNREADABLE = "unreadable"


class CardVerdict(StrEnum):
    """What comparing all fields gave: one that differs outweighs one that could not be read."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardComparison:
    """The verdict over all typed fields, each field's own, and the findings that say why."""

    verdict: CardVerdict
    fields: Mapping[CardField, FieldVerdict]
    findings: tuple[Finding, ...] = field(default=())


def compare_card(
    reading: CardReading, typed: Mapping[CardField, str | date | None]
) -> CardComparison:
    """Compare a side of a card with the fields of it that were typed.

    Both sides are brought into one form first: half-width signs, no spaces, simplified characters,
    capitals; look-alikes of digits count as digits where only digits can stand. A day may be a
    `date`; None as the end of validity means 长期. A field below `CONFIDENCE_MIN` that differs is
    unreadable, not different: a bad picture must not be called a lie.
    """
    verdicts = {key: _compare(reading, key, value) for key, value in typed.items()}
    findings = []
    for key, verdict in verdicts.items():
        if verdict is FieldVerdict.DIFFERS:
            findings.append(Finding(code=FindingCode.FIELD_DIFFERS, field=key.value))
        elif verdict is FieldVerdict.UNREADABLE:
            findings.append(warn(FindingCode.FIELD_UNREADABLE, key.value))
    given = set(verdicts.values())
    if FieldVerdict.DIFFERS in given:
        total = CardVerdict.MISMATCHED
    elif FieldVerdict.UNREADABLE in given or not given:
        total = CardVerdict.UNREADABLE
    else:
        total = CardVerdict.MATCHED
    return CardComparison(verdict=total, fields=verdicts, findings=tuple(findings))


def _compare(reading: CardReading, card_field: CardField, typed: str | date | None) -> FieldVerdict:
    read = reading.fields.get(card_field)
    if read is None:
        return FieldVerdict.UNREADABLE
    if _normalise(card_field, read.text) == _normalise(card_field, typed):
        return FieldVerdict.EQUAL
    if read.confidence < CONFIDENCE_MIN or _is_nearly_same(card_field, read.text, typed):
        return FieldVerdict.UNREADABLE
    return FieldVerdict.DIFFERS


def _is_nearly_same(card_field: CardField, read: str, typed: str | date | None) -> bool:
    """Whether two addresses differ by so little that a lost or misread sign explains it."""
    if card_field not in (CardField.ADDRESS, CardField.AUTHORITY):
        return False
    texts = _normalise(card_field, read), _normalise(card_field, typed)
    return SequenceMatcher(None, *texts, autojunk=False).ratio() >= _SAME_ADDRESS_RATIO


def _normalise(card_field: CardField, value: str | date | None) -> str:
    if isinstance(value, date):
        return value.isoformat()
    text = "" if value is None else value
    match card_field:
        case CardField.NUMBER:
            return as_digits(text)
        case CardField.NAME:
            return simplify(tidy_name(text)).upper()
        case CardField.SEX:
            return _SEXES.get(tidy(text).lower(), text)
        case CardField.ETHNICITY:
            return find_ethnicity(text) or text
        case CardField.VALID_UNTIL_ON if simplify(tidy(text)) in _FOR_EVER_WORDS:
            return FOR_EVER
        case CardField.BIRTH_ON | CardField.VALID_FROM_ON | CardField.VALID_UNTIL_ON:
            day = find_day(text)
            return text if day is None else day.isoformat()
        case CardField.ADDRESS | CardField.AUTHORITY:
            return simplify(tidy_address(text)).upper()
