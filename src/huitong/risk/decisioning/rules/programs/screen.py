"""Which rules a batch can concern at all: the comparisons that they need, all of them at once.

Most rules hold for no row of a batch, and one look says so. A conjunction needs each of its
comparisons of a feature with a constant; where nothing in a rule can fail, and every row misses one
of them, the rule neither holds nor fails, whatever the rest of it says.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from huitong.risk.decisioning.features.matrices import FeatureMatrices
from huitong.risk.decisioning.rules.language.tree import ARITHMETIC, Node, Op, columns_of
from huitong.risk.decisioning.rules.programs.steps import Steps
from huitong.risk.decisioning.types import FeatureType

#: Whether a comparison bounds its left side from below, from above, or both.
_SIGNS: Final = {
    Op.GT: (1.0,),
    Op.GE: (1.0,),
    Op.LT: (-1.0,),
    Op.LE: (-1.0,),
    Op.EQ: (1.0, -1.0),
}
_FAILING: Final = ARITHMETIC | {Op.PARSE_INTEGER, Op.PARSE_NUMBER}
_NUMERIC: Final = frozenset({FeatureType.INTEGER, FeatureType.NUMBER})


class _Need(NamedTuple):
    """A feature, times a sign, is at least a bound: as doubles, so no stronger than the rule."""

    name: str
    sign: float
    bound: float


class Screen:
    """The comparisons without which rules of a set cannot hold; it keeps nothing of a batch."""

    def __init__(self, predicates: Sequence[Node]) -> None:
        """Collect them; rules that have none, or in which something can fail, always pass."""
        needs = [[] if _can_fail(each) else list(_list_needs(each)) for each in predicates]
        screened = [place for place, each in enumerate(needs) if each]
        self._rules: Final = len(needs)
        self._screened: Final = np.array(screened, np.intp)
        flat = [need for place in screened for need in needs[place]]
        ends = np.cumsum([len(needs[place]) for place in screened], dtype=np.intp)
        self._starts: Final = ends - np.array([len(needs[place]) for place in screened], np.intp)
        self._needs: Final = len(flat)
        self._signs: Final = np.array([[need.sign] for need in flat])
        self._bounds: Final = np.array([[need.bound] for need in flat])
        # Behind them what else the rules look at: where a known value is not finite, rules fail.
        others = {
            str(node.value)
            for place in screened
            for node in predicates[place].walk()
            if node.op is Op.COLUMN and node.type is FeatureType.NUMBER
        }
        self._names: Final = (*(need.name for need in flat), *sorted(others))

    def pick(self, features: FeatureMatrices) -> tuple[int, ...] | None:
        """Return the places of the rules that some row may concern; None is all of them."""
        if not self._needs:
            return None
        rows, unknown = features.gather(self._names)
        if rows.size - int(np.count_nonzero(np.isfinite(rows))) != unknown:
            return None
        # What is unknown is NaN, of which no comparison is true: NULL does not let a rule hold.
        is_met = rows[: self._needs] * self._signs >= self._bounds
        may_hold = np.ones(self._rules, np.bool_)
        may_hold[self._screened] = np.logical_and.reduceat(is_met, self._starts).any(axis=1)
        picked: list[int] = np.flatnonzero(may_hold).tolist()
        return tuple(picked)


def _list_needs(node: Node) -> Iterator[_Need]:
    if node.op is Op.AND:
        for each in node.args:
            yield from _list_needs(each)
    elif node.op is Op.COLUMN:
        yield _Need(str(node.value), 1.0, 1.0)
    elif node.op is Op.NOT and node.args[0].op is Op.COLUMN:
        yield _Need(str(node.args[0].value), -1.0, 0.0)
    elif node.op in _SIGNS and node.args[0].type in _NUMERIC:
        left, right = node.args
        for sign in _SIGNS[node.op]:
            yield from _bound(left, right, sign)
            yield from _bound(right, left, -sign)


def _bound(column: Node, constant: Node, sign: float) -> Iterator[_Need]:
    if column.op is Op.TO_NUMBER:
        column = column.args[0]
    if column.op is not Op.COLUMN:
        return
    value = _fold(constant)
    if value is not None:
        yield _Need(str(column.value), sign, sign * value)


def _fold(node: Node) -> float | None:
    """Return what a tree without columns always is, or None where it fails or has columns."""
    if columns_of(node):
        return None
    steps = Steps(masked=(), is_careful=False)
    value, known = steps.registers[steps.value(node)], steps.known(node)
    is_known = known is None or bool(np.all(steps.registers[known]))
    return float(value[0]) if value is not None and is_known else None


def _can_fail(node: Node) -> bool:
    # What always is the same and did not fail when it was folded never will.
    if node.op in _FAILING and _fold(node) is None:
        return True
    return any(map(_can_fail, node.args))
