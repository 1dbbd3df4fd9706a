"""Which rows the payments of a batch meet, in which roles, and what those in front of each add.

A payment sees its rows as the payments in front of it leave them. Meetings that share a row with
others are put in order, row by row and in it payment by payment; sums of a column over that order
then say for all of them at once what came before.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from huitong.risk.decisioning.features.facts import ROLE_MARKS, ROLE_OTHERS, ROLES, PaymentFacts
from huitong.risk.decisioning.features.rows import (
    FAST_OUTFLOW,
    NEW_PAYEE,
    ROUND_NIGHT,
    TEST,
    sketch_places,
)

#: The roles in the order in which a batch keeps them.
ROLE_PLACES: Final = {role: place for place, role in enumerate(ROLES)}
#: Whether each role adds to its row, in that order.
ADDS: Final = np.array(list(ROLES.values()))
#: Which marks its row counts.
_MARKS: Final = np.array([ROLE_MARKS.get(role, 0) for role in ROLES])
_BITS: Final = np.array([NEW_PAYEE, TEST, FAST_OUTFLOW, ROUND_NIGHT])
_OTHERS: Final = np.array([ROLE_OTHERS.get(role, 0) for role in ROLES])
#: Sums of this many of a batch's amounts still fit: a payment adds to no more rows.
_SUMS_MAX: Final = 2**63 // len(ROLES)


class Meetings:
    """The rows of a batch, each once, and where in them those of each payment stand.

    `places` has a row for each role, in the order of `ROLE_PLACES`, and a column for each payment;
    -1 is none. `amounts` are minor units.
    """

    def __init__(self, facts: Sequence[PaymentFacts]) -> None:
        """Give each row a place."""
        places: dict[bytes, int] = {}
        give = places.setdefault
        by_role = zip(*[each.list_keys() for each in facts], strict=True)
        self.places: NDArray[np.intp] = np.array(
            [[-1 if key is None else give(key, len(places)) for key in keys] for keys in by_role],
            np.intp,
        ).reshape(len(ROLES), len(facts))
        self.keys = list(places)
        amounts = [each.amount for each in facts]
        # Sums that 64 bits might not hold are made of Python's integers.
        self.amounts: NDArray[Any] = np.array(
            amounts, np.int64 if sum(amounts) < _SUMS_MAX else object
        )
        self.facts = tuple(facts)

    @property
    def are_shared(self) -> bool:
        """Whether any row is met more than once."""
        return int(np.count_nonzero(self.places >= 0)) > len(self.keys)

    def list_others(self) -> NDArray[np.int64]:
        """Return the sketch of whom each role's row counts: as `places`, 0 where nobody."""
        bits = np.zeros((3, len(self.facts)), np.int64)
        accounts = [
            [each.payee_account_id for each in self.facts],
            [each.payer_account_id for each in self.facts],
        ]
        np.left_shift(1, sketch_places(np.array(accounts, np.int64)), out=bits[1:])
        others: NDArray[np.int64] = bits[_OTHERS]
        return others


class Earlier:
    """The meetings that share a row with others, and what those in front of them add to it.

    All arrays have one place for each of these meetings: `roles` and `numbers` say of which role
    and payment it is.
    """

    def __init__(self, meetings: Meetings) -> None:
        """Put the meetings in order."""
        # By payments, and in each by roles: a payment looks at what it received before it adds.
        flat = meetings.places.T.ravel()
        is_met = flat >= 0
        times = np.bincount(flat[is_met], minlength=1)
        shared = np.flatnonzero(is_met & (times[flat] > 1))
        order = shared[np.argsort(flat[shared], kind="stable")]
        rows = flat[order]
        self.roles: NDArray[np.intp] = order % len(ROLES)
        self.numbers: NDArray[np.intp] = order // len(ROLES)
        here = np.arange(len(order))
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = rows[1:] != rows[:-1]
        self._starts: NDArray[np.intp] = np.maximum.accumulate(np.where(is_first, here, 0))
        self._adds = ADDS[self.roles]
        self.events = self._sum(self._adds.astype(np.int64))
        self.amounts = self._sum(np.where(self._adds, meetings.amounts[self.numbers], 0))
        self.others = self._unite(
            np.where(self._adds, meetings.list_others()[self.roles, self.numbers], 0)
        )

    def count_marks(self, marks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many in front have each mark, from the marks of the payments."""
        own = marks[self.numbers] & np.where(self._adds, _MARKS[self.roles], 0)
        return self._sum((own[:, None] & _BITS != 0).astype(np.int64))

    def _sum(self, weights: NDArray[Any]) -> NDArray[Any]:
        before = np.cumsum(weights, axis=0) - weights
        summed: NDArray[Any] = before - before[self._starts]
        return summed

    def _unite(self, sketches: NDArray[np.int64]) -> NDArray[np.int64]:
        # Each step unites with what stands twice as far in front, as long as that is the same row.
        here = np.arange(len(sketches))
        united = np.zeros_like(sketches)
        united[1:] = sketches[:-1]
        united[self._starts == here] = 0
        reach, farthest = 1, int((here - self._starts).max(initial=0))
        while reach < farthest:
            is_same = here - reach > self._starts
            united[is_same] |= united[here[is_same] - reach]
            reach *= 2
        return united
