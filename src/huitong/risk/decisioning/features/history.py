"""A history of events in numpy: its columns, and what each event adds to counters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import ibis.expr.types as ir
import numpy as np

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.definitions import (
    DAY,
    NIGHT_ENDS_AT_HOUR,
    NORMAL_HALF_LIFE_SECONDS,
    NOTHING,
    ROUND_MINOR,
    UNUSUAL_RATIO,
    Entity,
    Fact,
    LocalPart,
    LocalTime,
    Measure,
)
from huitong.risk.decisioning.features.marks import MarkRules
from huitong.risk.decisioning.features.rows import HALF_LIVES
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers, decay_factors
from huitong.risk.decisioning.features.scans import scan as scan_recurrence
from huitong.risk.decisioning.features.timelines import (
    MICROSECONDS,
    Timeline,
    read_columns,
    read_timeline,
    to_numpy,
)
from huitong.risk.decisioning.types import DTYPES, Column, FeatureType, Values

#: The night of the book's features; that of the path is in `definitions`.
_BOOK_NIGHT_ENDS_AT_HOUR: Final = 7
#: 1970-01-01 was a Thursday; Monday is 0.
_EPOCH_WEEKDAY: Final = 3
_SATURDAY: Final = 5
_DAYS_IN_WEEK: Final = 7
_EPOCH: Final = date(1970, 1, 1)

#: What counts as a test or a fast outflow on a business day.
RulesOfDay = Callable[[date], MarkRules]


@dataclass(slots=True, eq=False)
class History:
    """The sorted events, and the columns of weights, each read once it is needed."""

    events: ir.Table
    utc_offset: timedelta
    mark_rules: RulesOfDay | None = None
    _columns: dict[str, Values] = field(default_factory=dict)

    def read(self, column: str) -> Values:
        """Return a column without NULLs."""
        if column not in self._columns:
            self._columns.update(read_columns(self.events, column))
        return self._columns[column]

    def read_ids(self, column: str) -> Integers:
        """Return a column of account numbers; raises InvalidField for anything else."""
        ids = self.read(column)
        if ids.dtype.kind not in "iu":
            raise InvalidField("must be whole numbers without gaps, as accounts are", field=column)
        return ids.astype(np.int64)

    @property
    def local_seconds(self) -> Integers:
        """When each event was, in seconds of local time since 1970."""
        offset = int(self.utc_offset.total_seconds())
        seconds: Integers = self.read("microseconds") // MICROSECONDS + offset
        return seconds

    def weights(self, measure: Measure) -> Floats:
        """What each event adds to a counter, in the order of the events."""
        if measure is Measure.COUNT:
            return np.ones(len(self.read("microseconds")))
        if measure is Measure.AMOUNT:
            return self.read("amount").astype(np.float64)
        if measure is Measure.LABEL:
            return self.read("label").astype(np.float64)
        if measure.value not in self._columns:
            found = self._mark(measure) if measure.is_mark else self._unusual(measure)
            self._columns[measure.value] = found
        weights: Floats = self._columns[measure.value]
        return weights

    def _unusual(self, measure: Measure) -> Floats:
        if measure is Measure.UNEXPLAINED_LABEL:
            return self.weights(Measure.LABEL) * (1.0 - self.weights(Measure.UNUSUAL))
        timeline = read_timeline(self.events, Entity.PAYER)
        total, count = (
            count_before(timeline, self.weights(each), NORMAL_HALF_LIFE_SECONDS)
            for each in (Measure.AMOUNT, Measure.COUNT)
        )
        amounts = self.weights(Measure.AMOUNT)
        unusual = np.zeros(len(amounts))
        # amount > ratio · total / count without a division: nothing is unusual for a first payment.
        is_unusual = (amounts[timeline.positions] * count > UNUSUAL_RATIO * total) & (count > 0.0)
        unusual[timeline.positions] = is_unusual
        return unusual

    def _mark(self, measure: Measure) -> Floats:
        """The marks of `marks.find_marks`, of all events at once."""
        if measure is Measure.NEW_PAYEES:
            timeline = read_timeline(self.events, Entity.PAIR)
            return self._spread(timeline, timeline.last_counted < 0)
        if measure is Measure.TESTS:
            below = self._read_rules(lambda rules: rules.test_below)
            is_test: Floats = (self.read("amount") < below).astype(np.float64)
            return is_test
        if measure is Measure.ROUND_NIGHTS:
            is_night = self.read_local(LocalTime("", LocalPart.NIGHT)).values
            is_merchant = self.read_fact(Fact("is_merchant", FeatureType.FLAG)).values
            is_round = self.read("amount") % ROUND_MINOR == 0
            marked: Floats = (is_night & is_merchant & is_round).astype(np.float64)
            return marked
        return self._find_fast_outflows()

    def _find_fast_outflows(self) -> Floats:
        inflow, payer = (read_timeline(self.events, each) for each in (Entity.INFLOW, Entity.PAYER))
        amounts, hour = self.weights(Measure.AMOUNT), HALF_LIVES["1h"]
        received = self._spread(inflow, count_before(inflow, amounts, hour))
        paid = self._spread(payer, count_before(payer, amounts, hour)) + amounts
        last = inflow.last_counted
        ages = inflow.microseconds - inflow.microseconds[np.maximum(last, 0)]
        fast = self._read_rules(lambda rules: rules.fast_seconds * MICROSECONDS)
        is_soon = self._spread(inflow, last >= 0) > 0.0
        is_soon &= self._spread(inflow, ages) < fast
        share = self._read_rules(lambda rules: rules.fast_share)
        return (is_soon & (received > NOTHING) & (paid > share * received)).astype(np.float64)

    def _read_rules(self, take: Callable[[MarkRules], float]) -> Floats:
        """What the rules said on each event's day."""
        if self.mark_rules is None:
            raise ValueError("what marks payments needs the rules of their days")
        days, places = np.unique(self.local_seconds // DAY, return_inverse=True)
        of_days = [take(self.mark_rules(_EPOCH + timedelta(days=int(day)))) for day in days]
        return np.array(of_days, np.float64)[places]

    def _spread(self, timeline: Timeline, values: Values) -> Floats:
        """Put what the events of a timeline see where they stand among all."""
        spread = np.zeros(len(self.read("microseconds")))
        spread[timeline.positions[timeline.looks]] = values[timeline.looks]
        return spread

    def read_local(self, feature: LocalTime) -> Column:
        """Return a part of the local time of each event."""
        local = self.local_seconds
        if feature.part is LocalPart.WEEKDAY:
            weekday = (local // DAY + _EPOCH_WEEKDAY) % _DAYS_IN_WEEK
            return Column(feature.type, weekday + 1)
        hour = local % DAY // 3_600
        return Column(
            feature.type, hour < NIGHT_ENDS_AT_HOUR if feature.part is LocalPart.NIGHT else hour
        )

    def read_fact(self, fact: Fact) -> Column:
        """Return a column of the events; raises InvalidField if there is none of that name."""
        if fact.name in {"is_night", "is_weekend"}:
            local = self.local_seconds
            if fact.name == "is_night":
                return Column(FeatureType.FLAG, local % DAY < _BOOK_NIGHT_ENDS_AT_HOUR * 3_600)
            weekday = (local // DAY + _EPOCH_WEEKDAY) % _DAYS_IN_WEEK
            return Column(FeatureType.FLAG, weekday >= _SATURDAY)
        if fact.name not in self.events.columns:
            raise InvalidField("The history lacks this column", field=fact.name)
        table = self.events.order_by("position").select(fact.name).to_pyarrow()
        column = table[fact.name].combine_chunks()
        known = to_numpy(table[fact.name].is_valid())
        values = np.zeros(len(known), DTYPES[fact.type])
        values[known] = column.drop_null().to_numpy(zero_copy_only=False)
        return Column(fact.type, values, None if known.all() else known)


def scan_timeline(
    timeline: Timeline, sorted_weights: Floats, half_life_seconds: int
) -> tuple[Floats, Floats]:
    """Return what is left of a counter at each event, and the counter after each event."""
    factors = decay_factors(timeline.seconds_since, timeline.starts, half_life_seconds)
    return factors, scan_recurrence(factors, np.where(timeline.counts, sorted_weights, 0.0))


def as_found(factors: Floats, after: Floats) -> Floats:
    """Return a counter as the event finds it, from what it was after each event."""
    before = np.zeros(len(after))
    before[1:] = factors[1:] * after[:-1]
    return before


def count_before(timeline: Timeline, weights: Floats, half_life_seconds: int) -> Floats:
    """Return a decayed counter as each event of the timeline finds it."""
    return as_found(*scan_timeline(timeline, weights[timeline.positions], half_life_seconds))


def find_first_in_day(timeline: Timeline, days: Integers, bits: Integers, size: int) -> Flags:
    """Say which counting events set a bit of their entity's sketch that was not set that day."""
    if len(days) == 0:
        return np.zeros(0, np.bool_)
    is_segment = timeline.starts | (np.diff(days, prepend=days[0]) != 0)
    keys = np.cumsum(is_segment) * size + bits
    counting = np.flatnonzero(timeline.counts)
    _, firsts = np.unique(keys[counting], return_index=True)
    found = np.zeros(len(days), np.bool_)
    found[counting[firsts]] = True
    return found
