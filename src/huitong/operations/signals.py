"""Counting in one process: signals in memory, and what its own counters have grown by."""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import Counter

from huitong.kernel import limits, metrics
from huitong.kernel.answers import ANSWERS
from huitong.operations.distinct import sketch_of
from huitong.operations.types import Entity, EntityKind, SignalKind, SignalRow

API: Final = Entity(EntityKind.COMPONENT, "api")
POSTER: Final = Entity(EntityKind.COMPONENT, "poster")
WATCH: Final = Entity(EntityKind.COMPONENT, "watch")


class SignalCounter:
    """The signals of one process since they were last taken."""

    def __init__(self, *, signals_max: int = limits.SIGNALS_KEPT_MAX) -> None:
        """Begin with nothing; beyond `signals_max` kinds and entities only their number is kept."""
        self._signals_max = signals_max
        self._counts: dict[tuple[SignalKind, Entity], list[int]] = {}
        self._dropped = 0

    def note(
        self, kind: SignalKind, entity: Entity, *, about: bytes | None = None, count: int = 1
    ) -> None:
        """Count a signal; `about` is the thing, for kinds whose different things matter."""
        self._add(kind, entity, count, 0 if about is None else sketch_of(about))

    def take(self) -> list[SignalRow]:
        """Return what was counted, in the order of keys, and begin anew."""
        counts, self._counts = self._counts, {}
        if self._dropped:
            counts[SignalKind.DROPPED, WATCH] = [self._dropped, 0]
            self._dropped = 0
        return [
            SignalRow(kind=kind, entity=entity, count=count, sketch=sketch or None)
            for (kind, entity), (count, sketch) in sorted(
                counts.items(), key=lambda each: (each[0][0], each[0][1].kind, each[0][1].name)
            )
        ]

    def put_back(self, rows: Iterable[SignalRow]) -> None:
        """Count again what could not be written."""
        for row in rows:
            self._add(row.kind, row.entity, row.count, row.sketch or 0)

    def _add(self, kind: SignalKind, entity: Entity, count: int, sketch: int) -> None:
        counted = self._counts.get((kind, entity))
        if counted is None:
            if len(self._counts) >= self._signals_max:
                self._dropped += count
                return
            counted = self._counts[kind, entity] = [0, 0]
        counted[0] += count
        counted[1] |= sketch


class MetricsReader:
    """What the counters of this process have grown by since the last look.

    They are counted anyway, so watching error rates and latency costs a request nothing.
    """

    def __init__(self) -> None:
        """Begin now: what was counted before is no news."""
        self._last = _read_totals()

    def take(self) -> dict[tuple[SignalKind, Entity], int]:
        """Return by how much each has grown, without those that have not."""
        now = _read_totals()
        grown = {key: total - self._last.get(key, 0) for key, total in now.items()}
        self._last = now
        return {key: count for key, count in grown.items() if count > 0}


def read_queue_depth() -> int:
    """Return how many payments wait for the poster of this process."""
    (metric,) = metrics.POSTER_QUEUE_DEPTH.collect()
    return max(0, int(metric.samples[0].value))


def _read_totals() -> Mapping[tuple[SignalKind, Entity], int]:
    answers = ANSWERS.read()
    return {
        (SignalKind.REQUESTS, API): answers.requests,
        (SignalKind.SERVER_ERRORS, API): answers.server_errors,
        (SignalKind.SLOW_ANSWERS, API): answers.slow,
        (SignalKind.BUGS, API): _sum(metrics.BUGS),
        (SignalKind.QUEUE_OVERFLOWS, POSTER): _sum(metrics.POSTER_QUEUE_OVERFLOWS),
    }


def _sum(counter: Counter) -> int:
    (family,) = counter.collect()
    return int(sum(each.value for each in family.samples if each.name.endswith("_total")))
