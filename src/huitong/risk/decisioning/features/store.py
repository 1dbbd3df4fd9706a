"""SQL of online features: one query and one statement for a whole batch."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from huitong.kernel.clock import business_day
from huitong.kernel.database.arrays import write_array
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.meetings import Meetings
from huitong.risk.decisioning.features.rows import (
    AMOUNTS,
    COUNTERS,
    COUNTS,
    EXPONENT_MAX,
    StoredRows,
    half_lives_us,
)

_EPOCH: Final = date(1970, 1, 1)
_EPOCH_AT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: How many payments of one batch a count of marks has room for, and in how many bits.
_MARK_BITS: Final = 15
_MARK_MAX: Final = (1 << _MARK_BITS) - 1
_LN_2: Final = 0.6931471805599453

_COUNTERS: Final = ", ".join(COUNTERS)
_STORED: Final = ", ".join(f"f.{name}" for name in COUNTERS)
_MARKED: Final = len(COUNTERS) - AMOUNTS
#: Marks as counts of one each, in `_MARK_BITS` bits each, so that they can be added.
_SPREAD: Final = np.array(
    [
        sum((marks >> place & 1) << _MARK_BITS * place for place in range(_MARKED))
        for marks in range(1 << _MARKED)
    ]
)
_WEIGHTS: Final = ", ".join(
    [
        *["n.events"] * COUNTS,
        *["n.amount"] * (AMOUNTS - COUNTS),
        *(f"(n.marks >> {_MARK_BITS * place}) & {_MARK_MAX}" for place in range(_MARKED)),
    ]
)
# Key by key: while a new table has no statistics, a join would read all of it for each batch. Keys
# travel as one text: the driver looks twice at each element of an array whether it is one too. What
# is found comes back as one text of bytes, the rows as the wire has them: the driver would make an
# object of each of a thousand values.
_FIND: Final = f"""
SELECT string_agg(record_send(ROW(n.place, f.first_us, f.last_us, f.others, f.others_day,
                                  {_STORED})), NULL)
  FROM unnest(string_to_array($1, ',')) WITH ORDINALITY AS n(key, place)
 CROSS JOIN LATERAL (SELECT * FROM risk.features WHERE key = decode(n.key, 'hex') OFFSET 0) f
"""  # noqa: S608 - names of our own columns


def _sent(kind: str) -> np.dtype[np.void]:
    """Return how a row sends a column: its type, its length, its value."""
    return np.dtype([("type", ">i4"), ("length", ">i4"), ("value", kind)])


#: A row of `_FIND`: PostgreSQL's binary form of a record, all of whose columns are there.
_FOUND: Final = np.dtype(
    [
        ("size", ">i4"),
        ("place", _sent(">i8")),
        ("first_us", _sent(">i8")),
        ("last_us", _sent(">i8")),
        ("others", _sent(">i8")),
        ("others_day", _sent(">i4")),
        ("counters", _sent(">f8"), (len(COUNTERS),)),
    ]
)


def _decay(name: str, half_life_us: float) -> str:
    """Write how a counter takes up new weight, whichever of the two is older.

    The exponent stays above -60: an underflow is an error to the database. A literal with a point
    is `numeric` to it, whose exponential takes some hundred times as long as that of `float8`.
    """
    rate = f"float8 '{_LN_2 / float(half_life_us)!r}'"
    least = f"float8 '-{EXPONENT_MAX}'"
    stored, new = (
        f"{row}.{name} * exp(greatest({least}, {rate} * ({row}.last_us - {later}.last_us)))"
        for row, later in (("f", "excluded"), ("excluded", "f"))
    )
    return (
        f"{name} = CASE WHEN f.last_us <= excluded.last_us THEN {stored} + excluded.{name} "
        f"ELSE f.{name} + {new} END"
    )


_DECAYS: Final = ", ".join(map(_decay, COUNTERS, half_lives_us()))
# In the order of keys, so that two batches that share rows wait for each other and never for ever.
_ADD: Final = f"""
INSERT INTO risk.features AS f (key, first_us, last_us, {_COUNTERS},
                                others, others_day)
SELECT decode(n.key, 'hex'), $5, $5,
       {_WEIGHTS},
       n.others, $6
  FROM ROWS FROM (unnest(string_to_array($1, ',')), unnest($2::text::float8[]),
                  unnest($3::text::float8[]), unnest($4::text::bigint[]),
                  unnest($7::text::bigint[]))
       AS n(key, events, amount, others, marks)
 ORDER BY n.key COLLATE "C"
ON CONFLICT (key) DO UPDATE SET
    first_us = least(f.first_us, excluded.first_us),
    last_us = greatest(f.last_us, excluded.last_us),
    {_DECAYS},
    others = CASE WHEN f.others_day = excluded.others_day THEN f.others | excluded.others
                  WHEN f.others_day > excluded.others_day THEN f.others
                  ELSE excluded.others END,
    others_day = greatest(f.others_day, excluded.others_day)
"""  # noqa: S608 - as above


def to_microseconds(at: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970."""
    return (at - _EPOCH_AT) // _MICROSECOND


def to_day_number(at: datetime) -> int:
    """Return the business day of an instant as days since 1970."""
    return (business_day(at) - _EPOCH).days


async def find_rows(connection: DriverConnection, wanted: Sequence[bytes]) -> StoredRows:
    """Return the rows of those keys that have one."""
    found = np.frombuffer(await connection.fetchval(_FIND, _join(wanted)) or b"", _FOUND)
    return StoredRows(
        places=found["place"]["value"].astype(np.intp) - 1,
        first_us=found["first_us"]["value"].astype(np.int64),
        last_us=found["last_us"]["value"].astype(np.int64),
        counters=found["counters"]["value"].astype(np.float64),
        others=found["others"]["value"].astype(np.int64),
        others_day=found["others_day"]["value"].astype(np.int64),
    )


def make_update(facts: Sequence[PaymentFacts], *, at: datetime) -> Statement:
    """Return the statement that counts payments which were all posted at `at`."""
    meetings = Meetings.of(facts)
    roles, numbers = meetings.list_adding()
    places, size = meetings.places[roles, numbers], len(meetings.keys)
    events = np.bincount(places, minlength=size)
    amounts = np.bincount(places, meetings.amounts[numbers].astype(np.float64), size)
    others, marks = np.zeros((2, size), np.int64)
    np.bitwise_or.at(others, places, meetings.list_others()[roles, numbers])
    own = meetings.list_marks(np.array([each.marks for each in facts], np.int64))
    np.add.at(marks, places, _SPREAD[own[roles, numbers]])
    # What a payer has received is looked at, and nothing added.
    added = np.flatnonzero(events)
    return Statement(
        _ADD,
        (
            _join([meetings.keys[place] for place in added.tolist()]),
            write_array(events[added].tolist()),
            write_array(amounts[added].tolist()),
            write_array(others[added].tolist()),
            to_microseconds(at),
            to_day_number(at),
            write_array(marks[added].tolist()),
        ),
    )


def _join(keys: Iterable[bytes]) -> str:
    return ",".join([key.hex() for key in keys])
