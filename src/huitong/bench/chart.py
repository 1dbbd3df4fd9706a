"""One picture of a run: each figure as a bar, its target as a mark, its baselines below it.

Drawn by hand as SVG: bars and text need no plotting library, and a reader needs no program.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 960
_LEFT: Final = 330
_RIGHT: Final = 150
_ROW: Final = 26
_BAR: Final = 16
_TITLE: Final = 54
_GROUP_GAP: Final = 22
_FOOT: Final = 44
_TEXT_DROP: Final = 12
_FIGURE_COLOUR: Final = "#1f6f6b"
_MISSED_COLOUR: Final = "#b3542d"
_BASELINE_COLOUR: Final = "#b9c2c6"
_TARGET_COLOUR: Final = "#20262b"
_STYLE: Final = (
    "text{font:13px system-ui,'Segoe UI','Noto Sans SC',sans-serif;fill:#20262b}"
    ".title{font-size:19px;font-weight:600}.group{font-weight:600}.small{font-size:11px;fill:#5b666c}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `target` draws a mark at that value, and `is_met` says on which side the bar is."""

    label: str
    value: float
    is_baseline: bool = False
    target: float | None = None
    is_met: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Bars that share a unit, and so a scale."""

    title: str
    bars: Sequence[Bar]


def draw_chart(title: str, groups: Sequence[Group], *, foot: str) -> str:
    """Return an SVG document."""
    parts: list[str] = []
    top = _TITLE
    for group in groups:
        parts.append(_text(16, top + _TEXT_DROP, group.title, "group"))
        top += _ROW
        longest = max(max(bar.value, bar.target or 0) for bar in group.bars) or 1
        for bar in group.bars:
            parts.extend(_draw_bar(bar, top, longest))
            top += _ROW
        top += _GROUP_GAP
    height = top + _FOOT
    legend = (
        f'<line x1="16" x2="16" y1="{height - 34}" y2="{height - 18}" '
        f'stroke="{_TARGET_COLOUR}" stroke-width="3"/>'
    )
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
                f'viewBox="0 0 {_WIDTH} {height}" role="img">'
            ),
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
            _text(16, 30, title, "title"),
            *parts,
            legend,
            _text(26, height - 22, f"target; grey bars are baselines. {foot}", "small"),
            "</svg>",
            "",
        ]
    )


def show_number(value: float) -> str:
    """Return a number for people: thousands separated, decimals only where they matter."""
    if float(value).is_integer() or abs(value) >= 1_000:  # noqa: PLR2004 - four digits are enough
        return f"{value:,.0f}"
    return f"{value:,.2f}"


def _draw_bar(bar: Bar, top: int, longest: float) -> list[str]:
    room = _WIDTH - _LEFT - _RIGHT
    width = max(1, round(bar.value / longest * room))
    colour = _FIGURE_COLOUR if bar.is_met else _MISSED_COLOUR
    if bar.is_baseline:
        colour = _BASELINE_COLOUR
    middle = top + _TEXT_DROP
    parts = [
        f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect x="{_LEFT}" y="{top}" width="{width}" height="{_BAR}" fill="{colour}"/>',
    ]
    after = width
    if bar.target is not None:
        at = round(bar.target / longest * room)
        after = max(after, at)
        parts.append(
            f'<line x1="{_LEFT + at}" x2="{_LEFT + at}" y1="{top - 3}" y2="{top + _BAR + 3}" '
            f'stroke="{_TARGET_COLOUR}" stroke-width="3"/>'
        )
    shown = show_number(bar.value)
    if bar.target is not None:
        shown += f" / {show_number(bar.target)}"
    parts.append(_text(_LEFT + after + 8, middle, shown, ""))
    return parts


def _text(x: int, y: int, text: str, kind: str) -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{attribute}>{escape(text)}</text>'
