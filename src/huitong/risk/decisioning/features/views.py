"""The rows of a batch as of each payment: stored, decayed, and with what is in front of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.risk.decisioning.features.facts import ROLES, Key, PaymentFacts
from huitong.risk.decisioning.features.rows import (
    COUNTERS,
    COUNTS,
    EXPONENT_MAX,
    SKETCH_BITS,
    EntityRow,
    estimate_others,
    half_lives_us,
    sketch_bit,
)

_RATES: Final = float(np.log(2.0)) / half_lives_us()
_ESTIMATES: Final = [estimate_others((1 << bits) - 1) for bits in range(SKETCH_BITS + 1)]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One role's rows for a batch; the arrays have one place for each payment.

    `counters` has the columns of `rows.COUNTERS`, decayed to now; `others` is the estimated number
    of different others on this business day. What is not known is zero everywhere.
    """

    is_known: NDArray[np.bool_]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    counters: NDArray[np.float64]
    others: NDArray[np.float64]


class BatchRows:
    """Which rows a batch needs, in which role, and in the end what they say."""

    def __init__(self, facts: Sequence[PaymentFacts]) -> None:
        """Give each row a place."""
        self._facts = facts
        self._places: dict[Key, int] = {}
        self._roles: list[list[tuple[str, int]]] = [
            [
                (role, self._places.setdefault(key, len(self._places)))
                for role, key in each.list_keys()
            ]
            for each in facts
        ]

    @property
    def wanted(self) -> list[Key]:
        """The rows to be read, in the order of their places."""
        return list(self._places)

    def look(self, found: Mapping[int, EntityRow], *, at_us: int, day: int) -> dict[str, View]:
        """Return a view for each role, from the rows that were found at their places."""
        # One place more, always unknown, for payments without a device or an address.
        size = len(self._places) + 1
        is_known = np.zeros(size, np.bool_)
        first_us = np.zeros(size, np.int64)
        last_us = np.zeros(size, np.int64)
        counters = np.zeros((size, len(COUNTERS)))
        sketches = [0] * size
        for place, row in found.items():
            is_known[place] = True
            first_us[place] = row.first_us
            last_us[place] = row.last_us
            counters[place] = row.counters
            if row.others_day == day:
                sketches[place] = row.others
        # Another process's clock may be a little ahead: then nothing has decayed yet.
        elapsed = np.maximum(0, at_us - last_us)
        counters *= np.exp(np.maximum(-EXPONENT_MAX, -elapsed[:, None] * _RATES))
        others = np.array([_ESTIMATES[sketch.bit_count()] for sketch in sketches])
        views = {}
        for role in ROLES:
            places = self._list_places(role)
            views[role] = View(
                is_known[places],
                first_us[places],
                last_us[places],
                counters[places],
                others[places],
            )
        self._add_batch(views, sketches, at_us)
        return views

    def _list_places(self, role: str) -> NDArray[np.intp]:
        nowhere = len(self._places)
        return np.array([dict(roles).get(role, nowhere) for roles in self._roles], np.intp)

    def _add_batch(self, views: Mapping[str, View], sketches: list[int], at_us: int) -> None:
        """Add to each payment's rows what the payments in front of it add."""
        added: dict[int, tuple[int, int, int]] = {}
        for number, (facts, roles) in enumerate(zip(self._facts, self._roles, strict=True)):
            for role, place in roles:
                before = added.get(place)
                if before is None:
                    continue
                events, amount, seen = before
                view = views[role]
                view.counters[number, :COUNTS] += events
                view.counters[number, COUNTS:] += amount
                view.others[number] = _ESTIMATES[(sketches[place] | seen).bit_count()]
                if not view.is_known[number]:
                    view.is_known[number] = True
                    view.first_us[number] = at_us
                view.last_us[number] = max(at_us, view.last_us[number])
            for role, place in roles:
                if ROLES[role]:
                    events, amount, seen = added.get(place, (0, 0, 0))
                    other = facts.other_of(role)
                    bit = 0 if other is None else sketch_bit(other)
                    added[place] = (events + 1, amount + facts.amount, seen | bit)
