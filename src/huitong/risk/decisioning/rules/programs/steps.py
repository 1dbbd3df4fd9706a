"""From checked trees to steps: a flat list of kernels, in which nothing is computed twice.

A predicate is true, false, NULL or failed. So each flag has up to three columns (where it is true,
false, failed), and each other value its values, where they are known (neither NULL nor failed) and
where they failed. Only columns that somebody asks for are computed: a conjunction of comparisons
without NULLs is its comparisons and their ANDs. `None` in place of "known" is everywhere, in place
of "failed" nowhere.

AND is false where any argument is, whatever the others are; else it failed where one did. OR is its
mirror. Everything else fails where an argument that it looks at failed.
"""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple, TypeVar

import numpy as np

from huitong.risk.decisioning.rules.language.tree import Node, Op
from huitong.risk.decisioning.rules.programs import kernels
from huitong.risk.decisioning.rules.programs.kernels import Kernel
from huitong.risk.decisioning.rules.programs.registers import Register, Registers
from huitong.risk.decisioning.types import DTYPES, FeatureType

Made = TypeVar("Made", Register, Register | None)

_COMPARING: Final[dict[Op, Kernel]] = {
    Op.EQ: np.equal,
    Op.NE: np.not_equal,
    Op.LT: np.less,
    Op.LE: np.less_equal,
    Op.GT: np.greater,
    Op.GE: np.greater_equal,
}
_NUMBERS: Final[dict[Op, Kernel]] = {
    Op.ADD: np.add,
    Op.SUB: np.subtract,
    Op.MUL: np.multiply,
    Op.DIV: np.divide,
    Op.NEG: np.negative,
    Op.ABS: np.absolute,
}


class _Kernels(NamedTuple):
    plain: Kernel
    careful: Kernel
    #: Says where it fails, of the same arguments.
    fails: Kernel


_INTEGERS: Final = {
    Op.ADD: _Kernels(kernels.add_plainly, np.add, kernels.add_fails),
    Op.SUB: _Kernels(kernels.subtract_plainly, np.subtract, kernels.subtract_fails),
    Op.MUL: _Kernels(kernels.multiply_plainly, np.multiply, kernels.multiply_fails),
    Op.MOD: _Kernels(
        kernels.remainder_plainly, kernels.remainder_carefully, kernels.remainder_fails
    ),
    Op.NEG: _Kernels(kernels.negate_plainly, np.negative, kernels.is_smallest),
    Op.ABS: _Kernels(kernels.absolute_plainly, np.absolute, kernels.is_smallest),
    Op.PARSE_INTEGER: _Kernels(
        kernels.parse_integers, kernels.parse_integers_carefully, kernels.integers_fail
    ),
    Op.PARSE_NUMBER: _Kernels(
        kernels.parse_numbers, kernels.parse_numbers_carefully, kernels.numbers_fail
    ),
}
#: What stands in for NULL where a kernel could not bear what may lie there.
_FILLERS: Final[dict[Op, object]] = {
    Op.DIV: 1.0,
    Op.MOD: 1,
    Op.PARSE_INTEGER: "0",
    Op.PARSE_NUMBER: "0",
}


