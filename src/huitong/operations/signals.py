"""Counting in one process: signals in memory, and what its own metrics have grown by."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.samples import Sample

from huitong.kernel import limits, metrics
from huitong.operations.distinct import sketch_of
from huitong.operations.types import Entity, EntityKind, SignalKind, SignalRow

API: Final = Entity(EntityKind.COMPONENT, "api")
POSTER: Final = Entity(EntityKind.COMPONENT, "poster")
WATCH: Final = Entity(EntityKind.COMPONENT, "watch")
_SERVER_ERROR: Final = 500
#: The bucket of the histogram whose bound is what counts as slow, one second.
_QUICK_BUCKET: Final = "1.0"


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
    """What the metrics of this process have grown by since the last look.

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
    requests = errors = slow = 0.0
    for sample in _samples(metrics.HTTP_REQUESTS, "_total"):
        requests += sample.value
        # Status 0: the caller had left.
        if int(sample.labels["status"]) >= _SERVER_ERROR:
            errors += sample.value
    for sample in _samples(metrics.HTTP_REQUEST_SECONDS, "_count"):
        slow += sample.value
    for sample in _samples(metrics.HTTP_REQUEST_SECONDS, "_bucket"):
        if sample.labels["le"] == _QUICK_BUCKET:
            slow -= sample.value
    bugs = sum(sample.value for sample in _samples(metrics.BUGS, "_total"))
    overflows = sum(sample.value for sample in _samples(metrics.POSTER_QUEUE_OVERFLOWS, "_total"))
    return {
        (SignalKind.REQUESTS, API): int(requests),
        (SignalKind.SERVER_ERRORS, API): int(errors),
        (SignalKind.SLOW_ANSWERS, API): int(slow),
        (SignalKind.BUGS, API): int(bugs),
        (SignalKind.QUEUE_OVERFLOWS, POSTER): int(overflows),
    }


def _samples(metric: Counter | Histogram, suffix: str) -> Iterator[Sample]:
    for family in metric.collect():
        yield from (sample for sample in family.samples if sample.name.endswith(suffix))
