"""Every fault at every step: nothing is paid twice or lost, orders end, suspense is open breaks."""

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from huitong import payments
from huitong.kernel.clock import FixedClock, SystemClock
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.kernel.serving import serve_inside
from huitong.payments.channels import Caller, Cure

if TYPE_CHECKING:
    from conftest import Town

SECRET = b"c" * 32
ROUNDS_MAX = 40
FATES = ("refuse", "reject", "late_success")
TROUBLE = ("lost_answer", "lost_request", "error", "wrong_amount", "nonsense", "delay")
TABLE = [
    *(("submit", kind) for kind in (*TROUBLE, *FATES, "duplicate")),
    *(("query", kind) for kind in TROUBLE),
    *(("callback", kind) for kind in (*TROUBLE, "duplicate")),
]


class House:
    """A town, a simulated bank that calls back over a socket, and a clock for both."""

    def __init__(self, town: "Town", clock: FixedClock, simulator: Any, client: Any) -> None:
        self.town, self.clock, self.simulator = town, clock, simulator
        self.channels = payments.Channels({"bank": client})
        self.heard: list[str] = []

    async def hear(self, request: Request) -> Response:
        """Do with a callback what the route does."""
        body, now = await request.body(), self.clock.now()
        try:
            read = payments.open_callback("bank", [SECRET], request.headers, body, now=now)
            effect = await self.town.run(
                lambda uow, now: payments.receive_callback(uow, read, now=now), now=now
            )
        except Refusal as refusal:
            self.heard.append(refusal.code)
            return Response(status_code=409)
        self.heard.append(effect.value)
        return Response(status_code=202)

    async def ask(self, command: Any, account_id: int, order_id: Any, money: str) -> Any:
        order = await self.town.run(
            command,
            order_id=order_id,
            account_id=account_id,
            amount=Money.parse(money, "CNY"),
        )
        for _ in range(ROUNDS_MAX):
            await self.step()
            order = await self.town.read(payments.get_order, order.id)
            if order.status is not payments.OrderStatus.PENDING:
                break
        return order

    async def step(self, by: timedelta = timedelta(seconds=400)) -> None:
        self.clock.advance(by)
        await payments.settle_channel_orders(self.town.database, self.channels, clock=self.clock)
        await asyncio.sleep(0.03)

    def carried(self, direction: str) -> int:
        """Return what stands in the bank's own books, in fen."""
        return sum(
            order.bookings * Money.from_json(order.amount).minor
            for order in self.simulator.orders.values()
            if order.request.direction == direction
        )

    async def suspense_of_breaks(self) -> dict[str, int]:
        found = {"in": 0, "out": 0}
        for each in await self.town.read(payments.list_channel_breaks, is_open=True):
            if each.kind is payments.BreakKind.SUCCESS_AFTER_FAILURE:
                found[each.direction.value] += each.amount.minor
        return found

    async def check(self) -> None:
        """Our account at the bank is what the bank carried; suspense is the open breaks."""
        expected = Money(self.carried("in") - self.carried("out"), "CNY").format()
        assert await self.town.own("channel") == expected
        breaks = await self.suspense_of_breaks()
        assert await self.town.suspense() == Money(breaks["out"], "CNY").format()
        assert await self.town.own("unattributed") == Money(breaks["in"], "CNY").format()
        assert all(order.bookings <= 1 for order in self.simulator.orders.values())
        await self.town.check_ties()


@pytest.fixture
async def house(town: "Town", now) -> AsyncIterator[House]:
    clock = FixedClock(now)
    simulator = payments.SimulatedChannel("bank", result_seconds=0.05, clock=clock)
    async with (
        serve_inside(simulator.application()) as url,
        payments.HttpBankChannel(url, timeout_seconds=0.3) as client,
    ):
        made = House(town, clock, simulator, client)
        door = Starlette(routes=[Route("/callbacks/bank", made.hear, methods=["POST"])])
        async with serve_inside(door) as ours:
            simulator.caller = Caller(
                f"{ours}/callbacks", "bank", SECRET, clock=clock, faults=simulator.faults
            )
            yield made


async def cure_all(house: House) -> None:
    """Let two people agree with the bank, which takes back what it carried with a wrong amount."""
    for found in await house.town.read(payments.list_channel_breaks, is_open=True):
        how = Cure.BOOK
        if found.kind is payments.BreakKind.WRONG_AMOUNT:
            order = house.simulator.orders[found.channel_order_id.hex]
            attempt = (await house.town.read(payments.list_attempts, found.order_id))[-1]
            how = Cure.CLOSE
            if attempt.order.state.value == "sent":
                order.bookings, order.is_refused, how = 0, True, Cure.UNDO
        await house.town.run(
            payments.resolve_break,
            channel_order_id=found.channel_order_id,
            kind=found.kind,
            cure=how,
            reason="agreed with the bank",
        )


