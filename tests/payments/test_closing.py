"""Closing customers while payments are under way, and what is left of the caps."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from huitong import customers, ledger, payments
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook


async def close(town: Any, customer: customers.Customer) -> customers.Customer:
    return await town.run(payments.close_customer, customer_id=customer.id, reason="asked for")


async def test_a_customer_with_money_or_holds_is_not_closed(town: Any, refusing: Any) -> None:
    customer = await town.add_customer("李雷", "5.00")
    async with refusing(town):
        with pytest.raises(ledger.AccountNotEmpty):
            await close(town, customer)
        assert (await town.read(customers.get_customer, customer.id)).closed_at is None


async def test_a_customer_with_a_top_up_on_its_way_is_not_closed(
    town: Any, refusing: Any, cny: Any, new_id: Any
) -> None:
    customer = await town.add_customer("李雷")
    order = await town.run(
        payments.request_top_up,
        order_id=new_id(),
        account_id=customer.account_id,
        amount=cny("5.00"),
    )
    async with refusing(town):
        with pytest.raises(payments.OrdersOpen):
            await close(town, customer)
        assert (await town.read(customers.get_customer, customer.id)).closed_at is None
    await town.answer(order, payments.ChannelVerdict.FAILED)
    assert (await close(town, customer)).closed_at is not None
    with pytest.raises(customers.CustomerIsClosed):
        await town.run(
            payments.request_top_up,
            order_id=new_id(),
            account_id=customer.account_id,
            amount=cny("5.00"),
        )


async def test_a_top_up_and_a_closing_at_once_never_both_succeed(
    town: Any, cny: Any, new_id: Any
) -> None:
    for number in range(5):
        customer = await town.add_customer(f"李{number}")
        answers = await asyncio.gather(
            town.run(
                payments.request_top_up,
                order_id=new_id(),
                account_id=customer.account_id,
                amount=cny("5.00"),
            ),
            close(town, customer),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, Exception)]
        assert len(refused) == 1
        assert isinstance(refused[0], customers.CustomerIsClosed | payments.OrdersOpen)


async def test_usage_shows_what_is_used_and_left_today_this_year_and_in_all(
    town: Any, cny: Any, now: Any
) -> None:
    customer = await town.add_customer("李雷", "900.00", account_class=1)
    other = await town.add_customer("韩梅梅", "2000.00", account_class=2)
    merchant = await town.add_merchant("茶馆")
    await town.buy(customer, merchant, "150.00")
    await town.buy(other, merchant, "100.00")

    async def usage(customer: customers.Customer, at: Any) -> Any:
        return await town.read(
            payments.list_usage, customer_id=customer.id, rulebook=Rulebook.load(), now=at
        )

    first = (await usage(customer, now))[0]
    assert first.meter is payments.Meter.BALANCE_PAYMENTS
    assert (first.year, first.total.maximum, first.total.left) == (
        None,
        cny("1000.00"),
        cny("850.00"),
    )
    assert (first.day.used, first.day.left) == (cny("150.00"), cny("4850.00"))
    later = (await usage(customer, now + timedelta(days=1)))[0]
    assert (later.day.used, later.total.used) == (Money.zero("CNY"), cny("150.00"))
    second = (await usage(other, now))[0]
    assert (second.total, second.year.used, second.year.left) == (
        None,
        cny("100.00"),
        cny("99900.00"),
    )
    next_year = (await usage(other, now + timedelta(days=60)))[0]
    assert next_year.year.used == Money.zero("CNY")
