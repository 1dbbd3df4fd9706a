"""Events of a history in the order of each entity, by Ibis: what scans are made from."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.definitions import Entity, Window, WindowMeasure
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers, latest
from huitong.risk.decisioning.types import Values

MICROSECONDS: Final = 1_000_000
_REQUIRED: Final = ("id", "at", "amount")


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """An entity's events, entity after entity, each in the order of time and id.

    `positions` says where each stands among all events, `microseconds` when it happened, `starts`
    which are the first of their entity. Events that lack a part of the key are not in it. `counts`
    says which become part of the entity's past, and `looks` which look at it: an event that was
    refused only looks, and an inflow is looked at by other events than those that make it.
    """

    positions: Integers
    microseconds: Integers
    starts: Flags
    counts: Flags
    looks: Flags

    @property
    def seconds_since(self) -> Floats:
        """Seconds since the event before; what stands at `starts` means nothing."""
        return np.diff(self.microseconds, prepend=0) / MICROSECONDS

    @property
    def last_counted(self) -> Integers:
        """For each event the index of the last before it that counts, -1 where there is none."""
        return self._before(latest(self.counts))

    @property
    def first_counted(self) -> Integers:
        """For each event the index of the first before it that counts, -1 where there is none."""
        return self._before(latest(self.counts & (self.last_counted < 0)))

    def _before(self, latest_indices: Integers) -> Integers:
        before = np.full(len(latest_indices), -1)
        before[1:] = latest_indices[:-1]
        return np.where(before >= self.first_indices, before, -1)

    @property
    def first_indices(self) -> Integers:
        """For each event the index of its entity's first."""
        return np.maximum.accumulate(np.where(self.starts, np.arange(len(self.starts)), 0))


@contextmanager
def sorted_events(events: ir.Table) -> Iterator[ir.Table]:
    """Give the events with their `position` in the order of time and id, kept in the engine.

    Needs `id` (anything with an order, unique), `at` (a timestamp), `amount` (minor units) and the
    columns of the entities that features ask for; `label` (was it fraud?) where NULL counts as no;
    `is_posted` where some were refused, which have features but are nobody's past. Raises
    InvalidField naming a column that is missing or holds NULL where it must not.
    """
    for column in _REQUIRED:
        if column not in events.columns:
            raise InvalidField("The history lacks this column", field=column)
    label = events["label"].fill_null(False) if "label" in events.columns else ibis.literal(False)
    numbered = events.mutate(
        position=ibis.row_number().over(order_by=[events["at"], events["id"]]).cast("int64"),
        # Truncated first: the engine's epoch is a double, and a cast would round it up.
        microseconds=events["at"].truncate("s").epoch_seconds().cast("int64") * MICROSECONDS
        + events["at"].microsecond().cast("int64"),
        label=label.cast("boolean"),
        is_posted=events["is_posted"] if "is_posted" in events.columns else ibis.literal(True),
    )
    # A table and not a view: the source, often a compressed file, is read and sorted once.
    engine = ibis.get_backend(events)
    name = f"sorted_events_{secrets.token_hex(8)}"
    kept = engine.create_table(name, numbered, temp=True)
    try:
        required = (*_REQUIRED, "is_posted")
        missing = kept.aggregate(**{each: kept[each].isnull().sum() for each in required})
        for each, count in missing.to_pyarrow().to_pylist()[0].items():
            if count:
                raise InvalidField(f"{count} events have no value here", field=each)
        yield kept
    finally:
        engine.drop_table(name)


def read_columns(events: ir.Table, *columns: str) -> dict[str, Values]:
    """Return whole columns without NULLs in the order of the events."""
    table = events.order_by("position").select(*columns).to_pyarrow()
    return {column: to_numpy(table[column]) for column in columns}


def read_timeline(events: ir.Table, entity: Entity) -> Timeline:
    """Return the entity's events, sorted by the engine, which may use the disk for it."""
    if entity.columns == entity.counted_columns:
        rows = _select_rows(events, entity, entity.columns, counts=True, looks=True)
    else:
        looking = _select_rows(events, entity, entity.columns, counts=False, looks=True)
        counted = _select_rows(events, entity, entity.counted_columns, counts=True, looks=False)
        rows = ibis.union(looking, counted)
    keys = [rows[column] for column in rows.columns if column.startswith("key_")]
    # Who pays oneself looks first.
    order = [rows["position"], rows["looks"].desc()]
    rank = ibis.row_number().over(group_by=keys, order_by=order)
    table = (
        rows.mutate(starts=rank == 0)
        .order_by([*keys, *order])
        .select("position", "microseconds", "starts", "counts", "looks")
        .to_pyarrow()
    )
    return Timeline(
        positions=to_numpy(table["position"]),
        microseconds=to_numpy(table["microseconds"]),
        starts=to_numpy(table["starts"]),
        counts=to_numpy(table["counts"]),
        looks=to_numpy(table["looks"]),
    )