@pytest.mark.parametrize(("step", "kind"), TABLE, ids=lambda each: each)
async def test_every_fault_at_every_step_ends_once(
    town: "Town", house: House, new_id, step: str, kind: str
) -> None:
    wang = await town.add_customer("王芳")
    paid_in = await house.ask(payments.request_top_up, wang.account_id, new_id(), "100.00")
    assert paid_in.status is payments.OrderStatus.SUCCEEDED
    house.heard.clear()
    fault = {"kind": kind, "on": step, "times": 1, "seconds": 0.4 if kind == "delay" else 30.0}
    base = str(house.channels.client("bank")._client.base_url)
    for command in (payments.request_withdrawal, payments.request_top_up):
        async with httpx.AsyncClient(base_url=base) as admin:
            assert (await admin.post("/faults", json=fault)).status_code == 202
        order = await house.ask(command, wang.account_id, new_id(), "60.00")
        is_stuck = (step, kind) == ("submit", "wrong_amount")
        assert (order.status is payments.OrderStatus.PENDING) is is_stuck, order
        if is_stuck:
            assert await town.read(payments.list_channel_breaks, is_open=True)
        else:
            await house.check()
        for hours in (1, 2, 4):
            await house.step(timedelta(hours=hours))
        if not is_stuck:
            await house.check()
        await cure_all(house)
        await house.check()
        ended = await town.read(payments.get_order, order.id)
        assert ended.status in (payments.OrderStatus.SUCCEEDED, payments.OrderStatus.FAILED)
        # A channel whose no was not final was switched off.
        await town.run(payments.channels.switch_on, name="bank", reason="test")
    assert await town.read(payments.list_channel_breaks, is_open=True) == []
    assert await town.available(wang.account_id) == await town.balance(wang.account_id)
    assert await town.own("channel") == await town.balance(wang.account_id)
    if (step, kind) == ("callback", "error"):
        assert "callback_not_signed" in house.heard
    if (step, kind) == ("callback", "duplicate"):
        assert "repeated" in house.heard


KILLS = 5
#: The worker's own loop in a process of its own, as `huitong worker` runs it.
WORKER = """
import asyncio, sys
from huitong import payments
from huitong.kernel.clock import SystemClock
from huitong.kernel.database.unit_of_work import Database

async def work():
    channels = payments.Channels({"bank": payments.HttpBankChannel(sys.argv[2])})
    async with Database(sys.argv[1], role="huitong_app") as database:
        print("ready", flush=True)
        while True:
            await payments.settle_channel_orders(
                database, channels, clock=SystemClock(), limit=3
            )
            await asyncio.sleep(0.01)

asyncio.run(work())
"""


async def test_killed_again_and_again_a_worker_pays_each_order_once(
    town: "Town", owner_url: str, new_id
) -> None:
    dice = random.Random(4711)
    simulator = payments.SimulatedChannel("bank", result_seconds=0.02)
    now = SystemClock().now()
    wang = await town.add_customer("王芳", "300.00")
    orders = [
        await town.run(
            payments.request_withdrawal,
            order_id=new_id(now),
            account_id=wang.account_id,
            amount=Money.parse("10.00", "CNY"),
            now=now,
        )
        for _ in range(20)
    ]
    async with serve_inside(simulator.application()) as url:
        arguments = [sys.executable, "-c", WORKER, owner_url, url]
        for kill in range(KILLS + 1):
            worker = await asyncio.create_subprocess_exec(
                *arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            assert worker.stdout is not None
            assert await worker.stdout.readline() == b"ready\n"
            if kill < KILLS:
                await asyncio.sleep(dice.uniform(0.0, 0.15))
            else:
                await wait_for_all(town, orders)
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(signal.SIGKILL)
            await worker.wait()
            # What a dead worker had taken is taken again at once, not in a minute.
            await town.database.run(
                lambda uow: uow.execute(
                    "UPDATE payments.channel_orders SET due_at = '2026-01-01T00:00:00Z'"
                    " WHERE state = 'sent'"
                )
            )
    assert [order.bookings for order in simulator.orders.values()] == [1] * 20
    assert await town.balance(wang.account_id) == "100.00"
    assert await town.own("channel") == "100.00"
    await town.check_ties()


async def wait_for_all(town: "Town", orders: list[payments.Order]) -> None:
    async with asyncio.timeout(60):
        while True:
            found = [await town.read(payments.get_order, order.id) for order in orders]
            if all(each.status is payments.OrderStatus.SUCCEEDED for each in found):
                return
            await asyncio.sleep(0.1)