class Steps(Registers):
    """Collects the steps of all rules of a set, for batches with NULL in the columns `masked`.

    With `is_careful`, what fails is marked; without, the steps raise FloatingPointError.
    """

    def __init__(self, *, masked: Collection[str], is_careful: bool) -> None:
        super().__init__()
        self._masked = masked
        self._is_careful = is_careful

    def truth(self, node: Node) -> Register:
        """Return where a flag is true."""
        return self._once("truth", node, self._truth)

    def falsehood(self, node: Node) -> Register:
        """Return where a flag is false."""
        return self._once("falsehood", node, self._falsehood)

    def failure(self, node: Node) -> Register | None:
        """Return where a flag or value failed, None for nowhere."""
        if not self._is_careful:
            return None
        return self._once("failure", node, self._failure)

    def value(self, node: Node) -> Register:
        """Return the values; where they are not known they mean nothing."""
        return self._once("value", node, self._value)

    def known(self, node: Node) -> Register | None:
        """Return where a value is neither NULL nor failed, None for everywhere."""
        return self._once("known", node, self._known)

    def _once(self, what: str, node: Node, make: Callable[[Node], Made]) -> Made:
        key = (what, node)
        if key not in self._memo:
            self._memo[key] = make(node)
        made: Made = self._memo[key]
        return made

    # Of flags.

    def _truth(self, node: Node) -> Register:
        match node.op:
            case Op.NOT:
                return self.falsehood(node.args[0])
            case Op.AND:
                return self._all([self.truth(each) for each in node.args])
            case Op.OR:
                return self._any([self.truth(each) for each in node.args])
            case Op.IS_NULL:
                return self._is_null(node.args[0])
            case Op.EQ | Op.NE if node.args[0].is_flag:
                return self._same_flags(node, is_same=node.op is Op.EQ)
            case Op.COALESCE | Op.CASE:
                return self._chosen(node, self.truth)
            case Op.NULL:
                return self._constant(np.False_)
            case _:
                return self._all([self._test(node), *self._known_args(node)])

    def _falsehood(self, node: Node) -> Register:
        match node.op:
            case Op.NOT:
                return self.truth(node.args[0])
            case Op.AND:
                return self._any([self.falsehood(each) for each in node.args])
            case Op.OR:
                return self._all([self.falsehood(each) for each in node.args])
            case Op.IS_NULL:
                return self._is_known(node.args[0])
            case Op.EQ | Op.NE if node.args[0].is_flag:
                return self._same_flags(node, is_same=node.op is Op.NE)
            case Op.COALESCE | Op.CASE:
                return self._chosen(node, self.falsehood)
            case Op.NULL:
                return self._constant(np.False_)
            case _:
                return self._all([self._not(self._test(node)), *self._known_args(node)])

    def _test(self, node: Node) -> Register:
        """Return a comparison's outcome where its arguments are known."""
        if node.op in {Op.COLUMN, Op.LITERAL}:
            return self.value(node)
        is_text = node.args[0].type is FeatureType.TEXT
        args = [self._filled(each, "") if is_text else self.value(each) for each in node.args]
        if node.op is Op.IN:
            assert isinstance(node.value, tuple)
            return self._apply(kernels.make_membership(node.value, is_text=is_text), *args)
        if node.op is Op.LIKE:
            return self._apply(kernels.make_like(str(node.value)), *args)
        return self._apply(_COMPARING[node.op], *self._bare(args))

    def _known_args(self, node: Node) -> list[Register | None]:
        if node.op is Op.COLUMN:
            return [self.known(node)]
        return [self.known(each) for each in node.args]

    def _is_known(self, node: Node) -> Register:
        if node.is_flag:
            return self._any([self.truth(node), self.falsehood(node)])
        # Nobody may want the values themselves, but whether they can be computed matters.
        self.value(node)
        known = self.known(node)
        return self._constant(np.True_) if known is None else known

    def _is_null(self, node: Node) -> Register:
        is_other = self._any([self._is_known(node), self.failure(node)])
        return self._not(is_other)

    def _same_flags(self, node: Node, *, is_same: bool) -> Register:
        left, right = node.args
        turned = (self.truth, self.falsehood) if is_same else (self.falsehood, self.truth)
        both = self._all([self.truth(left), turned[0](right)])
        neither = self._all([self.falsehood(left), turned[1](right)])
        return self._any([both, neither])

    def _chosen(self, node: Node, ask: Callable[[Node], Register]) -> Register:
        """Return what COALESCE or CASE of flags takes from the argument that it chooses."""
        if node.op is Op.COALESCE:
            chosen = ask(node.args[-1])
            for each in reversed(node.args[:-1]):
                chosen = self._any([ask(each), self._all([self._is_null(each), chosen])])
            return chosen
        *turns, last = node.args
        chosen = ask(last)
        for condition, value in reversed(list(zip(turns[::2], turns[1::2], strict=True))):
            chosen = self._apply(np.where, self.truth(condition), ask(value), chosen)
            chosen = self._all([chosen, self._unless(self.failure(condition))])
        return chosen

    # Of other values.

    def _value(self, node: Node) -> Register:
        match node.op:
            case Op.COLUMN:
                return self._load(str(node.value), self.values)
            case Op.LITERAL:
                return self._literal(node)
            case Op.NULL:
                return self._constant(DTYPES[node.type].type() if node.type != "text" else "")
            case Op.TO_NUMBER:
                return self._apply(kernels.to_number, self.value(node.args[0]))
            case Op.NULLIF:
                return self.value(node.args[0])
            case Op.COALESCE | Op.LEAST | Op.GREATEST:
                return self._fold(node)[0]
            case Op.CASE:
                return self._case(node, self.value)
            case _:
                return self._calculate(node)

    def _known(self, node: Node) -> Register | None:
        match node.op:
            case Op.COLUMN:
                return self._known_column(node)
            case Op.LITERAL:
                return None
            case Op.NULL:
                return self._constant(np.False_)
            case Op.COALESCE | Op.LEAST | Op.GREATEST:
                return self._fold(node)[1]
            case Op.NULLIF:
                same = self.truth(Node(Op.EQ, FeatureType.FLAG, node.args))
                fails = self._unless(self.failure(node.args[1]))
                return self._all([self.known(node.args[0]), self._not(same), fails])
            case Op.CASE:
                return self._case(node, self._is_known)
            case _:
                return self._every([*map(self.known, node.args), self._unless(self._bad(node))])

    def _failure(self, node: Node) -> Register | None:
        match node.op:
            case Op.LITERAL | Op.NULL:
                return None
            case Op.COLUMN:
                return self._failed_column(node)
            case Op.AND:
                return self._unless_decided(node, self.falsehood)
            case Op.OR:
                return self._unless_decided(node, self.truth)
            case Op.COALESCE:
                return self._failed_coalesce(node)
            case Op.CASE:
                return self._failed_case(node)
            case _:
                bad = self._bad(node)
                if bad is not None:
                    bad = self._all([bad, *map(self.known, node.args)])
                return self._some([*map(self.failure, node.args), bad])

    def _known_column(self, node: Node) -> Register | None:
        name = str(node.value)
        mask = self._load(name, self.masks) if name in self._masked else None
        return self._every([mask, self._unless(self._bad_column(node))])

    def _failed_column(self, node: Node) -> Register | None:
        bad = self._bad_column(node)
        if bad is None:
            return None
        name = str(node.value)
        return self._all([bad, self._load(name, self.masks) if name in self._masked else None])

    def _bad_column(self, node: Node) -> Register | None:
        if not self._is_careful or node.type is not FeatureType.NUMBER:
            return None
        return self._apply(kernels.is_infinite, self.value(node))

    def _calculate(self, node: Node) -> Register:
        args = [self.value(each) for each in node.args]
        if node.op in _FILLERS:
            args[-1] = self._filled(node.args[-1], _FILLERS[node.op])
        if node.op in _NUMBERS and node.type is FeatureType.NUMBER:
            return self._apply(_NUMBERS[node.op], *args)
        found = _INTEGERS[node.op]
        return self._apply(found.careful if self._is_careful else found.plain, *args)

    def _bad(self, node: Node) -> Register | None:
        """Return where an operator itself fails, if its arguments are known."""
        if not self._is_careful:
            return None
        if node.op in _NUMBERS and node.type is FeatureType.NUMBER:
            return self._apply(kernels.is_infinite, self.value(node))
        found = _INTEGERS.get(node.op)
        if found is None:
            return None
        args = [self.value(each) for each in node.args]
        if node.op in _FILLERS:
            args[-1] = self._filled(node.args[-1], _FILLERS[node.op])
        return self._apply(found.fails, *args)

    def _fold(self, node: Node) -> tuple[Register, Register | None]:
        """Return values and knowledge of COALESCE, LEAST or GREATEST, argument by argument."""
        combine = {Op.LEAST: np.minimum, Op.GREATEST: np.maximum}.get(node.op)
        first, *others = node.args
        value, known = self.value(first), self.known(first)
        stopped = self.failure(first)
        for each in others:
            if combine is None and known is None:
                break
            other, is_given = self.value(each), self.known(each)
            best = value if combine is None else self._apply(combine, value, other)
            if is_given is not None:
                best = self._apply(np.where, is_given, best, value) if combine else best
            value = best if known is None else self._apply(np.where, known, best, other)
            is_either = None if known is None or is_given is None else self._any([known, is_given])
            if combine is None:
                # After one that failed, COALESCE does not look further.
                is_either = self._every([is_either, self._unless(stopped)])
            known = is_either
            stopped = self._some([stopped, self.failure(each)])
        if combine is not None:
            known = self._every([known, self._unless(stopped)])
        return value, known

    def _case(self, node: Node, ask: Callable[[Node], Register]) -> Register:
        *turns, last = node.args
        chosen = ask(last)
        is_knowledge = ask != self.value
        for condition, value in reversed(list(zip(turns[::2], turns[1::2], strict=True))):
            chosen = self._apply(np.where, self.truth(condition), ask(value), chosen)
            if is_knowledge:
                chosen = self._all([chosen, self._unless(self.failure(condition))])
        return chosen

    def _unless_decided(self, node: Node, decides: Callable[[Node], Register]) -> Register | None:
        failed = self._some([self.failure(each) for each in node.args])
        return None if failed is None else self._all([failed, self._not(decides(node))])

    def _failed_coalesce(self, node: Node) -> Register | None:
        failed = self.failure(node.args[-1])
        for each in reversed(node.args[:-1]):
            later = None if failed is None else self._all([self._is_null(each), failed])
            failed = self._some([self.failure(each), later])
        return failed

    def _failed_case(self, node: Node) -> Register | None:
        *turns, last = node.args
        failed = self.failure(last)
        for condition, value in reversed(list(zip(turns[::2], turns[1::2], strict=True))):
            inner = self.failure(value)
            if inner is not None or failed is not None:
                nowhere = self._constant(np.False_)
                failed = self._apply(
                    np.where,
                    self.truth(condition),
                    nowhere if inner is None else inner,
                    nowhere if failed is None else failed,
                )
            failed = self._some([self.failure(condition), failed])
        return failed

    def _filled(self, node: Node, filler: object) -> Register:
        known = self.known(node)
        if known is None:
            return self.value(node)
        return self._apply(
            np.where, known, self.value(node), self._constant(filler, DTYPES[node.type])
        )
