"""Several channels: attempts one after another, contradictions, circuits, signed callbacks."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from huitong import ledger, payments
from huitong.kernel import limits
from huitong.kernel.clock import FixedClock
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.serving import serve_inside
from huitong.payments.channels import (
    BreakNotOpen,
    CallbackIdReused,
    CallbackNotSigned,
    Cure,
    open_callback,
    read_secret,
    sign,
    verify,
)

if TYPE_CHECKING:
    from conftest import Town

VECTORS = Path(__file__).resolve().parents[3] / "shared/data/8-standards"
SECRET = b"s" * 32
_ADD = """
    INSERT INTO payments.channels (name, kind, name_zh, name_en, directions, currencies,
                                   is_enabled, changed_at)
    VALUES ('second', 'bank_transfer', '第二银行', 'Second bank', '{in,out}', '{CNY}', true, now())
"""


class Ways:
    """Two simulated banks behind real sockets, and a clock that makes everything due again."""

    def __init__(self, town, simulators, urls, clients, clock) -> None:
        self.town, self.simulators, self.urls = town, simulators, urls
        self.channels, self.clock = payments.Channels(clients), clock

    async def fault(self, name: str, kind: str, **more) -> None:
        async with httpx.AsyncClient(base_url=self.urls[name]) as client:
            assert (await client.post("/faults", json={"kind": kind, **more})).status_code == 202

    async def step(self) -> int:
        self.clock.advance(timedelta(seconds=400))
        return await payments.settle_channel_orders(
            self.town.database, self.channels, clock=self.clock
        )

    async def settle(self, order) -> payments.Order:
        for _ in range(30):
            await self.step()
            order = await self.town.read(payments.get_order, order.id)
            if order.status is not payments.OrderStatus.PENDING:
                return order
        raise AssertionError("the order never ended")

    async def attempts(self, order) -> list[tuple[str, str]]:
        found = await self.town.read(payments.list_attempts, order.id)
        return [(each.order.channel, each.order.state.value) for each in found]

    async def callback(self, order, said: str, *, message_id: str = "m1", number=1, **more):
        """Let the first attempt's channel call, and return what became of it."""
        body = {
            "id": payments.derive_id(order.id, number).hex,
            "state": said,
            "direction": "out" if order.kind is payments.OrderKind.WITHDRAWAL else "in",
            "amount": order.amount.to_json(),
        }
        raw, now = json.dumps(body | more).encode(), self.clock.now()
        headers = sign(SECRET, message_id=message_id, at=now, body=raw)
        read = open_callback("bank", [SECRET], headers, raw, now=now)
        return await self.town.run(
            lambda uow, now: payments.receive_callback(uow, read, now=now), now=now
        )

    def bookings(self, name: str) -> int:
        return sum(order.bookings for order in self.simulators[name].orders.values())

    async def turn_around(self, order) -> None:
        """Let the first bank carry what it had refused."""
        known = self.simulators["bank"].orders[payments.derive_id(order.id, 1).hex]
        known.is_refused = False


@pytest.fixture
async def ways(town: "Town", now) -> AsyncIterator[Ways]:
    simulators = {
        name: payments.SimulatedChannel(result_seconds=0.0) for name in ("bank", "second")
    }
    async with (
        serve_inside(simulators["bank"].application()) as one,
        serve_inside(simulators["second"].application()) as two,
        payments.HttpBankChannel(one, timeout_seconds=0.5) as first,
        payments.HttpBankChannel(two, timeout_seconds=0.5) as second,
    ):
        clients = {"bank": first, "second": second}
        yield Ways(town, simulators, {"bank": one, "second": two}, clients, FixedClock(now))


async def withdraw(town: "Town", customer, order_id, amount) -> payments.Order:
    return await town.run(
        payments.request_withdrawal,
        order_id=order_id,
        account_id=customer.account_id,
        amount=amount,
    )


async def set_state(town: "Town", account_id: int, state: ledger.AccountState) -> None:
    async with town.database.unit_of_work() as uow:
        await ledger.set_account_state(
            uow, account_id, state=state, reason="test", now=datetime.now(UTC)
        )


async def add_second(town: "Town") -> None:
    async with town.database.unit_of_work() as uow:
        await uow.execute(_ADD.replace("now()", "'2026-01-01T00:00:00Z'"))


