"""The poster and those who pay one after the other: half of them do not go without the rest."""

import asyncio
from dataclasses import dataclass, field

from huitong.kernel import limits
from huitong.kernel.idempotency import StoredReply
from huitong.ledger import Job, Poster


@dataclass(eq=False)
class Counter:
    """A writer that posts what it is given, and notes how many requests each batch has."""

    sizes: list[int] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self, connection, payloads, *, now):
        self.sizes.append(len(payloads))
        self.began.set()
        return payloads

    def answer(self, payload, result):
        return StoredReply(200, str(result.verdict).encode())

    def list_statements(self, posted, refused):
        return []


async def pay(bench, counter, poster, payments: int, *, anna: int, shop: int) -> None:
    for _ in range(payments):
        payload = bench.request(bench.transfer(anna, shop, 1))
        await poster.submit(Job(writer=counter, payload=payload))


async def run_two_halves(bench, half: int, *, again: int) -> list[int]:
    """Return the sizes of batches: `half` callers, and so many that come while they are posted."""
    anna, shop = await bench.open_wallet(100), await bench.open()
    counter, poster = Counter(), Poster(bench.database, clock=bench.clock, posters=1)
    await poster.start()
    async with asyncio.TaskGroup() as callers:
        for _ in range(half):
            callers.create_task(pay(bench, counter, poster, 1 + again, anna=anna, shop=shop))
        await counter.began.wait()
        for _ in range(half):
            callers.create_task(pay(bench, counter, poster, 1, anna=anna, shop=shop))
    await poster.stop()
    paid = half * (2 + again)
    assert await bench.totals(anna, shop) == [(paid, 100, 0, 0), (0, paid, 0, 0)]
    return counter.sizes


async def test_posts_those_it_has_just_answered_with_those_who_waited(bench, monkeypatch):
    monkeypatch.setattr(limits, "BATCH_GATHER_SECONDS_MAX", 60.0)

    assert await run_two_halves(bench, 8, again=1) == [8, 16]


async def test_waits_a_moment_at_most_for_those_who_do_not_come_back(bench):
    assert await run_two_halves(bench, 8, again=0) == [8, 8]


async def test_does_not_wait_where_few_come(bench, monkeypatch):
    monkeypatch.setattr(limits, "BATCH_GATHER_SECONDS_MAX", 60.0)

    assert await run_two_halves(bench, 7, again=1) == [7, 7, 7]


async def test_stops_while_it_waits(bench, monkeypatch):
    monkeypatch.setattr(limits, "BATCH_GATHER_SECONDS_MAX", 60.0)
    anna, shop = await bench.open_wallet(100), await bench.open()
    counter, poster = Counter(), Poster(bench.database, clock=bench.clock, posters=1)
    await poster.start()
    many = [pay(bench, counter, poster, 1, anna=anna, shop=shop) for _ in range(8)]
    await asyncio.gather(*many)
    late = asyncio.create_task(pay(bench, counter, poster, 1, anna=anna, shop=shop))
    await asyncio.sleep(0)

    await poster.stop()

    await late
    assert counter.sizes == [8, 1]
    assert await bench.totals(shop) == [(0, 9, 0, 0)]