def _select_rows(
    events: ir.Table,
    entity: Entity,
    columns: tuple[str, ...],
    *,
    counts: bool,
    looks: bool,
) -> ir.Table:
    _check_columns(events, entity, columns)
    kept = events.filter([events[column].notnull() for column in columns])
    return kept.select(
        "position",
        "microseconds",
        **{f"key_{number}": kept[column] for number, column in enumerate(columns)},
        counts=kept["is_posted"] if counts else ibis.literal(False),
        looks=ibis.literal(looks),
    )


def read_known_counts(events: ir.Table, entity: Entity, delay_seconds: int) -> Integers:
    """Return how many events of the entity are at least so old, for each event of its timeline."""
    keys, kept = _keyed(events, entity)
    window = ibis.range_window(
        preceding=(None, delay_seconds * MICROSECONDS),
        group_by=keys,
        order_by=kept["microseconds"],
    )
    table = (
        kept.mutate(known=kept.count().over(window).cast("int64"))
        .order_by([*keys, "position"])
        .select("known")
        .to_pyarrow()
    )
    return to_numpy(table["known"])


def read_last_meetings(events: ir.Table, entity: Entity, of: Entity) -> tuple[Integers, Flags]:
    """Return when entity and other met before (microseconds), and whether the other is known.

    For each event of the entity's timeline; -1 where they had not met.
    """
    keys, kept = _keyed(events, entity)
    others = [kept[column] for column in of.columns]
    before = kept["microseconds"].lag().over(group_by=[*keys, *others], order_by=kept["position"])
    is_there = ibis.and_(*(other.notnull() for other in others))
    table = (
        kept.mutate(before=before.fill_null(-1), is_there=is_there)
        .order_by([*keys, kept["position"]])
        .select("before", "is_there")
        .to_pyarrow()
    )
    return to_numpy(table["before"]), to_numpy(table["is_there"])


def read_windows(events: ir.Table, entity: Entity, windows: list[Window]) -> pa.Table:
    """Return `position` and each window's value, for events that have the entity's key."""
    keys, kept = _keyed(events, entity)
    columns = {window.name: _window_value(kept, keys, window) for window in windows}
    return kept.mutate(**columns).select("position", *columns).to_pyarrow()


def _window_value(kept: ir.Table, keys: list[ir.Column], window: Window) -> ir.Column:
    count = _over_window(kept, keys, window, kept.count())
    if window.measure is WindowMeasure.COUNT:
        return count
    if window.measure is WindowMeasure.MEAN_AMOUNT:
        total = _over_window(kept, keys, window, kept["amount"].sum())
        return total.cast("float64") / count.nullif(0)
    total = _over_window(kept, keys, window, kept["label"].cast("int64").sum())
    return (total.cast("float64") / count.nullif(0)).fill_null(0.0)


def _over_window(
    kept: ir.Table, keys: list[ir.Column], window: Window, total: ir.Scalar
) -> ir.Column:
    """Return a count or a sum of whole numbers over the window, 0 where it is empty.

    A frame by time would take in all events of the current instant, also those that come after
    by their id; so earlier instants are framed by time and the current one by rows.
    """
    oldest = (window.delay_seconds + window.seconds) * MICROSECONDS - 1
    newest = window.delay_seconds * MICROSECONDS if window.delay_seconds else 1
    earlier = ibis.range_window(
        preceding=(oldest, newest), group_by=keys, order_by=kept["microseconds"]
    )
    result = total.over(earlier).fill_null(0)
    if not window.delay_seconds:
        same_instant = ibis.rows_window(
            preceding=(None, 0 if window.includes_current else 1),
            group_by=[*keys, kept["microseconds"]],
            order_by=kept["position"],
        )
        result = result + total.over(same_instant).fill_null(0)
    return result.cast("int64")


def _keyed(events: ir.Table, entity: Entity) -> tuple[list[ir.Column], ir.Table]:
    _check_columns(events, entity, entity.columns)
    kept = events.filter([events[column].notnull() for column in entity.columns])
    return [kept[column] for column in entity.columns], kept


def _check_columns(events: ir.Table, entity: Entity, columns: tuple[str, ...]) -> None:
    for column in columns:
        if column not in events.columns:
            raise InvalidField(f"The history lacks this column of the {entity}", field=column)


def to_numpy(column: pa.ChunkedArray) -> Values:
    """Return the values of an Arrow column without NULLs."""
    values: Values = column.combine_chunks().to_numpy(zero_copy_only=False)
    return values
