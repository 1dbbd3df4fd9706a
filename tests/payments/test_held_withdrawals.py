"""Withdrawals that wait: for a time, or until somebody has looked at them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from tests.payments.streets import Street, open_street

from huitong import ledger, payments, risk
from huitong.kernel import limits
from huitong.kernel.clock import FixedClock
from huitong.kernel.errors import InvalidField, NotFound, Refusal
from huitong.kernel.ids import uuid7
from huitong.kernel.serving import serve_inside
from huitong.payments import errors

HOUR = timedelta(hours=1)
DELAY = 24 * HOUR


@dataclass
class Counter:
    """A street with a bank at its end, at an hour of its own."""

    street: Street
    simulator: payments.SimulatedChannel
    channel: payments.HttpBankChannel
    clock: FixedClock

    async def hold(self, action: str, amount: str = "600.00") -> payments.Order:
        await self.street.live(action=action)
        return await (await self.street.withdrawal(amount))()

    async def work(self, after: timedelta = timedelta(0)) -> int:
        """Let time pass and the worker take what is due; returns how many it took."""
        self.clock.advance(after)
        return await payments.settle_channel_orders(
            self.street.town.database,
            payments.Channels({"bank": self.channel}),
            clock=self.clock,
        )

    async def settle(self, order: payments.Order) -> payments.Order:
        for _ in range(30):
            await self.work(timedelta(seconds=400))
            found: payments.Order = await self.street.town.read(payments.get_order, order.id)
            if found.status is not payments.OrderStatus.PENDING:
                return found
        raise AssertionError("the order never ended")

    async def run(self, command: Any, order: payments.Order) -> payments.Order:
        done: payments.Order = await self.street.town.run(
            command, order_id=order.id, now=self.clock.now()
        )
        return done

    async def held(self) -> list[payments.HeldWithdrawal]:
        found: list[payments.HeldWithdrawal] = await self.street.town.read(
            payments.list_held_withdrawals
        )
        return found

    @property
    def bookings(self) -> list[int]:
        return [order.bookings for order in self.simulator.orders.values()]


@pytest.fixture
async def counter(town: Any, now: Any) -> AsyncIterator[Counter]:
    simulator = payments.SimulatedChannel(result_seconds=0.0)
    async with (
        open_street(town, now) as street,
        serve_inside(simulator.application()) as url,
        payments.HttpBankChannel(url, timeout_seconds=0.5) as channel,
    ):
        # This bank has never heard of the money that they began with.
        await town.database.run(
            lambda uow: uow.execute("UPDATE payments.channel_orders SET recheck_at = NULL")
        )
        yield Counter(street, simulator, channel, FixedClock(now))


async def test_a_delayed_withdrawal_is_sent_when_its_day_is_over(
    counter: Counter, town: Any, now: Any, cny: Any
) -> None:
    order = await counter.hold("delay")
    assert order.status is payments.OrderStatus.PENDING
    account_id = counter.street.payer.account_id
    assert await town.available(account_id) == "4400.00"
    held = payments.HeldWithdrawal(
        order_id=order.id, amount=cny("600.00"), held_at=now, held_until=now + DELAY
    )
    assert await counter.held() == [held]
    assert await town.read(payments.find_hold, order) == held
    assert (await town.topics())[-1] == "WithdrawalHeld"
    assert await counter.work(DELAY - timedelta(microseconds=1)) == 0
    assert counter.bookings == []
    assert await counter.work(timedelta(microseconds=1)) == 1
    assert await counter.held() == []
    done = await counter.settle(order)
    assert done.status is payments.OrderStatus.SUCCEEDED
    assert (await town.balance(account_id), counter.bookings) == ("4400.00", [1])
    assert await counter.street.list_decisions() == {order.id: risk.Action.DELAY}
    await town.check_ties()


async def test_one_under_review_waits_until_it_is_released(counter: Counter, town: Any) -> None:
    order = await counter.hold("review")
    (held,) = await counter.held()
    assert (held.order_id, held.held_until) == (order.id, None)
    assert await counter.work(5 * DELAY) == 0
    released = await counter.run(payments.release_withdrawal, order)
    assert released == order
    assert (await town.topics())[-1] == "WithdrawalReleased"
    done = await counter.settle(order)
    assert (done.status, counter.bookings) == (payments.OrderStatus.SUCCEEDED, [1])
    assert await counter.held() == []
    await town.check_ties()


async def test_what_is_delayed_may_be_released_before_its_time(counter: Counter, town: Any) -> None:
    order = await counter.hold("delay")
    await counter.run(payments.release_withdrawal, order)
    assert await counter.work() == 1
    assert (await counter.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert counter.bookings == [1]


@pytest.mark.parametrize("action", ["delay", "review"])
@pytest.mark.parametrize("name", ["cancel", "stop"])
async def test_what_is_given_up_is_free_again_and_never_sent(
    counter: Counter, town: Any, action: str, name: str
) -> None:
    order = await counter.hold(action)
    command = getattr(payments, f"{name}_withdrawal")
    counter.clock.advance(HOUR)
    closed = await counter.run(command, order)
    labels = await town.read(risk.find_labels, [order.id])
    assert [(each.is_fraud, each.source) for each in labels.values()] == (
        [(True, risk.LabelSource.REJECTION)] if name == "stop" else []
    )
    assert (closed.status, closed.completed_at) == (
        payments.OrderStatus.CLOSED,
        counter.clock.now(),
    )
    assert closed == await town.read(payments.get_order, order.id)
    account_id = counter.street.payer.account_id
    assert (await town.balance(account_id), await town.available(account_id)) == ("5000.00",) * 2
    assert (await town.topics())[-1] == "OrderClosed"
    assert await counter.held() == []
    assert await counter.work(2 * DELAY) == 0
    channel_order = await town.read(payments.find_channel_order, order.id)
    assert (channel_order.state, channel_order.attempts) == (payments.ChannelState.CANCELLED, 0)
    assert counter.bookings == []
    await town.check_ties()


async def test_cancelling_again_changes_nothing(counter: Counter, town: Any, refusing: Any) -> None:
    order = await counter.hold("delay")
    closed = await counter.run(payments.cancel_withdrawal, order)
    async with refusing(town):
        assert await counter.run(payments.cancel_withdrawal, order) == closed
        for command in (payments.release_withdrawal, payments.stop_withdrawal):
            with pytest.raises(errors.WithdrawalNotHeld):
                await counter.run(command, order)


@pytest.mark.parametrize(
    "command",
    [payments.cancel_withdrawal, payments.release_withdrawal, payments.stop_withdrawal],
)
async def test_what_was_sent_never_waited_or_is_no_withdrawal_is_refused(
    counter: Counter, town: Any, refusing: Any, command: Any, cny: Any
) -> None:
    free = await (await counter.street.withdrawal("1.00"))()
    sent = await counter.hold("delay")
    await counter.work(DELAY)
    checkout = await town.checkout(counter.street.merchant, "5.00")
    top_up = await town.run(
        payments.request_top_up,
        order_id=uuid7(),
        account_id=counter.street.payer.account_id,
        amount=cny("1.00"),
    )
    async with refusing(town):
        for order in (free, sent):
            with pytest.raises(errors.WithdrawalNotHeld):
                await counter.run(command, order)
        for order in (checkout, top_up):
            with pytest.raises(errors.OrderMoveRefused):
                await counter.run(command, order)
        with pytest.raises(NotFound):
            await town.run(command, order_id=uuid7())


async def test_it_is_asked_for_once_and_held_once(
    counter: Counter, town: Any, refusing: Any
) -> None:
    await counter.street.live(action="review")
    pay = await counter.street.withdrawal()
    order = await pay()
    async with refusing(town):
        assert await pay() == order
    closed = await counter.run(payments.cancel_withdrawal, order)
    async with refusing(town):
        assert await pay() == closed


async def test_a_customer_whose_money_waits_is_not_closed(counter: Counter, town: Any) -> None:
    order = await counter.hold("review")
    with pytest.raises(Refusal):
        await town.run(
            payments.close_customer, customer_id=counter.street.payer.id, reason="moves away"
        )
    assert (await town.read(payments.get_order, order.id)).status is payments.OrderStatus.PENDING


async def test_held_ones_are_listed_newest_first_and_in_pages(counter: Counter, town: Any) -> None:
    await counter.street.live(action="review")
    made = [await (await counter.street.withdrawal("501.00"))() for _ in range(3)]
    newest_first = sorted((order.id for order in made), reverse=True)
    first = await town.read(payments.list_held_withdrawals, limit=2)
    rest = await town.read(payments.list_held_withdrawals, before_id=first[-1].order_id, limit=2)
    assert [each.order_id for each in (*first, *rest)] == newest_first
    for limit in (0, limits.PAGE_SIZE_MAX + 1):
        with pytest.raises(InvalidField, match="from 1 to"):
            await town.read(payments.list_held_withdrawals, limit=limit)


async def test_of_cancelling_releasing_and_sending_at_once_one_wins(
    counter: Counter, town: Any
) -> None:
    await counter.street.live("amount > 0", "delay")
    orders = [await (await counter.street.withdrawal("1.00"))() for _ in range(10)]
    counter.clock.advance(DELAY)
    results = await asyncio.gather(
        *(counter.run(payments.cancel_withdrawal, order) for order in orders),
        *(counter.run(payments.release_withdrawal, order) for order in orders),
        *(counter.work() for _ in range(4)),
        return_exceptions=True,
    )
    expected = (payments.Order, int, errors.WithdrawalNotHeld)
    assert all(isinstance(each, expected) for each in results), results
    ends = []
    for order in orders:
        found = await town.read(payments.get_order, order.id)
        if found.status is payments.OrderStatus.PENDING:
            found = await counter.settle(order)
        ends.append(found.status)
    paid = ends.count(payments.OrderStatus.SUCCEEDED)
    assert ends.count(payments.OrderStatus.CLOSED) == 10 - paid
    # Whatever was cancelled was never sent, and whatever was sent was booked once.
    assert counter.bookings == [1] * paid
    account_id = counter.street.payer.account_id
    assert await town.balance(account_id) == await town.available(account_id) == f"{5000 - paid}.00"
    await town.check_ties()


async def test_a_worker_that_dies_after_taking_a_held_one_asks_before_it_sends_again(
    counter: Counter, town: Any
) -> None:
    order = await counter.hold("delay")
    await counter.channel.close()
    with pytest.raises(RuntimeError):
        await counter.work(DELAY)
    channel_order = await town.read(payments.find_channel_order, order.id)
    assert (channel_order.state, channel_order.attempts) == (payments.ChannelState.SENT, 1)
    with pytest.raises(errors.WithdrawalNotHeld):
        await counter.run(payments.cancel_withdrawal, order)


async def test_nothing_held_leaves_an_account_that_was_frozen_meanwhile(
    counter: Counter, town: Any, refusing: Any, now: Any
) -> None:
    order = await counter.hold("delay")
    await set_state(counter, ledger.AccountState.DEBITS_FROZEN)
    assert await counter.work(DELAY) == 0
    async with refusing(town):
        with pytest.raises(errors.AccountFrozen):
            await counter.run(payments.release_withdrawal, order)
    assert await counter.work(HOUR) == 0
    assert [each.held_until for each in await counter.held()] == [now + DELAY]
    await set_state(counter, ledger.AccountState.OPEN)
    assert (await counter.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert counter.bookings == [1]


async def test_nothing_held_leaves_a_customer_who_was_blocked_meanwhile(
    counter: Counter, town: Any, refusing: Any, now: Any
) -> None:
    order = await counter.hold("delay")
    entity = risk.Entity.of_account(counter.street.payer.account_id)
    await counter.street.put_on_list("block", entity)
    assert await counter.work(DELAY) == 0
    async with refusing(town):
        with pytest.raises(errors.PaymentBlocked):
            await counter.run(payments.release_withdrawal, order)
    closed = await counter.run(payments.stop_withdrawal, order)
    assert closed.status is payments.OrderStatus.CLOSED
    assert counter.bookings == []


async def test_what_is_held_on_a_frozen_account_may_still_be_given_up(
    counter: Counter, town: Any
) -> None:
    order = await counter.hold("review")
    await set_state(counter, ledger.AccountState.FROZEN)
    closed = await counter.run(payments.stop_withdrawal, order)
    assert closed.status is payments.OrderStatus.CLOSED
    assert await town.available(counter.street.payer.account_id) == "5000.00"


async def set_state(counter: Counter, state: ledger.AccountState) -> None:
    await counter.street.town.database.run(
        lambda uow: ledger.set_account_state(
            uow,
            counter.street.payer.account_id,
            state=state,
            reason="case 12",
            now=counter.clock.now(),
        )
    )


@pytest.mark.parametrize(
    "change",
    [
        "state = 'held', attempts = 1 WHERE direction = 'out'",
        "state = 'waiting' WHERE direction = 'out'",
        "state = 'held' WHERE direction = 'in'",
        "state = 'cancelled' WHERE direction = 'in'",
    ],
)
async def test_the_database_refuses_what_cannot_be_held(
    counter: Counter, town: Any, change: str
) -> None:
    await counter.hold("delay")
    with pytest.raises(IntegrityError):
        await town.database.run(
            lambda uow: uow.execute(f"UPDATE payments.channel_orders SET {change}")
        )
