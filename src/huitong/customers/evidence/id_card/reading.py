"""From a picture to a reading: look, find out which way is up, look closer where needed."""

from typing import Final

import numpy as np

from huitong.customers.evidence.findings import Finding, FindingCode, warn
from huitong.customers.evidence.id_card.back import read_back
from huitong.customers.evidence.id_card.front import find_contradictions, read_front
from huitong.customers.evidence.id_card.layout import Layout, find_layout
from huitong.customers.evidence.id_card.types import (
    FIELDS_BY_SIDE,
    CardField,
    CardReading,
    CardSide,
    ReadField,
    TextLine,
    TextReader,
)
from huitong.customers.evidence.pictures import Pixels, decode_picture
from huitong.kernel import limits

#: Below this a field counts as not read: a person must look.
CONFIDENCE_MIN: Final = 0.75
_SURE: Final = 0.9
_TURNS: Final = 4
# How much of the text's own extent is kept around it when looking closer.
_BORDER_SHARE: Final = 0.08


def read_card(
    content: bytes,
    reader: TextReader,
    *,
    side: CardSide | None = None,
    field: str = "picture",
) -> CardReading:
    """Read one side of an identity card from a picture file (JPEG, PNG or WebP).

    `side` is the one that is asked for, None for whichever it is. Never raises for a bad picture:
    what is wrong is a finding about `field`, or about `field.<name>` for a part of the card.
    """
    decoded = decode_picture(content, side_max=limits.CARD_SIDE_PIXELS_MAX, field=field)
    if decoded.facts is None:
        return CardReading(side=None, findings=decoded.findings)
    pixels = decoded.facts
    lines = reader.read_lines(pixels)
    layout = find_layout(lines)
    fields = {} if layout is None else _read_fields(layout)
    turns = 0 if layout is None else layout.quarter_turns
    if lines and (layout is None or turns or not _is_sure(layout.side, fields)):
        layout, fields, turns = _look_closer(pixels, lines, reader, layout, fields)
    return _judge(layout, fields, turns, side, field)


def _look_closer(
    pixels: Pixels,
    lines: list[TextLine],
    reader: TextReader,
    layout: Layout | None,
    fields: dict[CardField, ReadField],
) -> tuple[Layout | None, dict[CardField, ReadField], int]:
    """Read again what was found, upright and without the table; keep what was read better."""
    turns = 0 if layout is None else layout.quarter_turns
    closer = np.ascontiguousarray(np.rot90(_crop(pixels, lines), k=-turns))
    second = find_layout(reader.read_lines(closer))
    if second is None or (layout is not None and second.side is not layout.side):
        return layout, fields, turns
    better = _read_fields(second)
    for key, read in fields.items():
        if key not in better or better[key].confidence < min(_SURE, read.confidence):
            better[key] = read
    return second, better, (turns + second.quarter_turns) % _TURNS


def _crop(pixels: Pixels, lines: list[TextLine]) -> Pixels:
    across = [x for line in lines for x, _ in line.corners]
    down = [y for line in lines for _, y in line.corners]
    border = _BORDER_SHARE * max(max(across) - min(across), max(down) - min(down))
    height, width = pixels.shape[:2]
    left, right = max(0, int(min(across) - border)), min(width, int(max(across) + border))
    top, bottom = max(0, int(min(down) - border)), min(height, int(max(down) + border))
    return pixels[top:bottom, left:right]


def _read_fields(layout: Layout) -> dict[CardField, ReadField]:
    return read_front(layout) if layout.side is CardSide.FRONT else read_back(layout)


def _is_sure(side: CardSide, fields: dict[CardField, ReadField]) -> bool:
    wanted = FIELDS_BY_SIDE[side]
    return all(key in fields and fields[key].confidence >= _SURE for key in wanted)


def _judge(
    layout: Layout | None,
    fields: dict[CardField, ReadField],
    turns: int,
    side: CardSide | None,
    field: str,
) -> CardReading:
    if layout is None or not fields:
        unreadable = Finding(code=FindingCode.PICTURE_UNREADABLE, field=field)
        return CardReading(side=None, findings=(unreadable,))
    if side is not None and layout.side is not side:
        wrong = Finding(code=FindingCode.PICTURE_WRONG_SIDE, field=field)
        return CardReading(side=layout.side, findings=(wrong,), quarter_turns=turns)
    unread = [
        warn(FindingCode.FIELD_UNREADABLE, f"{field}.{key.value}")
        for key in FIELDS_BY_SIDE[layout.side]
        if key not in fields or fields[key].confidence < CONFIDENCE_MIN
    ]
    against = [
        warn(FindingCode.FIELDS_CONTRADICT, f"{field}.{key.value}")
        for key in find_contradictions(fields)
    ]
    return CardReading(
        side=layout.side,
        fields=fields,
        findings=(*unread, *against),
        quarter_turns=turns,
    )
