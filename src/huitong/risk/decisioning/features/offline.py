"""The features over a history, for training, back-tests and proof: Ibis on DuckDB, and numpy.

What SQL says well (order, windows, when two met last) the engine does; recurrences are scans over
its sorted output. One entity's timeline is in memory at a time, and the wanted columns.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import ibis.expr.types as ir
import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.definitions import (
    DAY,
    NORMAL_HALF_LIFE_SECONDS,
    UNUSUAL_RATIO,
    Decayed,
    Distinct,
    Entity,
    Fact,
    Feature,
    Measure,
    Ratio,
    Run,
    Since,
    Window,
    resolve,
)
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers, decay_factors, latest
from huitong.risk.decisioning.features.scans import scan as scan_recurrence
from huitong.risk.decisioning.features.timelines import (
    MICROSECONDS,
    Timeline,
    read_columns,
    read_known_counts,
    read_last_meetings,
    read_timeline,
    read_windows,
    sorted_events,
    to_numpy,
)
from huitong.risk.decisioning.types import DTYPES, Column, Features, FeatureType, Values

_NIGHT_ENDS_AT_HOUR: Final = 7
#: 1970-01-01 was a Thursday; Monday is 0.
_EPOCH_WEEKDAY: Final = 3
_SATURDAY: Final = 5

EntityFeature = Decayed | Since | Distinct | Run | Window


def compute_features(
    events: ir.Table,
    names: Sequence[str],
    *,
    among: Sequence[Feature],
    utc_offset: timedelta,
) -> Features:
    """Return the named features of all events, in the order of time and id, by name.

    `events` is a table on DuckDB as `sorted_events` describes it, `among` holds the features that
    names refer to; local time, for nights and weekends, is `utc_offset` ahead of `at`. Of a Fact
    that is no column of the events, and of an entity whose columns are missing, InvalidField tells.
    """
    wanted = resolve(tuple(names), tuple(among))
    with sorted_events(events) as kept:
        history = _History(kept, utc_offset)
        done: dict[str, Column] = {
            each.name: history.read_fact(each) for each in wanted if isinstance(each, Fact)
        }
        by_entity: dict[Entity, list[EntityFeature]] = defaultdict(list)
        for each in wanted:
            if not isinstance(each, Fact | Ratio):
                by_entity[each.entity].append(each)
        for entity, features in by_entity.items():
            done.update(_compute_entity(history, entity, features))
        for each in wanted:
            if isinstance(each, Ratio):
                done[each.name] = _divide(done[each.over], done[each.under])
    return {name: done[name] for name in names}


@dataclass(slots=True, eq=False)
class _History:
    """The sorted events, and the columns of weights, each read once it is needed."""

    events: ir.Table
    utc_offset: timedelta
    _columns: dict[str, Values] = field(default_factory=dict)

    def read(self, column: str) -> Values:
        if column not in self._columns:
            self._columns.update(read_columns(self.events, column))
        return self._columns[column]

    def weights(self, measure: Measure) -> Floats:
        """What each event adds to a counter, in the order of the events."""
        if measure is Measure.COUNT:
            return np.ones(len(self.read("microseconds")))
        if measure is Measure.AMOUNT:
            return self.read("amount").astype(np.float64)
        if measure is Measure.LABEL:
            return self.read("label").astype(np.float64)
        if measure.value not in self._columns:
            self._columns[measure.value] = self._unusual(measure)
        return self._columns[measure.value]

    def _unusual(self, measure: Measure) -> Floats:
        if measure is Measure.UNEXPLAINED_LABEL:
            return self.weights(Measure.LABEL) * (1.0 - self.weights(Measure.UNUSUAL))
        timeline = read_timeline(self.events, Entity.PAYER)
        total, count = (
            _count_before(timeline, self.weights(each), NORMAL_HALF_LIFE_SECONDS)
            for each in (Measure.AMOUNT, Measure.COUNT)
        )
        amounts = self.weights(Measure.AMOUNT)
        unusual = np.zeros(len(amounts))
        # amount > ratio · total / count without a division: nothing is unusual for a first payment.
        is_unusual = (amounts[timeline.positions] * count > UNUSUAL_RATIO * total) & (count > 0.0)
        unusual[timeline.positions] = is_unusual
        return unusual

    def read_fact(self, fact: Fact) -> Column:
        if fact.name in {"is_night", "is_weekend"}:
            offset = int(self.utc_offset.total_seconds())
            local = self.read("microseconds") // MICROSECONDS + offset
            if fact.name == "is_night":
                return Column(FeatureType.FLAG, local % DAY < _NIGHT_ENDS_AT_HOUR * 3_600)
            weekday = (local // DAY + _EPOCH_WEEKDAY) % 7
            return Column(FeatureType.FLAG, weekday >= _SATURDAY)
        if fact.name not in self.events.columns:
            raise InvalidField("The history lacks this column", field=fact.name)
        table = self.events.order_by("position").select(fact.name).to_pyarrow()
        column = table[fact.name].combine_chunks()
        known = to_numpy(table[fact.name].is_valid())
        values = np.zeros(len(known), DTYPES[fact.type])
        values[known] = column.drop_null().to_numpy(zero_copy_only=False)
        return Column(fact.type, values, None if known.all() else known)


def _compute_entity(
    history: _History, entity: Entity, features: list[EntityFeature]
) -> Iterator[tuple[str, Column]]:
    windows = [each for each in features if isinstance(each, Window)]
    others = [each for each in features if not isinstance(each, Window)]
    if windows:
        yield from _compute_windows(history, entity, windows)
    if not others:
        return
    count = len(history.read("microseconds"))
    timeline = read_timeline(history.events, entity)
    known_until: dict[int, Integers] = {}
    for each in others:
        delay = each.delay_seconds if isinstance(each, Decayed | Run) else 0
        if delay and delay not in known_until:
            known = read_known_counts(history.events, entity, delay)
            known_until[delay] = timeline.first_indices + known - 1
        values, is_known = _compute_one(history, timeline, each, known_until.get(delay))
        yield each.name, _place(each.type, timeline, values, is_known, count)


def _compute_one(
    history: _History, timeline: Timeline, feature: EntityFeature, last_known: Integers | None
) -> tuple[Values, Flags | None]:
    """Return values, and which are known, along the timeline."""
    if isinstance(feature, Since):
        return timeline.seconds_since.astype(np.int64), ~timeline.starts
    if isinstance(feature, Distinct):
        return _count_distinct(history, timeline, feature), None
    if isinstance(feature, Run):
        assert last_known is not None, "a run has a delay"
        is_fraud = history.weights(Measure.LABEL)[timeline.positions] > 0.0
        return _measure_run(timeline, is_fraud, last_known)
    assert isinstance(feature, Decayed), f"no way to compute {feature}"
    weights = history.weights(feature.measure)
    if last_known is None:
        return _count_before(timeline, weights, feature.half_life_seconds), None
    return _count_known(timeline, weights, feature, last_known), None


def _scan(
    timeline: Timeline, sorted_weights: Floats, half_life_seconds: int
) -> tuple[Floats, Floats]:
    factors = decay_factors(timeline.seconds_since, timeline.starts, half_life_seconds)
    return factors, scan_recurrence(factors, sorted_weights)


def _before(factors: Floats, after: Floats) -> Floats:
    """Return a counter as the event finds it, from what it was after each event."""
    before = np.zeros(len(after))
    before[1:] = factors[1:] * after[:-1]
    return before


def _count_before(timeline: Timeline, weights: Floats, half_life_seconds: int) -> Floats:
    return _before(*_scan(timeline, weights[timeline.positions], half_life_seconds))


def _count_known(
    timeline: Timeline, weights: Floats, feature: Decayed, last_known: Integers
) -> Floats:
    _, after = _scan(timeline, weights[timeline.positions], feature.half_life_seconds)
    is_there = last_known >= timeline.first_indices
    at = np.maximum(last_known, 0)
    age = (timeline.microseconds - timeline.microseconds[at]) / MICROSECONDS
    decay = np.exp2(-np.maximum(age - feature.delay_seconds, 0.0) / feature.half_life_seconds)
    return np.where(is_there, after[at] * decay, 0.0)


def _count_distinct(history: _History, timeline: Timeline, feature: Distinct) -> Floats:
    met_at, is_there = read_last_meetings(history.events, feature.entity, feature.of)
    age = (timeline.microseconds - met_at) / MICROSECONDS
    seen = np.exp2(-np.maximum(age, 0.0) / feature.half_life_seconds)
    weights = np.where(met_at < 0, 1.0, 1.0 - seen) * is_there
    return _before(*_scan(timeline, weights, feature.half_life_seconds))


def _measure_run(
    timeline: Timeline, is_fraud: Flags, last_known: Integers
) -> tuple[Integers, Flags]:
    begins = is_fraud & (timeline.starts | ~np.roll(is_fraud, 1))
    began = latest(begins)
    at = np.maximum(last_known, 0)
    is_running = (last_known >= timeline.first_indices) & is_fraud[at]
    # Of running frauds the latest beginning is their own: a run never reaches over an entity.
    start = np.maximum(began[at], 0)
    seconds = (timeline.microseconds - timeline.microseconds[start]) // MICROSECONDS
    return seconds, is_running


def _compute_windows(
    history: _History, entity: Entity, windows: list[Window]
) -> Iterator[tuple[str, Column]]:
    count = len(history.read("microseconds"))
    table = read_windows(history.events, entity, windows)
    positions = to_numpy(table["position"])
    for window in windows:
        column = table[window.name]
        values = np.zeros(count, DTYPES[window.type])
        known = np.zeros(count, np.bool_)
        known[positions] = to_numpy(column.is_valid())
        values[positions] = to_numpy(column.fill_null(0))
        yield window.name, Column(window.type, values, None if known.all() else known)


def _place(
    type_: FeatureType, timeline: Timeline, values: Values, known: Flags | None, count: int
) -> Column:
    """Put values of a timeline where their events stand among all; the rest is not known."""
    placed = np.zeros(count, DTYPES[type_])
    is_known = np.zeros(count, np.bool_)
    placed[timeline.positions] = values if known is None else np.where(known, values, 0)
    is_known[timeline.positions] = True if known is None else known
    return Column(type_, placed, None if is_known.all() else is_known)


def _divide(over: Column, under: Column) -> Column:
    denominators = under.values.astype(np.float64)
    known = denominators != 0.0
    for part in (over, under):
        if part.known is not None:
            known &= part.known
    ratio = np.zeros(len(denominators))
    np.divide(over.values.astype(np.float64), denominators, out=ratio, where=known)
    return Column(FeatureType.NUMBER, ratio, None if known.all() else known)


def to_matrix(features: Mapping[str, Column], names: Sequence[str]) -> Floats:
    """Return features as one row an event and one column a name, for a model; NULL becomes NaN."""
    count = len(next(iter(features.values())).values)
    matrix = np.empty((count, len(names)))
    for index, name in enumerate(names):
        column = features[name]
        matrix[:, index] = column.values
        if column.known is not None:
            matrix[~column.known, index] = np.nan
    return matrix
