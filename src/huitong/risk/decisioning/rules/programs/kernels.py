"""What single steps of a program do to whole columns.

Plain kernels are for batches in which nothing fails; where something does, they raise
FloatingPointError, and the batch is computed again by the careful ones, which say where.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits

Array: TypeAlias = NDArray[Any]
Flags: TypeAlias = NDArray[np.bool_]
Kernel: TypeAlias = Callable[..., Array]

INTEGER_MIN: Final = -(2**63)
#: Products of doubles below this are exact enough to know that 64 bits hold the integers' product.
_SURE_PRODUCT: Final = 2.0**62
# ASCII digits only, and few enough for 64 bits: what more a cast accepts differs between engines.
INTEGER_PATTERN: Final = "[+-]?[0-9]{1,18}"
NUMBER_PATTERN: Final = r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?"
_INTEGER_SHAPE: Final = re.compile(INTEGER_PATTERN)
_NUMBER_SHAPE: Final = re.compile(NUMBER_PATTERN)


def to_number(values: Array) -> Array:
    """Return integers as doubles, rounded to the nearest."""
    return values.astype(np.float64)


def is_infinite(values: Array) -> Flags:
    """Say where a double is infinite or NaN."""
    infinite: Flags = ~np.isfinite(values)
    return infinite


def add_plainly(left: Array, right: Array) -> Array:
    """Return sums of integers; raises FloatingPointError if one does not fit."""
    return _refuse_any(left + right, add_fails(left, right))


def add_fails(left: Array, right: Array) -> Flags:
    """Say where a sum of integers does not fit: its sign is that of neither."""
    total = left + right
    fails: Flags = ((left ^ total) & (right ^ total)) < 0
    return fails


def subtract_plainly(left: Array, right: Array) -> Array:
    """Return differences of integers; raises FloatingPointError if one does not fit."""
    return _refuse_any(left - right, subtract_fails(left, right))


def subtract_fails(left: Array, right: Array) -> Flags:
    """Say where a difference of integers does not fit."""
    fails: Flags = ((left ^ right) & (left ^ (left - right))) < 0
    return fails


def multiply_plainly(left: Array, right: Array) -> Array:
    """Return products of integers; raises FloatingPointError if one may not fit."""
    is_unsure: Flags = np.abs(left.astype(np.float64) * right) >= _SURE_PRODUCT
    return _refuse_any(left * right, is_unsure)


def multiply_fails(left: Array, right: Array) -> Flags:
    """Say where a product of integers does not fit, exactly."""
    exact = left.astype(object) * right.astype(object)
    fails: Flags = ((exact < INTEGER_MIN) | (exact >= -INTEGER_MIN)).astype(np.bool_)
    return fails


def remainder_plainly(left: Array, right: Array) -> Array:
    """Return remainders with the dividend's sign; raises FloatingPointError for a zero divisor."""
    _refuse_any(left, remainder_fails(left, right))
    return np.fmod(left, right)


def remainder_carefully(left: Array, right: Array) -> Array:
    """Return remainders with the dividend's sign, anything where there is none."""
    return np.fmod(left, np.where(right == 0, 1, right))


def remainder_fails(left: Array, right: Array) -> Flags:
    """Say where there is no remainder."""
    fails: Flags = (right == 0) | ((right == -1) & (left == INTEGER_MIN))
    return fails


def negate_plainly(values: Array) -> Array:
    """Return integers with the other sign; raises FloatingPointError for the smallest."""
    return _refuse_any(-values, is_smallest(values))


def absolute_plainly(values: Array) -> Array:
    """Return integers without sign; raises FloatingPointError for the smallest."""
    return _refuse_any(np.abs(values), is_smallest(values))


def is_smallest(values: Array) -> Flags:
    """Say where an integer is the smallest, which has no positive counterpart."""
    smallest: Flags = values == INTEGER_MIN
    return smallest


def parse_integers(texts: Array) -> Array:
    """Return texts as integers; raises FloatingPointError for one that is none."""
    return np.array([int(_refuse_other(_INTEGER_SHAPE, text)) for text in texts.tolist()], np.int64)


def parse_integers_carefully(texts: Array) -> Array:
    """Return texts as integers, 0 for one that is none."""
    return parse_integers(np.where(integers_fail(texts), "0", texts))


def integers_fail(texts: Array) -> Flags:
    """Say where a text is no integer."""
    return ~_each(_INTEGER_SHAPE.fullmatch, texts)


def parse_numbers(texts: Array) -> Array:
    """Return texts as doubles; raises FloatingPointError for one that is none."""
    numbers = np.array(
        [float(_refuse_other(_NUMBER_SHAPE, text)) for text in texts.tolist()], np.float64
    )
    return _refuse_any(numbers, is_infinite(numbers))


def parse_numbers_carefully(texts: Array) -> Array:
    """Return texts as doubles, 0 for one that is none, infinite for one that is too large."""
    shaped = _each(_NUMBER_SHAPE.fullmatch, texts)
    return np.array([float(text) for text in np.where(shaped, texts, "0").tolist()], np.float64)


def numbers_fail(texts: Array) -> Flags:
    """Say where a text is no finite number."""
    return ~_each(_NUMBER_SHAPE.fullmatch, texts) | is_infinite(parse_numbers_carefully(texts))


@lru_cache(maxsize=limits.RULE_KERNELS_MAX)
def make_membership(values: tuple[object, ...], *, is_text: bool) -> Kernel:
    """Return a kernel that says where a column has one of the values."""
    if is_text:
        among = frozenset(values)
        return lambda texts: _each(among.__contains__, texts)
    wanted = np.array(values)

    def contains(column: Array) -> Flags:
        found: Flags = (column[:, None] == wanted).any(axis=1)
        return found

    return contains


@lru_cache(maxsize=limits.RULE_KERNELS_MAX)
def make_like(pattern: str) -> Kernel:
    """Return a kernel that says where a text matches: % is any text, _ any one character.

    Parts between % are found from left to right, so no pattern takes longer than texts are long.
    """
    parts = pattern.split("%")
    shapes = [
        re.compile("".join("." if char == "_" else re.escape(char) for char in part), re.DOTALL)
        for part in parts
    ]
    if len(parts) == 1:
        return lambda texts: _each(shapes[0].fullmatch, texts)
    first, *middle, last = shapes
    head, tail = len(parts[0]), len(parts[-1])

    def matches(text: str) -> bool:
        at = head
        if first.match(text) is None or len(text) < head + tail:
            return False
        for shape in middle:
            found = shape.search(text, at, len(text) - tail)
            if found is None:
                return False
            at = found.end()
        return last.fullmatch(text, len(text) - tail) is not None

    return lambda texts: _each(matches, texts)


def _each(test: Callable[[str], object], texts: Array) -> Flags:
    return np.array([bool(test(text)) for text in texts.tolist()], np.bool_)


def _refuse_any(values: Array, fails: Array) -> Array:
    if fails.any():
        raise FloatingPointError
    return values


def _refuse_other(shape: re.Pattern[str], text: str) -> str:
    if shape.fullmatch(text) is None:
        raise FloatingPointError
    return text
