"""What is read on an identity card, and how sure the reading is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from huitong.customers.evidence.findings import Finding
from huitong.customers.evidence.pictures import Pixels


class CardSide(StrEnum):
    """The side with the portrait, or the one with the authority's name."""

    FRONT = "front"
    BACK = "back"


class CardField(StrEnum):
    """The fields of both sides."""

    NAME = "name"
    SEX = "sex"
    ETHNICITY = "ethnicity"
    BIRTH_ON = "birth_on"
    ADDRESS = "address"
    NUMBER = "number"
    AUTHORITY = "authority"
    VALID_FROM_ON = "valid_from_on"
    VALID_UNTIL_ON = "valid_until_on"


#: In the order in which they stand on the card.
FIELDS_BY_SIDE: Mapping[CardSide, tuple[CardField, ...]] = {
    CardSide.FRONT: (
        CardField.NAME,
        CardField.SEX,
        CardField.ETHNICITY,
        CardField.BIRTH_ON,
        CardField.ADDRESS,
        CardField.NUMBER,
    ),
    CardSide.BACK: (CardField.AUTHORITY, CardField.VALID_FROM_ON, CardField.VALID_UNTIL_ON),
}

#: How the end of a card's validity is written when there is none.
FOR_EVER = "长期"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLine:
    """A line of text as the engine found it: four corners in pixels, clockwise from the start."""

    text: str = field(repr=False)
    score: float
    corners: tuple[tuple[float, float], ...]


class TextReader(Protocol):
    """Something that finds and reads the lines of text of a picture, whichever way up they are."""

    def read_lines(self, pixels: Pixels) -> list[TextLine]:
        """Return the lines in any order; none if there is no text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadField:
    """What one field says, in its canonical form, and how sure that is, from 0 to 1.

    Sex is 男 or 女, a day is written as 1990-01-31, the end of validity may be 长期.
    """

    text: str = field(repr=False)
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReading:
    """One side of a card as read. A field that is not there could not be read.

    `quarter_turns` says how often the picture was turned clockwise by 90 degrees to stand upright.
    """

    side: CardSide | None
    fields: Mapping[CardField, ReadField] = field(default_factory=dict, repr=False)
    findings: tuple[Finding, ...] = ()
    quarter_turns: int = 0

    def text(self, card_field: CardField) -> str | None:
        """Return what a field says, or None."""
        found = self.fields.get(card_field)
        return None if found is None else found.text
