"""From a picture to the two lines: look in all four turns, take what reads best."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Final

import numpy as np

from huitong.customers.evidence.findings import Finding, FindingCode
from huitong.customers.evidence.id_card.layout import Token, group_rows, upright
from huitong.customers.evidence.id_card.types import TextLine, TextReader
from huitong.customers.evidence.passport.mrz import MachineZone, parse_mrz
from huitong.customers.evidence.pictures import Pixels, decode_picture
from huitong.kernel import limits

_TURNS: Final = 4
_ROW_SHARE: Final = 0.6
# A name may be short, so the fillers behind it are what makes a row the first line.
_ROW_LENGTH_MIN: Final = 20
_BORDER_SHARE: Final = 0.03
#: What engines make of the filler, which few of them were taught.
_FILLERS: Final = {
    "《": "<<", "«": "<<", "〈": "<", "‹": "<", "＜": "<", "≤": "<", "く": "<", "(": "<", "c": "<",
    "k": "<",
}  # fmt: skip
_NOT_OF_LINES: Final = re.compile(r"[^A-Z0-9<]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportReading:
    """A passport's page as read; `zone` is None if the two lines could not be found.

    `confidence` is from 0 to 1: that of the engine for the worse of the two lines.
    """

    zone: MachineZone | None
    confidence: float = 0.0
    findings: tuple[Finding, ...] = ()


def read_passport(
    content: bytes, reader: TextReader, *, today: date, field: str = "picture"
) -> PassportReading:
    """Read the lines for machines from a picture file (JPEG, PNG or WebP).

    The reader must not turn lines by itself: the page is looked at in all four turns here. `today`
    tells the century of a birth. Never raises for a bad picture: what is wrong is
    a finding about `field`.
    """
    decoded = decode_picture(content, side_max=limits.CARD_SIDE_PIXELS_MAX, field=field)
    if decoded.facts is None:
        return PassportReading(zone=None, findings=decoded.findings)
    pixels = decoded.facts
    lines = reader.read_lines(pixels)
    found = _find(lines, today)
    if lines and (found is None or not found[0].is_sound):
        # Closer, each way up: small letters on a large table, or a page that lies on its side.
        closer = [found] if found is not None else []
        for turns in range(_TURNS):
            turned = np.ascontiguousarray(np.rot90(_crop(pixels, lines), k=-turns))
            second = _find(reader.read_lines(turned), today)
            if second is not None:
                closer.append(second)
            if second is not None and second[0].is_sound:
                break
        found = max(closer, key=_soundness, default=None)
    if found is None:
        unreadable = Finding(code=FindingCode.PICTURE_UNREADABLE, field=field)
        return PassportReading(zone=None, findings=(unreadable,))
    return PassportReading(zone=found[0], confidence=found[1])


def _find(lines: Sequence[TextLine], today: date) -> tuple[MachineZone, float] | None:
    candidates = []
    for turns in range(_TURNS):
        tokens = upright([line for line in lines if line.text.strip()], turns)
        candidates += list(_list_zones(tokens, today))
    return max(candidates, key=_soundness, default=None)


def _list_zones(tokens: Sequence[Token], today: date) -> Iterable[tuple[MachineZone, float]]:
    if not tokens:
        return
    reach = _ROW_SHARE * median(token.height for token in tokens)
    rows = [
        (text, min(token.score for token in row))
        for row in group_rows(tokens, reach)
        if len(text := _tidy("".join(token.text for token in row))) >= _ROW_LENGTH_MIN
    ]
    for place, (first, score) in enumerate(rows):
        for second, other in rows[place + 1 :]:
            # What stands beside the line on the table may have come into its row.
            start = max(0, first.find("P<"))
            zone = parse_mrz(first[start:], second, today=today)
            if zone is not None:
                yield zone, min(score, other)


def _soundness(found: tuple[MachineZone, float]) -> tuple[bool, int, float]:
    zone, confidence = found
    return zone.is_sound, -len(zone.broken), confidence


def _tidy(text: str) -> str:
    for sign, fillers in _FILLERS.items():
        text = text.replace(sign, fillers)
    return _NOT_OF_LINES.sub("", text.upper())


def _crop(pixels: Pixels, lines: Sequence[TextLine]) -> Pixels:
    across = [x for line in lines for x, _ in line.corners]
    down = [y for line in lines for _, y in line.corners]
    border = _BORDER_SHARE * max(pixels.shape[:2])
    height, width = pixels.shape[:2]
    left, right = max(0, int(min(across) - border)), min(width, int(max(across) + border))
    top, bottom = max(0, int(min(down) - border)), min(height, int(max(down) + border))
    return pixels[top:bottom, left:right]
