"""The features over a history, for training, back-tests and proof: Ibis on DuckDB, and numpy.

What SQL says well (order, windows, when two met last) the engine does; recurrences are scans over
its sorted output. One entity's timeline is in memory at a time, and the wanted columns.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import ibis.expr.types as ir
import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.definitions import (
    DAY,
    ROUND_MINOR,
    Age,
    Decayed,
    Distinct,
    DistinctToday,
    Entity,
    Fact,
    Feature,
    IsNew,
    IsRound,
    LocalTime,
    Measure,
    Ratio,
    Run,
    Since,
    Window,
    resolve,
)
from huitong.risk.decisioning.features.history import (
    History,
    RulesOfDay,
    as_found,
    count_before,
    find_first_in_day,
    scan_timeline,
)
from huitong.risk.decisioning.features.rows import ESTIMATES, SKETCH_BITS, sketch_places
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers, latest
from huitong.risk.decisioning.features.timelines import (
    MICROSECONDS,
    Timeline,
    read_known_counts,
    read_last_meetings,
    read_timeline,
    read_windows,
    sorted_events,
    to_numpy,
)
from huitong.risk.decisioning.types import DTYPES, Column, Features, FeatureType, Values

EntityFeature = Decayed | Since | Age | IsNew | Distinct | DistinctToday | Run | Window


def compute_features(
    events: ir.Table,
    names: Sequence[str],
    *,
    among: Sequence[Feature],
    utc_offset: timedelta,
    mark_rules: RulesOfDay | None = None,
) -> Features:
    """Return the named features of all events, in the order of time and id, by name.

    `events` is a table on DuckDB as `sorted_events` describes it, `among` holds the features that
    names refer to; local time, for nights and weekends, is `utc_offset` ahead of `at`. Of a Fact
    that is no column of the events, and of an entity whose columns are missing, InvalidField tells.
    `mark_rules` says what counts as a test or a fast outflow, where features ask for it.
    """
    wanted = resolve(tuple(names), tuple(among))
    with sorted_events(events) as kept:
        history = History(kept, utc_offset, mark_rules)
        done = _read_facts(history, wanted)
        by_entity: dict[Entity, list[EntityFeature]] = defaultdict(list)
        for each in wanted:
            if not isinstance(each, Fact | LocalTime | IsRound | Ratio):
                _check_refused(history, each)
                by_entity[each.entity].append(each)
        for entity, features in by_entity.items():
            done.update(_compute_entity(history, entity, features))
        for each in wanted:
            if isinstance(each, Ratio):
                done[each.name] = _divide(done, each)
    return {name: done[name] for name in names}


def _read_facts(history: History, wanted: Sequence[Feature]) -> dict[str, Column]:
    """Return what events say by themselves."""
    done: dict[str, Column] = {}
    for each in wanted:
        if isinstance(each, Fact):
            done[each.name] = history.read_fact(each)
        elif isinstance(each, LocalTime):
            done[each.name] = history.read_local(each)
        elif isinstance(each, IsRound):
            done[each.name] = Column(each.type, history.read("amount") % ROUND_MINOR == 0)
    return done


def _check_refused(history: History, feature: EntityFeature) -> None:
    """Refuse what would count refused payments: nobody has needed it otherwise."""
    is_late = isinstance(feature, Decayed) and feature.delay_seconds > 0
    counts_all = is_late or isinstance(feature, Distinct | Run | Window)
    if counts_all and not history.read("is_posted").all():
        raise InvalidField(
            f"{feature.name} takes a history of posted payments only", field="is_posted"
        )


def _compute_entity(
    history: History, entity: Entity, features: list[EntityFeature]
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
    history: History, timeline: Timeline, feature: EntityFeature, last_known: Integers | None
) -> tuple[Values, Flags | None]:
    """Return values, and which are known, along the timeline."""
    if isinstance(feature, Since | Age):
        counted = timeline.first_counted if isinstance(feature, Age) else timeline.last_counted
        since = timeline.microseconds - timeline.microseconds[np.maximum(counted, 0)]
        return since // MICROSECONDS, counted >= 0
    if isinstance(feature, IsNew):
        return timeline.last_counted < 0, None
    if isinstance(feature, DistinctToday):
        return _count_today(history, timeline, feature), None
    if isinstance(feature, Distinct):
        return _count_distinct(history, timeline, feature), None
    if isinstance(feature, Run):
        assert last_known is not None, "a run has a delay"
        is_fraud = history.weights(Measure.LABEL)[timeline.positions] > 0.0
        return _measure_run(timeline, is_fraud, last_known)
    assert isinstance(feature, Decayed), f"no way to compute {feature}"
    weights = history.weights(feature.measure)
    if last_known is None:
        return count_before(timeline, weights, feature.half_life_seconds), None
    return _count_known(timeline, weights, feature, last_known), None


def _count_known(
    timeline: Timeline, weights: Floats, feature: Decayed, last_known: Integers
) -> Floats:
    _, after = scan_timeline(timeline, weights[timeline.positions], feature.half_life_seconds)
    is_there = last_known >= timeline.first_indices
    at = np.maximum(last_known, 0)
    age = (timeline.microseconds - timeline.microseconds[at]) / MICROSECONDS
    decay = np.exp2(-np.maximum(age - feature.delay_seconds, 0.0) / feature.half_life_seconds)
    return np.where(is_there, after[at] * decay, 0.0)


def _count_today(history: History, timeline: Timeline, feature: DistinctToday) -> Floats:
    days = history.local_seconds[timeline.positions] // DAY
    bits = sketch_places(history.read_ids(feature.other))[timeline.positions]
    is_first = find_first_in_day(timeline, days, bits, SKETCH_BITS)
    before: Integers = np.cumsum(is_first) - is_first
    # A day of an entity begins with an empty sketch.
    begins = timeline.starts | (np.diff(days, prepend=days[:1]) != 0)
    estimates: Floats = np.array(ESTIMATES)[before - before[latest(begins)]]
    return estimates


def _count_distinct(history: History, timeline: Timeline, feature: Distinct) -> Floats:
    met_at, is_there = read_last_meetings(history.events, feature.entity, feature.of)
    age = (timeline.microseconds - met_at) / MICROSECONDS
    seen = np.exp2(-np.maximum(age, 0.0) / feature.half_life_seconds)
    weights = np.where(met_at < 0, 1.0, 1.0 - seen) * is_there
    return as_found(*scan_timeline(timeline, weights, feature.half_life_seconds))


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
    history: History, entity: Entity, windows: list[Window]
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
    looks = timeline.positions[timeline.looks]
    placed[looks] = (values if known is None else np.where(known, values, 0))[timeline.looks]
    is_known[looks] = True if known is None else known[timeline.looks]
    return Column(type_, placed, None if is_known.all() else is_known)


def _divide(features: Features, ratio: Ratio) -> Column:
    """Return a ratio of features that are there, NULL where a part is."""
    over: Values = features[ratio.over].values
    if ratio.plus:
        over = over + features[ratio.plus].values
    if ratio.times:
        over = over * features[ratio.times].values
    under = features[ratio.under].values
    is_known = under > ratio.least
    for part in ratio.parts:
        known = features[part].known
        if known is not None:
            is_known = is_known & known
    values = np.divide(over, under, out=np.zeros(len(under)), where=is_known)
    return Column(FeatureType.NUMBER, values, is_known)


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
