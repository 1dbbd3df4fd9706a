"""Authorise, capture, void: a hotel reserves money and takes what was spent."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from huitong import ledger, payments
from huitong.kernel.errors import Refusal
from huitong.payments import errors

if TYPE_CHECKING:
    from conftest import Town


@pytest.fixture
async def stay(town: "Town", new_id, cny):
    """A guest with 500.00 of which a hotel (fee 0.6 %) has reserved 300.00 for a day."""

    guest = await town.add_customer("王芳", "500.00")
    hotel = await town.add_merchant("客栈")
    values = {
        "order_id": new_id(),
        "payer_account_id": guest.account_id,
        "merchant_id": hotel.id,
        "amount": cny("300.00"),
        "expires_in_seconds": 86_400,
    }
    order = await town.run(payments.authorise, **values)
    return SimpleNamespace(guest=guest, hotel=hotel, values=values, order=order)


async def test_authorising_reserves_and_pays_nothing(town: "Town", stay, refusing, cny) -> None:
    assert stay.order.status is payments.OrderStatus.PENDING
    assert await town.balance(stay.guest.account_id) == "500.00"
    assert await town.available(stay.guest.account_id) == "200.00"
    assert await town.balance(stay.hotel.account_id) == "0.00"
    assert (await town.topics())[-1] == "PaymentAuthorised"
    async with refusing(town):
        assert await town.run(payments.authorise, **stay.values) == stay.order
        with pytest.raises(errors.IdReused):
            await town.run(payments.authorise, **(stay.values | {"amount": cny("300.01")}))
        with pytest.raises(errors.SameAccount):
            await town.run(
                payments.authorise, **(stay.values | {"payer_account_id": stay.hotel.account_id})
            )
        with pytest.raises(errors.OrderMoveRefused):
            await town.run(payments.refund, order_id=stay.order.id, refund_id=stay.order.id)
        with pytest.raises(errors.OrderMoveRefused):
            await town.run(
                payments.pay_order,
                order_id=stay.order.id,
                payer_account_id=stay.guest.account_id,
            )


async def test_a_full_capture_pays_the_house(town: "Town", stay, cny) -> None:
    paid = await town.run(payments.capture, order_id=stay.order.id)
    assert (paid.status, paid.amount, paid.fee) == (
        payments.OrderStatus.SUCCEEDED,
        cny("300.00"),
        cny("1.80"),
    )
    assert await town.balance(stay.guest.account_id) == "200.00"
    assert await town.available(stay.guest.account_id) == "200.00"
    assert await town.balance(stay.hotel.account_id) == "298.20"
    assert await town.own("fee_income") == "1.80"
    await town.check_ties()


async def test_a_part_capture_frees_the_rest_and_costs_a_part_fee(
    town: "Town", stay, refusing, cny, new_id
) -> None:
    values = {"order_id": stay.order.id, "amount": cny("120.50")}
    paid = await town.run(payments.capture, **values)
    assert (paid.amount, paid.authorised, paid.fee) == (
        cny("120.50"),
        cny("300.00"),
        cny("0.72"),
    )
    assert paid == await town.read(payments.get_order, stay.order.id)
    assert await town.available(stay.guest.account_id) == "379.50"
    assert await town.balance(stay.hotel.account_id) == "119.78"
    async with refusing(town):
        assert await town.run(payments.capture, **values) == paid
        assert await town.run(payments.authorise, **stay.values) == paid
        with pytest.raises(errors.OrderAlreadyPaid):
            await town.run(payments.capture, order_id=stay.order.id)
        with pytest.raises(errors.OrderAlreadyPaid):
            await town.run(payments.void, order_id=stay.order.id)
        with pytest.raises(errors.RefundExceedsPayment):
            await town.run(
                payments.refund,
                order_id=stay.order.id,
                refund_id=new_id(),
                amount=cny("120.51"),
            )
    await town.run(payments.refund, order_id=stay.order.id, refund_id=new_id())
    assert await town.balance(stay.guest.account_id) == "500.00"
    assert await town.balance(stay.hotel.account_id) == "0.00"
    assert await town.own("fee_income") == "0.00"
    await town.check_ties()


async def test_refuses_to_capture_more_than_was_authorised(
    town: "Town", stay, refusing, cny
) -> None:
    async with refusing(town):
        with pytest.raises(errors.AmountExceedsHold) as refused:
            await town.run(payments.capture, order_id=stay.order.id, amount=cny("300.01"))
    assert refused.value.context == {"authorised": {"amount": "300.00", "currency": "CNY"}}


async def test_a_void_gives_everything_back(town: "Town", stay, refusing) -> None:
    closed = await town.run(payments.void, order_id=stay.order.id)
    assert closed.status is payments.OrderStatus.CLOSED
    assert await town.available(stay.guest.account_id) == "500.00"
    assert (await town.topics())[-1] == "OrderClosed"
    async with refusing(town):
        assert await town.run(payments.void, order_id=stay.order.id) == closed
        with pytest.raises(errors.OrderMoveRefused):
            await town.run(payments.capture, order_id=stay.order.id)


async def test_what_is_authorised_counts_even_when_it_is_voided(
    town: "Town", new_id, cny, refusing
) -> None:
    guest = await town.add_customer("李雷", "6000.00")
    hotel = await town.add_merchant("客栈")
    values = {"payer_account_id": guest.account_id, "merchant_id": hotel.id}
    order = await town.run(payments.authorise, order_id=new_id(), amount=cny("5000.00"), **values)
    await town.run(payments.void, order_id=order.id)
    async with refusing(town):
        with pytest.raises(errors.DayLimitExceeded):
            await town.run(payments.authorise, order_id=new_id(), amount=cny("0.01"), **values)


async def test_time_frees_what_nobody_captured(town: "Town", stay, refusing, now) -> None:
    at = now + timedelta(days=1)
    async with refusing(town):
        with pytest.raises(errors.OrderExpired):
            await town.run(payments.capture, order_id=stay.order.id, now=at)
    assert await town.run(payments.expire_orders, now=at) == 1
    order = await town.read(payments.get_order, stay.order.id)
    assert order.status is payments.OrderStatus.CLOSED
    assert await town.available(stay.guest.account_id) == "500.00"
    assert await town.run(payments.expire_orders, now=at) == 0
    await town.check_ties()


async def expire_in_ledger(town: "Town", order, at) -> None:
    transfer = ledger.Transfer(
        id=payments.derive_id(order.id, 9),
        amount=None,
        code=ledger.TransferCode.HOLD_EXPIRY,
        effective_on=at.date(),
        kind=ledger.TransferKind.EXPIRE_PENDING,
        pending_id=order.transfer_id,
    )
    async with town.database.unit_of_work() as uow:
        request = ledger.Request(ledger.Entry((transfer,)))
        [outcome] = await ledger.post_entries(uow, [request], now=at)
    assert outcome.is_posted


async def test_an_order_follows_its_hold_that_the_ledger_expired(
    town: "Town", stay, now, new_id
) -> None:
    at = now + timedelta(days=1)
    await expire_in_ledger(town, stay.order, at)
    hold_id = stay.order.transfer_id
    closed = await town.run(payments.close_order_of_hold, hold_id=hold_id, now=at)
    assert closed == await town.read(payments.get_order, stay.order.id)
    assert closed.status is payments.OrderStatus.CLOSED
    assert await town.run(payments.close_order_of_hold, hold_id=hold_id, now=at) is None
    assert await town.run(payments.close_order_of_hold, hold_id=new_id(), now=at) is None


async def test_closing_finds_a_hold_that_the_ledger_expired_first(town: "Town", stay, now) -> None:
    at = now + timedelta(days=1)
    await expire_in_ledger(town, stay.order, at)
    assert await town.run(payments.expire_orders, now=at) == 1
    assert await town.available(stay.guest.account_id) == "500.00"


async def test_of_capture_void_and_expiry_at_once_one_wins(town: "Town", new_id, cny, now) -> None:
    guest = await town.add_customer("王芳", "100.00")
    hotel = await town.add_merchant("客栈", "0")
    orders = [
        await town.run(
            payments.authorise,
            order_id=new_id(),
            payer_account_id=guest.account_id,
            merchant_id=hotel.id,
            amount=cny("10.00"),
            expires_in_seconds=60,
        )
        for _ in range(8)
    ]
    just_before, at = now + timedelta(seconds=59), now + timedelta(seconds=60)

    async def attempt(command, **values) -> object:
        try:
            return await town.run(command, **values)
        except Refusal as refusal:
            return refusal.code

    attempts = [attempt(payments.expire_orders, now=at, limit=3) for _ in range(4)]
    for order in orders:
        attempts.append(attempt(payments.capture, order_id=order.id, now=just_before))
        attempts.append(attempt(payments.void, order_id=order.id, now=just_before))
    await asyncio.gather(*attempts)
    await town.run(payments.expire_orders, now=at)
    ended = [await town.read(payments.get_order, order.id) for order in orders]
    captured = sum(order.is_paid for order in ended)
    assert {order.status for order in ended} <= {"succeeded", "closed"}
    assert await town.balance(hotel.account_id) == f"{captured * 10}.00"
    assert await town.balance(guest.account_id) == f"{100 - captured * 10}.00"
    assert await town.available(guest.account_id) == f"{100 - captured * 10}.00"
    topics = await town.topics()
    assert topics.count("OrderClosed") == 8 - captured
    await town.check_ties()
