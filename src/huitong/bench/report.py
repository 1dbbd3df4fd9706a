"""Showing results to people and keeping them: a table, a JSON file for each run, and a chart."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from huitong.bench.chart import Bar, Group, draw_chart, show_number
from huitong.bench.types import Result, Target

RESULTS_FOLDER: Final = Path("bench") / "results"
#: Figures with one of these endings share a scale in the chart; others are only in the table.
_UNITS: Final = (
    ("per second (more is better)", ("_per_second", "_per_second_64", "_clients", "_hot", "_256")),
    ("milliseconds (less is better)", ("_ms", "_ms_64", "_ms_256")),
    ("megabytes (less is better)", ("_mb",)),
)


def make_table(results: Iterable[Result]) -> Table:
    """Return the table of all figures, each with its target and whether it is reached."""
    table = Table(title="Huitong benchmarks", title_justify="left", header_style="bold")
    table.add_column("Figure")
    table.add_column("Measured", justify="right")
    table.add_column("Target", justify="right")
    table.add_column("")
    for result in results:
        table.add_section()
        table.add_row(f"[bold]{result.title}[/bold]")
        plain = {target.figure: target for target in result.targets if target.over is None}
        for name, value in _numbers(result.figures):
            table.add_row(f"  {_words(name)}", show_number(value), *_judge(plain.get(name), value))
        for name, value in _numbers(result.baselines):
            table.add_row(f"  [dim]{_words(name)} (baseline)[/dim]", show_number(value))
        for target in result.targets:
            ratio = target.measured(result.figures | result.baselines)
            if target.over is not None and ratio is not None:
                label = f"  {_words(target.figure)} ÷ {_words(target.over)}"
                table.add_row(label, f"{ratio:,.2f} ×", *_judge(target, ratio))
    return table


def write_results(results: Sequence[Result], folder: Path = RESULTS_FOLDER) -> list[Path]:
    """Write each result as JSON and as a chart into `folder`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for result in results:
        whole = result.to_json() | {
            "targets": [_show_target(target, result) for target in result.targets],
            "details": result.details,
        }
        text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        for suffix, content in (("json", text), ("svg", draw_result(result))):
            path = folder / f"{result.name}.{suffix}"
            path.write_text(content, encoding="utf-8")
            written.append(path)
    return written


def draw_result(result: Result) -> str:
    """Return one result's chart as SVG."""
    plain = {target.figure: target for target in result.targets if target.over is None}
    groups = []
    for title, endings in _UNITS:
        bars = [
            _bar(name, value, plain.get(name))
            for name, value in _numbers(result.figures)
            if name.endswith(endings)
        ]
        bars += [
            Bar(label=_words(name), value=value, is_baseline=True)
            for name, value in _numbers(result.baselines)
            if name.endswith(endings)
        ]
        if bars:
            groups.append(Group(title=title, bars=bars))
    machine = result.machine
    database = f"PostgreSQL {machine['postgres']}, " if "postgres" in machine else ""
    foot = f"{machine.get('cores')} cores, {machine.get('cpu')}, {database}{machine.get('date')}"
    return draw_chart(f"Huitong: {result.title}", groups, foot=foot)


def _bar(name: str, value: float, target: Target | None) -> Bar:
    return Bar(
        label=_words(name),
        value=value,
        target=None if target is None else target.value,
        is_met=target is None or target.is_met(value),
    )


def _judge(target: Target | None, measured: float) -> tuple[str, str]:
    if target is None:
        return "", ""
    sign = "≤" if target.is_maximum else "≥"
    unit = " ×" if target.over is not None else ""
    mark = "[green]reached[/green]" if target.is_met(measured) else "[red]missed[/red]"
    return f"{sign} {show_number(target.value)}{unit}", mark


def _show_target(target: Target, result: Result) -> dict[str, Any]:
    measured = target.measured(result.figures | result.baselines)
    return {
        "figure": target.figure,
        "over": target.over,
        "at_most" if target.is_maximum else "at_least": target.value,
        "measured": None if measured is None else round(measured, 3),
        "is_met": measured is not None and target.is_met(measured),
    }


def _numbers(values: dict[str, Any]) -> list[tuple[str, float]]:
    return [
        (name, value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")
