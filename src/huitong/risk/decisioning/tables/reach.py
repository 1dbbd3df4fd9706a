"""Which rows can be reached, which overlap, and what no row is for; exact, or honestly unknown.

Each column falls into segments within which every condition of the table says the same: the values
that cells name, what lies between them, NULL, and any other text. A row is then a box of segments
in every column, kept as bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from huitong.kernel import limits
from huitong.risk.decisioning.tables.cells import Condition
from huitong.risk.decisioning.tables.types import Cell, TableField, TableType

#: Stands for all texts that no cell names; a text with this character is never taken as input.
_OTHER_TEXT: Final = "\0"
_Box: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of rows: places of rows, and for `gap` a value of each column.

    `empty` are rows that nothing matches, `overlap` is the first pair with a case in common. All
    cases of rows in `hidden` are taken by rows before them, and no row is for `gap`; where there
    were too many boxes to look at, `is_checked` is false and neither is known.
    """

    empty: tuple[int, ...]
    overlap: tuple[int, int] | None
    hidden: tuple[int, ...]
    gap: tuple[Cell, ...] | None
    is_checked: bool


def check_reach(columns: Sequence[TableField], rows: Sequence[Sequence[Condition]]) -> Reach:
    """Return what rows, each a condition for every column, leave over and take from each other."""
    segments = [
        _split(column, [row[place] for row in rows]) for place, column in enumerate(columns)
    ]
    boxes = [
        tuple(
            sum(1 << bit for bit, value in enumerate(own) if condition.matches(value))
            for condition, own in zip(row, segments, strict=True)
        )
        for row in rows
    ]
    empty = tuple(place for place, box in enumerate(boxes) if not all(box))
    overlap = _find_overlap(boxes)
    left: list[_Box] = [tuple((1 << len(own)) - 1 for own in segments)]
    hidden = []
    for place, box in enumerate(boxes):
        if place not in empty and not any(_meet(box, each) for each in left):
            hidden.append(place)
        left = [part for each in left for part in _subtract(each, box)]
        if len(left) > limits.TABLE_BOXES_MAX:
            return Reach(empty, overlap, (), None, is_checked=False)
    gap = (
        None
        if not left
        else tuple(
            own[(bits & -bits).bit_length() - 1]
            for bits, own in zip(left[0], segments, strict=True)
        )
    )
    return Reach(empty, overlap, tuple(hidden), gap, is_checked=True)


def show_example(value: Cell) -> str:
    """Return a value of a gap as a person writes it."""
    if value is None:
        return "null"
    if value == _OTHER_TEXT:
        return "any other text"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else format(Decimal(value).normalize(), "f")


def _find_overlap(boxes: Sequence[_Box]) -> tuple[int, int] | None:
    for second, box in enumerate(boxes):
        for first in range(second):
            if _meet(box, boxes[first]):
                return first, second
    return None


def _meet(box: _Box, other: _Box) -> bool:
    return all(mine & theirs for mine, theirs in zip(box, other, strict=True))


def _subtract(box: _Box, hole: _Box) -> list[_Box]:
    """Return `box` without `hole`, as boxes that do not overlap."""
    if not _meet(box, hole):
        return [box]
    parts: list[_Box] = []
    rest = list(box)
    for place, bits in enumerate(hole):
        outside = rest[place] & ~bits
        if outside:
            parts.append((*rest[:place], outside, *rest[place + 1 :]))
        rest[place] &= bits
    return parts


def _split(column: TableField, conditions: Sequence[Condition]) -> list[Cell]:
    """Return one value of each segment of a column."""
    found: list[Cell]
    match column.type:
        case TableType.FLAG:
            found = [False, True]
        case TableType.TEXT:
            named = sorted({text for each in conditions for text in each.texts})
            found = list(column.values) or [*named, _OTHER_TEXT]
        case _:
            found = list(_split_numbers(column, conditions))
    return [*found, None] if column.is_nullable else found


def _split_numbers(column: TableField, conditions: Sequence[Condition]) -> list[Decimal]:
    ends = {
        end
        for each in conditions
        for interval in each.intervals
        for end in (interval.low, interval.high)
        if end is not None
    }
    ends |= {end for end in (column.minimum, column.maximum) if end is not None}
    if not ends:
        return [Decimal(0)]
    points = sorted(ends)
    found = [points[0] - 1]
    for point, following in zip(points, [*points[1:], None], strict=True):
        found.append(point)
        if following is None:
            found.append(point + 1)
        elif column.type is not TableType.INTEGER:
            found.append((point + following) / 2)
        elif following - point > 1:
            found.append(point + 1)
    return [each for each in found if _is_within(each, column)]


def _is_within(number: Decimal, column: TableField) -> bool:
    is_low = column.minimum is not None and number < column.minimum
    return not is_low and (column.maximum is None or number <= column.maximum)
