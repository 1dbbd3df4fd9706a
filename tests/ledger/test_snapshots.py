"""Closing business days: snapshots of what was known, which never change."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from huitong.ledger.lines import project_lines
from huitong.ledger.snapshots import DayNotOver, DayNotProjected, DayOutOfOrder, close_day

SUNDAY, MONDAY, TUESDAY = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
#: Monday is over in Shanghai from 16:00 UTC on.
MONDAY_EVENING = datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)
MONDAY_OVER = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 9, tzinfo=UTC)
SNAPSHOTS = "SELECT on_day, account_id, debits, credits FROM ledger.snapshots ORDER BY 1, 2"


async def close(books, day, now=LATER):
    return await books.database.run(lambda uow: close_day(uow, day, now=now))


async def test_keeps_the_totals_of_everything_up_to_the_day(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 7, effective_on=SUNDAY)
    await books.move(cash, customer, 100, effective_on=MONDAY)
    await books.move(customer, cash, 30, effective_on=TUESDAY)
    await books.project()

    closed = await close(books, MONDAY, MONDAY_OVER)
    await close(books, TUESDAY)

    assert (closed.on_day, closed.closed_at) == (MONDAY, MONDAY_OVER)
    assert await books.fetch("SELECT sequence FROM ledger.projection") == [(closed.sequence,)]
    assert await books.fetch(SNAPSHOTS) == [
        (MONDAY, cash.id, 107, 0),
        (MONDAY, customer.id, 0, 107),
        (TUESDAY, cash.id, 107, 30),
        (TUESDAY, customer.id, 30, 107),
    ]


async def test_closing_again_changes_nothing(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 100, effective_on=MONDAY)
    await books.project()
    closed = await close(books, MONDAY)
    before = await books.fetch(SNAPSHOTS)

    await books.move(cash, customer, 5, effective_on=MONDAY)
    await books.project()

    assert await close(books, MONDAY, datetime(2026, 4, 1, tzinfo=UTC)) == closed
    assert await books.fetch(SNAPSHOTS) == before
    await close(books, TUESDAY)
    assert (await books.fetch(SNAPSHOTS))[-1] == (TUESDAY, customer.id, 0, 105)


async def test_closes_a_day_once_for_all_who_try_at_the_same_time(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 100, effective_on=MONDAY)
    await books.project()
    closed = await asyncio.gather(*(close(books, MONDAY) for _ in range(4)))
    assert len(set(closed)) == 1
    assert len(await books.fetch(SNAPSHOTS)) == 2


async def test_refuses_a_day_that_is_not_over(books):
    with pytest.raises(DayNotOver):
        await close(books, MONDAY, MONDAY_EVENING)
    assert await books.fetch("SELECT count(*) FROM ledger.closed_days") == [(0,)]


async def test_refuses_a_day_before_one_that_is_closed(books):
    await close(books, MONDAY)
    with pytest.raises(DayOutOfOrder):
        await close(books, SUNDAY)


async def test_refuses_while_movements_of_the_day_wait_for_the_projector(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 100, effective_on=TUESDAY)
    await close(books, SUNDAY)
    await books.move(cash, customer, 1, effective_on=MONDAY)
    with pytest.raises(DayNotProjected):
        await close(books, MONDAY)
    assert await books.database.run(project_lines) == 4
    await close(books, MONDAY)
    assert (await books.fetch(SNAPSHOTS))[-1] == (MONDAY, customer.id, 0, 1)


async def test_closes_a_day_on_which_nothing_ever_happened(books):
    assert (await close(books, MONDAY)).sequence == 0
    assert await books.fetch(SNAPSHOTS) == []
