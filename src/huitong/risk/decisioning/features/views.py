"""The rows of a batch as of each payment: stored, decayed, and with what is in front of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.risk.decisioning.features.facts import ROLES, PaymentFacts
from huitong.risk.decisioning.features.rows import (
    AMOUNTS,
    COUNTERS,
    COUNTS,
    ESTIMATES,
    EXPONENT_MAX,
    EntityRow,
    half_lives_us,
)

_NO_MARKS: Final = [0] * (len(COUNTERS) - AMOUNTS)
_RATES: Final = float(np.log(2.0)) / half_lives_us()
#: The roles in the order in which a batch keeps them.
ROLE_PLACES: Final = {role: place for place, role in enumerate(ROLES)}


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


@dataclass(frozen=True, slots=True, eq=False)
class BatchViews:
    """The views of all roles, in the order of `ROLE_PLACES`: one place more in each array."""

    is_known: NDArray[np.bool_]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    counters: NDArray[np.float64]
    others: NDArray[np.float64]

    def split(self) -> dict[str, View]:
        """Return each role's view, on the same memory."""
        return {
            role: View(
                self.is_known[place],
                self.first_us[place],
                self.last_us[place],
                self.counters[place],
                self.others[place],
            )
            for role, place in ROLE_PLACES.items()
        }


class BatchRows:
    """Which rows a batch needs, in which role, and in the end what they say."""

    def __init__(self, facts: Sequence[PaymentFacts]) -> None:
        """Give each row a place, and note in which roles payments meet it."""
        self._facts = facts
        places: dict[bytes, int] = {}
        #: Of each role the row's place for each payment; -1 where it has none.
        self._roles: dict[str, list[int]] = {role: [-1] * len(facts) for role in ROLES}
        meetings = 0
        for number, each in enumerate(facts):
            for role, key in each.list_keys():
                self._roles[role][number] = places.setdefault(key, len(places))
                meetings += 1
        self.wanted = list(places)
        self._is_shared = meetings > len(places)

    def look(
        self,
        found: Mapping[int, EntityRow],
        *,
        at_us: int,
        day: int,
        mark: Callable[[Mapping[str, View], int], None],
    ) -> BatchViews:
        """Return the views of all roles, from the rows that were found at their places.

        `mark` is called for each payment in turn, when its views are what they must be, and sets
        its marks: those behind it may then see what it adds.
        """
        # One place more, always unknown: -1 finds it.
        size = len(self.wanted) + 1
        is_known = np.zeros(size, np.bool_)
        first_us = np.zeros(size, np.int64)
        last_us = np.zeros(size, np.int64)
        counters = np.zeros((size, len(COUNTERS)))
        sketches = [0] * size
        if found:
            at = list(found)
            rows = list(found.values())
            is_known[at] = True
            first_us[at] = [row.first_us for row in rows]
            last_us[at] = [row.last_us for row in rows]
            counters[at] = [row.counters for row in rows]
            for place, row in found.items():
                if row.others_day == day:
                    sketches[place] = row.others
        # Another process's clock may be a little ahead: then nothing has decayed yet.
        elapsed = np.maximum(0, at_us - last_us)
        counters *= np.exp(np.maximum(-EXPONENT_MAX, -elapsed[:, None] * _RATES))
        others = np.array([ESTIMATES[sketch.bit_count()] for sketch in sketches])
        meets = np.array(list(self._roles.values()), np.intp)
        whole = BatchViews(
            is_known[meets], first_us[meets], last_us[meets], counters[meets], others[meets]
        )
        views = whole.split()
        if self._is_shared:
            self._add_batch(views, sketches, at_us, mark)
        else:
            for number in range(len(self._facts)):
                mark(views, number)
        return whole

    def _add_batch(
        self,
        views: Mapping[str, View],
        sketches: list[int],
        at_us: int,
        mark: Callable[[Mapping[str, View], int], None],
    ) -> None:
        """Add to each payment's rows what the payments in front of it add."""
        added: dict[int, tuple[int, int, int, list[int]]] = {}
        for number, facts in enumerate(self._facts):
            for role, meets in self._roles.items():
                before = added.get(meets[number])
                if before is not None:
                    place, view = meets[number], views[role]
                    events, amount, seen, marked = before
                    view.counters[number, :COUNTS] += events
                    view.counters[number, COUNTS:AMOUNTS] += amount
                    view.counters[number, AMOUNTS:] += marked
                    view.others[number] = ESTIMATES[(sketches[place] | seen).bit_count()]
                    if not view.is_known[number]:
                        view.is_known[number] = True
                        view.first_us[number] = at_us
                    view.last_us[number] = max(at_us, view.last_us[number])
            mark(views, number)
            others = facts.list_others()
            for role, meets in self._roles.items():
                place = meets[number]
                if ROLES[role] and place >= 0:
                    events, amount, seen, marked = added.get(place, (0, 0, 0, _NO_MARKS))
                    marks = facts.list_marks(role)
                    added[place] = (
                        events + 1,
                        amount + facts.amount,
                        seen | others.get(role, 0),
                        [many + (marks >> bit & 1) for bit, many in enumerate(marked)],
                    )
