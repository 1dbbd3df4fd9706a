"""Columns of loans, and exact arithmetic on them: no float touches money."""

from decimal import Decimal
from typing import Any, Final

import numpy as np

from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.risk.credit import limits
from huitong.risk.decisioning.features.scans import Floats, Integers

#: Ratios that multiply money are whole numbers of these parts.
PARTS: Final = 1_000_000_000


def take_share(amounts: Integers, parts: Integers) -> Integers:
    """Return amounts times parts / 1,000,000,000, rounded up to whole minor units.

    Exact for amounts up to 9·10¹² and parts up to 1,000,000,000. Worked: 10,001 at a half
    (500,000,000 parts) gives 5,001.
    """
    whole, rest = np.divmod(amounts, PARTS)
    shares: Integers = whole * parts + -(-rest * parts // PARTS)
    return shares


def to_parts(ratios: Floats) -> Integers:
    """Return ratios from 0 to 1 as parts, rounded to the nearest."""
    return np.rint(np.clip(ratios, 0.0, 1.0) * PARTS).astype(np.int64)


def ratio_to_parts(ratio: Decimal) -> int:
    """Return a ratio of the rulebook as parts. Worked: 0.25 gives 250,000,000."""
    return int((ratio * PARTS).to_integral_exact())


def check_columns(columns: Any, *, amounts: tuple[str, ...], counts: tuple[str, ...]) -> int:
    """Return how many rows a dataclass of columns has.

    Raises InvalidField naming the column that has another length, another type than 64-bit whole
    numbers (of `amounts` and `counts`), values below 0, or amounts beyond all bounds.
    """
    names = list(columns.__dataclass_fields__)
    length = len(getattr(columns, names[0]))
    if length > limits.COLUMN_ROWS_MAX:
        raise LimitExceeded(f"There are more than {limits.COLUMN_ROWS_MAX:,} rows", field=names[0])
    for name in names:
        if len(getattr(columns, name)) != length:
            raise InvalidField("has another number of rows", field=name)
    for name in (*amounts, *counts):
        values = getattr(columns, name)
        if values.dtype != np.int64:
            raise InvalidField("must hold 64-bit whole numbers", field=name)
        if length and values.min() < 0:
            raise InvalidField("must not be negative", field=name)
    for name in amounts:
        if length and getattr(columns, name).max() > limits.AMOUNT_MAX:
            raise InvalidField("is beyond all bounds", field=name)
    return length
