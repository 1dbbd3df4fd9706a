"""What a benchmark is asked and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from huitong.kernel.errors import Fault

Say = Callable[[str], None]

#: A benchmark of full size; tests ask for less.
FULL_SCALE: Final = 1.0


class BenchmarkFailed(Fault):
    """The run cannot be trusted: something was lost, refused, or not durable."""

    code = "benchmark_failed"
    title = "The benchmark's own checks failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run: about how long, from which random seed, and at what share of the full size.

    `say` gets a line for each step, for a person who waits.
    """

    seconds: float
    seed: int
    say: Say
    scale: float = FULL_SCALE

    def scaled(self, full: int, *, least: int) -> int:
        """Return `full` at this run's scale, but not less than `least`."""
        return max(least, round(full * self.scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure should reach: `figure`, or its ratio to `over`, at least or at most `value`."""

    figure: str
    value: float
    over: str | None = None
    is_maximum: bool = False

    def measured(self, values: Mapping[str, Any]) -> float | None:
        """Return the figure or ratio out of all of a run's values, None if it was not measured."""
        figure = values.get(self.figure)
        if figure is None or self.over is None:
            return figure
        below = values.get(self.over)
        return figure / below if below else None

    def is_met(self, measured: float) -> bool:
        """Whether a measured value reaches the target."""
        return measured <= self.value if self.is_maximum else measured >= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out; `details` says how it was run and holds the single rounds."""

    name: str
    title: str
    figures: dict[str, Any]
    baselines: dict[str, Any]
    machine: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    #: What turned out to be wrong with the platform; the command then ends with code 1.
    failures: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "name": self.name,
            "figures": self.figures,
            "baselines": self.baselines,
            "machine": self.machine,
        }


class Rounds:
    """Measurements taken in turns, several rounds of each, so that noise meets all alike."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}

    def add(self, name: str, value: float) -> None:
        """Note one round's value."""
        self.values.setdefault(name, []).append(value)

    def median(self, name: str, digits: int = 0) -> float:
        """Return the median of the rounds, rounded; whole numbers if `digits` is 0."""
        value = round(median(self.values[name]), digits)
        return value if digits else int(value)

    def shown(self) -> dict[str, list[float]]:
        """Return every round's value, rounded for reading."""
        return {name: [round(value, 3) for value in rounds] for name, rounds in self.values.items()}
