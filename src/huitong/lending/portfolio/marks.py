"""Credit marks: what valuing a loan needs beside its balances, and what it remembers of it."""

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.lending.loans.state import Integers

#: Columns of `lending.credit_marks` that travel with the balances.
MARK_NAMES: Final = (
    "grade",
    "grade_now",
    "rate",
    "ends_day",
    "is_level",
    "is_watched",
    "better_day",
    "worst",
)
MARK_DAYS: Final = frozenset({"ends_day", "better_day"})
_ADD_MISSING: Final = """
    INSERT INTO lending.credit_marks
           (loan, grade, grade_now, rate, ends_day, is_level, vintage, use, region)
    SELECT l.number, g.grade, g.grade, l.rate,
           (SELECT max(i.due_on) FROM lending.instalments i WHERE i.loan = l.number),
           l.terms->>'method' IN ('level_payment', 'equal_principal'),
           date_trunc('month', l.lent_on)::date, l.terms->>'use',
           coalesce(l.terms->'facts'->>'region', '')
      FROM lending.loans l
     CROSS JOIN LATERAL (SELECT coalesce(array_position(ARRAY['A', 'B', 'C', 'D', 'E'],
                                                        l.terms->>'grade'), 0) AS grade) g
     WHERE l.number >= $1 AND l.number < $2 AND l.lent_on <= $3
       AND NOT EXISTS (SELECT FROM lending.credit_marks m WHERE m.loan = l.number)
"""
_UPDATE: Final = """
    UPDATE lending.credit_marks m
       SET better_day = DATE '2000-01-01' + c.better, worst = c.worst
      FROM unnest($1::bigint[], $2::integer[], $3::smallint[]) AS c(loan, better, worst)
     WHERE m.loan = c.loan
"""


class Marks:
    """Marks of loans as columns, beside their balances; days as numbers since 2000-01-01."""

    __slots__ = MARK_NAMES

    grade: Integers
    grade_now: Integers
    rate: Integers
    ends_day: Integers
    is_level: Integers
    is_watched: Integers
    better_day: Integers
    worst: Integers

    def __init__(self, columns: dict[str, Integers]) -> None:
        """Take an array for each name."""
        for name in MARK_NAMES:
            setattr(self, name, columns[name])

    def copy(self) -> "Marks":
        """Return the same marks, to be changed on their own."""
        return Marks({name: getattr(self, name) for name in MARK_NAMES})

    def where(self, chosen: NDArray[np.bool_]) -> "Marks":
        """Return the marks of loans that are chosen."""
        return Marks({name: getattr(self, name)[chosen] for name in MARK_NAMES})


async def add_missing(connection: DriverConnection, first: int, end: int, day: object) -> None:
    """Make the marks of loans of a range of numbers that were lent until a day and have none."""
    await connection.execute(_ADD_MISSING, first, end, day)


async def mark_loans(uow: UnitOfWork, *, until: date) -> None:
    """Make the marks that are missing of all loans lent until a day, as closing each would."""
    last = await uow.fetch_value("SELECT max(number) FROM lending.loans")
    if last is not None:
        await add_missing(await uow.driver(), 0, int(last) + 1, until)


async def write_changed(
    connection: DriverConnection, loans: Integers, before: Marks, after: Marks
) -> None:
    """Write back the marks that valuing changed; the loans' balances are locked."""
    changed = (before.better_day != after.better_day) | (before.worst != after.worst)
    if changed.any():
        columns = (each[changed].tolist() for each in (loans, after.better_day, after.worst))
        await connection.execute(_UPDATE, *columns)
