"""The rows of a batch as of each payment: stored, decayed, and with what is in front of it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huitong.risk.decisioning.features.meetings import Earlier, Meetings
from huitong.risk.decisioning.features.rows import (
    AMOUNTS,
    COUNTERS,
    COUNTS,
    ESTIMATES,
    EXPONENT_MAX,
    StoredRows,
    half_lives_us,
)

_RATES: Final = float(np.log(2.0)) / half_lives_us()
_ESTIMATES: Final = np.array(ESTIMATES)


@dataclass(frozen=True, slots=True, eq=False)
class BatchViews:
    """The rows that each payment of a batch sees: one row a role, and one place a payment.

    `counters` has the columns of `rows.COUNTERS` behind these, decayed to now; `others` is the
    estimated number of different others on this business day. What is not known is zero
    everywhere.
    """

    is_known: NDArray[np.bool_]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    counters: NDArray[np.float64]
    others: NDArray[np.float64]


def make_views(
    meetings: Meetings, earlier: Earlier | None, found: StoredRows, *, at_us: int, day: int
) -> BatchViews:
    """Return what each payment sees at an instant of business day `day`, but for marks.

    `earlier` is what payments in front of others add, None where they share no rows.
    """
    # One place more, always unknown: -1 finds it.
    size = len(meetings.keys) + 1
    is_known = np.zeros(size, np.bool_)
    first_us, last_us, sketches = np.zeros((3, size), np.int64)
    counters = np.zeros((size, len(COUNTERS)))
    if len(found.places):
        at = found.places
        is_known[at] = True
        first_us[at], last_us[at] = found.first_us, found.last_us
        # Another process's clock may be a little ahead: then nothing has decayed yet.
        elapsed = np.maximum(0, at_us - found.last_us)
        decay = np.exp(np.maximum(-EXPONENT_MAX, -elapsed[:, None] * _RATES))
        counters[at] = found.counters * decay
        sketches[at] = np.where(found.others_day == day, found.others, 0)
    places = meetings.places
    views = BatchViews(
        is_known[places],
        first_us[places],
        last_us[places],
        counters[places],
        _count(sketches[places]),
    )
    if earlier is not None:
        _add(views, earlier, sketches[places[earlier.roles, earlier.numbers]], at_us)
    return views


def add_marks(views: BatchViews, earlier: Earlier, marks: NDArray[np.int64]) -> None:
    """Count the marks of the payments in front of each."""
    views.counters[earlier.roles, earlier.numbers, AMOUNTS:] += earlier.count_marks(marks)


def _add(views: BatchViews, earlier: Earlier, sketches: NDArray[np.int64], at_us: int) -> None:
    """Add to each payment's rows what the payments in front of it add."""
    met = (earlier.roles, earlier.numbers)
    views.counters[*met, :COUNTS] += earlier.events[:, None]
    views.counters[*met, COUNTS:AMOUNTS] += earlier.amounts[:, None].astype(np.float64)
    views.others[met] = _count(sketches | earlier.others)
    any_earlier = earlier.events > 0
    is_new = any_earlier & ~views.is_known[met]
    views.first_us[met] = np.where(is_new, at_us, views.first_us[met])
    last_us = views.last_us[met]
    views.last_us[met] = np.where(any_earlier, np.maximum(at_us, last_us), last_us)
    views.is_known[met] |= any_earlier


def _count(sketches: NDArray[np.int64]) -> NDArray[Any]:
    return _ESTIMATES[np.bitwise_count(sketches)]
