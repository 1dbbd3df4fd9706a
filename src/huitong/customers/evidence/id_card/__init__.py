"""Reading identity cards from pictures, and comparing what they show with what was typed.

Owns the layout of the card, the reading of its fields with a confidence each, and the comparison.
The engine is loaded by the first picture and not before; a picture that cannot be read is a
finding, never an exception.
"""

from huitong.customers.evidence.id_card.comparison import (
    CardComparison,
    CardVerdict,
    FieldVerdict,
    compare_card,
)
from huitong.customers.evidence.id_card.engine import RapidTextReader
from huitong.customers.evidence.id_card.reading import CONFIDENCE_MIN, read_card
from huitong.customers.evidence.id_card.types import (
    FIELDS_BY_SIDE,
    FOR_EVER,
    CardField,
    CardReading,
    CardSide,
    ReadField,
    TextLine,
    TextReader,
)

__all__ = [
    "CONFIDENCE_MIN",
    "FIELDS_BY_SIDE",
    "FOR_EVER",
    "CardComparison",
    "CardField",
    "CardReading",
    "CardSide",
    "CardVerdict",
    "FieldVerdict",
    "RapidTextReader",
    "ReadField",
    "TextLine",
    "TextReader",
    "compare_card",
    "read_card",
]
