"""Balances as columns out of the database and back: PostgreSQL's binary COPY, rows of one width.

No column is ever null, so a file of rows is an array of records. Writing goes through a temporary
table and one UPDATE for the whole chunk.
"""

import io
from typing import Final

import numpy as np

from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.lending.loans.state import DAYS, FLAGS, NAMES, Integers, Next, Rows
from huitong.lending.portfolio.marks import MARK_NAMES, Marks

_SMALL: Final = frozenset({"product_id", "year_days", "klass", "stage"})
_MARK_FLAGS: Final = frozenset({"is_level", "is_watched"})
_MARK_SMALL: Final = frozenset({"grade", "grade_now", "worst"})
_WHOLE: Final = frozenset({"next_number", "penalty_rate", "compound_rate"})
_FOLLOWING: Final = ("number", "due_day", "principal", "interest")
#: What closing a day changes, and nothing else does meanwhile: the rows are locked.
_CHANGED: Final = (
    "on_day",
    "next_number",
    "from_day",
    "due_day",
    "accrues",
    "carried",
    "accrued",
    "next_principal",
    "not_due",
    "due",
    "overdue",
    "interest_due",
    "interest_overdue",
    "penalty",
    "penalty_rest",
    "compound",
    "compound_rest",
    "fees",
    "since_day",
    "klass",
    "provision",
    "suspended",
    "stage",
    "expected_loss",
)
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_TRAILER: Final = b"\xff\xff"


def _column(name: str) -> str:
    return "class" if name == "klass" else name


def _kind(name: str) -> str:
    if name in FLAGS:
        return "u1"
    if name in _SMALL:
        return ">i2"
    return ">i4" if name in _WHOLE or name in DAYS else ">i8"


def _mark_kind(name: str) -> str:
    if name in _MARK_FLAGS:
        return "u1"
    return ">i2" if name in _MARK_SMALL else ">i4"


def _record(names: list[tuple[str, str]]) -> np.dtype[np.void]:
    parts = [("count", ">i2")]
    for name, kind in names:
        parts += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(parts)


_READ: Final = [(name, _kind(name)) for name in NAMES] + [
    ("n_number", ">i4"),
    ("n_due_day", ">i4"),
    ("n_principal", ">i8"),
    ("n_interest", ">i8"),
    *((f"m_{name}", _mark_kind(name)) for name in MARK_NAMES),
]
_READ_RECORD: Final = _record(_READ)
_WRITTEN: Final = [(name, _kind(name)) for name in ("loan", *_CHANGED)]
_WRITE_RECORD: Final = _record(_WRITTEN)
# The instalment after the one that comes due is looked up for those rows only.
_SELECT: Final = f"""
    SELECT {", ".join(f"b.{_column(name)}" for name in NAMES)},
           coalesce(n.number, 0), coalesce(n.due_on, DATE '2000-01-01'),
           coalesce(n.principal, 0::bigint), coalesce(n.interest, 0::bigint),
           m.grade, m.grade_now, m.rate, m.ends_day, m.is_level, m.is_watched, m.better_day,
           m.worst
      FROM lending.balances b JOIN lending.credit_marks m ON m.loan = b.loan
      LEFT JOIN lending.instalments n
        ON b.due_day = b.on_day + 1 AND n.loan = b.loan AND n.number = b.next_number + 1
     WHERE b.loan >= $1 AND b.loan < $2 AND b.is_active
       FOR NO KEY UPDATE OF b
"""  # noqa: S608 - names of ours
_TYPES: Final = {"u1": "boolean", ">i2": "smallint", ">i4": "integer", ">i8": "bigint"}
_MAKE: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS lending_closing ("
    + ", ".join(
        f"{_column(name)} {'date' if name in DAYS else _TYPES[kind]} NOT NULL"
        for name, kind in _WRITTEN
    )
    + ") ON COMMIT DELETE ROWS"
)
_UPDATE: Final = (
    "UPDATE lending.balances b SET "  # noqa: S608 - names of ours
    + ", ".join(f"{_column(name)} = c.{_column(name)}" for name in _CHANGED)
    + " FROM lending_closing c WHERE b.loan = c.loan AND b.loan >= $1 AND b.loan < $2"
)


async def read_rows(connection: DriverConnection, first: int, end: int) -> tuple[Rows, Next, Marks]:
    """Lock and return the active loans from one number to another that have a mark.

    Beside each, the instalment that follows the one that comes due.
    """
    found = io.BytesIO()
    await connection.copy_from_query(_SELECT, first, end, output=found, format="binary")
    content = found.getvalue()
    body = content[len(_HEADER) : -len(_TRAILER)]
    records = np.frombuffer(body, _READ_RECORD)

    def column(name: str) -> Integers:
        return records[name].astype(np.int64)

    rows = Rows({name: column(name) for name in NAMES})
    following = Next(*(column(f"n_{name}") for name in _FOLLOWING))
    return rows, following, Marks({name: column(f"m_{name}") for name in MARK_NAMES})


async def write_rows(connection: DriverConnection, rows: Rows, first: int, end: int) -> None:
    """Write back what closing a day changed; the rows are locked."""
    records = np.empty(len(rows), _WRITE_RECORD)
    records["count"] = len(_WRITTEN)
    for name, kind in _WRITTEN:
        records[f"{name}_length"] = np.dtype(kind).itemsize
        records[name] = rows.column(name)
    await connection.execute(_MAKE)
    # A loan that is behind is written once for each of its days, in one transaction.
    await connection.execute("DELETE FROM lending_closing")
    await connection.copy_to_table(
        "lending_closing",
        columns=[_column(name) for name, _ in _WRITTEN],
        source=io.BytesIO(b"".join((_HEADER, records.tobytes(), _TRAILER))),
        format="binary",
    )
    status = await connection.execute(_UPDATE, first, end)
    written = int(status.split()[-1])
    if written != len(rows):
        raise RuntimeError(f"{written} of {len(rows)} balances were written")
