"""SQL of online features: one query and one statement for a whole batch."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg

from huitong.kernel.clock import business_day
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.risk.decisioning.features.rows import (
    COUNTERS,
    COUNTS,
    EXPONENT_MAX,
    SKETCH_BITS,
    Entity,
    EntityRow,
    half_lives_us,
)

_EPOCH: Final = date(1970, 1, 1)
_EPOCH_AT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LN_2: Final = 0.6931471805599453

_FIND: Final = f"""
SELECT n.place, f.first_us, f.last_us, {", ".join(f"f.{name}" for name in COUNTERS)},
       f.others, f.others_day
  FROM unnest($1::smallint[], $2::uuid[]) WITH ORDINALITY AS n(entity, key, place)
  JOIN risk.features f ON f.entity = n.entity AND f.key = n.key
"""  # noqa: S608 - names of our own columns


def _decay(name: str, half_life_us: float) -> str:
    """Write how a counter takes up new weight, whichever of the two is older.

    The exponent stays above -60: an underflow is an error to the database.
    """
    rate = repr(_LN_2 / float(half_life_us))
    return (
        f"{name} = f.{name} * exp(greatest(-{EXPONENT_MAX}, {rate} * "
        "least(0, f.last_us - excluded.last_us)))"
        f" + excluded.{name} * exp(greatest(-{EXPONENT_MAX}, {rate} * "
        "least(0, excluded.last_us - f.last_us)))"
    )


_DECAYS: Final = ", ".join(map(_decay, COUNTERS, half_lives_us()))
# In the order of keys, so that two batches that share rows wait for each other and never for ever.
_ADD: Final = f"""
INSERT INTO risk.features AS f (entity, key, first_us, last_us, {", ".join(COUNTERS)},
                                others, others_day)
SELECT n.entity, n.key, $6, $6,
       {", ".join("n.events" if place < COUNTS else "n.amount" for place in range(len(COUNTERS)))},
       n.others, $7
  FROM unnest($1::smallint[], $2::uuid[], $3::float8[], $4::float8[], $5::bit({SKETCH_BITS})[])
       AS n(entity, key, events, amount, others)
 ORDER BY n.entity, n.key
ON CONFLICT (entity, key) DO UPDATE SET
    first_us = least(f.first_us, excluded.first_us),
    last_us = greatest(f.last_us, excluded.last_us),
    {_DECAYS},
    others = CASE WHEN f.others_day = excluded.others_day THEN f.others | excluded.others
                  WHEN f.others_day > excluded.others_day THEN f.others
                  ELSE excluded.others END,
    others_day = greatest(f.others_day, excluded.others_day)
"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True)
class Touch:
    """One event as one entity sees it: how much it adds, and the other side's sketch bit."""

    entity: Entity
    key: uuid.UUID
    amount: int
    other: int = 0


def to_microseconds(at: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970."""
    return (at - _EPOCH_AT) // _MICROSECOND


def to_day_number(at: datetime) -> int:
    """Return the business day of an instant as days since 1970."""
    return (business_day(at) - _EPOCH).days


async def find_rows(
    connection: DriverConnection, wanted: Sequence[tuple[Entity, uuid.UUID]]
) -> dict[int, EntityRow]:
    """Return the row of each wanted entity that has one, by its place in `wanted`."""
    found = await connection.fetch(
        _FIND, [entity for entity, _ in wanted], [key for _, key in wanted]
    )
    return {
        row[0] - 1: EntityRow(
            first_us=row[1],
            last_us=row[2],
            counters=tuple(row[3 : 3 + len(COUNTERS)]),
            others=int.from_bytes(row[-2].bytes, "big"),
            others_day=row[-1],
        )
        for row in found
    }


def make_update(touches: Iterable[Touch], *, at: datetime) -> Statement:
    """Return the statement that counts events which all happened at `at`."""
    sums: dict[tuple[Entity, uuid.UUID], list[int]] = {}
    for touch in touches:
        total = sums.setdefault((touch.entity, touch.key), [0, 0, 0])
        total[0] += 1
        total[1] += touch.amount
        total[2] |= touch.other
    return Statement(
        _ADD,
        (
            [entity for entity, _ in sums],
            [key for _, key in sums],
            [float(total[0]) for total in sums.values()],
            [float(total[1]) for total in sums.values()],
            [_to_bits(total[2]) for total in sums.values()],
            to_microseconds(at),
            to_day_number(at),
        ),
    )


def _to_bits(sketch: int) -> asyncpg.BitString:
    return asyncpg.BitString.frombytes(sketch.to_bytes(SKETCH_BITS // 8, "big"))
