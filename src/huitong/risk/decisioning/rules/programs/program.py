"""Programs: rules of a set over the features of a batch, all at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits
from huitong.risk.decisioning.features.matrices import FeatureMatrices, Layout
from huitong.risk.decisioning.rules.language.tree import Node, columns_of
from huitong.risk.decisioning.rules.programs.kernels import Kernel
from huitong.risk.decisioning.rules.programs.registers import Register
from huitong.risk.decisioning.rules.programs.screen import Screen
from huitong.risk.decisioning.rules.programs.steps import Steps
from huitong.risk.decisioning.types import Column, Features, FeatureType

_Getter: TypeAlias = Callable[[list[Any]], tuple[Any, ...]]
_Arrays: TypeAlias = dict[str, NDArray[Any]]
_PLAINLY: Final[Any] = {"over": "raise", "divide": "raise", "invalid": "raise"}
_CAREFULLY: Final[Any] = {"over": "ignore", "divide": "ignore", "invalid": "ignore"}


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What rules say of a batch: arrays with a row for each rule and a column for each row.

    `failed` is None where nothing failed; a rule that failed on a row did not hit it.
    """

    hits: NDArray[np.bool_]
    failed: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class _Variant:
    """The steps for batches with NULL in certain columns."""

    registers: list[Any]
    steps: list[tuple[Kernel, Register, _Getter | None, Register]]
    values: list[tuple[str, Register]]
    masks: list[tuple[str, Register]]
    truths: list[Register]
    failures: list[Register | None]


