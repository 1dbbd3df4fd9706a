"""Unrealised results of positions, booked once a day at the day's mid rates.

What is booked is what an unrealised result changed by since the last time, so that a day on which
no worker ran is caught up with by the next, and a position that was closed has nothing left.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel import audit
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import fx_store
from huitong.payments.crossborder.calculations import value_in_home
from huitong.payments.crossborder.deals import post
from huitong.payments.crossborder.postings import revaluation_move
from huitong.payments.crossborder.rates import get_mids
from huitong.payments.crossborder.types import Position

_TIME_KEY: Final = "fx.revaluation.time"
_LAST: Final = """
    SELECT DISTINCT ON (currency) currency, on_day, unrealised
      FROM payments.fx_revaluations ORDER BY currency, on_day DESC
"""
_ADD: Final = """
    INSERT INTO payments.fx_revaluations (on_day, currency, amount, cost, mid, unrealised, booked,
                                          entry_id, made_at)
    VALUES (:on_day, :currency, :amount, :cost, :mid, :unrealised, :booked, :entry_id, :now)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revaluation:
    """A position on a day: what it is worth more than it cost (`unrealised`, fen).

    `booked` is what that changed by since the last time; `mid` is None for a position of nothing.
    """

    position: Position
    mid: Decimal | None
    unrealised: int
    booked: int


async def revalue_positions(
    uow: UnitOfWork, *, rulebook: Rulebook, now: datetime
) -> list[Revaluation]:
    """Book the unrealised results of all positions in one entry, once a day from a time on.

    1,000.00 USD short that cost -7,120.67 and are worth -7,200.00 have lost 79.33. Returns what
    was booked now; empty before that time, and if it was done today. Raises RateUnavailable.
    """
    today = business_day(now)
    if now < _closing(rulebook, today):
        return []
    await fx_store.lock(uow)
    last = {row.currency: row for row in await uow.execute(_LAST)}
    due = [
        each
        for each in await fx_store.list_positions(uow)
        if each.currency not in last or last[each.currency].on_day < today
    ]
    before = {currency: row.unrealised for currency, row in last.items()}
    due = [each for each in due if each.amount or before.get(each.currency, 0)]
    found = await _value(uow, due, before, now)
    if found:
        await _book(uow, found, today, now)
    return found


def _closing(rulebook: Rulebook, day: date) -> datetime:
    at = time.fromisoformat(rulebook.text(_TIME_KEY, day))
    return datetime.combine(day, at, ZoneInfo(SHANGHAI))


async def _value(
    uow: UnitOfWork, due: list[Position], before: dict[str, int], now: datetime
) -> list[Revaluation]:
    mids = await get_mids(uow, [each.currency for each in due if each.amount], now=now)
    found = []
    for position in due:
        currency = position.currency
        mid, unrealised = None, 0
        if position.amount:
            mid = mids[currency]
            unrealised = value_in_home(position.amount, currency, mid).minor - position.cost
        booked = unrealised - before.get(currency, 0)
        found.append(Revaluation(position=position, mid=mid, unrealised=unrealised, booked=booked))
    return found


async def _book(uow: UnitOfWork, found: list[Revaluation], on_day: date, now: datetime) -> None:
    entry_id: uuid.UUID | None = None
    changed = [each for each in found if each.booked]
    if changed:
        entry_id = uuid7(int(now.timestamp() * 1_000))
        moves = [await revaluation_move(uow, e.position.currency, e.booked) for e in changed]
        await post(uow, entry_id, moves, now=now)
    for each in found:
        await uow.execute(
            _ADD,
            on_day=on_day,
            currency=each.position.currency,
            amount=each.position.amount,
            cost=each.position.cost,
            mid=each.mid,
            unrealised=each.unrealised,
            booked=each.booked,
            entry_id=entry_id if each.booked else None,
            now=now,
        )
    await audit.record(
        uow,
        action="payments.revalue_positions",
        subject=on_day.isoformat(),
        details={each.position.currency: each.booked for each in found},
    )
