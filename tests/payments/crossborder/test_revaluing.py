"""Unrealised results of positions: booked at the close of a day, once, and undone when closed."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.payments.crossborder.bureau import RULES, Bureau, both, money

from huitong.payments import crossborder


def at(bureau: Bureau, hour: int, minute: int = 0) -> datetime:
    local = bureau.now.astimezone(ZoneInfo("Asia/Shanghai"))
    return local.replace(hour=hour, minute=minute, second=0, microsecond=0)


async def revalue(bureau: Bureau, when: datetime) -> dict[str, tuple[int, int]]:
    bureau.clock.advance(when - bureau.now)
    found = await bureau.run(crossborder.revalue_positions, rulebook=RULES)
    return {each.position.currency: (each.unrealised, each.booked) for each in found}


async def next_day(bureau: Bureau, **rates: tuple[str, str]) -> None:
    bureau.clock.advance(at(bureau, 10) + timedelta(days=1) - bureau.now)
    await bureau.set_rates(**rates)


async def test_what_a_position_lost_is_booked_by_day_and_taken_back_when_it_closes(
    bureau: Bureau, person: Any
) -> None:
    """100.00 USD sold for 713.13; at 7.1050 they are worth 710.50, at 7.2050 720.50."""
    await bureau.exchange(person, await bureau.quote(person, "100.00 USD", "CNY"))
    assert await revalue(bureau, at(bureau, 23, 29)) == {}
    assert await revalue(bureau, at(bureau, 23, 30)) == {"USD": (263, 263)}
    assert await bureau.own("unrealised", "CNY") == "2.63"
    assert await bureau.own("revaluation", "USD") == "-2.63"
    assert await revalue(bureau, at(bureau, 23, 59)) == {}
    await next_day(bureau, USD=("7.2000", "7.2100"))
    assert await revalue(bureau, at(bureau, 23, 40)) == {"USD": (-737, -1000)}
    assert await bureau.own("unrealised", "CNY") == "-7.37"
    # The position's cost, and what it realised, are not touched by it.
    assert await bureau.positions() == {"USD": (-10_000, -71_313, 0)}
    await next_day(bureau, USD=("7.2000", "7.2100"))
    await bureau.run(
        crossborder.cover,
        amount=money("100.00 USD"),
        rate=Decimal("7.2000"),
        is_purchase=True,
        counterparty="market",
        rulebook=RULES,
    )
    assert await bureau.positions() == {"USD": (0, 0, -687)}
    assert await revalue(bureau, at(bureau, 23, 30)) == {"USD": (0, 737)}
    assert await bureau.own("unrealised", "CNY") == "0.00"
    assert await bureau.own("result", "CNY") == "-6.87"
    await next_day(bureau)
    assert await revalue(bureau, at(bureau, 23, 30)) == {}


async def test_two_workers_book_a_day_once(bureau: Bureau, person: Any) -> None:
    for amount in ("100.00 USD", "100.00 EUR"):
        await bureau.exchange(person, await bureau.quote(person, amount, "CNY"))
    bureau.clock.advance(at(bureau, 23, 30) - bureau.now)
    done = await both(
        *(bureau.run(crossborder.revalue_positions, rulebook=RULES) for _ in range(3))
    )
    assert sorted(len(each) for each in done) == [0, 0, 2]


async def test_a_day_that_was_missed_is_caught_up_with(bureau: Bureau, person: Any) -> None:
    await bureau.exchange(person, await bureau.quote(person, "100.00 USD", "CNY"))
    await revalue(bureau, at(bureau, 23, 30))
    for rates in (("7.2000", "7.2100"), ("7.1500", "7.1600")):
        await next_day(bureau, USD=rates)
    assert await revalue(bureau, at(bureau, 23, 30)) == {"USD": (-237, -500)}
    assert await bureau.own("unrealised", "CNY") == "-2.37"


async def test_a_house_without_positions_books_nothing(bureau: Bureau) -> None:
    assert await revalue(bureau, at(bureau, 23, 30)) == {}


async def test_the_books_say_when_a_revaluation_is_not_in_the_ledger(
    bureau: Bureau, person: Any
) -> None:
    await bureau.exchange(person, await bureau.quote(person, "100.00 USD", "CNY"))
    await revalue(bureau, at(bureau, 23, 30))
    by_name = {each.name: each.differences for each in crossborder.INVARIANTS}
    statement = by_name["fx_unrealised_is_booked"]

    async def spoil(uow: Any) -> None:
        assert await uow.execute(statement) == []
        await uow.execute(
            """INSERT INTO payments.fx_revaluations (on_day, currency, amount, cost, mid,
                                                     unrealised, booked, entry_id, made_at)
               SELECT on_day + 1, currency, amount, cost, mid, unrealised + 1, 1, id, made_at
                 FROM payments.fx_revaluations, gen_random_uuid() AS id"""
        )
        found = await uow.execute(statement)
        assert [row.subject for row in found] == ["USD", "6061"]
        raise LookupError

    with pytest.raises(LookupError):
        await bureau.town.database.run(spoil)
