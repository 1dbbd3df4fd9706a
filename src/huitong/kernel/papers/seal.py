"""The ornaments of papers: the round seal, the fine net of curves behind the text, the QR code."""

import math
from typing import Final

import segno

from huitong.kernel.papers.canvas import INK, Canvas, Colour

RED: Final[Colour] = (0.80, 0.11, 0.13)
_NET: Final[Colour] = (0.88, 0.93, 0.95)
_STAR_POINTS: Final = 5
#: How far round the seal its text goes, in radians.
_SPREAD: Final = math.radians(236)
_NET_STEPS: Final = 360


def draw_seal(
    canvas: Canvas, x: float, y: float, radius: float, *, around: str, below: str, small: str
) -> None:
    """Draw a round seal: a text along its upper edge, a star, a line below and a small one."""
    canvas.begin_glaze()
    canvas.circle(x, y, radius, colour=RED, width=2.0)
    canvas.circle(x, y, radius * 0.93, colour=RED, width=0.5)
    step = _SPREAD / max(len(around) - 1, 1)
    for place, sign in enumerate(around):
        angle = -_SPREAD / 2 + place * step
        canvas.turned_text(
            x + radius * 0.74 * math.sin(angle),
            y - radius * 0.74 * math.cos(angle),
            sign,
            size=radius * 0.25,
            colour=RED,
            angle=angle,
        )
    canvas.polygon(_star(x, y - radius * 0.04, radius * 0.27), colour=RED)
    canvas.turned_text(x, y + radius * 0.47, below, size=radius * 0.19, colour=RED, angle=0)
    canvas.turned_text(x, y + radius * 0.70, small, size=radius * 0.13, colour=RED, angle=0)
    canvas.end_glaze()


def draw_net(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Draw the rosette of fine curves (防伪底纹) that copies badly, around a place."""
    for layer, (inner, lobes) in enumerate(((0.62, 12), (0.48, 18), (0.34, 24))):
        for turn in range(3):
            points = []
            for step in range(_NET_STEPS):
                angle = 2 * math.pi * step / _NET_STEPS
                wave = math.sin(lobes * angle + turn * 2 * math.pi / 3)
                reach = radius * (inner + (0.34 - 0.07 * layer) * wave)
                points.append((x + 1.5 * reach * math.cos(angle), y + reach * math.sin(angle)))
            canvas.curve(points, colour=_NET, width=0.3, is_closed=True)


def draw_code(canvas: Canvas, x: float, y: float, size: float, text: str) -> None:
    """Draw a QR code whose top left corner is at a place."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    module = size / len(rows)
    for at, row in enumerate(rows):
        begin = 0
        while begin < len(row):
            end = begin
            while end < len(row) and row[end]:
                end += 1
            if end > begin:
                # Neighbours are one box: between many, a screen shows hairlines.
                canvas.box(
                    x + begin * module,
                    y + at * module,
                    (end - begin) * module,
                    module,
                    fill=INK,
                )
            begin = end + 1


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    inner = radius * math.sin(math.pi / 10) / math.sin(7 * math.pi / 10)
    points = []
    for place in range(2 * _STAR_POINTS):
        reach = inner if place % 2 else radius
        angle = math.pi * place / _STAR_POINTS
        points.append((x + reach * math.sin(angle), y - reach * math.cos(angle)))
    return points
