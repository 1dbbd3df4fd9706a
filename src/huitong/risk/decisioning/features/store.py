"""SQL of online features: one query and one statement for a whole batch."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from huitong.kernel.clock import business_day
from huitong.kernel.database.arrays import write_array
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.risk.decisioning.features.facts import ROLE_MARKS, ROLE_OTHERS, ROLES, PaymentFacts
from huitong.risk.decisioning.features.rows import (
    AMOUNTS,
    COUNTERS,
    COUNTS,
    EXPONENT_MAX,
    StoredRows,
    half_lives_us,
    sketch_bit,
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
_SPREAD: Final = tuple(
    sum((marks >> place & 1) << _MARK_BITS * place for place in range(_MARKED))
    for marks in range(1 << _MARKED)
)
#: Of each role whose row is added to: its place, the marks that count, and whom it counts.
_ADDING: Final = tuple(
    (place, ROLE_MARKS.get(role, 0), ROLE_OTHERS.get(role, 0))
    for place, (role, adds) in enumerate(ROLES.items())
    if adds
)
_WEIGHTS: Final = ", ".join(
    [
        *["n.events"] * COUNTS,
        *["n.amount"] * (AMOUNTS - COUNTS),
        *(f"(n.marks >> {_MARK_BITS * place}) & {_MARK_MAX}" for place in range(_MARKED)),
    ]
)
#: A place, two instants, the sketch of others and its day.
_INTEGERS: Final = 5
# Key by key: while a new table has no statistics, a join would read all of it for each batch. Keys
# travel as one text: the driver looks twice at each element of an array whether it is one too. What
# is found comes back as one text of bytes, the rows as the wire has them: the driver would make an
# object of each of a thousand values.
_FIND: Final = f"""
SELECT string_agg(record_send(ROW(n.place, f.first_us, f.last_us, f.others,
                                  f.others_day::bigint, {_STORED})), NULL)
  FROM unnest(string_to_array($1, ',')) WITH ORDINALITY AS n(key, place)
 CROSS JOIN LATERAL (SELECT * FROM risk.features WHERE key = decode(n.key, 'hex') OFFSET 0) f
"""  # noqa: S608 - names of our own columns


#: A row of `_FIND`: PostgreSQL's binary form of a record. Each column has its type, its length and
#: eight bytes: integers, and behind them the counters.
_FOUND: Final = np.dtype(
    [
        ("size", ">i4"),
        ("columns", [("head", ">i8"), ("value", ">i8")], (_INTEGERS + len(COUNTERS),)),
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
    values = found["columns"]["value"].astype(np.int64)
    places, first_us, last_us, others, others_day = values.T[:_INTEGERS]
    return StoredRows(
        places=places - 1,
        first_us=first_us,
        last_us=last_us,
        counters=values[:, _INTEGERS:].view(np.float64),
        others=others,
        others_day=others_day,
    )


def make_update(facts: Sequence[PaymentFacts], *, at: datetime) -> Statement:
    """Return the statement that counts payments which were all posted at `at`."""
    added = _add_up(facts)
    events, amounts, others, marks = zip(*added.values(), strict=True) if added else ((),) * 4
    return Statement(
        _ADD,
        (
            _join(added),
            write_array(events),
            write_array(amounts),
            write_array(others),
            to_microseconds(at),
            to_day_number(at),
            write_array(marks),
        ),
    )


def _add_up(facts: Sequence[PaymentFacts]) -> dict[bytes, list[int]]:
    """Return what payments add to each row: events, amounts, others, and marks in `_SPREAD`.

    In plain Python: of a batch in the path, which is small, some fifty calls of numpy cost more.
    """
    added: dict[bytes, list[int]] = {}
    find = added.get
    for each in facts:
        bits = (0, sketch_bit(each.payee_account_id), sketch_bit(each.payer_account_id))
        amount, marks, keys = each.amount, each.marks, each.list_keys()
        for place, counted, others in _ADDING:
            key = keys[place]
            if key is None:
                continue
            bit, spread = bits[others], _SPREAD[marks & counted]
            row = find(key)
            if row is None:
                added[key] = [1, amount, bit, spread]
            else:
                row[0] += 1
                row[1] += amount
                row[2] |= bit
                row[3] += spread
    return added


def _join(keys: Iterable[bytes]) -> str:
    return ",".join([key.hex() for key in keys])
