"""Balances of the past, by time of recording and by business day."""

from datetime import date, datetime, timedelta

import pytest

from huitong.kernel.errors import NotFound
from huitong.kernel.money import Money
from huitong.ledger.history import get_balance_at, get_balance_on
from huitong.ledger.types import TransferKind

TICK = timedelta(microseconds=1)
MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


async def balance_at(books, account, instant):
    async with books.database.unit_of_work() as uow:
        return (await get_balance_at(uow, account.id, instant)).minor


async def balance_on(books, account, day):
    async with books.database.unit_of_work() as uow:
        return await get_balance_on(uow, account.id, day)


@pytest.mark.parametrize("projected_after", [None, 1, 3, 4])
async def test_knows_the_balance_at_every_instant(books, projected_after):
    cash, customer = await books.open_pair()
    recorded = []
    for number, amount in enumerate((100, 20, 3, 4_000), start=1):
        (outcome,) = await books.post(books.transfer(cash, customer, amount))
        recorded.append(outcome.recorded_at)
        if number == projected_after:
            await books.project()

    assert await balance_at(books, customer, recorded[0] - TICK) == 0
    assert [await balance_at(books, customer, at) for at in recorded] == [100, 120, 123, 4_123]
    assert await balance_at(books, customer, recorded[3] - TICK) == 123
    assert await balance_at(books, customer, recorded[3] + timedelta(days=1)) == 4_123
    assert await balance_at(books, cash, recorded[1]) == 120


async def test_counts_a_hold_from_when_it_is_posted(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 100)
    hold = await books.hold(customer, cash, 60)
    far = (await books.fetch("SELECT now() + interval '1 day'"))[0][0]
    assert await balance_at(books, customer, far) == 100
    await books.resolve(hold, TransferKind.POST_PENDING)
    assert await balance_at(books, customer, far) == 40


@pytest.mark.parametrize("is_projected", [False, True])
async def test_knows_the_balance_of_every_business_day(books, is_projected):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 100, effective_on=MONDAY)
    await books.move(customer, cash, 30, effective_on=WEDNESDAY)
    if is_projected:
        await books.project()

    assert (await balance_on(books, customer, MONDAY - timedelta(days=1))).balance.minor == 0
    assert (await balance_on(books, customer, MONDAY)).balance.minor == 100
    assert (await balance_on(books, customer, TUESDAY)).balance.minor == 100
    wednesday = await balance_on(books, customer, WEDNESDAY)
    assert (wednesday.debits, wednesday.credits, wednesday.balance) == (
        Money(30, "CNY"),
        Money(100, "CNY"),
        Money(70, "CNY"),
    )
    assert (await balance_on(books, cash, WEDNESDAY)).balance.minor == 70


async def test_a_correction_later_changes_the_day_but_not_the_instant(books):
    cash, customer = await books.open_pair()
    (outcome,) = await books.post(books.transfer(cash, customer, 100, effective_on=MONDAY))
    await books.project()
    await books.move(customer, cash, 1, effective_on=MONDAY)

    assert (await balance_on(books, customer, MONDAY)).balance.minor == 99
    assert await balance_at(books, customer, outcome.recorded_at) == 100


async def test_refuses_an_unknown_account_and_an_instant_without_a_zone(books):
    (account,) = await books.open()
    with pytest.raises(ValueError, match="no time zone"):
        await balance_at(books, account, datetime(2026, 3, 2))  # noqa: DTZ001
    async with books.database.unit_of_work() as uow:
        with pytest.raises(NotFound):
            await get_balance_on(uow, 100_000_000_287, MONDAY)
