"""The trial balance: by chart code, in each currency, tied."""

import asyncio

from huitong.ledger.trial_balance import get_trial_balances


async def read(books):
    async with books.database.unit_of_work() as uow:
        return await get_trial_balances(uow)


async def test_adds_up_each_chart_code_in_each_currency(books):
    cash, first = await books.open_pair()
    (second,) = await books.open()
    (fees,) = await books.open(chart_code="6021.01")
    dollars, customer = await books.open_pair("USD")
    await books.move(cash, first, 10_000)
    await books.move(first, second, 2_500)
    await books.move(second, fees, 15)
    await books.move(dollars, customer, 7)
    await books.hold(first, second, 100)

    yuan, dollar = await read(books)

    assert [
        (line.chart.code, line.accounts, line.debits.minor, line.credits.minor, line.balance.minor)
        for line in yuan.lines
    ] == [
        ("1011", 1, 10_000, 0, 10_000),
        ("2011.01", 2, 2_515, 12_500, 9_985),
        ("6021.01", 1, 0, 15, 15),
    ]
    assert (yuan.currency, yuan.debits.minor, yuan.credits.minor) == ("CNY", 12_515, 12_515)
    assert yuan.is_tied
    assert (dollar.currency, dollar.debits.minor, dollar.is_tied) == ("USD", 7, True)
    assert yuan.lines[0].chart.name_zh == "存放同业"


async def test_has_nothing_to_say_of_an_empty_ledger(books):
    assert await read(books) == ()


async def test_ties_at_every_moment_of_busy_posting(books):
    cash, customer = await books.open_pair()

    async def post():
        for amount in range(1, 20):
            await books.move(cash, customer, amount)

    posting = asyncio.gather(post(), post())
    while not posting.done():
        for balance in await read(books):
            assert balance.is_tied
    await posting


async def test_says_when_it_does_not_tie(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 10)
    await books.tamper(
        "UPDATE ledger.balances SET credits_posted = 11 WHERE account_id = $1", customer.id
    )
    (yuan,) = await read(books)
    assert not yuan.is_tied
