"""Checkouts: a shop asks, a customer pays, or does not."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from huitong import customers, ledger, payments
from huitong.kernel.errors import InvalidField, NotFound, Refusal
from huitong.kernel.money import CurrencyMismatch, Money
from huitong.payments import errors

if TYPE_CHECKING:
    from conftest import Town

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


async def test_a_tea_for_88_88_costs_the_house_53_fen(town: "Town", refusing, cny) -> None:
    wang = await town.add_customer("王芳", "200.00")
    tea = await town.add_merchant("茶馆")
    order = await town.checkout(tea, "88.88", reference="T-1", description="龙井一壶")
    assert (order.status, order.payer_account_id) == (payments.OrderStatus.CREATED, None)

    paid = await town.run(payments.pay_order, order_id=order.id, payer_account_id=wang.account_id)

    assert paid.status is payments.OrderStatus.SUCCEEDED
    assert (paid.fee, paid.payer_account_id) == (cny("0.53"), wang.account_id)
    assert paid == await town.read(payments.get_order, order.id)
    assert await town.balance(wang.account_id) == "111.12"
    assert await town.balance(tea.account_id) == "88.35"
    assert await town.own("fee_income") == "0.53"
    assert (await town.topics())[-2:] == ["OrderCreated", "PaymentSucceeded"]
    await town.check_ties()


async def test_a_merchants_cap_stops_the_fee(town: "Town", cny) -> None:
    wang = await town.add_customer("王芳", "2000.00")
    tea = await town.add_merchant("茶馆", fee_max=cny("5.00"))
    paid = await town.buy(wang, tea, "1000.00")
    assert paid.fee == cny("5.00")
    assert await town.balance(tea.account_id) == "995.00"


async def test_a_house_without_a_fee_gets_everything(town: "Town") -> None:
    wang = await town.add_customer("王芳", "10.00")
    tea = await town.add_merchant("茶馆", "0")
    await town.buy(wang, tea, "10.00")
    assert await town.balance(tea.account_id) == "10.00"
    assert await town.own("fee_income") == "0.00"


async def test_creating_or_paying_again_changes_nothing(town: "Town", refusing) -> None:
    wang = await town.add_customer("王芳", "20.00")
    tea = await town.add_merchant("茶馆")
    order = await town.checkout(tea, "10.00", reference="T-1")
    async with refusing(town):
        assert await town.checkout(tea, "10.00", reference="T-1", order_id=order.id) == order
    values = {"order_id": order.id, "payer_account_id": wang.account_id}
    paid = await town.run(payments.pay_order, **values)
    async with refusing(town):
        assert await town.run(payments.pay_order, **values) == paid
        assert await town.checkout(tea, "10.00", reference="T-1", order_id=order.id) == paid


async def test_refuses_the_same_id_or_reference_for_another_order(
    town: "Town", refusing, new_id
) -> None:
    tea = await town.add_merchant("茶馆")
    other = await town.add_merchant("酒楼")
    order = await town.checkout(tea, "10.00", reference="T-1")
    async with refusing(town):
        with pytest.raises(errors.IdReused):
            await town.checkout(tea, "10.01", reference="T-1", order_id=order.id)
        with pytest.raises(errors.ReferenceUsed) as refused:
            await town.checkout(tea, "10.00", reference="T-1", order_id=new_id())
    assert refused.value.field == "reference"
    # The reference is the merchant's own.
    assert (await town.checkout(other, "10.00", reference="T-1")).reference == "T-1"


async def test_refuses_to_pay_with_money_that_is_not_there(town: "Town", refusing) -> None:
    wang = await town.add_customer("王芳", "9.99")
    tea = await town.add_merchant("茶馆")
    order = await town.checkout(tea, "10.00")
    async with refusing(town):
        with pytest.raises(errors.InsufficientFunds) as refused:
            await town.run(payments.pay_order, order_id=order.id, payer_account_id=wang.account_id)
    assert (refused.value.code, refused.value.field) == ("insufficient_funds", "payer")
    assert refused.value.context == {"account": ledger.show_account(wang.account_id)}


async def test_refuses_a_second_payer(town: "Town", refusing) -> None:
    wang, li = await town.add_customer("王芳", "50.00"), await town.add_customer("李雷", "50.00")
    tea = await town.add_merchant("茶馆")
    order = await town.buy(wang, tea, "10.00")
    async with refusing(town):
        with pytest.raises(errors.OrderAlreadyPaid):
            await town.run(payments.pay_order, order_id=order.id, payer_account_id=li.account_id)
        with pytest.raises(errors.OrderAlreadyPaid):
            await town.run(payments.close_order, order_id=order.id)


async def test_a_closed_order_cannot_be_paid(town: "Town", refusing) -> None:
    wang = await town.add_customer("王芳", "50.00")
    tea = await town.add_merchant("茶馆")
    order = await town.checkout(tea, "10.00")
    closed = await town.run(payments.close_order, order_id=order.id)
    assert closed.status is payments.OrderStatus.CLOSED
    async with refusing(town):
        assert await town.run(payments.close_order, order_id=order.id) == closed
        with pytest.raises(errors.OrderMoveRefused):
            await town.run(payments.pay_order, order_id=order.id, payer_account_id=wang.account_id)


async def test_an_order_can_be_paid_until_the_instant_it_expires(
    town: "Town", refusing, now
) -> None:
    wang = await town.add_customer("王芳", "50.00")
    tea = await town.add_merchant("茶馆")
    order = await town.checkout(tea, "10.00", expires_in_seconds=60)
    late = await town.checkout(tea, "10.00", expires_in_seconds=60)
    values = {"payer_account_id": wang.account_id}
    just_in_time = now + timedelta(seconds=59, milliseconds=999)
    paid = await town.run(payments.pay_order, order_id=order.id, now=just_in_time, **values)
    assert paid.is_paid
    async with refusing(town):
        with pytest.raises(errors.OrderExpired):
            await town.run(
                payments.pay_order, order_id=late.id, now=now + timedelta(seconds=60), **values
            )


async def test_time_closes_what_nobody_paid_and_nothing_else(town: "Town", now) -> None:
    wang = await town.add_customer("王芳", "50.00")
    tea = await town.add_merchant("茶馆")
    paid = await town.buy(wang, tea, "10.00")
    forgotten = [await town.checkout(tea, "1.00", expires_in_seconds=60) for _ in range(3)]
    open_order = await town.checkout(tea, "1.00", expires_in_seconds=3_600)
    at = now + timedelta(minutes=1)
    assert await town.run(payments.expire_orders, now=at, limit=2) == 2
    assert await town.run(payments.expire_orders, now=at, limit=2) == 1
    assert await town.run(payments.expire_orders, now=at) == 0
    statuses = [(await town.read(payments.get_order, order.id)).status for order in forgotten]
    assert statuses == [payments.OrderStatus.CLOSED] * 3
    assert (await town.read(payments.get_order, open_order.id)) == open_order
    assert (await town.read(payments.get_order, paid.id)) == paid
    assert (await town.topics()).count("OrderClosed") == 3


async def test_refuses_what_makes_no_sense(town: "Town", refusing, new_id) -> None:
    tea = await town.add_merchant("茶馆")
    customer = await town.add_customer("王芳", "50.00")
    async with refusing(town):
        for field, bad in (
            ("amount.amount", {"amount": "0.00"}),
            ("reference", {"reference": ""}),
            ("reference", {"reference": "x" * 65}),
            ("description", {"description": "a\x00b"}),
            ("expires_in_seconds", {"expires_in_seconds": 0}),
            ("expires_in_seconds", {"expires_in_seconds": 604_801}),
        ):
            with pytest.raises(InvalidField) as refused:
                await town.checkout(tea, **({"amount": "1.00"} | bad))
            assert refused.value.field == field
        with pytest.raises(CurrencyMismatch):
            await town.checkout(tea, Money(100, "USD"))
        with pytest.raises(NotFound):
            await town.checkout(tea, "1.00", merchant_id=new_id())
        with pytest.raises(NotFound):
            await town.run(
                payments.pay_order, order_id=new_id(), payer_account_id=customer.account_id
            )


async def test_refuses_payers_that_nobody_stands_behind(town: "Town", refusing) -> None:
    tea = await town.add_merchant("茶馆")
    order = await town.checkout(tea, "1.00")
    own = await town.read(payments.find_own_accounts, "CNY")
    async with refusing(town):
        for account_id in (own.channel, own.fee_income, 98):
            with pytest.raises(errors.AccountNotFound) as refused:
                await town.run(payments.pay_order, order_id=order.id, payer_account_id=account_id)
            assert refused.value.field == "payer"
        with pytest.raises(errors.SameAccount):
            await town.run(payments.pay_order, order_id=order.id, payer_account_id=tea.account_id)


async def test_a_frozen_payer_and_a_closed_house_are_refused(town: "Town", refusing) -> None:
    wang = await town.add_customer("王芳", "50.00")
    tea = await town.add_merchant("茶馆")
    order = await town.checkout(tea, "1.00")
    values = {"order_id": order.id, "payer_account_id": wang.account_id}
    await _set_state(town, wang.account_id, ledger.AccountState.DEBITS_FROZEN)
    async with refusing(town):
        with pytest.raises(errors.AccountFrozen) as refused:
            await town.run(payments.pay_order, **values)
        assert refused.value.field == "payer"
    await _set_state(town, wang.account_id, ledger.AccountState.OPEN)
    await _set_state(town, tea.account_id, ledger.AccountState.CLOSED)
    async with refusing(town):
        with pytest.raises(errors.AccountClosed) as refused:
            await town.run(payments.pay_order, **values)
        assert refused.value.field == "merchant"


async def _set_state(town: "Town", account_id: int, state: ledger.AccountState) -> None:
    async with town.database.unit_of_work() as uow:
        await ledger.set_account_state(uow, account_id, state=state, reason="test", now=NOW)


@pytest.mark.parametrize(
    ("account_class", "payments_before", "refusal"),
    [
        (1, ["999.00"], "total_limit_exceeded"),
        (3, ["4999.00"], "day_limit_exceeded"),
    ],
)
async def test_caps_bind_to_the_last_fen(
    town: "Town", refusing, account_class: int, payments_before: list[str], refusal: str
) -> None:
    wang = await town.add_customer("王芳", "10000.00", account_class=account_class)
    tea = await town.add_merchant("茶馆")
    for amount in [*payments_before, "1.00"]:
        await town.buy(wang, tea, amount)
    order = await town.checkout(tea, "0.01")
    async with refusing(town):
        with pytest.raises(Refusal) as refused:
            await town.run(payments.pay_order, order_id=order.id, payer_account_id=wang.account_id)
    assert refused.value.code == refusal


async def test_the_next_day_in_shanghai_has_its_own_cap(town: "Town", now) -> None:
    wang = await town.add_customer("王芳", "10000.00")
    tea = await town.add_merchant("茶馆")
    await town.buy(wang, tea, "5000.00")
    order = await town.checkout(tea, "5000.00", expires_in_seconds=604_800)
    values = {"order_id": order.id, "payer_account_id": wang.account_id}
    midnight = now.replace(hour=16)
    with pytest.raises(errors.DayLimitExceeded):
        await town.run(payments.pay_order, now=midnight - timedelta(milliseconds=1), **values)
    assert (await town.run(payments.pay_order, now=midnight, **values)).is_paid


async def test_of_twenty_payers_one_pays(town: "Town") -> None:
    tea = await town.add_merchant("茶馆")
    payers = [await town.add_customer(f"客人{number}", "10.00") for number in range(20)]
    order = await town.checkout(tea, "10.00")

    async def attempt(payer: customers.Customer) -> bool:
        try:
            await town.run(payments.pay_order, order_id=order.id, payer_account_id=payer.account_id)
        except errors.OrderAlreadyPaid:
            return False
        return True

    answers = await asyncio.gather(*map(attempt, payers))
    assert answers.count(True) == 1
    balances = [await town.balance(payer.account_id) for payer in payers]
    assert sorted(balances) == ["0.00", *["10.00"] * 19]
    assert balances[answers.index(True)] == "0.00"
    assert await town.balance(tea.account_id) == "9.94"
    assert await town.own("fee_income") == "0.06"
    assert (await town.topics()).count("PaymentSucceeded") == 21
    await town.check_ties()


async def test_paying_and_closing_at_once_leaves_one_of_both(town: "Town") -> None:
    wang = await town.add_customer("王芳", "100.00")
    tea = await town.add_merchant("茶馆", "0")
    orders = [await town.checkout(tea, "10.00") for _ in range(10)]

    async def attempt(command, **values) -> bool:
        try:
            await town.run(command, **values)
        except (errors.OrderAlreadyPaid, errors.OrderMoveRefused):
            return False
        return True

    answers = await asyncio.gather(
        *(
            attempt(command, order_id=order.id, **more)
            for order in orders
            for command, more in (
                (payments.pay_order, {"payer_account_id": wang.account_id}),
                (payments.close_order, {}),
            )
        )
    )
    paid = 0
    for number, order in enumerate(orders):
        is_paid, is_closed = answers[2 * number], answers[2 * number + 1]
        assert is_paid != is_closed
        status = (await town.read(payments.get_order, order.id)).status
        assert status == ("succeeded" if is_paid else "closed")
        paid += is_paid
    assert await town.balance(tea.account_id) == f"{paid * 10}.00"
    await town.check_ties()


async def test_an_accounts_orders_come_newest_first_page_by_page(town: "Town") -> None:
    wang, li = await town.add_customer("王芳", "50.00"), await town.add_customer("李雷", "50.00")
    tea = await town.add_merchant("茶馆")
    first = await town.buy(wang, tea, "1.00")
    await town.buy(li, tea, "2.00")
    third = await town.buy(wang, tea, "3.00")
    page = await town.read(payments.list_orders, account_id=wang.account_id, limit=2)
    assert [order.id for order in page.items] == [third.id, first.id]
    rest = await town.read(
        payments.list_orders, account_id=wang.account_id, limit=2, cursor=page.next_cursor
    )
    assert [order.kind for order in rest.items] == [payments.OrderKind.TOP_UP]
    assert rest.next_cursor is None
    house = await town.read(payments.list_orders, account_id=tea.account_id)
    assert [order.amount.format() for order in house.items] == ["3.00", "2.00", "1.00"]
    with pytest.raises(InvalidField):
        await town.read(payments.list_orders, account_id=1, cursor="x")
    with pytest.raises(InvalidField):
        await town.read(payments.list_orders, account_id=1, limit=201)
