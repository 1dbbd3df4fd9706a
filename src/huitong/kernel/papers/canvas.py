"""One page of a paper: text and shapes as PDF operators, measured in points from the top left."""

import math
from functools import lru_cache
from typing import Final, Literal

from huitong.kernel.papers.fonts import Subset, measure_text

Colour = tuple[float, float, float]
Align = Literal["left", "centre", "right"]

INK: Final[Colour] = (0.11, 0.13, 0.16)
GREY: Final[Colour] = (0.45, 0.48, 0.53)
LINE: Final[Colour] = (0.70, 0.74, 0.80)
#: Where a curve's control points stand for a quarter of a circle.
_QUARTER: Final = 0.5522847498
_BOLD: Final = 0.028
#: A4, and half of it lying.
A4: Final = (595.28, 841.89)
A5_LYING: Final = (595.28, 419.53)


class Canvas:
    """Collects what a page shows; `operators` is the page's content."""

    def __init__(self, size: tuple[float, float], subset: Subset) -> None:
        self.width, self.height = size
        self._subset = subset
        self._parts: list[str] = []

    @property
    def operators(self) -> bytes:
        """The content of the page."""
        return "\n".join(self._parts).encode()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        colour: Colour = INK,
        align: Align = "left",
        is_bold: bool = False,
    ) -> None:
        """Write a text whose baseline is at `y`; `x` is its beginning, its middle or its end."""
        if align != "left":
            width = measure_text(text, size)
            x -= width if align == "right" else width / 2
        mode = f"2 Tr {_n(size * _BOLD)} w {_rgb(colour)} RG " if is_bold else ""
        self._parts.append(
            f"{'q ' if is_bold else ''}BT /F1 {_n(size)} Tf {mode}{_rgb(colour)} rg "
            f"{_n(x)} {_n(self.height - y)} Td <{self._subset.encode(text)}> Tj ET"
            f"{' Q' if is_bold else ''}"
        )

    def turned_text(
        self, x: float, y: float, text: str, *, size: float, colour: Colour, angle: float
    ) -> None:
        """Write a bold text whose middle is at a place, turned by an angle (radians, clockwise)."""
        cosine, sine = math.cos(-angle), math.sin(-angle)
        shift_x, shift_y = -measure_text(text, size) / 2, -size * 0.36
        left = x + shift_x * cosine - shift_y * sine
        base = self.height - y + shift_x * sine + shift_y * cosine
        matrix = " ".join(_n(each, 4) for each in (cosine, sine, -sine, cosine))
        self._parts.append(
            f"q BT /F1 {_n(size)} Tf 2 Tr {_n(size * _BOLD)} w {_rgb(colour)} RG "
            f"{_rgb(colour)} rg {matrix} {_n(left)} {_n(base)} Tm "
            f"<{self._subset.encode(text)}> Tj ET Q"
        )

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        colour: Colour = LINE,
        width: float = 0.5,
    ) -> None:
        """Draw a straight line."""
        self.curve([start, end], colour=colour, width=width)

    def curve(
        self,
        points: list[tuple[float, float]],
        *,
        colour: Colour,
        width: float,
        is_closed: bool = False,
    ) -> None:
        """Draw a line through points."""
        path = self._path(points)
        ending = "s" if is_closed else "S"
        self._parts.append(f"{_rgb(colour)} RG {_n(width, 3)} w {path} {ending}")

    def polygon(self, points: list[tuple[float, float]], *, colour: Colour) -> None:
        """Fill a shape with straight sides."""
        self._parts.append(f"{_rgb(colour)} rg {self._path(points)} f")

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: Colour | None = None,
        stroke: Colour | None = None,
        line_width: float = 0.5,
    ) -> None:
        """Draw a rectangle whose top left corner is at a place."""
        shape = f"{_n(x)} {_n(self.height - y - height)} {_n(width)} {_n(height)} re"
        if fill is not None:
            self._parts.append(f"{_rgb(fill)} rg {shape} f")
        if stroke is not None:
            self._parts.append(f"{_rgb(stroke)} RG {_n(line_width)} w {shape} S")

    def circle(self, x: float, y: float, radius: float, *, colour: Colour, width: float) -> None:
        """Draw a circle around a place."""
        y, k = self.height - y, radius * _QUARTER
        r = radius
        curves = (
            (x + r, y + k, x + k, y + r, x, y + r),
            (x - k, y + r, x - r, y + k, x - r, y),
            (x - r, y - k, x - k, y - r, x, y - r),
            (x + k, y - r, x + r, y - k, x + r, y),
        )
        path = " ".join(" ".join(_n(each) for each in curve) + " c" for curve in curves)
        self._parts.append(f"{_rgb(colour)} RG {_n(width)} w {_n(x + r)} {_n(y)} m {path} s")

    def begin_glaze(self) -> None:
        """Let what follows shine through, as the ink of a stamp does."""
        self._parts.append("q /G1 gs")

    def end_glaze(self) -> None:
        """Draw opaquely again."""
        self._parts.append("Q")

    def _path(self, points: list[tuple[float, float]]) -> str:
        steps = [f"{_n(x)} {_n(self.height - y)} l" for x, y in points]
        steps[0] = steps[0][:-1] + "m"
        return " ".join(steps)


def fit_text(text: str, width: float, size: float) -> str:
    """Return a text that is no wider than `width`, cut with an ellipsis where it must be."""
    if measure_text(text, size) <= width:
        return text
    end = len(text)
    while end and measure_text(text[:end] + "…", size) > width:
        end -= 1
    return text[:end] + "…"


def wrap_text(text: str, width: float, size: float, *, lines_max: int) -> list[str]:
    """Return the lines of a text, the last one cut if there would be more than `lines_max`."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < lines_max - 1:
        end = len(rest)
        while end > 1 and measure_text(rest[:end], size) > width:
            end -= 1
        lines.append(rest[:end])
        rest = rest[end:]
    if rest:
        lines.append(fit_text(rest, width, size))
    return lines


def _n(number: float, digits: int = 2) -> str:
    text = f"{number:.{digits}f}"
    if text.endswith("0"):
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


@lru_cache(maxsize=64)
def _rgb(colour: Colour) -> str:
    return " ".join(_n(each, 3) for each in colour)
