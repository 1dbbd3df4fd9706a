"""Calibration plots as SVG: the share of bad against the mean probability of each bin."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

_SIDE: Final = 360
_MARGIN: Final = 48
_TICKS: Final = 4
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_COLOURS: Final = (("best", "#0b6e99"), ("scorecard", "#c2410c"))


def write_plots(report: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `<data set>_calibration.svg` of each data set of a report, and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, measured in report["data_sets"].items():
        path = folder / f"{name}_calibration.svg"
        curves = {model: measured[model]["calibration"] for model, _ in _COLOURS}
        path.write_text(draw_calibration(name, curves), encoding="utf-8")
        paths.append(path)
    return paths


def draw_calibration(title: str, curves: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Return an SVG with the diagonal of perfect calibration and the curve of each model."""
    most = max(
        max(each["mean_probability"], each["bad_rate"]) for bins in curves.values() for each in bins
    )
    top = most * 1.05 or 1.0
    side = _SIDE + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" {_FONT}>',
        f'<rect width="{side}" height="{side}" fill="white"/>',
        f'<text x="{_MARGIN}" y="24" font-size="14">{escape(title)}: calibration</text>',
        *_draw_axes(top),
    ]
    for place, (model, colour) in enumerate(_COLOURS):
        if model in curves:
            parts += _draw_curve(model, colour, curves[model], top, place)
    return "\n".join([*parts, "</svg>\n"])


def _draw_axes(top: float) -> Iterator[str]:
    low, high = _MARGIN, _MARGIN + _SIDE
    yield f'<path d="M{low} {low}V{high}H{high}" fill="none" stroke="#444"/>'
    yield (
        f'<path d="M{low} {high}L{high} {low}" fill="none" stroke="#999" stroke-dasharray="4 4"/>'
    )
    for tick in range(_TICKS + 1):
        at = _SIDE * tick / _TICKS
        label = f"{top * tick / _TICKS:.2f}"
        yield f'<text x="{low + at:.1f}" y="{high + 16}" text-anchor="middle">{label}</text>'
        yield f'<text x="{low - 4}" y="{high - at + 4:.1f}" text-anchor="end">{label}</text>'
    yield f'<text x="{low + _SIDE / 2}" y="{high + 36}" text-anchor="middle">probability</text>'
    yield f'<text x="{low + 4}" y="{low + 4}">share of bad</text>'


def _draw_curve(
    model: str, colour: str, bins: Sequence[Mapping[str, float]], top: float, place: int
) -> Iterator[str]:
    points = [
        (
            _MARGIN + _SIDE * each["mean_probability"] / top,
            _MARGIN + _SIDE * (1 - each["bad_rate"] / top),
        )
        for each in bins
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    across, down = _MARGIN + _SIDE - 90, _MARGIN + _SIDE - 36 + 16 * place
    yield f'<text x="{across}" y="{down}" fill="{colour}">{escape(model)}</text>'
