"""Registers, and the steps that fill them: each is written once, however often it is asked for."""

from contextlib import suppress
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from huitong.risk.decisioning.rules.language.tree import Node
from huitong.risk.decisioning.rules.programs.kernels import Kernel
from huitong.risk.decisioning.types import DTYPES

#: A place for a column in the list of all that a program knows.
Register: TypeAlias = int


class Registers:
    """Hands out registers for columns, literals and the results of steps."""

    def __init__(self) -> None:
        self._memo: dict[tuple[Any, ...], Any] = {}
        #: What the registers hold before the first step: literals, and None for the others.
        self.registers: list[Any] = []
        #: Kernel, where its result goes, where its arguments are.
        self.steps: list[tuple[Kernel, Register, tuple[Register, ...]]] = []
        self.values: dict[str, Register] = {}
        self.masks: dict[str, Register] = {}

    def _load(self, name: str, places: dict[str, Register]) -> Register:
        if name not in places:
            places[name] = self._register(None)
        return places[name]

    def _register(self, content: Any) -> Register:
        self.registers.append(content)
        return len(self.registers) - 1

    def _literal(self, node: Node) -> Register:
        return self._constant(node.value, DTYPES[node.type])

    def _constant(self, value: Any, dtype: Any = None) -> Register:
        # One element, which meets columns of any length; a scalar would be converted each time.
        if dtype is None:
            dtype = object if isinstance(value, str) else np.asarray(value).dtype
        key = ("constant", value, str(dtype))
        if key not in self._memo:
            self._memo[key] = self._register(np.array([value], dtype))
        return int(self._memo[key])

    def _apply(self, kernel: Kernel, *sources: Register) -> Register:
        key = ("step", kernel, sources)
        if key not in self._memo:
            self._memo[key] = self._fold_step(kernel, sources)
        return int(self._memo[key])

    def _fold_step(self, kernel: Kernel, sources: tuple[Register, ...]) -> Register:
        """Take a step now if it only needs what is always the same, or write it down."""
        values = [self.registers[source] for source in sources]
        if all(value is not None for value in values):
            # What fails does so with each batch, so that it is seen and can be told where.
            with (
                suppress(FloatingPointError),
                np.errstate(over="raise", divide="raise", invalid="raise"),
            ):
                return self._register(kernel(*values))
        target = self._register(None)
        self.steps.append((kernel, target, sources))
        return target

    def _bare(self, sources: list[Register]) -> list[Register]:
        """Return operands with a number that stands alone for one that is always the same."""
        # Numpy compares with these twice as fast; what else takes constants wants one element.
        contents = [self.registers[source] for source in sources]
        if sum(content is not None for content in contents) != 1:
            return sources
        return [
            source if content is None or content.dtype == object else self._bare_constant(source)
            for source, content in zip(sources, contents, strict=True)
        ]

    def _bare_constant(self, source: Register) -> Register:
        key = ("bare", source)
        if key not in self._memo:
            self._memo[key] = self._register(self.registers[source].reshape(()))
        return int(self._memo[key])

    def _not(self, register: Register) -> Register:
        return self._apply(np.logical_not, register)

    def _unless(self, register: Register | None) -> Register | None:
        return None if register is None else self._not(register)

    def _all(self, parts: list[Register | None] | list[Register]) -> Register:
        """Return where all parts are true; None is everywhere."""
        # In one order, so that rules share what they have in common.
        given = sorted({part for part in parts if part is not None})
        return reduce(lambda left, right: self._apply(np.logical_and, left, right), given)

    def _any(self, parts: list[Register | None] | list[Register]) -> Register:
        """Return where any part is true; None is nowhere."""
        given = sorted({part for part in parts if part is not None})
        return reduce(lambda left, right: self._apply(np.logical_or, left, right), given)

    def _every(self, parts: list[Register | None]) -> Register | None:
        return None if all(part is None for part in parts) else self._all(parts)

    def _some(self, parts: list[Register | None]) -> Register | None:
        return None if all(part is None for part in parts) else self._any(parts)