class Program:
    """The predicates of a set of rules, compiled; it keeps nothing of a batch."""

    def __init__(self, predicates: Sequence[Node]) -> None:
        """Compile `predicates`; each keeps its place in what `run` returns."""
        self._predicates = tuple(predicates)
        self.columns = tuple(sorted(frozenset().union(*map(columns_of, predicates))))
        types = {
            str(node.value): node.type
            for predicate in predicates
            for node in predicate.walk()
            if node.op == "column"
        }
        self._types = [types[name] for name in self.columns]
        self._numbers = [name for name in self.columns if types[name] is FeatureType.NUMBER]
        self._variants: dict[tuple[bool, ...], _Variant] = {}
        self._layout: Layout | None = None
        self._screen = Screen(predicates)
        self._parts: dict[tuple[int, ...], Program] = {}

    def run(self, features: Features, *, rows: int) -> Evaluation:
        """Return where each rule holds in a batch of so many rows.

        Features that no rule names are not looked at. Raises ValueError for a feature that is
        missing, of another type or length: a mistake of the caller's.
        """
        if not (self._predicates and rows):
            return self._none(rows)
        part = self._pick(features, rows)
        return self._run(features, rows) if part is None else self._run_part(part, features, rows)

    def _pick(self, features: Features, rows: int) -> tuple[int, ...] | None:
        """Return the few predicates that the batch may concern, or None to look at all."""
        if not (isinstance(features, FeatureMatrices) and self._is_fit(features, rows)):
            return None
        picked = self._screen.pick(features)
        # All together share what they have in common; and which few they are must not vary much.
        if picked is None or 2 * len(picked) > len(self._predicates):
            return None
        if picked in self._parts or len(self._parts) < limits.RULE_VARIANTS_MAX:
            return picked
        return None

    def _run_part(self, part: tuple[int, ...], features: Features, rows: int) -> Evaluation:
        whole = self._none(rows)
        if not part:
            return whole
        program = self._parts.get(part)
        if program is None:
            program = self._parts[part] = Program([self._predicates[place] for place in part])
        said = program._run(features, rows)
        places = list(part)
        whole.hits[places] = said.hits
        if said.failed is None:
            return whole
        failed = np.zeros_like(whole.hits)
        failed[places] = said.failed
        return Evaluation(whole.hits, failed)

    def _none(self, rows: int) -> Evaluation:
        return Evaluation(np.zeros((len(self._predicates), rows), np.bool_), None)

    def _run(self, features: Features, rows: int) -> Evaluation:
        values, masks = self._read(features, rows)
        masked = tuple([name in masks for name in self.columns])
        try:
            with np.errstate(**_PLAINLY):
                self._check_finite(values)
                variant = self._find(masked, is_careful=False)
                return self._execute(variant, values, masks, rows)
        except FloatingPointError:
            # Something failed, perhaps only where it is NULL anyway: now it matters where.
            with np.errstate(**_CAREFULLY):
                variant = self._find(masked, is_careful=True)
                return self._execute(variant, values, masks, rows)

    def _read(self, features: Features, rows: int) -> tuple[_Arrays, _Arrays]:
        """Return the values of the columns, and the masks of those that have one."""
        if isinstance(features, FeatureMatrices) and self._is_fit(features, rows):
            return features.split(self.columns)
        values, masks = {}, {}
        for name, kind in zip(self.columns, self._types, strict=True):
            column = features.get(name)
            if column is None or column.type is not kind or len(column.values) != rows:
                raise ValueError(f"feature {name} is missing, or not {kind} of {rows} rows")
            values[name] = column.values
            if column.known is not None:
                masks[name] = column.known
        return values, masks

    def _is_fit(self, features: FeatureMatrices, rows: int) -> bool:
        """Say whether features are as the predicates want them, looked at once for each layout."""
        if features.layout is not self._layout:
            types = features.layout.types
            if self._types != [types.get(name) for name in self.columns]:
                return False
            self._layout = features.layout
        size: int = features.integers.shape[1]
        return size == rows

    def _check_finite(self, values: _Arrays) -> None:
        # One sum over all: it is not finite if one of them is not.
        if self._numbers:
            total = np.concatenate([values[name] for name in self._numbers]).sum()
            if not np.isfinite(total):
                raise FloatingPointError

    def _find(self, masked: tuple[bool, ...], *, is_careful: bool) -> _Variant:
        key = (is_careful, *masked)
        variant = self._variants.get(key)
        if variant is None:
            variant = self._compile(masked, is_careful=is_careful)
            if len(self._variants) < limits.RULE_VARIANTS_MAX:
                self._variants[key] = variant
        return variant

    def _compile(self, masked: tuple[bool, ...], *, is_careful: bool) -> _Variant:
        steps = Steps(masked=frozenset(compress(self.columns, masked)), is_careful=is_careful)
        truths = [steps.truth(each) for each in self._predicates]
        failures = [steps.failure(each) for each in self._predicates]
        return _Variant(
            registers=steps.registers,
            steps=[
                (kernel, target, itemgetter(*sources), -1)
                if len(sources) > 1
                else (kernel, target, None, sources[0])
                for kernel, target, sources in steps.steps
            ],
            values=list(steps.values.items()),
            masks=list(steps.masks.items()),
            truths=truths,
            failures=failures,
        )

    @staticmethod
    def _execute(variant: _Variant, values: _Arrays, masks: _Arrays, rows: int) -> Evaluation:
        registers = variant.registers.copy()
        for name, register in variant.values:
            registers[register] = values[name]
        for name, register in variant.masks:
            registers[register] = masks[name]
        for kernel, target, getter, source in variant.steps:
            registers[target] = (
                kernel(registers[source]) if getter is None else kernel(*getter(registers))
            )
        hits = np.empty((len(variant.truths), rows), np.bool_)
        for number, register in enumerate(variant.truths):
            hits[number] = registers[register]
        if all(register is None for register in variant.failures):
            return Evaluation(hits, None)
        failed = np.zeros_like(hits)
        for number, failure in enumerate(variant.failures):
            if failure is not None:
                failed[number] = registers[failure]
        return Evaluation(hits, failed if failed.any() else None)


def check_features(features: Features, *, rows: int) -> None:
    """Refuse a batch that is not what features are; raises ValueError naming the feature.

    Of known values: doubles are finite. Of all: one for each row, masks are flags.
    """
    for name, column in features.items():
        if len(column.values) != rows or (column.known is not None and len(column.known) != rows):
            raise ValueError(f"feature {name} has not {rows} rows")
        if column.type is FeatureType.NUMBER and not _is_finite(column):
            raise ValueError(f"feature {name} is not finite")


def _is_finite(column: Column) -> bool:
    finite = np.isfinite(column.values)
    return bool((finite if column.known is None else finite | ~column.known).all())