async def test_a_known_failure_leads_to_another_channel(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse")
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    done = await ways.settle(order)
    assert done.status is payments.OrderStatus.SUCCEEDED
    assert await ways.attempts(order) == [("bank", "failed"), ("second", "succeeded")]
    assert (ways.bookings("bank"), ways.bookings("second")) == (0, 1)
    first, second = await town.read(payments.list_attempts, order.id)
    assert first.chosen is not None
    assert second.chosen is not None
    assert first.chosen["decided_by"] == "name"
    assert second.chosen["candidates"][0] == {"channel": "bank", "objection": "tried"}
    assert await town.balance(wang.account_id) == "40.00"
    await town.check_ties()


async def test_an_unknown_outcome_leads_to_no_other(town: "Town", ways: Ways, new_id, cny) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "lost_answer")
    await ways.fault("bank", "error", on="query", times=6)
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    for _ in range(5):
        await ways.step()
        assert await ways.attempts(order) == [("bank", "sent")]
    assert ways.simulators["second"].orders == {}
    assert (await ways.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert ways.bookings("bank") == 1


async def test_the_database_has_no_room_for_two_attempts(town: "Town", new_id, cny) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳", "100.00")
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    with pytest.raises(Exception, match="channel_orders_one_without_failure"):
        async with town.database.unit_of_work() as uow:
            await uow.execute(
                "INSERT INTO payments.channel_orders (id, order_id, direction, state, due_at,"
                " updated_at, channel, number, kind) VALUES (gen_random_uuid(), :order, 'out',"
                " 'to_send', now(), now(), 'second', 2,"
                " 'bank_transfer')",
                order=order.id,
            )


@pytest.mark.parametrize("kind", ["withdrawal", "top_up"])
async def test_a_success_after_the_failure_goes_to_suspense(
    town: "Town", ways: Ways, new_id, cny, kind
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse")
    request = payments.request_withdrawal if kind == "withdrawal" else payments.request_top_up
    order = await town.run(
        request, order_id=new_id(), account_id=wang.account_id, amount=cny("60.00")
    )
    assert (await ways.settle(order)).status is payments.OrderStatus.FAILED
    await ways.turn_around(order)
    assert await ways.callback(order, "succeeded") is payments.CallbackEffect.ASKED
    assert await town.own("channel") == "100.00", "a callback alone moves nothing"
    await asyncio.gather(ways.step(), ways.step())
    (found,) = await town.read(payments.list_channel_breaks)
    assert (found.kind, found.amount) == (payments.BreakKind.SUCCESS_AFTER_FAILURE, cny("60.00"))
    assert await town.balance(wang.account_id) == "100.00"
    assert await town.own("channel") == ("40.00" if kind == "withdrawal" else "160.00")
    assert await town.own("unattributed") == ("0.00" if kind == "withdrawal" else "60.00")
    assert await ways.callback(order, "succeeded", message_id="m2") is payments.CallbackEffect.ASKED
    await ways.step()
    assert await town.read(payments.list_channel_breaks) == [found], "once only"
    await town.check_ties()


async def test_a_late_success_takes_back_the_next_attempt_that_was_not_sent(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse")
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    only_first = payments.Channels({"bank": ways.channels.client("bank")})
    for _ in range(3):
        ways.clock.advance(timedelta(seconds=400))
        await payments.settle_channel_orders(town.database, only_first, clock=ways.clock)
    assert await ways.attempts(order) == [("bank", "failed"), ("second", "to_send")]
    await ways.turn_around(order)
    await ways.callback(order, "succeeded")
    await payments.settle_channel_orders(town.database, only_first, clock=ways.clock)
    assert (await ways.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert (ways.bookings("bank"), ways.bookings("second")) == (1, 0)
    assert await town.own("channel") == "40.00"
    await town.check_ties()


async def carry_late_over_a_frozen_account(town: "Town", ways: Ways, order, account_id) -> None:
    """Let the first bank carry what it refused, before the second was sent anything."""
    only_first = payments.Channels({"bank": ways.channels.client("bank")})
    for _ in range(3):
        ways.clock.advance(timedelta(seconds=400))
        await payments.settle_channel_orders(town.database, only_first, clock=ways.clock)
    assert await ways.attempts(order) == [("bank", "failed"), ("second", "to_send")]
    await set_state(town, account_id, ledger.AccountState.FROZEN)
    await ways.turn_around(order)
    await ways.callback(order, "succeeded")
    await payments.settle_channel_orders(town.database, only_first, clock=ways.clock)
    assert await ways.attempts(order) == [("bank", "failed"), ("second", "failed")]


async def test_a_late_top_up_that_cannot_be_booked_ends_the_order(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse")
    order = await town.run(
        payments.request_top_up,
        order_id=new_id(),
        account_id=wang.account_id,
        amount=cny("60.00"),
    )
    await carry_late_over_a_frozen_account(town, ways, order, wang.account_id)
    ended = await town.read(payments.get_order, order.id)
    assert (ended.status, ended.failure_code) == (
        payments.OrderStatus.FAILED,
        "paid_late_and_in_suspense",
    )
    assert ended.completed_at is not None
    (found,) = await town.read(payments.list_channel_breaks)
    assert (found.kind, found.amount) == (payments.BreakKind.SUCCESS_AFTER_FAILURE, cny("60.00"))
    assert await town.own("channel") == "160.00"
    assert await town.own("unattributed") == "60.00"
    await ways.step()
    assert ways.bookings("second") == 0
    await set_state(town, wang.account_id, ledger.AccountState.OPEN)
    cured = await cure(town, found, "book")
    assert (cured.cure, await town.own("unattributed")) == (Cure.BOOK, "0.00")
    assert await town.balance(wang.account_id) == "160.00"
    await town.check_ties()


async def cure(town: "Town", found, how: str):
    return await town.run(
        payments.resolve_break,
        channel_order_id=found.channel_order_id,
        kind=found.kind,
        cure=Cure(how),
        reason="agreed with the bank",
    )


@pytest.mark.parametrize("how", ["book", "undo"])
async def test_a_late_withdrawal_keeps_its_hold_until_two_people_have_cured_it(
    town: "Town", ways: Ways, new_id, cny, how
) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse")
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    await carry_late_over_a_frozen_account(town, ways, order, wang.account_id)
    waiting = await town.read(payments.get_order, order.id)
    assert waiting.status is payments.OrderStatus.PENDING
    (found,) = await town.read(payments.list_channel_breaks)
    assert await town.suspense() == "60.00"
    await set_state(town, wang.account_id, ledger.AccountState.OPEN)
    with pytest.raises(payments.InsufficientFunds):
        await withdraw(town, wang, new_id(), cny("41.00"))
    await ways.step()
    assert ways.bookings("second") == 0, "nobody tries it again"
    with pytest.raises(BreakNotOpen):
        await cure(town, found, "close")
    assert await town.suspense() == "60.00"
    answers = await asyncio.gather(
        *(cure(town, found, how) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in answers) == [
        "BreakNotOpen",
        "BreakNotOpen",
        "ChannelBreak",
    ]
    done = await town.read(payments.get_order, order.id)
    assert done.status is (
        payments.OrderStatus.SUCCEEDED if how == "book" else payments.OrderStatus.FAILED
    )
    assert await town.suspense() == "0.00"
    kept = "40.00" if how == "book" else "100.00"
    assert await town.available(wang.account_id) == await town.balance(wang.account_id) == kept
    assert await town.own("channel") == kept
    await town.check_ties()


async def test_a_withdrawal_that_was_free_again_is_charged_or_returned(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse", times=2)
    orders = [await withdraw(town, wang, new_id(), cny("30.00")) for _ in range(2)]
    for order in orders:
        assert (await ways.settle(order)).status is payments.OrderStatus.FAILED
        await ways.turn_around(order)
        await ways.callback(order, "succeeded", message_id=order.id.hex)
    await ways.step()
    one, two = await town.read(payments.list_channel_breaks)
    assert await town.suspense() == "60.00"
    await cure(town, one, "book")
    assert await town.balance(wang.account_id) == "70.00"
    await cure(town, two, "undo")
    assert (await town.suspense(), await town.own("channel")) == ("0.00", "70.00")
    assert await town.read(payments.list_channel_breaks, is_open=True) == []
    await town.check_ties()


async def test_a_channel_whose_no_was_not_final_is_switched_off_at_once(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse")
    await ways.fault("second", "refuse")
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    assert (await ways.settle(order)).status is payments.OrderStatus.FAILED
    await ways.turn_around(order)
    await ways.callback(order, "succeeded")
    await ways.step()
    states = await town.run(payments.list_channel_states)
    assert {each.name: each.is_enabled for each, _ in states if each.kind == "bank_transfer"} == {
        "bank": False,
        "second": True,
    }
    rest = await withdraw(town, wang, new_id(), cny("1.00"))
    assert await ways.attempts(rest) == [("second", "to_send")]


async def test_what_has_ended_is_asked_about_again_without_a_callback(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "refuse")
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    assert (await ways.settle(order)).status is payments.OrderStatus.FAILED
    await ways.turn_around(order)
    for _ in range(9):
        await ways.step()
    # The bank has never heard of the money that Wang began with either.
    found = {each.order_id: each for each in await town.read(payments.list_channel_breaks)}
    assert found[order.id].kind is payments.BreakKind.SUCCESS_AFTER_FAILURE
    asked = []
    for _ in range(200):
        ways.clock.advance(timedelta(hours=1))
        asked.append(
            await payments.settle_channel_orders(town.database, ways.channels, clock=ways.clock)
        )
    assert 0 < sum(asked) <= 2 * 9, "two attempts"
    assert asked[-20:] == [0] * 20, "after seven days nobody asks any more"


async def count_features(town: "Town", account_id: int) -> int:
    """Return how many counters risk keeps of an account as a payee."""
    async with town.database.unit_of_work() as uow:
        rows = await uow.execute("SELECT key FROM risk.features")
    return sum(bytes(row.key) == b"\x02" + account_id.to_bytes(8, "big") for row in rows)


async def test_a_late_top_up_is_counted_for_risk(town: "Town", ways: Ways, new_id, cny) -> None:
    await add_second(town)
    wang = await town.add_customer("王芳")
    await ways.fault("bank", "refuse")
    order = await town.run(
        payments.request_top_up,
        order_id=new_id(),
        account_id=wang.account_id,
        amount=cny("60.00"),
    )
    only_first = payments.Channels({"bank": ways.channels.client("bank")})
    for _ in range(3):
        ways.clock.advance(timedelta(seconds=400))
        await payments.settle_channel_orders(town.database, only_first, clock=ways.clock)
    await ways.turn_around(order)
    await ways.callback(order, "succeeded")
    before = await count_features(town, wang.account_id)
    await payments.settle_channel_orders(town.database, only_first, clock=ways.clock)
    assert (await ways.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert await count_features(town, wang.account_id) == before + 1
    (found,) = await town.read(payments.list_channel_breaks)
    assert found.cure is Cure.BOOK, "it never lay in suspense"


async def test_callbacks_in_any_order_and_number_change_nothing_known(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    order = await withdraw(town, wang, new_id(), cny("60.00"))
    await ways.settle(order)
    known = payments.CallbackEffect.KNOWN
    assert await ways.callback(order, "succeeded", message_id="b") is known
    assert await ways.callback(order, "accepted", message_id="a") is known
    assert await ways.callback(order, "accepted", message_id="a") is (
        payments.CallbackEffect.REPEATED
    )
    with pytest.raises(CallbackIdReused):
        await ways.callback(order, "failed", message_id="a")
    with pytest.raises(NotFound):
        await ways.callback(order, "failed", message_id="c", number=9)
    with pytest.raises(InvalidField):
        await ways.callback(order, "perhaps", message_id="d")
    # A forged no is asked about, and the bank says yes again.
    await ways.callback(order, "failed", message_id="e")
    await ways.step()
    assert await town.read(payments.list_channel_breaks) == []
    assert await town.balance(wang.account_id) == "40.00"


async def test_a_silent_channel_is_left_alone_and_others_carry_on(
    town: "Town", ways: Ways, new_id, cny
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    await ways.fault("bank", "error", times=100)
    first = [await withdraw(town, wang, new_id(), cny("1.00")) for _ in range(5)]
    await ways.step()
    waiting = await withdraw(town, wang, new_id(), cny("1.00"))
    await add_second(town)
    await payments.report_channel_health(town.database, ways.channels, now=ways.clock.now())
    await payments.settle_channel_orders(town.database, ways.channels, clock=ways.clock)
    assert await ways.attempts(waiting) == [("bank", "failed"), ("second", "to_send")]
    for order in first:
        assert await ways.attempts(order) == [("bank", "sent")], "may have reached the bank"
    since = ways.clock.now() - timedelta(days=1)
    counted = await town.read(payments.measure_channels, since=since)
    # One carried: the money that Wang began with.
    of_banks = [line for line in counted if line[0] in ("bank", "second")]
    assert of_banks == [("bank", 1, 0, 5), ("second", 0, 0, 0)], "what was not sent is no failure"
    done = await ways.settle(waiting)
    assert done.status is payments.OrderStatus.SUCCEEDED


async def test_a_channel_that_is_switched_off_gets_nothing_new(
    town: "Town", ways: Ways, new_id, cny, refusing
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    async with town.database.unit_of_work() as uow:
        await uow.execute("UPDATE payments.channels SET is_enabled = false")
    async with refusing(town):
        with pytest.raises(payments.NoChannel) as refused:
            await withdraw(town, wang, new_id(), cny("1.00"))
    assert refused.value.context == {"objections": {"bank": "switched_off"}}


def test_signatures_are_those_of_the_published_vectors() -> None:
    path = VECTORS / "standard_webhooks_vectors.json"
    for vector in json.loads(path.read_text()):
        headers = {
            "webhook-id": vector["msg_id"],
            "webhook-timestamp": str(vector["timestamp"]),
            "webhook-signature": vector["signature"],
        }
        at = datetime.fromtimestamp(vector["timestamp"], UTC)
        secret, body = read_secret(vector["secret"]), vector["payload"].encode()
        if vector["valid"]:
            assert verify([secret], headers, body, now=at) == vector["msg_id"]
            late = at + timedelta(seconds=limits.CALLBACK_AGE_SECONDS_MAX + 1)
            with pytest.raises(CallbackNotSigned):
                verify([secret], headers, body, now=late)
        else:
            with pytest.raises(CallbackNotSigned):
                verify([secret], headers, body, now=at)
