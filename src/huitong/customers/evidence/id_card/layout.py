"""Where lines stand: which way is up, how far the card leans, what is in one row.

Coordinates are pixels, y downwards. Only the order and the rows of the card's layout are used, no
absolute places, so that margins, scale and a moderate perspective do not matter.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import mean, median
from typing import Final

from huitong.customers.evidence.id_card.texts import as_digits, simplify, tidy
from huitong.customers.evidence.id_card.types import CardSide, TextLine

_NUMBER: Final = re.compile(r"[0-9]{15,}X?")
_PERIOD: Final = re.compile(r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}-")
#: What stands on the card from top to bottom. Anything of a row's texts identifies the row.
_ANCHORS: Final[dict[CardSide, tuple[Callable[[str], bool], ...]]] = {
    CardSide.FRONT: (
        lambda text: "姓名" in text,
        lambda text: "性别" in text or "民族" in text,
        lambda text: "出生" in text or re.search("年.*月.*日", text) is not None,
        lambda text: "住址" in text,
        lambda text: "身份号码" in text or _NUMBER.search(as_digits(text)) is not None,
    ),
    CardSide.BACK: (
        lambda text: "人民共和国" in text,
        lambda text: "居民身份证" in text,
        lambda text: "签发机关" in text or "公安局" in text,
        lambda text: "有效期限" in text or _PERIOD.search(as_digits(text)) is not None,
    ),
}
_ANCHORS_MIN: Final = 2
# Two anchors whose heights differ by less than this share of a line say nothing about what is up.
_SEPARATION_MIN: Final = 0.8
_ROW_SHARE: Final = 0.6
_TURNS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A line in upright coordinates: its two ends, its middle, and how high it is."""

    text: str = field(repr=False)
    score: float
    left: float
    right: float
    middle: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The lines of a card that stands upright."""

    side: CardSide
    quarter_turns: int
    tokens: tuple[Token, ...] = field(repr=False)
    #: How many rows of the layout were recognised in their order, less those out of order.
    score: int

    @property
    def line_height(self) -> float:
        """The usual height of a line."""
        return median(token.height for token in self.tokens)

    def row_of(self, anchor: Token) -> list[Token]:
        """Return all tokens in the row of `anchor`, itself included, from left to right."""
        reach = _ROW_SHARE * self.line_height
        row = [token for token in self.tokens if abs(token.middle - anchor.middle) <= reach]
        return sorted(row, key=lambda token: token.left)

    def find(self, *words: str) -> Token | None:
        """Return the first token from the top that holds one of `words`, or None."""
        found = [
            token for token in self.tokens if any(word in simplify(token.text) for word in words)
        ]
        return min(found, key=lambda token: token.middle, default=None)


def find_layout(lines: Sequence[TextLine]) -> Layout | None:
    """Return the side and the turn under which `lines` look most like a card, or None.

    For both sides and all four turns the rows that the layout has are looked for, and each pair of
    rows in its order counts for, each pair against it counts against: upside down all pairs are
    against, lying on its side the rows have no order. None if no layout has two rows in order.
    """
    usable = [line for line in lines if tidy(line.text)]
    layouts = []
    for turns in range(_TURNS):
        tokens = upright(usable, turns)
        if not tokens:
            continue
        for side in CardSide:
            score = _score(tokens, side)
            layouts.append(Layout(side=side, quarter_turns=turns, tokens=tokens, score=score))
    best = max(layouts, key=lambda layout: layout.score, default=None)
    return best if best is not None and best.score > 0 else None


def group_rows(tokens: Sequence[Token], reach: float) -> list[list[Token]]:
    """Return the tokens in rows from the top, each row from left to right."""
    rows: list[list[Token]] = []
    for token in sorted(tokens, key=lambda token: token.middle):
        if rows and token.middle - mean(t.middle for t in rows[-1]) <= reach:
            rows[-1].append(token)
        else:
            rows.append([token])
    return [sorted(row, key=lambda token: token.left) for row in rows]


def _score(tokens: Sequence[Token], side: CardSide) -> int:
    texts = [simplify(token.text) for token in tokens]
    middles = []
    for fits in _ANCHORS[side]:
        found = [token.middle for token, text in zip(tokens, texts, strict=True) if fits(text)]
        if found:
            middles.append(median(found))
    if len(middles) < _ANCHORS_MIN:
        return 0
    least = _SEPARATION_MIN * median(token.height for token in tokens)
    gaps = [after - before for before, after in combinations(middles, 2)]
    return sum((gap > least) - (gap < -least) for gap in gaps)


def upright(lines: Sequence[TextLine], turns: int) -> tuple[Token, ...]:
    """Return lines in upright coordinates after so many quarter turns clockwise."""
    turned = [[_turn(corner, turns) for corner in line.corners] for line in lines]
    lean = _find_lean(turned)
    sine, cosine = math.sin(-lean), math.cos(-lean)
    tokens = []
    for line, corners in zip(lines, turned, strict=True):
        level = [(x * cosine - y * sine, x * sine + y * cosine) for x, y in corners]
        across = [x for x, _ in level]
        down = [y for _, y in level]
        tokens.append(
            Token(
                text=tidy(line.text),
                score=line.score,
                left=min(across),
                right=max(across),
                middle=sum(down) / len(down),
                height=max(down) - min(down),
            )
        )
    return tuple(tokens)


def _turn(corner: tuple[float, float], turns: int) -> tuple[float, float]:
    """Turn a point clockwise by quarters around the origin."""
    x, y = corner
    for _ in range(turns):
        x, y = -y, x
    return x, y


def _find_lean(shapes: Sequence[Sequence[tuple[float, float]]]) -> float:
    """Return the angle in radians by which the long lines fall to the right, in ±45 degrees."""
    angles = []
    for corners in shapes:
        points = sorted(corners)
        left = [sum(axis) / 2 for axis in zip(*points[:2], strict=True)]
        right = [sum(axis) / 2 for axis in zip(*points[2:], strict=True)]
        width, rise = right[0] - left[0], right[1] - left[1]
        height = max(y for _, y in corners) - min(y for _, y in corners)
        if width > 2 * (height - abs(rise)) and abs(rise) < width:
            angles.append((math.atan2(rise, width), width))
    if not angles:
        return 0.0
    angles.sort()
    half, passed = sum(width for _, width in angles) / 2, 0.0
    for angle, width in angles:
        passed += width
        if passed >= half:
            return angle
    return angles[-1][0]
