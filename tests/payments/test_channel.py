"""Top-ups and withdrawals through a bank over a real socket, and what can go wrong on the way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from huitong import ledger, operations, payments
from huitong.kernel.clock import FixedClock
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import CurrencyMismatch, Money
from huitong.kernel.serving import serve_inside
from huitong.payments import errors
from huitong.wiring import watching

if TYPE_CHECKING:
    from conftest import Town

ROUNDS_MAX = 30


class Bank:
    """The simulated bank, our client, and a clock that makes every order due again."""

    def __init__(self, town, simulator, channel, url, clock) -> None:
        self.town, self.simulator, self.channel, self.url = town, simulator, channel, url
        self.clock = clock

    async def fault(self, kind: str, **more) -> None:
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.post("/faults", json={"kind": kind, **more})
        assert answer.status_code == 202

    async def settle_once(self) -> int:
        self.clock.advance(timedelta(seconds=400))
        return await payments.settle_channel_orders(
            self.town.database, payments.Channels({"bank": self.channel}), clock=self.clock
        )

    async def settle(self, order) -> payments.Order:
        """Ask until the order has an end."""
        for _ in range(ROUNDS_MAX):
            await self.settle_once()
            order = await self.town.read(payments.get_order, order.id)
            if order.status is not payments.OrderStatus.PENDING:
                return order
        raise AssertionError("the order never ended")

    @property
    def bookings(self) -> list[int]:
        return [order.bookings for order in self.simulator.orders.values()]


@pytest.fixture
async def bank(town: "Town", now) -> AsyncIterator[Bank]:
    simulator = payments.SimulatedChannel(result_seconds=0.0)
    async with (
        serve_inside(simulator.application()) as url,
        payments.HttpBankChannel(url, timeout_seconds=0.5) as channel,
    ):
        yield Bank(town, simulator, channel, url, FixedClock(now))


async def top_up(town: "Town", account_id: int, order_id, amount: Money) -> payments.Order:
    return await town.run(
        payments.request_top_up, order_id=order_id, account_id=account_id, amount=amount
    )


async def withdraw(town: "Town", account_id: int, order_id, amount: Money) -> payments.Order:
    return await town.run(
        payments.request_withdrawal, order_id=order_id, account_id=account_id, amount=amount
    )


async def test_a_top_up_is_there_when_the_bank_has_said_yes(
    town: "Town", bank: Bank, new_id, cny, refusing
) -> None:
    wang = await town.add_customer("王芳")
    order = await top_up(town, wang.account_id, new_id(), cny("100.00"))
    assert order.status is payments.OrderStatus.PENDING
    assert await town.balance(wang.account_id) == "0.00"
    async with refusing(town):
        assert await top_up(town, wang.account_id, order.id, cny("100.00")) == order
        with pytest.raises(errors.IdReused):
            await top_up(town, wang.account_id, order.id, cny("100.01"))
    done = await bank.settle(order)
    assert done.status is payments.OrderStatus.SUCCEEDED
    assert await town.balance(wang.account_id) == "100.00"
    assert await town.own("channel") == "100.00"
    assert bank.bookings == [1]
    assert await town.topics() == ["ChannelOrderRequested", "PaymentSucceeded"]
    assert await bank.settle_once() == 0
    await town.check_ties()


async def test_a_withdrawal_reserves_first_and_is_booked_on_a_yes(
    town: "Town", bank: Bank, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    order = await withdraw(town, wang.account_id, new_id(), cny("60.00"))
    assert await town.balance(wang.account_id) == "100.00"
    assert await town.available(wang.account_id) == "40.00"
    await bank.settle(order)
    assert await town.balance(wang.account_id) == "40.00"
    assert await town.available(wang.account_id) == "40.00"
    assert await town.own("channel") == "40.00"
    await town.check_ties()


async def test_a_withdrawal_that_the_bank_refuses_is_free_again(
    town: "Town", bank: Bank, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    for kind in ("refuse", "reject"):
        await bank.fault(kind)
        order = await withdraw(town, wang.account_id, new_id(), cny("60.00"))
        failed = await bank.settle(order)
        assert failed.status is payments.OrderStatus.FAILED
        assert failed.failure_code == "refused_by_bank"
        assert await town.available(wang.account_id) == "100.00"
    assert (await town.topics())[-1] == "PaymentFailed"
    assert bank.bookings == [0, 0]
    await town.check_ties()


async def test_a_top_up_that_the_bank_refuses_leaves_nothing(
    town: "Town", bank: Bank, new_id, cny
) -> None:
    wang = await town.add_customer("王芳")
    await bank.fault("refuse")
    failed = await bank.settle(await top_up(town, wang.account_id, new_id(), cny("1.00")))
    assert failed.status is payments.OrderStatus.FAILED
    assert await town.balance(wang.account_id) == "0.00"
    channel_order = await town.read(payments.find_channel_order, failed.id)
    assert (channel_order.state, channel_order.reason) == (
        payments.ChannelState.FAILED,
        "refused by the bank",
    )


@pytest.mark.parametrize(
    "faults",
    [
        [{"kind": "lost_answer"}],
        [{"kind": "lost_answer", "times": 3}, {"kind": "lost_answer", "on": "query", "times": 2}],
        [{"kind": "delay", "seconds": 0.7}],
        [{"kind": "delay", "on": "query", "seconds": 0.7}],
        [{"kind": "error", "times": 3}],
        [{"kind": "error", "on": "query", "times": 3}],
        [{"kind": "duplicate"}],
        [{"kind": "duplicate"}, {"kind": "lost_answer", "on": "query"}],
    ],
)
async def test_no_fault_pays_twice_or_guesses(
    town: "Town", bank: Bank, new_id, cny, faults
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    for fault in faults:
        await bank.fault(**fault)
    done = await bank.settle(await withdraw(town, wang.account_id, new_id(), cny("60.00")))
    assert done.status is payments.OrderStatus.SUCCEEDED
    assert await town.balance(wang.account_id) == "40.00"
    assert bank.bookings == [1]
    await town.check_ties()


async def test_silence_is_neither_yes_nor_no(town: "Town", bank: Bank, new_id, cny) -> None:
    wang = await town.add_customer("王芳", "100.00")
    await bank.fault("error", times=5)
    await bank.fault("error", on="query", times=5)
    order = await withdraw(town, wang.account_id, new_id(), cny("60.00"))
    for _ in range(4):
        assert await bank.settle_once() == 1
        assert await town.read(payments.get_order, order.id) == order
        assert await town.available(wang.account_id) == "40.00"
    assert bank.bookings == []


async def test_a_bank_that_forgot_an_order_is_sent_it_again(
    town: "Town", bank: Bank, new_id, cny
) -> None:
    wang = await town.add_customer("王芳")
    await bank.fault("lost_answer")
    order = await top_up(town, wang.account_id, new_id(), cny("1.00"))
    await bank.settle_once()
    bank.simulator.orders.clear()
    assert (await bank.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert await town.balance(wang.account_id) == "1.00"


async def test_a_bank_that_cannot_be_reached_is_asked_later(town: "Town", new_id, cny, now) -> None:
    wang = await town.add_customer("王芳")
    order = await top_up(town, wang.account_id, new_id(), cny("1.00"))
    async with payments.HttpBankChannel("http://127.0.0.1:9", timeout_seconds=0.2) as channel:
        assert (
            await payments.settle_channel_orders(
                town.database, payments.Channels({"bank": channel}), clock=FixedClock(now)
            )
            == 1
        )
        # Not before the pause is over.
        assert (
            await payments.settle_channel_orders(
                town.database, payments.Channels({"bank": channel}), clock=FixedClock(now)
            )
            == 0
        )
    assert await town.read(payments.get_order, order.id) == order
    waiting = await town.read(payments.find_channel_order, order.id)
    assert (waiting.state, waiting.attempts) == (payments.ChannelState.SENT, 1)
    assert waiting.due_at > now


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"{}"),
        (200, b"not json"),
        (200, b"x" * 20_000),
        (200, b'{"id":"ID","state":"succeeded"}'),
        (200, (b'{"id":"ID","state":"succeeded","direction":"out",'
              b'"amount":{"amount":"1.00","currency":"CNY"}}')),
        (200, (b'{"id":"ID","state":"succeeded","direction":"in",'
              b'"amount":{"amount":"9.00","currency":"CNY"}}')),
        (200, (b'{"id":"other","state":"failed","direction":"in",'
              b'"amount":{"amount":"1.00","currency":"CNY"}}')),
        (200, b'{"id":"ID","state":"unknown"}'),
        (404, b"Not Found"),
        (404, b'{"id":"ID","state":"failed"}'),
        (302, b""),
        (503, b""),
    ],
)  # fmt: skip
async def test_an_answer_that_makes_no_sense_is_no_answer(
    cny, now, new_id, status: int, body: bytes
) -> None:
    order = payments.ChannelOrder(
        id=new_id(),
        order_id=new_id(),
        direction=payments.ChannelDirection.IN,
        state=payments.ChannelState.SENT,
        attempts=1,
        due_at=now,
        updated_at=now,
        reason=None,
        amount=cny("1.00"),
    )
    body = body.replace(b"ID", order.id.hex.encode())
    channel = payments.HttpBankChannel("http://bank.test")
    await channel.close()
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
    channel._client = httpx.AsyncClient(base_url="http://bank.test", transport=transport)
    async with channel:
        with pytest.raises(payments.ChannelFault):
            await channel.query(order)


async def test_the_first_final_answer_counts(town: "Town", new_id, cny, refusing) -> None:
    wang = await town.add_customer("王芳", "100.00")
    order = await withdraw(town, wang.account_id, new_id(), cny("60.00"))
    done = await town.answer(order, payments.ChannelVerdict.SUCCEEDED)
    async with refusing(town):
        for verdict in payments.ChannelVerdict:
            assert await town.answer(order, verdict) == done


async def test_twenty_answers_at_once_book_once(town: "Town", new_id, cny) -> None:
    wang = await town.add_customer("王芳")
    order = await top_up(town, wang.account_id, new_id(), cny("60.00"))
    await asyncio.gather(
        *(town.answer(order, payments.ChannelVerdict.SUCCEEDED) for _ in range(20))
    )
    assert await town.balance(wang.account_id) == "60.00"
    assert (await town.topics()).count("PaymentSucceeded") == 1
    await town.check_ties()


async def test_four_workers_settle_twenty_orders_once_each(
    town: "Town", bank: Bank, new_id, cny
) -> None:
    wang = await town.add_customer("王芳")
    for _ in range(20):
        await top_up(town, wang.account_id, new_id(), cny("1.00"))
    for _ in range(4):
        bank.clock.advance(timedelta(seconds=400))
        await asyncio.gather(
            *(
                payments.settle_channel_orders(
                    town.database,
                    payments.Channels({"bank": bank.channel}),
                    clock=bank.clock,
                    limit=5,
                )
                for _ in range(4)
            )
        )
    assert await town.balance(wang.account_id) == "20.00"
    assert bank.bookings == [1] * 20
    await town.check_ties()


async def _set_state(town: "Town", account_id: int, state: ledger.AccountState) -> None:
    async with town.database.unit_of_work() as uow:
        await ledger.set_account_state(
            uow, account_id, state=state, reason="test", now=datetime.now(UTC)
        )


async def test_money_for_a_closed_account_is_kept_where_staff_find_it(
    town: "Town", new_id, cny
) -> None:
    wang = await town.add_customer("王芳")
    order = await top_up(town, wang.account_id, new_id(), cny("60.00"))
    await _set_state(town, wang.account_id, ledger.AccountState.CLOSED)
    failed = await town.answer(order, payments.ChannelVerdict.SUCCEEDED)
    assert failed.status is payments.OrderStatus.FAILED
    assert failed.failure_code == "account_cannot_be_credited"
    assert await town.own("unattributed") == "60.00"
    assert await town.own("channel") == "60.00"
    await town.check_ties()


async def test_a_withdrawal_from_an_account_frozen_meanwhile_waits_for_the_thaw(
    town: "Town", new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    order = await withdraw(town, wang.account_id, new_id(), cny("60.00"))
    await _set_state(town, wang.account_id, ledger.AccountState.FROZEN)
    assert await town.answer(order, payments.ChannelVerdict.SUCCEEDED) == order
    waiting = await town.read(payments.find_channel_order, order.id)
    assert (waiting.state, waiting.reason) == (
        payments.ChannelState.SENT,
        "ledger: account_frozen",
    )
    await _set_state(town, wang.account_id, ledger.AccountState.OPEN)
    done = await town.answer(order, payments.ChannelVerdict.SUCCEEDED)
    assert done.status is payments.OrderStatus.SUCCEEDED
    assert await town.balance(wang.account_id) == "40.00"
    await town.check_ties()


async def test_refuses_what_cannot_be_asked_of_a_bank(town: "Town", new_id, cny, refusing) -> None:
    wang = await town.add_customer("王芳", "10.00")
    tea = await town.add_merchant("茶馆")
    own = await town.read(payments.find_own_accounts, "CNY")
    async with refusing(town):
        with pytest.raises(errors.InsufficientFunds):
            await withdraw(town, wang.account_id, new_id(), cny("10.01"))
        for command in (top_up, withdraw):
            for account_id in (tea.account_id, own.channel, 98):
                with pytest.raises(errors.AccountNotFound):
                    await command(town, account_id, new_id(), cny("1.00"))
            with pytest.raises(InvalidField):
                await command(town, wang.account_id, new_id(), cny("0.00"))


async def test_refuses_a_top_up_in_another_currency(town: "Town", new_id) -> None:
    wang = await town.add_customer("王芳")
    with pytest.raises(CurrencyMismatch):
        await top_up(town, wang.account_id, new_id(), Money(100, "USD"))


async def test_a_withdrawal_is_not_counted_against_payment_limits(
    town: "Town", bank: Bank, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "20000.00", account_class=1)
    order = await withdraw(town, wang.account_id, new_id(), cny("15000.00"))
    assert (await bank.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert await town.balance(wang.account_id) == "5000.00"


async def test_the_bank_refuses_requests_that_make_no_sense(bank: Bank, new_id) -> None:
    async with httpx.AsyncClient(base_url=bank.url) as client:
        path = f"/orders/{new_id().hex}"
        good = {"direction": "in", "amount": {"amount": "1.00", "currency": "CNY"}}
        assert (await client.put(path, json={"direction": "up"})).status_code == 400
        assert (await client.put(path, json=good)).status_code == 200
        other = good | {"direction": "out"}
        assert (await client.put(path, json=other)).status_code == 409
        assert (await client.post("/faults", json={"kind": "rain"})).status_code == 400
        assert (await client.post("/faults", json={"kind": "error", "times": 0})).status_code == 400
        assert (await client.post("/faults", json={"kind": "error"})).status_code == 202
        assert (await client.delete("/faults")).json() == {"faults": 0}
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get(path)).json()["state"] == "succeeded"


async def list_failing(town: "Town", at: datetime) -> list[operations.Incident]:
    await watching.evaluate(town.database, at)
    async with town.database.reading() as uow:
        found = await operations.list_incidents(uow)
    return [each for each in found if each.kind is operations.IncidentKind.CHANNEL_FAILING]


async def test_a_bank_that_answers_nobody_is_an_incident(
    town: "Town", bank: Bank, new_id, cny
) -> None:
    customer = await town.add_customer("王芳")
    await bank.fault("error", times=100)
    for _ in range(2):
        await top_up(town, customer.account_id, new_id(), cny("10.00"))
    await bank.settle_once()
    assert await list_failing(town, bank.clock.now()) == [], "two may be chance"
    order = await top_up(town, customer.account_id, new_id(), cny("10.00"))
    await bank.settle_once()
    (incident,) = await list_failing(town, bank.clock.now())
    assert (incident.entity.name, incident.severity) == ("channel:bank", "critical")
    assert incident.evidence["unanswered"] == 3
    async with httpx.AsyncClient(base_url=bank.url) as client:
        await client.delete("/faults")
    await bank.settle(order)
    await list_failing(town, bank.clock.now())
    (known,) = await list_failing(town, bank.clock.now())
    assert known.last_seen_at == incident.last_seen_at, "it is well again"


async def test_a_bank_that_works_is_none(town: "Town", bank: Bank, new_id, cny) -> None:
    customer = await town.add_customer("王芳")
    for _ in range(4):
        await bank.settle(await top_up(town, customer.account_id, new_id(), cny("10.00")))
    assert await list_failing(town, bank.clock.now()) == []
