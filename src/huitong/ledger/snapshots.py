"""Closing a business day: every account's totals, as they were known when the day was closed.

What is recorded later with an effective day in a closed one changes balances by day, but never a
snapshot: the report that was made from it stays explainable.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict
from huitong.ledger.lines import is_projected

_FIND: Final = "SELECT on_day, sequence, closed_at FROM ledger.closed_days WHERE on_day = :day"
_LAST: Final = "SELECT max(on_day) FROM ledger.closed_days"
# Whoever closes a day, or projects, waits: movements and watermark must belong together, and a
# day must not be closed twice at once.
_LOCK: Final = "SELECT sequence FROM ledger.projection FOR UPDATE"
_BACKLOG: Final = """
    SELECT EXISTS (SELECT FROM ledger.transfers
                    WHERE sequence > :projected AND kind IN (0, 2) AND effective_on <= :day)
"""
_WRITE: Final = """
    INSERT INTO ledger.snapshots (on_day, account_id, debits, credits)
    SELECT :day, account_id, sum(debits), sum(credits)
      FROM ledger.movements
     WHERE effective_on <= :day
     GROUP BY account_id
"""
_CLOSE: Final = """
    INSERT INTO ledger.closed_days (on_day, sequence, closed_at) VALUES (:day, :sequence, :now)
    RETURNING on_day, sequence, closed_at
"""


class DayNotOver(Conflict):
    """Only a day that has ended can be closed."""

    code = "day_not_over"
    title = "The business day is not over"


class DayOutOfOrder(Conflict):
    """A later day is closed already."""

    code = "day_out_of_order"
    title = "A later business day is closed already"


class DayNotProjected(Conflict):
    """Statement lines are still being made; soon the same call will succeed."""

    code = "day_not_projected"
    title = "The statement lines of the day are not complete yet"


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A business day that was closed, with all journal rows up to `sequence` taken into account."""

    on_day: date
    sequence: int
    closed_at: datetime


async def close_day(
    uow: UnitOfWork, day: date, *, now: datetime, zone: str = SHANGHAI
) -> ClosedDay:
    """Write the snapshots of `day` and return it; a day that is closed already stays as it was.

    A snapshot counts everything with that effective day or an earlier one. Raises DayNotOver,
    DayOutOfOrder, and DayNotProjected while movements of the day wait for the projector.
    """
    found = await uow.fetch_one(_FIND, day=day)
    if found is not None:
        return ClosedDay(*tuple(found))
    if business_day(now, zone) <= day:
        raise DayNotOver(f"{day} ends after {now}", field="day")
    sequence: int = await uow.fetch_value(_LOCK)
    found = await uow.fetch_one(_FIND, day=day)
    if found is not None:
        return ClosedDay(*tuple(found))
    last: date | None = await uow.fetch_value(_LAST)
    if last is not None and day < last:
        raise DayOutOfOrder(f"{last} is closed, so {day} cannot be closed any more", field="day")
    if not await is_projected(uow) and await uow.fetch_value(_BACKLOG, projected=sequence, day=day):
        raise DayNotProjected(f"Movements of {day} wait for the projector; try again in a moment")
    await uow.execute(_WRITE, day=day)
    closed = await uow.fetch_one(_CLOSE, day=day, sequence=sequence, now=now)
    assert closed is not None
    return ClosedDay(*tuple(closed))
